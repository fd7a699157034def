"""Schedules: which levels there are between data and noise.

A continuous schedule is ``dx = -beta/2 x dt + g dw``, so that ``m' = -beta/2 m``, ``(sigma^2)' = g^2 - beta sigma^2``.
Times run from ``t_min`` (nearly clean) to ``t_max`` (nearly noise). A table has whole-number times.
"""

import abc
import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from hotpapers.blocks.diffusion.levels import CLEAN, Level

Spacing = Literal["time", "log-snr"]


class Continuous(abc.ABC):
    """What every continuous schedule has: its levels, and the times at which there is so much noise."""

    t_min: float
    t_max: float

    @abc.abstractmethod
    def m(self, t: Tensor) -> Tensor:
        """Return what is left of the signal at some times."""

    @abc.abstractmethod
    def sigma(self, t: Tensor) -> Tensor:
        """Return the noise at some times."""

    @abc.abstractmethod
    def beta(self, t: float) -> float:
        """Return the rate at which the signal's power shrinks."""

    @abc.abstractmethod
    def g2(self, t: float) -> float:
        """Return the rate at which noise comes in, the squared diffusion coefficient."""

    def level(self, t: float) -> Level:
        """Return the level at a time."""
        time = torch.tensor(t, dtype=torch.float64)
        return Level(t, float(self.m(time)), float(self.sigma(time)))

    def levels(self, steps: int, spacing: Spacing = "time") -> list[Level]:
        """Return ``steps + 1`` levels from noise to data, evenly spaced in time or log-SNR, and ``CLEAN``."""
        if spacing == "time":
            times = torch.linspace(self.t_max, self.t_min, steps + 1, dtype=torch.float64)
        else:
            times = self._times_of(steps)
        return [*(self.level(t) for t in times.tolist()), CLEAN]

    def time_of(self, sigma: float) -> float:
        """Return the time at which there is so much noise, or the nearer end."""
        return float(self._where(lambda t: self.sigma(t) > sigma, torch.zeros(1, dtype=torch.float64)))

    def _times_of(self, steps: int) -> Tensor:
        """Return times whose log-SNR is evenly spaced."""
        ends = [math.log(level.m / level.sigma) for level in (self.level(self.t_max), self.level(self.t_min))]
        wanted = torch.linspace(ends[0], ends[1], steps + 1, dtype=torch.float64)
        times = self._where(lambda t: (self.m(t) / self.sigma(t)).log() < wanted, wanted)
        times[0], times[-1] = self.t_max, self.t_min
        return times

    def _where(self, noisier: Callable[[Tensor], Tensor], like: Tensor) -> Tensor:
        """Return the times at which ``noisier`` turns true, by halving the interval 60 times."""
        low, high = torch.full_like(like, self.t_min), torch.full_like(like, self.t_max)
        for _ in range(60):
            middle = (low + high) / 2
            too_late = noisier(middle)
            low, high = torch.where(too_late, low, middle), torch.where(too_late, middle, high)
        return (low + high) / 2

    def batch(self, t: Float[Tensor, " batch"]) -> Level:
        """Return the levels at a batch of times, in float32."""
        time = t.double()
        return Level(t, self.m(time).float(), self.sigma(time).float())


class CosineSigma(Continuous):
    """``sigma(t) = (1 - cos(pi t)) / 2`` with the mean ``m = (1 - sigma^gamma)^eta`` (Rouard and Hadjeres, 2021).

    ``gamma, eta`` = 2, 1/2 keeps the variance (VP); 1, 1/2 and 1, 1 are the sub-VP family.

    Parameters
    ----------
    t_min
        The time at which sampling ends; ``t_max`` is ``1 - t_min``.
    """

    def __init__(self, gamma: float = 2.0, eta: float = 0.5, t_min: float = 0.007) -> None:
        self.gamma, self.eta, self.t_min, self.t_max = gamma, eta, t_min, 1 - t_min

    def sigma(self, t: Tensor) -> Tensor:
        """Return the noise at some times."""
        return (1 - torch.cos(math.pi * t)) / 2

    def m(self, t: Tensor) -> Tensor:
        """Return what is left of the signal at some times."""
        return (1 - self.sigma(t) ** self.gamma) ** self.eta

    def beta(self, t: float) -> float:
        """Return the rate at which the signal's power shrinks."""
        sigma = (1 - math.cos(math.pi * t)) / 2
        return 2 * self.eta * self.gamma * _slope(t) * sigma ** (self.gamma - 1) / (1 - sigma**self.gamma)

    def g2(self, t: float) -> float:
        """Return the rate at which noise comes in."""
        sigma = (1 - math.cos(math.pi * t)) / 2
        power = sigma**self.gamma
        return 2 * _slope(t) * sigma * (self.gamma * self.eta * power / (1 - power) + 1)


