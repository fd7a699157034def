"""Data whose best denoiser is known: N(0, s^2), where the best noise estimate is ``sigma x / (m^2 s^2 + sigma^2)``.

Every step of a sampler is then linear, and the spread of what comes out follows without drawing a number.
"""

import torch
from torch import Tensor

from hotpapers.blocks.diffusion import ddim
from hotpapers.blocks.diffusion.levels import Level
from hotpapers.papers.crash.model import SCHEDULES

SPREAD = 0.5  # of the data
COSINES = ("vp-cos", "sub-vp-cos", "sub-vp-1-1-cos")


def errors_of_spread(steps: int, eta: float) -> dict[str, float]:
    """Return by how much each schedule's spread falls short."""
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
