"""The 17 data sets: their conditions, which of them count, and one spelling for each condition.

A condition is left out of every aggregate where it is no distortion at all, or where people themselves are right less
than one time in five.
"""

import contextlib
import dataclasses
from functools import cache


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A data set with its conditions in the order of growing distortion.

    Attributes
    ----------
    axis
        What the conditions are, for figures; empty where there is only one.
    excluded
        Conditions that no aggregate counts.
    """

    name: str
    conditions: tuple[str, ...] = ("0",)
    excluded: frozenset[str] = frozenset()
    axis: str = ""

    @property
    def parametric(self) -> bool:
        """Whether it has conditions."""
        return bool(self.axis)

    @property
    def kept(self) -> tuple[str, ...]:
        """The conditions that aggregates count."""
        return tuple(each for each in self.conditions if each not in self.excluded)


def _make(name: str, conditions: str = "0", excluded: str = "", axis: str = "") -> Experiment:
    return Experiment(name, tuple(conditions.split()), frozenset(excluded.split()), axis)


_REACHES = (1, 2, 4, 8, 16, 32, 64, 128)


def _eidolon(name: str, code: str, excluded: tuple[int, ...]) -> Experiment:
    spelt = {reach: f"{reach}-{code}-10" for reach in _REACHES}
    return Experiment(
        name, tuple(spelt.values()), frozenset(spelt[reach] for reach in excluded), "reach (pixels at 256)"
    )


EXPERIMENTS: dict[str, Experiment] = {
    each.name: each
    for each in (
        _make("colour", "cr bw", "cr", "colour"),
        _make("contrast", "c100 c50 c30 c15 c10 c05 c03 c01", "c100 c03 c01", "contrast (%)"),
        _make("high-pass", "inf 3 1.5 1 0.7 0.55 0.45 0.4", "inf 0.55 0.45 0.4", "filter σ (pixels)"),
        _make("low-pass", "0 1 3 5 7 10 15 40", "0 15 40", "filter σ (pixels)"),
        _make("phase-scrambling", "0 30 60 90 120 150 180", "0 150 180", "phase noise (degrees)"),
        _make("power-equalisation", "0 pow", "0", "power spectrum"),
        _make("false-colour", "true false", "true", "colour"),
        _make("rotation", "0 90 180 270", "0", "rotation (degrees)"),
        _eidolon("eidolonI", "10", (1, 64, 128)),
        _eidolon("eidolonII", "3", (1, 32, 64, 128)),
        _eidolon("eidolonIII", "0", (1, 16, 32, 64, 128)),
        _make("uniform-noise", "0 0.03 0.05 0.1 0.2 0.35 0.6 0.9", "0 0.6 0.9", "noise width"),
        _make("sketch"),
        _make("stylized"),
        _make("edge"),
        _make("silhouette"),
        _make("cue-conflict"),
    )
}
NON_PARAMETRIC = tuple(each.name for each in EXPERIMENTS.values() if not each.parametric)


def experiment(name: str) -> Experiment:
    """Return the data set of that name; one that the paper does not have counts all its conditions."""
    return EXPERIMENTS.get(name, Experiment(name))


@cache
def spelling(condition: str) -> str:
    """Return the one spelling of a condition: ``0.90`` and ``0.9`` are the same, and ``True`` is ``true``.

    Files of people and of models spell numbers and truth values differently, and leave a lone condition empty.
    """
    text = condition.strip()
    if text.lower() in ("", "nan", "none"):
        return "0"
    if text.lower() in ("true", "false", "inf"):
        return text.lower()
    with contextlib.suppress(ValueError):
        return f"{float(text):g}"
    return text
