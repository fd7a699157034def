"""Few scalars suffice: the Gram matrix of n vectors in d dimensions has rank d, so about n d entries give all.

The products with d independent vectors are enough (their block W and the strip C): G = C W⁻¹ Cᵀ. From a Gram matrix the
vectors themselves come back up to one element of the group: by Cholesky where it is positive, else by eigenvectors.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.papers.scalars.products import inner


def few_scalars(v: Float[Tensor, "*b n d"], eta: Float[Tensor, " d"]) -> Float[Tensor, "*b n d"]:
    """Return the strip C: the products of all vectors with the first d, n d − d(d−1)/2 of them different."""
    return inner(v, v[..., : v.shape[-1], :], eta)


def complete(strip: Float[Tensor, "*b n d"]) -> Float[Tensor, "*b n n"]:
    """Return the whole Gram matrix G = C W⁻¹ Cᵀ, where W, the first d rows of C, can be inverted."""
    return strip @ torch.linalg.solve(strip[..., : strip.shape[-1], :], strip.mT)


def vectors_from_gram(gram: Float[Tensor, "*b n n"], eta: Float[Tensor, " d"]) -> Float[Tensor, "*b n d"]:
    """Return vectors whose products are ``gram``: those that it was made of, up to one element of O(d) or O(1, d).

    Positive metric: the Cholesky factor of the first d rows, carried on to the others. Indefinite: W = U diag(λ) Uᵀ has
    the signs of η (Sylvester), so U √|λ| with its columns in η's order are the first d vectors.
    """
    d = len(eta)
    W, strip = gram[..., :d, :d], gram[..., :d]
    if bool((eta > 0).all()):
        L = torch.linalg.cholesky(W)
        return torch.linalg.solve_triangular(L, strip.mT, upper=False).mT
    values, axes = torch.linalg.eigh(W)  # ascending: the negative ones first
    order = torch.argsort(torch.argsort(eta, stable=True), stable=True)
    values, axes = values[..., order], axes[..., :, order]
    first = axes * values.abs().sqrt()[..., None, :]
    return torch.linalg.solve(first * eta, strip.mT).mT


def how_many(n: int, d: int) -> tuple[int, int]:
    """Return how many products there are, and how many suffice."""
    return n * (n + 1) // 2, n * d - d * (d - 1) // 2 if n >= d else n * (n + 1) // 2
