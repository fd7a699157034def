"""The verb ``check``, and the measure: how far a function is from equivariance, at random group elements."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from hotpapers.errors import BadInput
from hotpapers.papers.scalars.predict import load_model
from hotpapers.papers.scalars.schema import Schema, Table, act
from hotpapers.papers.scalars.tables import read_table
from hotpapers.verbs import Model, Outcome, TableFile


@torch.no_grad()
def equivariance_error(
    function: Callable[[Table], Table], schema: Schema, rows: Table, *, rapidity: float = 2.0, seed: int = 0
) -> float:
    """Return max |f(g x) − g f(x)| over the RMS of f, one random g of the schema's group for every row.

    Parameters
    ----------
    function
        Any function, a module of your own for one, from inputs by name to outputs by name.
    schema
        What they are, and the group.
    rows
        Rows of inputs.
    rapidity
        The largest boost.
    seed
        Of the elements.
    """
    generator = torch.Generator().manual_seed(seed)
    element = schema.group.sample(len(next(iter(rows.values()))), generator, rapidity)
    turned = dict(rows) | {field.name: act(element, field, rows[field.name]) for field in schema.inputs}
    plain, found = function(rows), function(turned)
    worst = 0.0
    for field in schema.outputs:
        wanted = act(element, field, plain[field.name])
        size = wanted.square().mean().sqrt().clamp(min=1e-300)
        worst = max(worst, float((found[field.name] - wanted).abs().max() / size))
    return worst


def check(
    model: Model,
    table: TableFile | None = None,
    *,
    elements: int = 1000,
    rapidity: float = 2.0,
    seed: int = 0,
) -> Outcome:
    """Measure how exactly a model keeps its symmetry, with random group elements, in double and single precision.

    Parameters
    ----------
    model
        Directory of a fitted model.
    table
        Rows to try it on; left out, random ones.
    elements
        How many random group elements where no table is given.
    rapidity
        The largest boost, for groups that have boosts.
    seed
        The seed of everything random.
    """
    if not 1 <= elements <= 1_000_000 or not 0 <= rapidity <= 10:
        raise BadInput("Take 1 to 1,000,000 elements and a rapidity of 0 to 10.")
    net = load_model(Path(model))
    schema = net.schema
    if table is None:
        generator = torch.Generator().manual_seed(seed)
        shapes = {field.name: (elements, *field.shape(schema.group.dimension)) for field in schema.inputs}
        rows = {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}
    else:
        rows = read_table(Path(table), schema.inputs, schema.group)
    numbers: dict[str, Any] = {"group": schema.group.name, "elements": len(next(iter(rows.values())))}
    for name, dtype in (("double", torch.float64), ("single", torch.float32)):
        cast = {key: value.to(dtype) for key, value in rows.items()}
        numbers[f"largest error, {name} precision"] = equivariance_error(
            net.to(dtype), schema, cast, rapidity=rapidity, seed=seed
        )
    note = "Errors are over the RMS of the outputs."
    if schema.group.lorentzian:
        note += " Single precision loses digits to large boosts; double has them."
    return Outcome({}, numbers, note)
