"""Pairs: what the fixer and the breaker learn from, and the sieve that the critic is (eqs. 6 and 8)."""

import random
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from hotpapers.papers.bifi.critics import CLASSES
from hotpapers.papers.bifi.edits import LIMIT, State, distance
from hotpapers.papers.bifi.judging import Judge, Snippet

LONGEST_UNVERIFIED = 120
Thing = TypeVar("Thing")


class Pair(NamedTuple):
    """A broken and a well-formed snippet; to the breaker the other way round."""

    bad: Snippet
    good: Snippet


def verified_fixes(bad: Sequence[Snippet], found: Sequence[Sequence[State]], judge: Judge) -> list[Pair]:
    """Return P_f: the fixer's outputs that the critic accepts, within the bound on edits (eq. 6)."""
    pairs = (Pair(x, judge.settle(state, x.text)) for x, states in zip(bad, found, strict=True) for state in states)
    return [pair for pair in pairs if near(pair) and judge.snippet(pair.good).ok]


def verified_breaks(good: Sequence[Snippet], found: Sequence[Sequence[State]], judge: Judge) -> list[Pair]:
    """Return P_b: the breaker's outputs that the critic refuses, within the bound on edits (eq. 8)."""
    pairs = (Pair(judge.settle(state, y.text), y) for y, states in zip(good, found, strict=True) for state in states)
    return [pair for pair in pairs if near(pair) and not judge.snippet(pair.bad).ok]


def unverified(
    sources: Sequence[Snippet], found: Sequence[Sequence[State]], judge: Judge, *, fixes: bool
) -> list[Pair]:
    """Return back-translation's pairs: all outputs of at most 120 tokens, whatever the critic would say."""
    pairs = [(x, judge.settle(state, x.text)) for x, states in zip(sources, found, strict=True) for state in states
             if 0 < len(state.ids) <= LONGEST_UNVERIFIED]  # fmt: skip
    return [Pair(x, y) if fixes else Pair(y, x) for x, y in pairs]


def near(pair: Pair) -> bool:
    """Whether the sides differ, by no more than four tokens."""
    return bool(pair.bad.ids) and 0 < distance(pair.bad.ids, pair.good.ids, LIMIT) <= LIMIT


def by_class(pairs: Sequence[Pair], judge: Judge) -> dict[str, list[Pair]]:
    """Return the pairs by the class of their broken side's error."""
    classes: dict[str, list[Pair]] = {name: [] for name in CLASSES}
    for pair in pairs:
        classes.setdefault(judge.snippet(pair.bad).verdict.error_class, []).append(pair)
    return {name: some for name, some in classes.items() if some}


def mix(parts: Sequence[tuple[float, Sequence[Thing]]], total: int, seed: int) -> list[Thing]:
    """Return ``total`` draws in the given shares, each part repeated as often as need be, shuffled.

    The shares of parts that are empty go to the others.
    """
    chance = random.Random(seed)
    parts = [(share, part) for share, part in parts if part]
    whole = sum(share for share, _ in parts)
    mixed: list[Thing] = []
    for share, part in parts:
        count = round(total * share / whole)
        shuffled = list(part)
        chance.shuffle(shuffled)
        mixed += (shuffled * (count // len(shuffled) + 1))[:count]
    chance.shuffle(mixed)
    return mixed


def breaker_mixture(synthetic: Sequence[Pair], fixes: Sequence[Pair], total: int, seed: int) -> list[Pair]:
    """Return the breaker's training data: a third of round 0, two thirds of P_f."""
    return mix([(1 / 3, synthetic), (2 / 3, fixes)], total, seed)


def fixer_mixture(
    synthetic: Sequence[Pair], fixes: Sequence[Pair], breaks: dict[str, list[Pair]], total: int, seed: int
) -> list[Pair]:
    """Return the fixer's training data: a quarter of round 0, half of P_f, a quarter of P_b with its classes balanced.

    Without P_b it is FixerOnly's: a third and two thirds.
    """
    share = 1 / 4 / max(1, len(breaks))
    return mix([(1 / 4, synthetic), (1 / 2, fixes), *((share, some) for some in breaks.values())], total, seed)


def translation_mixture(synthetic: Sequence[Pair], new: Sequence[Pair], total: int, seed: int) -> list[Pair]:
    """Return back-translation's training data: half of round 0, half new."""
    return mix([(1 / 2, synthetic), (1 / 2, new)], total, seed)