def _slope(t: float) -> float:
    """Return sigma'(t) of the cosine."""
    return math.pi / 2 * math.sin(math.pi * t)


class LinearBeta(Continuous):
    """``beta(t) = low + (high - low) t`` at unit variance, ``m = exp(-B/2)`` (the VP SDE of Song et al., 2021)."""

    def __init__(self, low: float = 0.1, high: float = 20.0, t_min: float = 1e-5) -> None:
        self.low, self.high, self.t_min, self.t_max = low, high, t_min, 1.0

    def m(self, t: Tensor) -> Tensor:
        """Return what is left of the signal at some times."""
        return torch.exp(-(self.low * t + (self.high - self.low) * t**2 / 2) / 2)

    def sigma(self, t: Tensor) -> Tensor:
        """Return the noise at some times."""
        return torch.sqrt(-torch.expm1(-(self.low * t + (self.high - self.low) * t**2 / 2)))

    def beta(self, t: float) -> float:
        """Return the rate at which the signal's power shrinks."""
        return self.low + (self.high - self.low) * t

    g2 = beta


class SigmoidVariance(Continuous):
    """``sigma^2 = sigmoid(slope t - shift)`` at unit variance: log-SNR falls linearly from ``shift``."""

    def __init__(self, slope: float = 22.31, shift: float = 18.42, t_min: float = 0.0) -> None:
        self.slope, self.shift, self.t_min, self.t_max = slope, shift, t_min, 1.0

    def m(self, t: Tensor) -> Tensor:
        """Return what is left of the signal at some times."""
        return torch.sigmoid(self.shift - self.slope * t).sqrt()

    def sigma(self, t: Tensor) -> Tensor:
        """Return the noise at some times."""
        return torch.sigmoid(self.slope * t - self.shift).sqrt()

    def beta(self, t: float) -> float:
        """Return the rate at which the signal's power shrinks."""
        return self.slope / (1 + math.exp(self.shift - self.slope * t))

    g2 = beta


class Table:
    """A discrete schedule: ``x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) eps`` for t = 0 … T-1 (Ho et al., 2020).

    Parameters
    ----------
    betas
        The share of noise that each step adds.
    """

    def __init__(self, betas: Float[Tensor, " T"]) -> None:
        self.betas = betas.double()
        self.alpha_bar = torch.cumprod(1 - self.betas, 0)

    def __len__(self) -> int:
        return len(self.betas)

    def level(self, t: int) -> Level:
        """Return the level at an index."""
        alpha_bar = float(self.alpha_bar[t])
        return Level(float(t), math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar))

    def batch(self, t: Float[Tensor, " batch"]) -> Level:
        """Return the levels at a batch of indices, in float32."""
        alpha_bar = self.alpha_bar.to(t.device)[t.long()]
        return Level(t, alpha_bar.sqrt().float(), (1 - alpha_bar).sqrt().float())

    def at(self, times: Sequence[int]) -> list[Level]:
        """Return the levels at ``times``, which fall, and ``CLEAN`` behind them."""
        return [*(self.level(t) for t in times), CLEAN]

    def levels(
        self,
        steps: int,
        spacing: Literal["uniform", "quadratic", "ends", "log-snr"] = "uniform",
        *,
        start: int | None = None,
    ) -> list[Level]:
        """Return ``steps`` levels from noise to data, and ``CLEAN`` behind them.

        Parameters
        ----------
        spacing
            ``uniform``: 0, T/steps, 2 T/steps, …; ``quadratic``: ``linspace(0, sqrt(0.8 T), steps)^2`` (both of Song et
            al., DDIM); ``ends``: evenly from 0 to T - 1, both included; ``log-snr``: from T - 1 to 0, as evenly in
            log-SNR as whole times allow.
        start
            Leave out what is noisier than this index.
        """
        total = len(self)
        if spacing == "uniform":
            times = list(range(0, total, max(1, total // steps)))[:steps]
        elif spacing == "quadratic":
            times = sorted(
                {
                    int(root**2 + 1e-9)
                    for root in torch.linspace(0, math.sqrt(0.8 * total), steps, dtype=torch.float64).tolist()
                }
            )
        elif spacing == "ends":
            times = sorted({round(t) for t in torch.linspace(0, total - 1, steps).tolist()})
        else:
            log_snr = (self.alpha_bar / (1 - self.alpha_bar)).log() / 2  # falls
            wanted = torch.linspace(float(log_snr[0]), float(log_snr[-1]), steps, dtype=torch.float64)
            times = (log_snr - wanted[:, None]).abs().argmin(1).unique().tolist()
        return self.at([t for t in reversed(times) if start is None or t <= start])


def linear_betas(steps: int = 1000, low: float = 1e-4, high: float = 0.02) -> Float[Tensor, " steps"]:
    """Return the betas of DDPM."""
    return torch.linspace(low, high, steps, dtype=torch.float64)
