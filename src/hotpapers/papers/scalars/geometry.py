"""From named columns to vectors, invariants and a basis: everything of a model in which the group is seen.

What changes its sign under a reflection is ``odd``: an odd coefficient goes with an odd basis element, so that their
product is even. Without odd columns O(d) needs no determinants (Proposition 4), and SO(d) has no odd ones at all.
"""

import dataclasses
import math
from typing import Literal

import torch
from torch import Tensor

from hotpapers.papers.scalars.products import choices, crosses, generalised_cross, inner, minors, upper
from hotpapers.papers.scalars.schema import Field, Schema, Table

Features = Literal["gram", "norms", "cosines", "root", "rbf"]
MOST = 4096  # features, or basis elements
TINY = 1e-6  # under square roots, so that the slope at 0 is finite


@dataclasses.dataclass
class Frame:
    """A batch as the group leaves it: vectors to combine, and invariants to combine them with.

    Attributes
    ----------
    vectors, odd_vectors
        (B, n, d), and n booleans.
    scalars, odd_scalars
        (B, m), and m booleans.
    """

    vectors: Tensor
    odd_vectors: Tensor
    scalars: Tensor
    odd_scalars: Tensor


class Geometry:
    """What a schema's inputs give for its outputs; without weights.

    Parameters
    ----------
    schema
        Inputs, outputs and group.
    features
        ``gram``: the products. ``norms``: and the lengths. ``cosines``: lengths and angles. ``root``: the square root
        of the Gram matrix, which distorts distances little. ``rbf``: as ``gram``; the model widens each to bumps.
    economy
        Only the products with the first d vectors (or d − 1 and what ties them): n d numbers that give all others.

    Raises
    ------
    ValueError
        If that would be too many invariants, or these features are not for that group.
    """

    def __init__(self, schema: Schema, features: Features = "gram", economy: bool = False) -> None:
        self.schema, self.features, self.economy = schema, features, economy
        self.group = schema.group
        self.eta = torch.tensor(self.group.metric, dtype=torch.float64)
        odd = any(field.odd for field in schema.fields)
        self.parity = self.group.reflections and odd  # a sign must be kept account of
        self.volumes = odd or not self.group.reflections  # determinants and cross products take part
        if features in ("cosines", "root") and self.group.lorentzian:
            raise ValueError(
                f"{features} need lengths, and {self.group.name} has vectors of negative square: take gram"
            )
        n, d = self.counts()[0], self.group.dimension
        size = n * (n + 1) // 2 + (math.comb(n, d) + math.comb(n, d - 1) if self.volumes else 0)
        if size > MOST:
            raise ValueError(f"{n} vectors have {size} invariants; at most {MOST} are taken: name identical particles "
                             "with permute")  # fmt: skip

    def counts(self) -> tuple[int, int]:
        """Return how many vectors and how many scalars (beside products) there are."""
        vectors = sum(field.many for field in self.schema.inputs if field.order == 1)
        tensors = sum(field.many for field in self.schema.inputs if field.order == 2)
        scalars = sum(field.many for field in self.schema.inputs if field.order == 0)
        return vectors + 2 * tensors * vectors, scalars + 3 * tensors

    def frame(self, rows: Table) -> Frame:
        """Return a batch of inputs, positions already taken from their reference, as vectors and scalars.

        A tensor T comes in by its traces and by what it makes of the vectors: T η v and Tᵀ η v.
        """
        inputs, d = self.schema.inputs, self.group.dimension
        flat = {field: rows[field.name].reshape(-1, field.many, *(d,) * field.order) for field in inputs}
        some = next(iter(flat.values()))
        empty = [some.new_zeros(len(some), 0, d), some.new_zeros(len(some), 0)]
        v = torch.cat([empty[0], *(value for field, value in flat.items() if field.order == 1)], 1)
        s = torch.cat([empty[1], *(value for field, value in flat.items() if field.order == 0)], 1)
        odd_v = [field.odd for field in inputs if field.order == 1 for _ in range(field.many)]
        odd_s = [field.odd for field in inputs if field.order == 0 for _ in range(field.many)]
        vectors, scalars, eta = [v], [s], self.eta.to(v)
        tensors = [T @ eta.diag() for field, value in flat.items() if field.order == 2 for T in value.unbind(1)]
        for T in tensors:
            turned = eta[:, None] * T.mT * eta  # Tᵀ η of T η
            vectors += [v @ T.mT, v @ turned.mT]
            scalars.append(torch.stack([_trace(each) for each in (T, T @ T, T @ turned)], -1))
        flags = {"dtype": torch.bool, "device": v.device}
        odd_vectors = torch.tensor(odd_v * (1 + 2 * len(tensors)), **flags)
        odd_scalars = torch.tensor(odd_s + [False] * 3 * len(tensors), **flags)
        return Frame(torch.cat(vectors, 1), odd_vectors, torch.cat(scalars, 1), odd_scalars)

    def invariants(self, frame: Frame) -> tuple[Tensor, Tensor]:
        """Return the invariants (B, k) and which of them a reflection turns round."""
        v, n = frame.vectors, frame.vectors.shape[1]
        gram = inner(v, v, self.eta.to(v))
        rows, columns = self._kept(n, v.device)
        odd = frame.odd_vectors
        parts = [(frame.scalars, frame.odd_scalars), (self._products(v, gram, rows, columns), odd[rows] ^ odd[columns])]
        if self.features in ("norms", "cosines"):
            square = gram.diagonal(dim1=-2, dim2=-1)
            parts.append(
                ((square.abs() + TINY**2).sqrt() * (square.sign() if self.group.lorentzian else 1), odd & False)
            )
        if self.volumes:
            chosen = choices(n, self.group.dimension, v.device)
            parts.append((minors(v), odd[chosen].sum(-1) % 2 == 0))
        values, flags = (torch.cat(each, -1) for each in zip(*parts, strict=True))
        return values, flags & self.parity

    def _products(self, v: Tensor, gram: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        if self.features == "root":
            U, sigma, _ = torch.linalg.svd(v, full_matrices=False)  # the root of V Vᵀ, null space and all, to rounding
            gram = U * sigma[..., None, :] @ U.mT
        if self.features == "cosines":
            length = (gram.diagonal(dim1=-2, dim2=-1) + TINY**2).sqrt()
            gram = gram / (length[..., None] * length[..., None, :])
        return gram[..., rows, columns]

    def names(self) -> list[str]:
        """Return the names of the invariants, in order."""
        v, s = self.vector_names(), self._names(0)
        for T in self._names(2):
            s += [f"tr {T}", f"tr {T}²", f"tr {T}{T}ᵀ"]
        a, b = (each.tolist() for each in self._kept(len(v)))
        mark = {"gram": "⟨{},{}⟩", "norms": "⟨{},{}⟩", "rbf": "⟨{},{}⟩", "cosines": "cos({},{})", "root": "√({},{})"}
        names = s + [mark[self.features].format(v[i], v[j]) for i, j in zip(a, b, strict=True)]
        names += [f"|{each}|" for each in v] if self.features in ("norms", "cosines") else []
        if self.volumes:
            names += ["det(" + ",".join(v[i] for i in c) + ")" for c in choices(len(v), self.group.dimension).tolist()]
        return names

    def basis_names(self, field: Field) -> list[str]:
        """Return the names of the basis elements of an output, in order."""
        if field.order == 0:
            return [""]
        v, d, twisted = self.vector_names(), self.group.dimension, []
        if self.volumes:
            twisted = ["ε(" + ",".join([*(v[i] for i in c), "·,·"]) + ")" for c in choices(len(v), d - 2).tolist()]
            v = v + ["×(" + ",".join(v[i] for i in c) + ")" for c in choices(len(v), d - 1).tolist()]
        return v if field.order == 1 else [*(f"{x}{y}ᵀ" for x in v for y in v), "1", *twisted]

    def vector_names(self) -> list[str]:
        """Return the names of the vectors, in order."""
        v = self._names(1)
        return v + [f"{T}{t}{x}" for T in self._names(2) for t in ("·", "ᵀ·") for x in v]

    def _names(self, order: int) -> list[str]:
        fields = [field for field in self.schema.inputs if field.order == order]
        return [f"{f.name}{k + 1}" if f.count else f.name for f in fields for k in range(f.many)]

    def _kept(self, n: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """Return which products are taken: all of the upper triangle, or the rows of the first d vectors."""
        rows, columns = upper(n, device)
        kept = rows < (self.group.dimension if self.economy else n)
        return rows[kept], columns[kept]

    def basis(self, frame: Frame, field: Field) -> tuple[Tensor, Tensor]:
        """Return what an output of ``field``'s kind is a combination of, (B, t, …), and which coefficients are odd."""
        v, odd = frame.vectors, frame.odd_vectors
        if field.order == 0:
            return v.new_ones(len(v), 1), torch.tensor([field.odd & self.parity], device=v.device)
        eta = self.eta.to(v)
        if self.volumes:
            chosen = choices(v.shape[1], self.group.dimension - 1, v.device)
            odd = torch.cat([odd, odd[chosen].sum(-1) % 2 == 0])
            v = torch.cat([v, crosses(frame.vectors, eta)], 1)
        if field.order == 1:
            return v, (odd ^ field.odd) & self.parity
        pairs = torch.einsum("bsi,btj->bstij", v, v).flatten(1, 2)
        unit = eta.diag().expand(len(v), 1, -1, -1)
        flags = torch.cat([(odd[:, None] ^ odd).flatten(), odd.new_zeros(1)])
        elements = [pairs, unit]
        if self.volumes:
            twisted, chosen = _twisted(frame.vectors, eta)
            elements.append(twisted)
            flags = torch.cat([flags, frame.odd_vectors[chosen].sum(-1) % 2 == 0])
        return torch.cat(elements, 1), flags & self.parity


def _twisted(v: Tensor, eta: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tensors ε(v₁, …, v_{d−2}, ·, ·) of all choices: in two dimensions ε itself."""
    n, d = v.shape[-2:]
    chosen = choices(n, d - 2, v.device)
    head = v[:, chosen][:, :, None].expand(-1, -1, d, -1, -1)  # B c d (d-2) d
    last = torch.eye(d, dtype=v.dtype, device=v.device)[:, None].expand(*head.shape[:2], d, 1, d)
    return generalised_cross(torch.cat([head, last], -2), eta) * eta[:, None], chosen


def _trace(T: Tensor) -> Tensor:
    return T.diagonal(dim1=-2, dim2=-1).sum(-1)
