"""Columns: what the cells of a column are (whole numbers, numbers, truths or text), and the column as Arrow has it.

The words are pandas' (``int64``, ``float64``, ``bool``, ``object``), as in the published corpus. A number that would
not come out as it went in, such as 007 or one of twenty digits, stays text.
"""

import re
from collections.abc import Sequence

import pyarrow as pa

MISSING = frozenset(("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "<NA>", "-nan", "-NaN"))
"""What stands for a missing number; text is missing only where nothing is written."""

TRUTHS = frozenset(("true", "false", "True", "False", "TRUE", "FALSE"))
ARROW = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "object": pa.string()}
_WHOLE = re.compile(r"\s*[+-]?(?:0|[1-9]\d{0,17})\s*", re.ASCII)
_NUMBER = re.compile(
    r"\s*[+-]?(?:(?:0|[1-9]\d{0,15})(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*|\s*[+-]?[iI]nf\s*", re.ASCII
)
_COMMA = re.compile(r"\s*[+-]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:\.\d{3})+),\d+\s*", re.ASCII)
_ORDER = ("empty", "int64", "float64")


def kind(cells: Sequence[str], *, comma: bool = False) -> str:
    """Return what the cells are: ``empty``, ``int64``, ``float64``, ``bool``, ``object`` or ``comma``.

    Parameters
    ----------
    cells
        A part of a column.
    comma
        Whether 3,14 may be a number; it is where another sign parts the cells.
    """
    there = set(cells) - MISSING
    if not there:
        return "empty"
    if there <= TRUTHS:
        return "bool"
    if all(map(_WHOLE.fullmatch, there)):
        return "int64"
    if all(map(_NUMBER.fullmatch, there)):
        return "float64"
    if comma and all(_COMMA.fullmatch(each) or _WHOLE.fullmatch(each) for each in there):
        return "comma"
    return "object"


def join(one: str, other: str) -> str:
    """Return what a column is whose parts are ``one`` and ``other``."""
    if one == other or "empty" in (one, other):
        return other if one == "empty" else one
    if one in _ORDER and other in _ORDER:
        return "float64"
    return "comma" if {one, other} == {"comma", "int64"} else "object"


def as_arrow(cells: Sequence[str], of: str) -> pa.Array:
    """Return the cells as an Arrow array of what they are; an empty column is one of missing numbers, as in pandas."""
    if of == "empty":
        return pa.nulls(len(cells), pa.float64())
    if of == "object":
        return pa.array([cell or None for cell in cells], pa.string())
    if of == "int64":
        return pa.array([None if cell in MISSING else int(cell) for cell in cells], pa.int64())
    if of == "bool":
        return pa.array([None if cell in MISSING else cell in ("true", "True", "TRUE") for cell in cells], pa.bool_())
    if of == "comma":
        cells = [cell.replace(".", "").replace(",", ".") for cell in cells]
    return pa.array([None if cell in MISSING else float(cell) for cell in cells], pa.float64())


def dtype(of: str) -> str:
    """Return pandas' word for what a column is."""
    return "float64" if of in ("empty", "comma") else of
