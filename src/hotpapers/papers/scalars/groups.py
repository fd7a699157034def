"""Groups: what leaves scalar products alone, each with its metric, and random elements of it.

A group is a diagonal metric η of ±1, whether it holds reflections (determinant −1), and whether it holds translations.
"""

import dataclasses
import re

import torch
from jaxtyping import Float
from torch import Tensor

MAX_DIMENSION = 64
_FAMILIES = {  # name → (η has a time axis, reflections, translations)
    "O": (None, True, False),
    "SO": (None, False, False),
    "E": (False, True, True),
    "SE": (False, False, True),
    "Lorentz": (True, True, False),
    "SLorentz": (True, False, False),
    "Poincare": (True, True, True),
    "SPoincare": (True, False, True),
}


@dataclasses.dataclass(frozen=True)
class Element:
    """A group element x ↦ A x + shift; ``parity`` is det A = ±1."""

    A: Float[Tensor, "*b d d"]
    shift: Float[Tensor, "*b d"]
    parity: Float[Tensor, " *b"]


@dataclasses.dataclass(frozen=True)
class Group:
    """A group of linear maps that keep xᵀ η y, and of translations where it has them.

    Attributes
    ----------
    name
        As ``group`` reads it.
    metric
        The diagonal of η.
    reflections
        Whether maps of determinant −1 belong to it; then determinants and cross products are no invariants.
    translations
        Whether positions may be shifted, all together.
    """

    name: str
    metric: tuple[int, ...]
    reflections: bool
    translations: bool

    @property
    def dimension(self) -> int:
        """The dimension of its vectors: d, or 1 + d with a time axis."""
        return len(self.metric)

    @property
    def lorentzian(self) -> bool:
        """Whether the metric is indefinite."""
        return -1 in self.metric

    def sample(self, count: int, generator: torch.Generator, rapidity: float = 2.0) -> Element:
        """Return ``count`` random elements in float64: Haar-distributed rotations, boosts up to ``rapidity``."""
        d = self.dimension
        spatial = d - 1 if self.lorentzian else d
        A = torch.eye(d, dtype=torch.float64).repeat(count, 1, 1)
        A[:, d - spatial :, d - spatial :] = _orthogonal(count, spatial, generator)
        if self.lorentzian:
            A[:, 0, 0] = torch.randint(2, (count,), generator=generator).double() * 2 - 1  # time may be turned round
            A = _boost(count, spatial, rapidity, generator) @ A
        parity = torch.linalg.det(A).sign()
        if not self.reflections:
            A[:, :, -1] *= parity[:, None]  # turns a reflection into a proper map, a boost stays a boost
            parity = torch.ones_like(parity)
        shift = torch.randn(count, d, generator=generator, dtype=torch.float64) * (3.0 if self.translations else 0.0)
        return Element(A, shift, parity)


def group(name: str) -> Group:
    """Return the group called ``name``: O(3), SO(3), E(3), SE(3), O(1,3), SO(1,3), Poincaré(1,3), SPoincaré(1,3).

    Raises
    ------
    ValueError
        If there is no such group.
    """
    plain = name.strip().replace("é", "e").replace(" ", "")
    found = re.fullmatch(r"(IO|ISO|O|SO|E|SE|Lorentz|S?Poincare)\((?:(1),)?(\d{1,3})\)", plain, re.IGNORECASE)
    wrong = f"there is no group {name[:40]!r}; name one like O(3), SO(3), E(3), SE(3), O(1,3), SO(1,3), Poincare(1,3)"
    if not found:
        raise ValueError(wrong)
    family, time, space = found[1], bool(found[2]), int(found[3])
    family = {"IO": "Poincare" if time else "E", "ISO": "SPoincare" if time else "SE"}.get(family.upper(), family)
    family = next(each for each in _FAMILIES if each.lower() == family.lower())
    if time and family in ("O", "SO"):
        family = "Lorentz" if family == "O" else "SLorentz"
    wants_time, reflections, translations = _FAMILIES[family]
    if bool(wants_time) != time or not 1 <= space <= MAX_DIMENSION or time + space < 2:
        raise ValueError(wrong)
    metric = (1,) + (-1,) * space if time else (1,) * space
    shown = {"Lorentz": "O", "SLorentz": "SO"}.get(family, family)
    return Group(f"{shown}({'1,' if time else ''}{space})", metric, reflections, translations)


def _orthogonal(count: int, d: int, generator: torch.Generator) -> Float[Tensor, "count d d"]:
    q, r = torch.linalg.qr(torch.randn(count, d, d, generator=generator, dtype=torch.float64))
    return q * r.diagonal(dim1=-2, dim2=-1).sign()[:, None, :]


def _boost(count: int, spatial: int, rapidity: float, generator: torch.Generator) -> Float[Tensor, "count D D"]:
    """Exp of a boost's generator: cosh along time and direction, sinh between them."""
    n = torch.nn.functional.normalize(torch.randn(count, spatial, generator=generator, dtype=torch.float64), dim=-1)
    phi = torch.rand(count, generator=generator, dtype=torch.float64) * rapidity
    B = torch.eye(spatial + 1, dtype=torch.float64).repeat(count, 1, 1)
    B[:, 0, 0] = phi.cosh()
    B[:, 0, 1:] = B[:, 1:, 0] = phi.sinh()[:, None] * n
    B[:, 1:, 1:] += (phi.cosh() - 1)[:, None, None] * n[:, :, None] * n[:, None, :]
    return B
