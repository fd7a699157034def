"""Identical particles: one network sees them two by two, and everything is summed over the others (section 6).

For particle i, hᵢ = a(ownᵢ, Σ_{j≠i} φ(ownᵢ, ownⱼ, products of i with j), whole). Coefficients of its vectors come from
hᵢ and Σ h, those of pairs of vectors from φ and both h: so the model is equivariant under permutations exactly.
"""

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from hotpapers.papers.scalars.networks import MLP, Activation, Standardise
from hotpapers.papers.scalars.products import inner, upper
from hotpapers.papers.scalars.schema import MASK, Field, Schema, Table

TINY = 1e-6


class PairNet(nn.Module):
    """A network on pairs of identical particles.

    Parameters
    ----------
    schema
        Inputs, outputs and a group with reflections; without odd columns, so that products are all there is.
    names
        The inputs that belong to the particles, all of one count. An output of that count goes with the particles.
    norms
        Whether lengths stand beside the products.
    width, depth, activation
        Of the networks.
    """

    eta: Tensor

    def __init__(
        self, schema: Schema, names: tuple[str, ...], width: int, depth: int, norms: bool, activation: Activation
    ) -> None:
        super().__init__()
        self.schema, self.norms, d = schema, norms, schema.group.dimension
        self.own = tuple(field for field in schema.inputs if field.name in names)
        self.shared = tuple(field for field in schema.inputs if field.name not in names)
        self.number = _check(schema, self.own)
        self.register_buffer("eta", torch.tensor(schema.group.metric, dtype=torch.float32), persistent=False)
        sizes = self._sizes()
        self.heads = {field.name: sizes[field.name] for field in schema.outputs}
        seen = self._seen({field.name: torch.zeros(1, *field.shape(d)) for field in schema.inputs})
        own, pair, whole = (each.shape[-1] for each in seen[2:])
        self.of_own, self.of_pair, self.of_whole = Standardise(own), Standardise(pair), Standardise(whole)
        self.from_i, self.from_j = nn.Linear(own, width), nn.Linear(own, width, bias=False)
        self.from_pair = nn.Linear(pair, width, bias=False)
        self.message = MLP(width, width, width, max(depth - 3, 0), activation)
        self.particle = MLP(own + width + whole, width, width, 0, activation)
        one, two, all_ = (sum(each[k] for each in self.heads.values()) for k in range(3))
        self.one = MLP(2 * width + whole, one, width, 0, activation)
        self.two = MLP(2 * width, two, width, 0, activation) if two else None
        self.all = MLP(width + whole, all_, width, 0, activation)

    def calibrate(self, rows: Table) -> None:
        """Take the spread of the invariants from a sample."""
        present = self._mask(rows)
        _, _, own, pair, whole = self._seen(rows)
        pairs = _others(present[:, :, None] & present[:, None, :])
        for standardise, values in ((self.of_own, own[present]), (self.of_pair, pair[pairs]), (self.of_whole, whole)):
            if len(values):
                standardise.calibrate(values, torch.zeros(values.shape[-1], dtype=torch.bool))

    def forward(self, rows: Table) -> Table:
        """Return every output as a sum over particles, pairs of them, and what all share."""
        v, g, own, pair, whole = self._seen(rows)
        own, pair, whole = self.of_own(own), self.of_pair(pair), self.of_whole(whole)
        here = self._mask(rows).to(v)
        pairs = _others(here[:, :, None] * here[:, None, :])
        first = _others(self.from_i(own)[:, :, None] + self.from_j(own)[:, None]) + self.from_pair(pair)
        phi = self.message(nn.functional.silu(first)) * pairs[..., None]  # B N N−1 w
        spread = whole[:, None].expand(-1, self.number, -1)
        h = self.particle(torch.cat([own, phi.sum(2), spread], -1)) * here[..., None]  # B N w
        pooled = h.sum(1)
        one = self.one(torch.cat([h, pooled[:, None].expand_as(h), spread], -1)) * here[..., None]
        two = None
        if self.two is not None:
            both = _others(h[:, :, None] * h[:, None])
            two = self.two(torch.cat([phi, both], -1)) * pairs[..., None]
        all_ = self.all(torch.cat([pooled, whole], -1))
        return self._outputs(v, g, one, two, all_)

    def _seen(self, rows: Table) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return the particles' vectors (B, N, k, d), the shared ones, and invariants of one, of two, and of all."""
        d = self.schema.group.dimension
        v = _stack(rows, self.own, 1, (self.number, -1, d), 2, self.number)
        s = _stack(rows, self.own, 0, (self.number, -1), 2, self.number)
        g = _stack(rows, self.shared, 1, (-1, d), 1)
        u = _stack(rows, self.shared, 0, (-1,), 1)
        eta = self.eta.to(v)
        a, b = upper(v.shape[2], v.device)
        square = inner(v, v, eta)
        own = [s, square[..., a, b], inner(v, g[:, None], eta).flatten(2)]
        c, e = upper(g.shape[1], g.device)
        whole = [u, inner(g, g, eta)[..., c, e]]
        if self.norms:
            length = square.diagonal(dim1=-2, dim2=-1)
            own.append((length.abs() + TINY**2).sqrt() * length.sign())
        pair = _others(inner(v[:, :, None], v[:, None], eta).flatten(3))
        if self.norms:
            apart = _others(v[:, :, None] - v[:, None])
            far = (apart.square() * eta).sum(-1)
            pair = torch.cat([pair, (far.abs() + TINY**2).sqrt() * far.sign()], -1)
        return v, g, torch.cat(own, -1), pair, torch.cat(whole, -1)

    def _mask(self, rows: Table) -> Bool[Tensor, "B N"]:
        first = rows[self.own[0].name]
        found = rows.get(MASK)
        return first.new_ones(len(first), self.number).bool() if found is None else found.bool()

    def _sizes(self) -> dict[str, tuple[int, int, int]]:
        """Return for every output how many coefficients come from one particle, from two, and from all."""
        k, shared = sum(field.order for field in self.own), sum(field.order * field.many for field in self.shared)
        found = {}
        for field in self.schema.outputs:
            each = field.count == self.number
            if field.order == 0:
                found[field.name] = (1, 0, 0) if each else (0, 0, field.many)
            elif field.order == 1:
                found[field.name] = (k + shared, k, 0) if each else (k * field.many, 0, shared * field.many)
            else:
                found[field.name] = (k * k + 2 * k * shared, k * k, 1 + shared**2)
        return found

    def _outputs(self, v: Tensor, g: Tensor, one: Tensor, two: Tensor | None, all_: Tensor) -> Table:
        found, at = {}, [0, 0, 0]
        for field in self.schema.outputs:
            sizes = self.heads[field.name]
            parts = [
                None if whole is None else whole[..., start : start + size]
                for whole, start, size in zip((one, two, all_), at, sizes, strict=True)
            ]
            at = [start + size for start, size in zip(at, sizes, strict=True)]
            found[field.name] = self._output(field, v, g, *parts)
        return found

    def _output(self, field: Field, v: Tensor, g: Tensor, one: Tensor, two: Tensor, all_: Tensor) -> Tensor:
        k, each = v.shape[2], field.count == self.number
        if field.order == 0:
            return one[..., 0] if each else all_.reshape(-1, *field.shape(0))
        if field.order == 1 and each:
            here = torch.einsum("bnk,bnkd->bnd", one[..., :k], v) + one[..., k:] @ g
            return here + torch.einsum("bnmk,bnmkd->bnd", two, _others(v[:, None].expand(-1, self.number, -1, -1, -1)))
        if field.order == 1:
            summed = torch.einsum("bnmk,bnkd->bmd", one.unflatten(-1, (field.many, k)), v)
            shared = all_.unflatten(-1, (field.many, g.shape[1])) @ g
            return (summed + shared).reshape(len(v), *field.shape(v.shape[-1]))
        own, mixed = one[..., : k * k].unflatten(-1, (k, k)), one[..., k * k :].unflatten(-1, (2, k, g.shape[1]))
        T = torch.einsum("bnkl,bnki,bnlj->bij", own, v, v)
        others = _others(v[:, None].expand(-1, self.number, -1, -1, -1))  # B N N−1 k d
        T = T + torch.einsum("bnmkl,bnki,bnmlj->bij", two.unflatten(-1, (k, k)), v, others)
        T = T + torch.einsum("bnkg,bnki,bgj->bij", mixed[:, :, 0], v, g)
        T = T + torch.einsum("bnkg,bnkj,bgi->bij", mixed[:, :, 1], v, g)
        T = T + torch.einsum("bgh,bgi,bhj->bij", all_[:, 1:].unflatten(-1, (g.shape[1], g.shape[1])), g, g)
        return T + all_[:, 0, None, None] * self.eta.to(v).diag()


