"""Domains: which values a term can have, over all inputs from a vocabulary up to a length; and tables of them.

A term's value at a position is a function of a few *sources* there: the token, the index, aggregates, and terms of
earlier layers that are kept. Its table lists what it is for all combinations of its sources' values; combinations at
which the program would fail are left out, and so never occur.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hotpapers.errors import BadInput
from hotpapers.papers.rasp.evaluate import _CASTS
from hotpapers.papers.rasp.terms import COMPARE, Atom, Term, term

TOKEN, INDEX = term("base", "tokens_asis"), term("base", "indices")
"""The sources that are there from the beginning."""
MOST_ROWS = 300_000
MOST_MEANS = 20_000
CLOSE = 9
"""Digits that tell two means apart; sums in another order differ in the sixteenth."""
_FAILED = object()
Joint = dict[Term, list[Any]]
"""Terms and their values, a joint one at each place."""


class Table(NamedTuple):
    """Combinations of the values of ``sources``, and what each of some terms is there."""

    sources: tuple[Term, ...]
    rows: list[tuple[Any, ...]]
    results: list[tuple[Any, ...]]


class Domains:
    """The domains of terms for one vocabulary and one greatest length."""

    def __init__(self, vocabulary: Sequence[Atom], max_length: int) -> None:
        self.max_length = max_length
        self._known: dict[Term, list[Any]] = {TOKEN: list(vocabulary), INDEX: list(range(max_length))}

    def of(self, wanted: Term) -> list[Any]:
        """Return the values that a sequence operator can have (perhaps more than it does)."""
        if wanted not in self._known:
            if wanted.kind == "aggregate":
                found = self._of_aggregate(wanted)
            else:
                found = [result[0] for result in self.table((wanted,)).results]
            self._known[wanted] = unique(found)
        return self._known[wanted]

    def table(self, terms: tuple[Term, ...]) -> Table:
        """Return the joint table of ``terms`` over all their sources."""
        sources = sources_of(terms)
        domains = [self.of(source) for source in sources]
        size = 1
        for domain in domains:
            size *= len(domain)
        if size > MOST_ROWS:
            raise BadInput(
                f"The program combines values in {size:,} ways at one position, more than {MOST_ROWS:,}: "
                "compile it for shorter inputs or a smaller vocabulary."
            )
        rows = list(itertools.product(*domains))
        columns = {source: [row[n] for row in rows] for n, source in enumerate(sources)}
        for here in _between(sources, terms):
            columns[here] = _column(here, columns, len(rows))
        results = list(zip(*(columns[wanted] for wanted in terms), strict=True))
        kept = [place for place, result in enumerate(results) if _FAILED not in result]
        if not kept:
            raise BadInput("The program fails on every input from this vocabulary: try it on one to see why.")
        return Table(sources, [rows[place] for place in kept], [results[place] for place in kept])

    def _of_aggregate(self, aggregate: Term) -> list[Any]:
        selector, values = aggregate.parents
        single = [*self.of(values), aggregate.detail]
        if selects_at_most_one(selector, self) or not all(type(value) in (int, float) for value in self.of(values)):
            return single  # where several are chosen and are no numbers, the program fails
        found: dict[float, Any] = {round(float(value), CLOSE): value for value in single}
        sums: set[float] = set(self.of(values))
        for count in range(2, self.max_length + 1):
            sums = {round(total + value, 12) for total in sums for value in self.of(values)}
            for total in sums:
                found.setdefault(round(total / count, CLOSE), total / count)
            if len(found) > MOST_MEANS or len(sums) > MOST_MEANS:
                raise BadInput(
                    f"A mean in the program can have more than {MOST_MEANS:,} values: compile it for shorter inputs."
                )
        return list(found.values())


def sources_of(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return the sources of terms that are worked out together, in the feed-forward of the deepest one's layer."""
    depth = max((each.depth for each in terms), default=0)
    found: set[Term] = set()
    waiting = list(terms)
    while waiting:
        here = waiting.pop()
        if here.kind == "base":
            found.add(INDEX if here is INDEX else TOKEN)
        elif here.kind == "aggregate" or 0 < here.depth < depth:
            found.add(here)
        else:
            waiting.extend(here.parents)
    return tuple(sorted(found, key=lambda each: each.number))


def selects_at_most_one(selector: Term, domains: Domains) -> bool:
    """Whether a selector is sure to choose no more than one position: it asks for one value of a key like an index."""
    if selector.kind == "and":
        return any(selects_at_most_one(each, domains) for each in selector.parents)
    if selector.kind != "compare" or selector.detail != "==" or sources_of(selector.parents[:1]) != (INDEX,):
        return False
    keys = [result[0] for result in domains.table(selector.parents[:1]).results]
    return len(set(keys)) == domains.max_length


def choices(selector: Term, queries: Joint, keys: Joint) -> np.ndarray:
    """Return whether a selector chooses, for each joint value of its queries (down) and of its keys (across)."""
    if selector.kind == "compare":
        key, query = selector.parents
        asked, offered = queries[query], keys[key]
        places = [{value: n for n, value in enumerate(dict.fromkeys(values))} for values in (asked, offered)]
        table = np.array([[_meet(selector.detail, a, b) for b in places[1]] for a in places[0]], dtype=bool)
        return table[np.ix_([places[0][value] for value in asked], [places[1][value] for value in offered])]
    first = choices(selector.parents[0], queries, keys)
    if selector.kind == "not":
        return ~first
    second = choices(selector.parents[1], queries, keys)
    return first & second if selector.kind == "and" else first | second


def _meet(sign: str, query: Any, key: Any) -> bool:
    try:
        return bool(COMPARE[sign](query, key))
    except TypeError:  # values that cannot be compared never meet, or the program fails
        return False


def _between(sources: Sequence[Term], terms: Sequence[Term]) -> list[Term]:
    """Return what lies between sources and terms, the latter included, parents before children."""
    found: set[Term] = set()
    waiting = list(terms)
    while waiting:
        here = waiting.pop()
        if here not in found and here not in sources:
            found.add(here)
            waiting.extend(here.parents)
    return sorted(found, key=lambda each: each.number)


def unique(values: Sequence[Any]) -> list[Any]:
    """Return the different values in their first order; numbers that are equal count once."""
    found: dict[Any, Any] = {}
    for value in values:
        number = isinstance(value, float) and value == value
        found.setdefault(round(value, CLOSE) if number else value, value)
    return list(found.values())


def _column(here: Term, columns: dict[Term, list[Any]], size: int) -> list[Any]:
    if here.kind == "constant":
        return [here.detail] * size
    if here.kind == "base":
        cast = _CASTS[here.detail]
        return [_attempt(cast, (value,)) for value in columns[TOKEN]]
    function = here.function
    return [_attempt(function, arguments) for arguments in zip(*(columns[each] for each in here.parents), strict=True)]


def _attempt(function: Any, arguments: tuple[Any, ...]) -> Any:
    if _FAILED in arguments:
        return _FAILED
    try:
        return function(*arguments)
    except Exception:  # whatever the program's arithmetic raises: there is no such position
        return _FAILED
