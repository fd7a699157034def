"""Noise laws: zero mean and unit variance at every level, else as one likes."""

from typing import Protocol

import torch
from torch import Generator, Tensor

from hotpapers.blocks.diffusion.levels import Level, batch_level

NEARLY_GAUSSIAN = 1e6
"""Shapes from which on a Gamma is drawn without its rejection test; that would refuse less than one draw in 10^7."""


class NoiseLaw(Protocol):
    """Draws ``eps``."""

    def __call__(self, like: Tensor, level: Level, generator: Generator | None = None) -> Tensor:
        """Return noise of the shape, type and device of ``like`` for a level, or for a batch of them."""


class GaussianNoise:
    """The standard normal, at every level."""

    def __call__(self, like: Tensor, level: Level, generator: Generator | None = None) -> Tensor:
        """Return noise of the shape, type and device of ``like``."""
        return _normal(like, generator)


GAUSSIAN = GaussianNoise()
"""The law that everything takes unless told."""


class GammaNoise:
    """The standardised Gamma of Nachmani et al. (2021): ``(G - k theta) / sigma``, ``G ~ Gamma(k, theta)``.

    With ``theta_t = theta_0 m_t`` sums of the steps' noise stay Gamma, and the shape after all steps up to t telescopes
    to ``k_t = sigma_t^2 / (m_t theta_0)^2``. Its skewness is ``2 / sqrt(k)``.

    Parameters
    ----------
    theta_0
        The scale at the clean end; 0.001 in the paper, where the law is all but Gaussian after 20 of 1,000 steps.
    """

    def __init__(self, theta_0: float = 0.001) -> None:
        if not theta_0 > 0:
            raise ValueError(f"theta_0 is a scale and above 0, not {theta_0}")
        self.theta_0 = theta_0

    def shape(self, level: Level) -> Tensor:
        """Return k, in float64."""
        m, sigma = (torch.as_tensor(each, dtype=torch.float64) for each in (level.m, level.sigma))
        return (sigma / (m * self.theta_0)) ** 2

    def __call__(self, like: Tensor, level: Level, generator: Generator | None = None) -> Tensor:
        """Return noise of the shape, type and device of ``like``."""
        k = self.shape(batch_level(level, like)).to(like.device)
        return standard_gamma(like, k, generator)


class MixtureNoise:
    """Two Gaussians of the same width, far enough apart for unit variance (Nachmani et al., 2021).

    ``N(m1, s^2)`` with probability p, else ``N(-p/(1-p) m1, s^2)``, ``m1 = sqrt((1 - s^2)(1 - p)/p)``; the width s runs
    linearly from ``start`` at time 0 to ``end`` at ``last``.

    Parameters
    ----------
    last
        The last time of the schedule: T - 1 of a table, 1 of a continuous one.
    """

    def __init__(self, start: float = 1.0, end: float = 0.5, *, p: float = 0.5, last: float = 999.0) -> None:
        if not (0 < p < 1 and 0 <= start <= 1 and 0 <= end <= 1):
            raise ValueError("p lies between 0 and 1, and so do both widths")
        self.start, self.end, self.p, self.last = start, end, p, last

    def width(self, level: Level) -> Tensor:
        """Return s."""
        t = torch.as_tensor(level.t, dtype=torch.float64)
        return self.start + (self.end - self.start) * t / self.last

    def __call__(self, like: Tensor, level: Level, generator: Generator | None = None) -> Tensor:
        """Return noise of the shape, type and device of ``like``."""
        s = self.width(batch_level(level, like)).to(like)
        m1 = ((1 - s**2) * (1 - self.p) / self.p).sqrt()
        first = torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device) < self.p
        return torch.where(first, m1, -self.p / (1 - self.p) * m1) + s * _normal(like, generator)


def standard_gamma(like: Tensor, k: Tensor, generator: Generator | None = None) -> Tensor:
    """Return ``(G - k) / sqrt(k)``, ``G ~ Gamma(k, 1)``, exact at every shape, without cancellation.

    Marsaglia and Tsang (2000) accept ``G = d (1 + z / sqrt(9 d))^3``, ``d = k - 1/3``; multiplied out,
    ``G - k = sqrt(d) z + (z^2 - 1)/3 + z^3 / (27 sqrt(d))``, in which no large numbers are subtracted: float32 will do
    where ``G - k`` of a drawn G would have few digits left. Below k = 1, ``G(k) = G(k + 1) U^(1/k)``.
    """
    least = float(k.min()) if k.numel() else 1.0
    if least < 1:
        return _with_small_shapes(like, k.expand(like.shape) if k.ndim else k, generator)
    d = (k - 1 / 3).to(like.dtype)  # as few numbers as k has: one for each item, mostly
    root = d.sqrt()
    z = _normal(like, generator)
    if least < NEARLY_GAUSSIAN:
        each = d.expand(like.shape) if d.ndim else d
        refused = _refused(z, each, generator)
        while bool(refused.any()):
            again = _normal(z[refused], generator)
            z[refused] = again
            wrong = _refused(again, each[refused] if each.ndim else each, generator)
            refused[refused.clone()] = wrong
    square = z * z
    return (z * (root + square / (27 * root)) + (square - 1) / 3) / k.sqrt().to(like.dtype)


def _refused(z: Tensor, d: Tensor, generator: Generator | None) -> Tensor:
    u = torch.rand(z.shape, generator=generator, dtype=z.dtype, device=z.device)
    square = z * z
    doubtful = u >= 1 - 0.0331 * square * square  # z**4 would cost more than all else
    if d.ndim:
        doubtful &= d < NEARLY_GAUSSIAN
    places = doubtful.nonzero(as_tuple=True)
    if not len(places[0]):
        return doubtful
    z, u, d = z[places].double(), u[places].double(), (d[places] if d.ndim else d).double()
    root = 1 + z / (3 * d.sqrt())
    cube = root.clamp(min=1e-300) ** 3
    doubtful[places] = (root <= 0) | (u.log() >= z**2 / 2 + d * (1 - cube + cube.log()))
    return doubtful


def _with_small_shapes(like: Tensor, k: Tensor, generator: Generator | None) -> Tensor:
    """Draw where some shapes are below 1, in float64: such a Gamma is nearly always nearly 0."""
    k = k.double()
    lifted = torch.where(k < 1, k + 1, k)
    wide = like.double()
    drawn = standard_gamma(wide, lifted, generator) * lifted.sqrt() + lifted
    u = torch.rand(like.shape, generator=generator, dtype=torch.float64, device=like.device)
    drawn = torch.where(k < 1, drawn * u ** (1 / k), drawn)
    return ((drawn - k) / k.sqrt()).to(like.dtype)


def _normal(like: Tensor, generator: Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
