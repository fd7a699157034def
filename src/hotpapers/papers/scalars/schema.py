"""Schemas: what each column of a table is, such as ``m: 5 scalar, r: 5 vector[3], g: vector -> I: tensor``.

Kinds: ``scalar``; ``vector``, turned by the group; ``position``, turned and shifted; ``pseudovector`` and
``pseudoscalar``, which take the sign of a reflection besides (torque, magnetic field); ``tensor``, of order two. A
number before the kind says how many there are (a scalar of 5 is an array of 5).
"""

import dataclasses
import re

import torch
from torch import Tensor

from hotpapers.papers.scalars.groups import Element, Group

Table = dict[str, Tensor]
MASK = "mask"  # the name under which rows may say which of the identical particles are there, (B, N) booleans
KINDS = ("scalar", "pseudoscalar", "vector", "pseudovector", "position", "tensor")
AXES = "txyz"
MAX_COUNT = 512


@dataclasses.dataclass(frozen=True)
class Field:
    """One entry of a schema; ``count`` is 0 for a single one without an axis of its own."""

    name: str
    kind: str
    count: int

    @property
    def many(self) -> int:
        """How many there are."""
        return self.count or 1

    @property
    def order(self) -> int:
        """How many axes of the group's dimension one of them has."""
        return {"scalar": 0, "pseudoscalar": 0, "tensor": 2}.get(self.kind, 1)

    @property
    def odd(self) -> bool:
        """Whether a reflection changes its sign besides turning it."""
        return self.kind.startswith("pseudo")

    def shape(self, dimension: int) -> tuple[int, ...]:
        """Return the shape of one row."""
        return (self.count,) * bool(self.count) + (dimension,) * self.order

    def columns(self, dimension: int, lorentzian: bool = False) -> list[str]:
        """Return the names of its columns: ``r1_x, r1_y, …`` up to three dimensions, else ``r1_1, r1_2, …``."""
        letters = AXES if lorentzian else AXES[1:]
        axes = list(letters[:dimension]) if dimension <= len(letters) else [str(k + 1) for k in range(dimension)]
        ends = {0: [""], 1: [f"_{a}" for a in axes], 2: [f"_{a}{b}" for a in axes for b in axes]}[self.order]
        names = [f"{self.name}{k + 1}" for k in range(self.count)] if self.count else [self.name]
        return [name + end for name in names for end in ends]


@dataclasses.dataclass(frozen=True)
class Schema:
    """Inputs, outputs, and the group that moves them."""

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    group: Group

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields."""
        return self.inputs + self.outputs

    def act(self, element: Element, rows: Table) -> Table:
        """Return the rows moved by one group element for each row."""
        kinds = {field.name: field for field in self.fields}
        return {name: act(element, kinds[name], value) if name in kinds else value for name, value in rows.items()}


def schema(text: str, group: Group, *, outputs: bool = True) -> Schema:
    """Read a schema; the fields after ``->`` are outputs.

    Raises
    ------
    ValueError
        Naming the entry that cannot be read, or a number or kind that the group has no use for.
    """
    left, arrow, right = text.partition("->")
    if outputs and not arrow:
        raise ValueError("the schema has no '->': write the inputs, then '->', then the outputs")
    found = Schema(tuple(_fields(left, group)), tuple(_fields(right, group)) if arrow else (), group)
    names = [field.name for field in found.fields]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"the schema names {twice!r} twice")
    if not found.inputs or (outputs and not found.outputs):
        raise ValueError("the schema needs an input and an output at least")
    if any(f.kind == "position" for f in found.outputs) and not any(f.kind == "position" for f in found.inputs):
        raise ValueError("a position is asked for, and no input is one to tell where")
    columns = [c for field in found.fields for c in field.columns(group.dimension, group.lorentzian)]
    if twice := next((name for name in columns if columns.count(name) > 1), None):
        raise ValueError(f"two fields of the schema would have the column {twice!r}; rename one")
    return found


def act(element: Element, field: Field, value: Tensor) -> Tensor:
    """Return a field's values (rows first) moved by one element a row: the representation that its kind names."""
    A, moved = element.A.to(value), value
    if field.order == 1:
        moved = torch.einsum("bij,b...j->b...i", A, value)
    elif field.order == 2:
        moved = torch.einsum("bij,b...jk,blk->b...il", A, value, A)
    if field.kind == "position":
        moved = moved + element.shift.to(value).reshape(len(value), *(1,) * (value.dim() - 2), -1)
    if field.odd:
        moved = moved * element.parity.to(value).reshape(-1, *(1,) * (value.dim() - 1))
    return moved


def centred(schema: Schema, rows: Table) -> tuple[Table, Tensor | None]:
    """Return the inputs, positions as vectors from their mean, and that mean (B, d) where there are any."""
    positions = [field for field in schema.inputs if field.kind == "position"]
    found = {field.name: rows[field.name] for field in schema.inputs}
    if not positions:
        return found, None
    points = torch.cat([rows[field.name].reshape(-1, field.many, schema.group.dimension) for field in positions], 1)
    reference = points.mean(1)
    if (mask := rows.get(MASK)) is not None:
        here = [mask if field.count == mask.shape[1] else mask.new_ones(len(points), field.many) for field in positions]
        weight = torch.cat(here, 1).to(points)[..., None]
        reference = (points * weight).sum(1) / weight.sum(1)
    for field in positions:
        found[field.name] = found[field.name] - beside(reference, found[field.name])
    return found, reference


def beside(reference: Tensor, value: Tensor) -> Tensor:
    """Return (B, d) as (B, …, d), to go with ``value``."""
    return reference.reshape(len(reference), *(1,) * (value.dim() - 2), -1)


def _fields(text: str, group: Group) -> list[Field]:
    return [_field(entry.strip(), group) for entry in re.split(r"[,;\n]", text) if entry.strip()]


def _field(entry: str, group: Group) -> Field:
    found = re.fullmatch(r"([A-Za-z_]\w{0,39})\s*:\s*(?:(\d{1,3})\s*[x×*]?\s*)?([a-z]+)s?(?:\[(\d+)\])?", entry)
    if not found or found[3].rstrip("s") not in KINDS:
        raise ValueError(f"cannot read {entry[:50]!r}; write NAME: KIND or NAME: NUMBER KIND, "
                         f"and KIND one of {', '.join(KINDS)}")  # fmt: skip
    name, kind = found[1], found[3].rstrip("s")
    if found[4] and int(found[4]) != group.dimension:
        raise ValueError(f"{name} has {found[4]} dimensions, but {group.name} turns vectors of {group.dimension}")
    if kind == "position" and not group.translations:
        raise ValueError(f"{name} is a position, but {group.name} has no translations: call it a vector, or take "
                         "E(d) or Poincare(1,d)")  # fmt: skip
    if found[2] is not None and not 1 <= int(found[2]) <= MAX_COUNT:
        raise ValueError(f"{name} is given {found[2]} times; 1 to {MAX_COUNT} can be")
    return Field(name, kind, int(found[2] or 0))
