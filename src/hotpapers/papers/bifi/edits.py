"""Edits: inserting, deleting or replacing one token; scripts of them, distances, and what is left of a source.

An edit is a number, its *action*: at place p of n tokens (n stands for the end), with a vocabulary of V types,
``p (2V + 1) + v`` inserts v before p, ``… + V + v`` replaces p by v, ``… + 2V`` deletes p. Deleting the end says
that the edits are done. So one softmax over all actions is a model of an edit.
"""

from collections.abc import Sequence
from typing import NamedTuple

INSERTED = -1
LIMIT = 4
"""The paper's bound: a fix is at most four tokens away from what it fixes."""


class State(NamedTuple):
    """Tokens after some edits.

    ``origins`` says where each comes from: its place in the source, ``INSERTED``, or ``-(place + 2)`` where it replaces
    the token at that place.
    """

    ids: tuple[int, ...]
    origins: tuple[int, ...]


def start(ids: Sequence[int]) -> State:
    """Return the state before any edit."""
    return State(tuple(ids), tuple(range(len(ids))))


def apply(state: State, action: int, types: int) -> State | None:
    """Return the state after an action, or ``None`` where the action does nothing or cannot be done."""
    place, change = divmod(action, 2 * types + 1)
    ids, origins = state
    if place > len(ids):
        return None
    if change < types:
        return State((*ids[:place], change, *ids[place:]), (*origins[:place], INSERTED, *origins[place:]))
    if place == len(ids):
        return None
    if change == 2 * types:
        return State(ids[:place] + ids[place + 1 :], origins[:place] + origins[place + 1 :])
    new = change - types
    if new == ids[place]:
        return None
    origin = origins[place]
    mark = -(origin + 2) if origin >= 0 else origin
    return State((*ids[:place], new, *ids[place + 1 :]), (*origins[:place], mark, *origins[place + 1 :]))


def script(before: Sequence[int], after: Sequence[int], types: int) -> list[int]:
    """Return the fewest actions that make ``after`` of ``before``, from left to right, each on what the last one left.

    Where several places will do, as in a run of brackets, the leftmost is taken.
    """
    actions: list[int] = []
    shift = 0
    for kind, i, j in _alignment(before, after):
        place = i + shift
        base = place * (2 * types + 1)
        if kind == "insert":
            actions.append(base + after[j])
            shift += 1
        elif kind == "replace":
            actions.append(base + types + after[j])
        else:
            actions.append(base + 2 * types)
            shift -= 1
    return actions


def loses(state: State, action: int, types: int, words: set[int]) -> bool:
    """Whether an action deletes or replaces one of the source's ``words``: names, numbers, strings, keywords."""
    place, change = divmod(action, 2 * types + 1)
    return change >= types and place < len(state.ids) and state.ids[place] in words and state.origins[place] >= 0


def stop(length: int, types: int) -> int:
    """Return the action that ends the edits of ``length`` tokens."""
    return length * (2 * types + 1) + 2 * types


def trace(before: Sequence[int], after: Sequence[int]) -> State:
    """Return ``after`` with the origins that the fewest edits give it; for models that write whole sequences."""
    origins: list[int] = []
    i = j = 0
    for kind, at, to in [*_alignment(before, after), ("end", len(before), len(after))]:
        while i < at and j < to:
            origins.append(i)
            i, j = i + 1, j + 1
        if kind == "insert":
            origins.append(INSERTED)
            j += 1
        elif kind == "replace":
            origins.append(-(i + 2))
            i, j = i + 1, j + 1
        elif kind == "delete":
            i += 1
    return State(tuple(after), tuple(origins))


def distance(before: Sequence[object], after: Sequence[object], limit: int | None = None) -> int:
    """Return the Levenshtein distance; once it is sure to be above ``limit``, ``limit + 1``."""
    low, high = _trim(before, after)
    a, b = before[low : len(before) - high], after[low : len(after) - high]
    if limit is not None and abs(len(a) - len(b)) > limit:
        return limit + 1
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            best = above if x == y else 1 + min(above, row[j], row[j - 1])
            above, row[j] = row[j], best
        if limit is not None and min(row) > limit:
            return limit + 1
    return row[-1] if limit is None else min(row[-1], limit + 1)


def _trim(a: Sequence[object], b: Sequence[object]) -> tuple[int, int]:
    """Return how many tokens are the same at the end and, of the rest, at the beginning (as low, high)."""
    high = 0
    shorter = min(len(a), len(b))
    while high < shorter and a[-1 - high] == b[-1 - high]:
        high += 1
    low = 0
    while low < shorter - high and a[low] == b[low]:
        low += 1
    return low, high


def _alignment(before: Sequence[int], after: Sequence[int]) -> list[tuple[str, int, int]]:
    """Return the edits as (kind, place before, place after), from left to right."""
    low, high = _trim(before, after)
    a, b = before[low : len(before) - high], after[low : len(after) - high]
    table = [list(range(len(b) + 1))]
    for i, x in enumerate(a, start=1):
        last, row = table[-1], [i]
        for j, y in enumerate(b, start=1):
            row.append(last[j - 1] if x == y else 1 + min(last[j - 1], last[j], row[j - 1]))
        table.append(row)
    found: list[tuple[str, int, int]] = []
    i, j = len(a), len(b)
    while i or j:
        if i and j and a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
        elif i and j and table[i][j] == 1 + table[i - 1][j - 1]:
            i, j = i - 1, j - 1
            found.append(("replace", low + i, low + j))
        elif i and table[i][j] == 1 + table[i - 1][j]:
            i -= 1
            found.append(("delete", low + i, low + j))
        else:
            j -= 1
            found.append(("insert", low + i, low + j))
    return found[::-1]
