"""Verdicts: computed from the measured values and the card's criterion, never typed.

A claim with chance in it is judged by the 95 % bootstrap interval of the mean over its seeds; an exact claim by its
values alone. What is not a finite number can count against a claim, never for it.
"""

import enum
import functools
import itertools
import math
from collections.abc import Mapping

import msgspec
import numpy as np

from hotpapers.cards import Criterion, Scale

FEWEST_SEEDS = 3
CONFIDENCE = 0.95
ENUMERATED = 7
"""Up to so many seeds every resample is counted; with more, ``RESAMPLES`` of them are drawn."""
RESAMPLES = 10_000


class Verdict(enum.StrEnum):
    """What the evidence says of a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"

    @property
    def sign(self) -> str:
        """Return the one character that tables show."""
        return {"reproduced": "✓", "not reproduced": "✗", "inconclusive": "~", "not run": "–"}[self.value]


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with what it rests on.

    Attributes
    ----------
    verdict
        The outcome.
    mean, low, high
        Mean over the seeds and its interval (for an exact claim the least and the greatest value); ``None`` where
        there is no such number.
    reason
        One clause that says why, such as ``31.2 … 35 meets ≥ 30``.
    """

    verdict: Verdict
    mean: float | None
    low: float | None
    high: float | None
    reason: str


def judge(
    criterion: Criterion | None, values: Mapping[int, float], exact: bool = False, *, scale: Scale = "laptop"
) -> Judgement:
    """Hold the values of a claim, one for each seed, against the card's criterion.

    Parameters
    ----------
    criterion
        What the card expects at this scale; ``None`` where it expects nothing.
    values
        Seed → measured value.
    exact
        Whether the claim has no chance in it, so that its values decide without an interval.
    scale
        The scale of the measurement; it only words the reason where there is no criterion.
    """
    measured = list(values.values())
    if not measured:
        return Judgement(Verdict.NOT_RUN, None, None, None, "nothing was measured")
    if not all(map(math.isfinite, measured)):
        return _judge_unbounded(criterion, values, exact)
    low, high = (min(measured), max(measured)) if exact else bootstrap_interval(measured)
    mean = _means(np.sort(measured), np.ones((1, len(measured)), dtype=np.int64))[0]
    verdict, reason = _compare(criterion, low, high, exact, len(measured), scale)
    return Judgement(verdict, float(mean), low, high, reason)


def bootstrap_interval(values: list[float]) -> tuple[float, float]:
    """Return the 95 % percentile interval of the bootstrapped mean of finite ``values``.

    Up to 7 values the bootstrap distribution is enumerated exactly; beyond, 10 000 resamples are drawn with a fixed
    seed. Equal values in any order give the same interval (Efron & Tibshirani 1993, section 13.3).
    """
    counts, weights = _resamples(len(values))
    means = _means(np.sort(values), counts)
    order = np.argsort(means, kind="stable")
    means, weights = means[order], weights[order]
    # The slack keeps a tail of exactly 2.5 % on its side of the cut whatever the rounding of the sum.
    tail = (1 - CONFIDENCE) / 2 * (1 - 1e-9)
    low = means[np.searchsorted(np.cumsum(weights), tail)]
    high = means[::-1][np.searchsorted(np.cumsum(weights[::-1]), tail)]
    return float(low), float(high)


def satisfies(criterion: Criterion, value: float) -> bool:
    """Whether one value meets the criterion; NaN never does."""
    least, most = _accepted(criterion)
    return least <= value <= most


def figure(value: float | None) -> str:
    """Return a number as tables show it: counts in full, others with four digits, ``–`` for none."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def _judge_unbounded(criterion: Criterion | None, values: Mapping[int, float], exact: bool) -> Judgement:
    seed, value = next((seed, value) for seed, value in values.items() if not math.isfinite(value))
    enough = exact or len(values) >= FEWEST_SEEDS
    fails = criterion is not None and not any(
        math.isnan(each) or satisfies(criterion, each) for each in values.values()
    )
    if enough and fails:
        return Judgement(
            Verdict.NOT_REPRODUCED, None, None, None, f"seed {seed} gave {value}, and no seed meets {criterion}"
        )
    return Judgement(Verdict.INCONCLUSIVE, None, None, None, f"seed {seed} gave {value}, which is no number to judge")


def _compare(
    criterion: Criterion | None, low: float, high: float, exact: bool, seeds: int, scale: Scale
) -> tuple[Verdict, str]:
    if criterion is None:
        why = "smoke scale is not judged" if scale == "smoke" else f"the card expects nothing at {scale} scale"
        return Verdict.INCONCLUSIVE, why
    if not exact and seeds < FEWEST_SEEDS:
        return Verdict.INCONCLUSIVE, f"{seeds} seed{'s' * (seeds > 1)}, and fewer than {FEWEST_SEEDS} say nothing"
    least, most = _accepted(criterion)
    spread = figure(low) if low == high else f"{figure(low)} … {figure(high)}"
    if least <= low and high <= most:
        return Verdict.REPRODUCED, f"{spread} meets {criterion}"
    if exact or high < least or low > most:
        return Verdict.NOT_REPRODUCED, f"{spread} misses {criterion}"
    return Verdict.INCONCLUSIVE, f"only part of {spread} meets {criterion}"


def _accepted(criterion: Criterion) -> tuple[float, float]:
    if criterion.at_least is not None:
        return criterion.at_least, math.inf
    if criterion.at_most is not None:
        return -math.inf, criterion.at_most
    target = criterion.equals if criterion.equals is not None else math.nan
    # 0.8 is within 0.7 ± 0.1 although 0.7 + 0.1 is 0.7999999999999999 in binary.
    reach = criterion.tolerance + (4 * math.ulp(max(abs(target), criterion.tolerance)) if criterion.tolerance else 0.0)
    return target - reach, target + reach


def _means(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean of each resample, exact at its ends and safe from overflow of the sum."""
    largest = np.abs(values).max() or 1.0
    means = counts @ (values / largest) / counts.sum(axis=1) * largest
    return np.clip(means, values[0], values[-1])


@functools.cache
def _resamples(seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each resample takes each value (m x n), and each resample's probability (m)."""
    if seeds > ENUMERATED:
        drawn = np.random.default_rng(0).multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES)
        return drawn, np.full(RESAMPLES, 1 / RESAMPLES)
    picks = itertools.combinations_with_replacement(range(seeds), seeds)
    counts = np.array([np.bincount(pick, minlength=seeds) for pick in picks])
    arrangements = [math.factorial(seeds) / math.prod(map(math.factorial, row)) for row in counts.tolist()]
    return counts, np.array(arrangements) / seeds**seeds
