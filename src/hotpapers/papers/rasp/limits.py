"""Limits: what a program may take before it is stopped, and the meter that watches it."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from hotpapers.papers.rasp.faults import LimitReached

MOST_LISTS = 100_000
"""Lists within one list, each as often as it stands there."""


class Limits(NamedTuple):
    """What a program may take; the defaults let everything through that a patient person would wait for.

    Attributes
    ----------
    steps
        Expressions evaluated.
    seconds
        Time since the meter was started; ``None`` for as long as it takes.
    elements
        Elements of one list or string, and entries of one selector (the square of the input's length).
    depth
        Calls inside calls.
    bits
        Size of a whole number; more could not be written down.
    """

    steps: int = 10_000_000
    seconds: float | None = None
    elements: int = 100_000_000
    depth: int = 100
    bits: int = 14_000


class Meter:
    """Counts what a program takes, and stops it."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008  a named tuple cannot change
        self.limits = limits
        self.steps = self.depth = 0
        self.start()

    def start(self) -> None:
        """Count from nothing again: a console does so for each statement."""
        self.steps = 0
        self.until = time.monotonic() + self.limits.seconds if self.limits.seconds is not None else None

    def step(self) -> None:
        """Count one expression."""
        self.steps += 1
        if self.steps > self.limits.steps:
            raise LimitReached(f"stopped after {self.limits.steps} steps")
        if not self.steps & 255:
            self.look_at_clock()

    def look_at_clock(self) -> None:
        """Stop what takes too long."""
        if self.until is not None and time.monotonic() > self.until:
            raise LimitReached(f"stopped after {self.limits.seconds:g} seconds")

    def take_number(self, bits: int) -> None:
        """Stop a number that would be too large to go on with."""
        if bits > self.limits.bits:
            raise LimitReached(f"a number of {bits} bits is more than the limit of {self.limits.bits}")

    def take_result(self, sign: str, left: Sequence[Any], right: Sequence[Any]) -> None:
        """Stop numbers or strings that ``+``, ``-`` or ``*`` would make too large, position by position."""
        kinds = {*map(type, left), *map(type, right)}
        if kinds in ({str}, {list}) and sign == "+":
            self.take(sum(map(len, left)) + sum(map(len, right)), "a string")
        elif kinds in ({str, int}, {list, int}) and sign == "*":
            self.take(sum(_repeated(a, b) for a, b in zip(left, right, strict=True)), "a string")
        elif kinds == {int}:
            bits = _bits(left), _bits(right)
            self.take_number(sum(bits) if sign == "*" else max(bits))

    def take_value(self, value: Any) -> None:
        """Stop lists within lists that would take too long to go through."""
        waiting = [value] if isinstance(value, list | dict) else []
        elements = lists = 0
        while waiting:
            here = waiting.pop()
            inside = here.values() if isinstance(here, dict) else here
            elements, lists = elements + len(here), lists + 1
            if lists > MOST_LISTS:
                raise LimitReached(f"a list of more than {MOST_LISTS} lists is more than the limit")
            if {list, dict} & set(map(type, inside)):
                waiting.extend(each for each in inside if isinstance(each, list | dict))
        self.take(elements, "a list")

    def take(self, elements: int, what: str) -> None:
        """Stop what would hold too much."""
        if elements > self.limits.elements:
            raise LimitReached(f"{what} of {elements} elements is more than the limit of {self.limits.elements}")
        self.look_at_clock()


def _bits(values: Sequence[int]) -> int:
    return max(max(values), -min(values)).bit_length()


def _repeated(a: Any, b: Any) -> int:
    text, times = (b, a) if isinstance(a, int) else (a, b)
    return len(text) * max(0, times) if isinstance(times, int) else 0
