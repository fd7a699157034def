"""Limits: what a program may take before it is stopped, and the meter that watches it."""

import time
from typing import NamedTuple

from hotpapers.papers.rasp.faults import LimitReached


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
        Size of a whole number.
    """

    steps: int = 10_000_000
    seconds: float | None = None
    elements: int = 100_000_000
    depth: int = 100
    bits: int = 1_000_000


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

    def take(self, elements: int, what: str) -> None:
        """Stop what would hold too much."""
        if elements > self.limits.elements:
            raise LimitReached(f"{what} of {elements} elements is more than the limit of {self.limits.elements}")
        self.look_at_clock()
