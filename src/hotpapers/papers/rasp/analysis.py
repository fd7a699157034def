"""Analysis: how many layers and heads a program needs (section 4 of the paper), and when each head works.

An aggregate needs an attention layer after those of its values, and not before its selector's queries and keys are
there. Aggregates of one layer that use the same selector share a head. The authors' analyser schedules each as early as
it can and takes selectors that were written twice for two; here equal selectors are one, and heads are spread over the
layers as evenly as their order allows.
"""

from typing import NamedTuple

from hotpapers.papers.rasp.sops import Handle, Selector, SOp
from hotpapers.papers.rasp.terms import Term, ancestors

SEARCHED = 20_000
"""Schedules that are looked at before the best so far is taken."""


class Analysis(NamedTuple):
    """What a program needs.

    Attributes
    ----------
    layers
        Attention layers.
    heads
        Heads in each layer, counted as the authors do: as early as possible, equal selectors apart.
    merged
        Heads in each layer as early as possible, where equal selectors are one head.
    spread
        Heads in each layer of the schedule with the fewest heads in its widest layer.
    schedule
        Selector → its layers in that schedule, as terms.
    """

    layers: int
    heads: tuple[int, ...]
    merged: tuple[int, ...]
    spread: tuple[int, ...]
    schedule: dict[Term, tuple[int, ...]]

    @property
    def max_heads(self) -> int:
        """The most heads in a layer, as the authors count."""
        return max(self.heads, default=0)


def analyse(sop: SOp) -> Analysis:
    """Return the layers and heads that ``sop`` needs."""
    layers = sop.depth
    written: list[set[int]] = [set() for _ in range(layers + 1)]
    for handle in lineage(sop):
        if isinstance(handle, SOp) and handle.term.kind == "aggregate":
            written[handle.depth].add(id(handle.parents[0]))
    aggregates = [each for each in ancestors([sop.term]) if each.kind == "aggregate"]
    early = {each: each.depth for each in aggregates}
    best = _spread(aggregates, sop.term, layers)
    schedule: dict[Term, tuple[int, ...]] = {}
    for each in aggregates:
        selector = each.parents[0]
        schedule[selector] = tuple(sorted({*schedule.get(selector, ()), best[each]}))
    return Analysis(layers, tuple(map(len, written[1:])), _heads(early, layers), _heads(best, layers), schedule)


def lineage(sop: Handle) -> list[Handle]:
    """Return the handles that ``sop`` was made of, itself included, in the order in which they were made."""
    found: dict[int, Handle] = {}
    waiting = [sop]
    while waiting:
        here = waiting.pop()
        if id(here) not in found:
            found[id(here)] = here
            waiting.extend(here.parents)
    return sorted(found.values(), key=lambda each: each.created)


def head_selectors(sop: SOp) -> list[list[Selector]]:
    """Return the selectors of each layer's heads, scheduled as early as possible, equal ones once."""
    found: list[dict[Term, Selector]] = [{} for _ in range(sop.depth)]
    for handle in lineage(sop):
        if isinstance(handle, SOp) and handle.term.kind == "aggregate":
            selector = handle.parents[0]
            assert isinstance(selector, Selector)
            found[handle.depth - 1].setdefault(selector.term, selector)
    return [list(layer.values()) for layer in found]


def _heads(when: dict[Term, int], layers: int) -> tuple[int, ...]:
    used: list[set[Term]] = [set() for _ in range(layers)]
    for aggregate, layer in when.items():
        used[layer - 1].add(aggregate.parents[0])
    return tuple(map(len, used))


def _spread(aggregates: list[Term], last: Term, layers: int) -> dict[Term, int]:
    """Return aggregate → layer such that the widest layer is as narrow as a search finds.

    Branch and bound over the aggregates in their order: each may go from the first layer that its parents leave to the
    last that leaves room for what is made of it.
    """
    needs = {each: _sources(each) for each in aggregates}
    latest = dict.fromkeys(aggregates, layers)
    for each in reversed(aggregates):
        for source in needs[each]:
            latest[source] = min(latest[source], latest[each] - 1)
    best = {each: each.depth for each in aggregates}
    width = max(_heads(best, layers), default=0)
    seen = 0

    def place(at: int, when: dict[Term, int], used: list[set[Term]]) -> None:
        nonlocal best, width, seen
        seen += 1
        if at == len(aggregates):
            best, width = dict(when), max(map(len, used))
            return
        each = aggregates[at]
        selector = each.parents[0]
        first = 1 + max((when[source] for source in needs[each]), default=0)
        for layer in range(first, latest[each] + 1):
            new = selector not in used[layer - 1]
            if seen > SEARCHED or len(used[layer - 1]) + new >= width:
                continue
            used[layer - 1] |= {selector}
            place(at + 1, {**when, each: layer}, used)
            if new:
                used[layer - 1] -= {selector}

    if width > 1:
        place(0, {}, [set() for _ in range(layers)])
    return best


def _sources(aggregate: Term) -> set[Term]:
    """Return the aggregates that ``aggregate`` is made of with no other aggregate between."""
    found: set[Term] = set()
    waiting = list(aggregate.parents)
    while waiting:
        here = waiting.pop()
        if here.kind == "aggregate":
            found.add(here)
        else:
            waiting.extend(here.parents)
    return found
