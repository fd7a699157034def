"""The paper's three regression tasks (section 7, after Finzi et al. 2021) and two that a reflection decides.

A task is a schema, a group and a function that draws inputs and labels; the formulas are the labels' own closed forms.
"""

import dataclasses
import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hotpapers.papers.scalars.products import generalised_cross, inner

Table = dict[str, Tensor]
TEST_SEED = 1_000_003  # far from every seed that a run has


@dataclasses.dataclass(frozen=True)
class Task:
    """A regression task: ``schema`` names the columns, ``group`` the symmetry, ``draw`` makes ``count`` rows."""

    name: str
    schema: str
    group: str
    draw: Callable[[int, torch.Generator], Table]
    permute: str = ""

    def sample(self, count: int, seed: int, dtype: torch.dtype = torch.float32) -> Table:
        """Return ``count`` rows: in float64 from ``seed``, then rounded, so that both precisions see the same data."""
        rows = self.draw(count, torch.Generator().manual_seed(seed))
        return {name: column.to(dtype) for name, column in rows.items()}


def draw_norms(count: int, generator: torch.Generator) -> Table:
    """Task 1, O(5)-invariant: f = sin|x₁| − |x₂|³/2 + ⟨x₁,x₂⟩/(|x₁||x₂|), x ~ N(0, I₅)."""
    x = _normal(count, 2, 5, generator=generator)
    return {"x": x, "f": norms_label(x)}


def norms_label(x: Float[Tensor, "B 2 5"]) -> Float[Tensor, " B"]:
    """Return task 1's label."""
    (first, second), product = x.norm(dim=-1).unbind(-1), (x[:, 0] * x[:, 1]).sum(-1)
    return first.sin() - second**3 / 2 + product / (first * second)


def draw_inertia(count: int, generator: torch.Generator) -> Table:
    """Task 2, O(3)-equivariant: the moment of inertia of five point masses about the origin."""
    r, m = _normal(count, 5, 3, generator=generator), F.softplus(_normal(count, 5, generator=generator))
    return {"m": m, "r": r, "I": inertia_label(m, r)}


def inertia_label(m: Float[Tensor, "B n"], r: Float[Tensor, "B n d"]) -> Float[Tensor, "B d d"]:
    """I = Σᵢ mᵢ (|rᵢ|² 1 − rᵢ rᵢᵀ)."""
    about = torch.einsum("bn,bnd,bnd->b", m, r, r)
    return about[:, None, None] * torch.eye(r.shape[-1], dtype=r.dtype) - torch.einsum("bn,bnd,bne->bde", m, r, r)


def draw_scattering(count: int, generator: torch.Generator) -> Table:
    """Task 3, Lorentz-invariant: the matrix element of electron-muon scattering, p ~ N(0, 1)/4 and so off shell."""
    p = _normal(count, 4, 4, generator=generator) / 4
    return {"p": p, "M": scattering_label(p)}


def scattering_label(p: Float[Tensor, "B 4 4"]) -> Float[Tensor, " B"]:
    """Return task 3's label in the scalars sᵢⱼ = ⟨pᵢ, pⱼ⟩, degree 2 in six of the ten.

    The published label is 4 Σ Lₑ ∘ L_μ, not the symmetrised trace of electrodynamics.
    """
    eta = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=p.dtype)
    s = inner(p, p, eta)
    s11, s12, s13, s22, s24, s34 = s[:, 0, 0], s[:, 0, 1], s[:, 0, 2], s[:, 1, 1], s[:, 1, 3], s[:, 2, 3]
    electron, muon = s13 - s11, s24 - s22
    return 4 * (s12 * s34 - electron * s24 - muon * s13 + 4 * electron * muon)


def draw_cross(count: int, generator: torch.Generator) -> Table:
    """Draw v₁ × v₂: SO(3)-equivariant and at right angles to all that an O(3) model of v₁, v₂ can say."""
    v = _normal(count, 2, 3, generator=generator)
    return {"v": v, "w": generalised_cross(v, torch.ones(3, dtype=v.dtype))}


def draw_determinant(count: int, generator: torch.Generator) -> Table:
    """Draw det(v₁, v₂, v₃): SO(3)-invariant with variance 6, of which an O(3)-invariant model knows nothing."""
    v = _normal(count, 3, 3, generator=generator)
    return {"v": v, "f": torch.linalg.det(v)}


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("norms", "x: 2 vector[5] -> f: scalar", "O(5)", draw_norms),
        Task("inertia", "m: 5 scalar, r: 5 vector[3] -> I: tensor[3]", "O(3)", draw_inertia, permute="m, r"),
        Task("scattering", "p: 4 vector[4] -> M: scalar", "O(1,3)", draw_scattering),
        Task("cross", "v: 2 vector[3] -> w: vector[3]", "SO(3)", draw_cross),
        Task("determinant", "v: 3 vector[3] -> f: scalar", "SO(3)", draw_determinant),
    )
}
CROSS_FLOOR = 2.0  # E|v₁ × v₂|² / 3 for standard normals: what a model that can only answer 0 is left with
DETERMINANT_FLOOR = float(math.factorial(3))  # the variance of the determinant of a 3 x 3 standard normal matrix


def _normal(*shape: int, generator: torch.Generator) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)
