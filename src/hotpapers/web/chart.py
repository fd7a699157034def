"""A claim's run on a line of numbers: what was asked for, where each seed fell, the interval, where the paper is."""

import dataclasses
import math

from hotpapers.cards import Claim
from hotpapers.claims.evidence import Evidence
from hotpapers.claims.judge import figure

MARGIN = 10.0
"""Per cent of the width that is kept free on either side of the outermost mark."""


@dataclasses.dataclass(frozen=True)
class Chart:
    """Places in per cent of the width; ``words`` says the same to those who do not see it."""

    wanted: tuple[float, float]
    interval: tuple[float, float]
    mean: float
    seeds: tuple[float, ...]
    paper: float | None
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool
    words: str


def chart_of(claim: Claim, evidence: Evidence) -> Chart | None:
    """Return the chart of a judged run, or ``None`` where there is nothing to compare."""
    judgement, criterion = evidence.judgement, evidence.criterion
    if criterion is None or judgement.mean is None or judgement.low is None or judgement.high is None:
        return None
    values = [*evidence.values.values(), judgement.low, judgement.high]
    bounds = [each for each in (criterion.at_least, criterion.at_most) if each is not None]
    if criterion.equals is not None:
        bounds = [criterion.equals - criterion.tolerance, criterion.equals + criterion.tolerance]
    marks = [*values, *bounds, *([claim.paper] if claim.paper is not None else [])]
    low, high = min(marks), max(marks)
    if not all(map(math.isfinite, marks)) or low == high:
        return None
    logarithmic = low > 0 and high / low > 20

    def place(value: float) -> float:
        share = math.log(value / low) / math.log(high / low) if logarithmic else (value - low) / (high - low)
        return round(MARGIN + share * (100 - 2 * MARGIN), 2)

    least = place(bounds[0]) if criterion.at_most is None else 0.0
    most = place(bounds[-1]) if criterion.at_least is None else 100.0
    words = f"Wanted {criterion}; measured {figure(judgement.mean)}"
    words += (
        f", between {figure(judgement.low)} and {figure(judgement.high)}" if judgement.low != judgement.high else ""
    )
    words += f"; the paper says {figure(claim.paper)}" if claim.paper is not None else ""
    return Chart(
        wanted=(least, max(most - least, 0.4)),
        interval=(place(judgement.low), place(judgement.high)),
        mean=place(judgement.mean),
        seeds=tuple(place(each) for each in evidence.values.values()),
        paper=None if claim.paper is None else place(claim.paper),
        ticks=tuple((place(each), figure(each)) for each in (low, high)),
        logarithmic=logarithmic,
        words=f"{words}{', on a logarithmic scale' if logarithmic else ''}.",
    )
