"""Headers: whether the first row of a table names its columns, and the names where it does not or says one twice."""

import re
from collections import Counter
from collections.abc import Sequence

_NUMBER = re.compile(r"\s*[-+]?[$€£]?(?:\d[\d,']*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*%?\s*")
_DATE = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].{4,20})?\s*")
_ADDRESS = re.compile(r"\s*(?:https?://\S+|[\w.+-]+@[\w-]+\.[\w.-]+)\s*")
_YEAR = re.compile(r"\s*(?:1[89]|20)\d\d(?:\.0)?\s*")
ROWS = 24


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns.

    Each column votes: a first cell that is of the kind that all others are of (number, date, address) speaks against
    a header, one that is not speaks for it. Years in a row of names count as names. Where nothing speaks, it is one,
    as the paper assumes.
    """
    if len(rows) < 2:
        return True
    first, body = rows[0], [row for row in rows[1 : 1 + ROWS] if row != rows[0]]
    if sum(bool(cell.strip()) for cell in first) == 0:
        return False
    named = any(_kind(cell) == "word" for cell in first)
    votes = 0.0
    for at, cell in enumerate(first):
        others = [row[at] for row in body if at < len(row) and row[at].strip()]
        votes += _vote(cell, others, named)
    return votes >= 0


def _vote(cell: str, others: Sequence[str], named: bool) -> float:
    if not others or not cell.strip():
        return 0.0
    kind = _kind(cell)
    kinds = Counter(map(_kind, others))
    alike = kinds[kind] / len(others)
    if kind == "word":
        if max(kinds["number"], kinds["date"], kinds["address"]) > 0.6 * len(others):
            return 1.0
        if cell in others and len(others) > 1:
            return -0.6
        lengths = {len(other) for other in others}
        return 0.3 if len(lengths) == 1 and len(others) > 2 and len(cell) not in lengths else 0.0
    if _YEAR.fullmatch(cell) and not any(_YEAR.fullmatch(other) for other in others):
        return 0.5 if named else 0.0
    return -1.0 if alike > 0.6 else 0.0


def _kind(cell: str) -> str:
    if cell.isalpha():
        return "word"
    if _NUMBER.fullmatch(cell):
        return "number"
    if _DATE.fullmatch(cell):
        return "date"
    return "address" if _ADDRESS.fullmatch(cell) else "word"


def names_of(first: Sequence[str] | None, width: int) -> tuple[list[str], int]:
    """Return ``width`` names and how many of them had to be made up or altered.

    A column without a name becomes ``Unnamed: 3``, and a name said twice ``name.1``, both as pandas has it, which the
    published corpus was read with.
    """
    if first is None:
        return [f"column_{at}" for at in range(width)], 0
    names: list[str] = []
    taken: dict[str, int] = {}
    altered = 0
    for at in range(width):
        name = " ".join(first[at].split()) if at < len(first) else ""
        name = name or f"Unnamed: {at}"
        unique = name
        while unique in taken:
            taken[name] += 1
            unique = f"{name}.{taken[name]}"
        altered += unique != (first[at] if at < len(first) else "")
        taken[unique] = 0
        names.append(unique)
    return names, altered
