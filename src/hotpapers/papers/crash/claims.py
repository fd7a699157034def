"""Claims of CRASH that need no training: sizes, and schedules on data whose best denoiser is known.

For data N(0, s^2) the best noise estimate is ``sigma x / (m^2 s^2 + sigma^2)``: every step of a sampler is linear, and
the spread of what comes out follows without drawing a number.
"""

import torch
from torch import Tensor

from hotpapers.blocks.diffusion import ddim
from hotpapers.blocks.diffusion.levels import Level
from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.papers.crash.model import SCHEDULES, Crash
from hotpapers.run import Run

SPREAD = 0.5  # of the data
COSINES = ("vp-cos", "sub-vp-cos", "sub-vp-1-1-cos")


def published_sizes(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of the U-Net."""
    with torch.device("meta"):
        unet = Crash().unet
    count = sum(each.numel() for each in unet.parameters()) + unet.embedding.frequencies.numel()
    return Measurement(values={0: count}, method={0: count}, unit="parameters")


def cosine_beats_linear_exactly(scale: Scale, run: Run) -> Measurement:
    """Measure the worst cosine against the linear beta at every budget."""
    found = {(steps, eta): _errors(steps, eta) for steps in (20, 50, 100, 200, 400) for eta in (0.0, 1.0)}
    ratios = {at: errors["vp-exp"] / max(errors[name] for name in COSINES) for at, errors in found.items()}
    at = min(ratios, key=lambda each: ratios[each])
    method, baseline = {0: max(found[at][name] for name in COSINES)}, {0: found[at]["vp-exp"]}
    return Measurement(values={0: ratios[at]}, method=method, baseline=baseline, unit="error", extras=_told(found))


def vp_cosine_is_best_at_few_steps(scale: Scale, run: Run) -> Measurement:
    """Measure the VP cosine against the better of the sub-VP ones."""
    found = {(steps, eta): _errors(steps, eta) for steps in (10, 20, 50) for eta in (0.0, 1.0)}
    ratios = {at: min(errors[name] for name in COSINES[1:]) / errors["vp-cos"] for at, errors in found.items()}
    at = min(ratios, key=lambda each: ratios[each])
    method, baseline = {0: found[at]["vp-cos"]}, {0: min(found[at][name] for name in COSINES[1:])}
    return Measurement(values={0: ratios[at]}, method=method, baseline=baseline, unit="error", extras=_told(found))


def _errors(steps: int, eta: float) -> dict[str, float]:
    return {name: SPREAD - exact_spread(name, steps, eta) for name in ("vp-exp", *COSINES)}


def exact_spread(schedule: str, steps: int, eta: float) -> float:
    """Return the standard deviation of what a sampler makes of N(0, 1) with the best denoiser of N(0, 1/4).

    Each independent draw (the start, and the noise of each step) has a coordinate of its own, so that the length of the
    vector at the end is the deviation.
    """

    def eps(x: Tensor, level: Level) -> Tensor:
        return level.sigma * x / (level.m**2 * SPREAD**2 + level.sigma**2)

    drawn = [0]

    def noise(like: Tensor, level: Level, generator: torch.Generator | None = None) -> Tensor:
        drawn[0] += 1
        fresh = torch.zeros_like(like)
        fresh[drawn[0]] = 1.0
        return fresh

    start = torch.zeros(steps + 2, dtype=torch.float64)
    start[0] = 1.0
    return float(ddim(eps, start, SCHEDULES[schedule].levels(steps), eta=eta, noise=noise).norm())


def _told(found: dict[tuple[int, float], dict[str, float]]) -> dict[str, dict[str, float]]:
    return {f"{steps} steps, eta {eta:g}": errors for (steps, eta), errors in found.items()}