def particle_fields(schema: Schema, permute: str) -> tuple[str, ...]:
    """Return the names in ``permute``, or raise ``ValueError`` where one is no input."""
    names = tuple(name.strip() for name in permute.split(",") if name.strip())
    inputs = {field.name for field in schema.inputs}
    if wrong := next((name for name in names if name not in inputs), None):
        raise ValueError(f"permute names {wrong!r}, which is no input; the inputs are {', '.join(sorted(inputs))}")
    return names


def _others(x: Tensor) -> Tensor:
    """Return (B, N, N, …) without its diagonal, (B, N, N − 1, …): of each particle with all the others."""
    number = x.shape[1]
    shifted = x.flatten(1, 2)[:, 1:].unflatten(1, (number - 1, number + 1))  # a row on, each diagonal entry is last
    return shifted[:, :, :-1].reshape(len(x), number, number - 1, *x.shape[3:])


def _check(schema: Schema, own: tuple[Field, ...]) -> int:
    counts = {field.count for field in own}
    if len(counts) != 1 or counts <= {0, 1}:
        raise ValueError("the inputs in permute must all have the same number, and that above 1")
    if not schema.group.reflections or any(field.odd for field in schema.fields):
        raise ValueError("identical particles are for groups with reflections and columns that are not pseudo: take "
                         "O(d), E(d), O(1,d) or Poincare(1,d)")  # fmt: skip
    if any(field.order == 2 for field in schema.inputs) or any(f.order == 2 and f.count for f in schema.outputs):
        raise ValueError("beside identical particles there may be one tensor output, and no tensor inputs")
    return counts.pop()


def _stack(
    rows: Table, fields: tuple[Field, ...], order: int, shape: tuple[int, ...], axis: int, number: int = 0
) -> Tensor:
    """Join the fields of an order along ``axis``; with ``number`` each has an axis of particles before it."""
    some = next(iter(rows.values()))
    empty = some.new_zeros(len(some), *(0 if size == -1 else size for size in shape))
    chosen = [rows[field.name] for field in fields if field.order == order]
    return torch.cat([empty, *(value.reshape(len(value), *shape) for value in chosen)], axis)
