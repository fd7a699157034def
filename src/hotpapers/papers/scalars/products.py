"""Scalar products, and what parity adds: determinants and generalised cross products (Lemma 1, Propositions 4 and 5).

A metric is the diagonal η of ±1: all ones for O(d), (1, −1, …, −1) for the Lorentz group O(1, d).
"""

import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor


def inner(a: Float[Tensor, "*b m d"], b: Float[Tensor, "*b n d"], eta: Float[Tensor, " d"]) -> Float[Tensor, "*b m n"]:
    """Return all ⟨aᵢ, bⱼ⟩ = aᵢᵀ η bⱼ."""
    return (a * eta) @ b.mT


def minors(v: Float[Tensor, "*b n d"]) -> Float[Tensor, "*b c"]:
    """Return det(v_{i₁}, …, v_{i_d}) of all choices i₁ < … < i_d, in lexicographic order; none when n < d."""
    n, d = v.shape[-2:]
    chosen = choices(n, d, v.device)
    return torch.linalg.det(v[..., chosen, :]) if len(chosen) else v.new_zeros(*v.shape[:-2], 0)


def crosses(v: Float[Tensor, "*b n d"], eta: Float[Tensor, " d"]) -> Float[Tensor, "*b c d"]:
    """Return the generalised cross products of all d − 1 of the n vectors, in lexicographic order."""
    n, d = v.shape[-2:]
    chosen = choices(n, d - 1, v.device)
    return generalised_cross(v[..., chosen, :], eta) if len(chosen) else v.new_zeros(*v.shape[:-2], 0, d)


def generalised_cross(v: Float[Tensor, "*b e d"], eta: Float[Tensor, " d"]) -> Float[Tensor, "*b d"]:
    """Return the vector w of d − 1 vectors for which ⟨w, u⟩ = det(v₁, …, v_{d−1}, u) for every u.

    In three dimensions it is v₁ × v₂; under a linear map A that keeps η it becomes det(A) A w.
    """
    d = v.shape[-1]
    columns = torch.tensor([[k for k in range(d) if k != out] for out in range(d)], device=v.device)
    signs = torch.tensor([(-1.0) ** (d - 1 + out) for out in range(d)], dtype=v.dtype, device=v.device)
    cofactors = torch.linalg.det(v[..., columns].movedim(-2, -3))  # *b, d: without column `out`
    return cofactors * signs * eta


def choices(n: int, k: int, device: torch.device | None = None) -> Tensor:
    """Return all k of n as a tensor of shape (n choose k, k)."""
    chosen = list(itertools.combinations(range(n), k))
    return torch.tensor(chosen, dtype=torch.long, device=device).reshape(math.comb(n, k), k)


def upper(n: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Return the rows and columns of the n(n+1)/2 entries on and above the diagonal."""
    rows, columns = torch.triu_indices(n, n, device=device)
    return rows, columns
