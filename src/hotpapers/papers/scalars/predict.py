"""The verbs ``predict`` and ``features``: a table in, a table out."""

from pathlib import Path
from typing import Literal

import torch

from hotpapers import run
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.scalars.geometry import Geometry
from hotpapers.papers.scalars.groups import group as group_named
from hotpapers.papers.scalars.model import ScalarNet
from hotpapers.papers.scalars.schema import Schema, centred
from hotpapers.papers.scalars.schema import schema as read_schema
from hotpapers.papers.scalars.tables import read_table, write_columns, write_table
from hotpapers.verbs import Model, Outcome, TableFile

BLOCK = 8192  # rows at once


def predict(model: Model, table: TableFile, *, out: Path | None = None) -> Outcome:
    """Predict the outputs for every row of a table with a fitted model.

    Parameters
    ----------
    model
        Directory of a fitted model.
    table
        A CSV or npz file with the model's inputs, named as in its schema.
    out
        Where the predictions go, as CSV or npz; beside the table when left out.
    """
    net = load_model(Path(model)).double()
    schema, table = net.schema, Path(table)
    rows = read_table(table, schema.inputs, schema.group)
    out = Path(out) if out else table.with_name(f"{table.stem}-predicted.csv")
    count = len(next(iter(rows.values())))
    with torch.no_grad():
        blocks = [net({k: v[at : at + BLOCK] for k, v in rows.items()}) for at in range(0, count, BLOCK)]
    found = {field.name: torch.cat([block[field.name] for block in blocks]) for field in schema.outputs}
    write_table(out, found, schema.outputs, schema.group)
    return Outcome({"predictions": out}, {"rows": count, "outputs": ", ".join(found)})


def features(
    table: TableFile,
    *,
    schema: str,
    group: str = "O(3)",
    out: Path | None = None,
    kind: Literal["gram", "norms", "cosines", "root"] = "gram",
    economy: bool = False,
) -> Outcome:
    """Turn a table of vectors into a table of invariant scalars, for any other model to learn from.

    Parameters
    ----------
    table
        A CSV file with a header (a vector r has the columns r_x, r_y, r_z), or an npz file of arrays.
    schema
        What the columns are, such as ``m: scalar, r: 2 vector``.
    group
        The symmetry, such as O(3), SE(2) or O(1,3).
    out
        Where the scalars go, as CSV; beside the table when left out.
    kind
        The products (gram), lengths beside them (norms), lengths and angles (cosines), or the root of the Gram matrix.
    economy
        Only about n d of the n(n+1)/2 products, which give all others.
    """
    declared = declare(schema, group, outputs=False)
    try:
        geometry = Geometry(declared, kind, economy)
    except ValueError as error:
        raise BadInput(f"The scalars cannot be made: {error}.") from error
    rows = read_table(Path(table), declared.inputs, declared.group)
    out = Path(out) if out else Path(table).with_name(f"{Path(table).stem}-scalars.csv")
    values, _ = geometry.invariants(geometry.frame(centred(declared, rows)[0]))
    with written_whole(out) as temporary:
        write_columns(temporary, geometry.names(), values.numpy())
    return Outcome({"scalars": out}, {"rows": len(values), "scalars": values.shape[1]})


def load_model(path: Path) -> ScalarNet:
    """Return the fitted model in the directory ``path``, or raise ``BadInput``."""
    make = "hotpapers scalars fit TABLE --schema …"
    return run.load_model(ScalarNet, path, name="scalars", make=make).eval()


def declare(schema: str, group: str, *, outputs: bool = True) -> Schema:
    """Return a schema in a group, or raise ``BadInput``."""
    try:
        return read_schema(schema, group_named(group), outputs=outputs)
    except ValueError as error:
        raise BadInput(f"The schema cannot be used: {error}.") from error
