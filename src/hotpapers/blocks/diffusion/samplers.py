"""Samplers: plain functions that walk ``x`` down a list of levels with a callable ``eps(x, level)``.

Every one takes levels from noise to data; ended by ``CLEAN``, the last step is the jump ``(x - sigma eps) / m``.
``after(x, level)``, where given, may change ``x`` when a level is reached: inpainting does.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Generator, Tensor

from hotpapers.blocks.diffusion.levels import Eps, Level
from hotpapers.blocks.diffusion.noise import GAUSSIAN, NoiseLaw
from hotpapers.blocks.diffusion.schedules import Continuous

After = Callable[[Tensor, Level], Tensor]


@torch.no_grad()
def ddim(
    eps: Eps,
    x: Tensor,
    levels: Sequence[Level],
    *,
    eta: float = 0.0,
    noise: NoiseLaw = GAUSSIAN,
    clip: float | None = None,
    after: After | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """DDIM at ``eta`` 0 (Song et al., 2021, eq. 12; CRASH, algorithm 5), the DDPM posterior at 1, for any (m, sigma).

    Parameters
    ----------
    noise
        The law of the noise that is put back in, at the level that is stepped to.
    clip
        Clamp the estimate of the data to [-clip, clip] at every step.
    """
    for t, s in pairwise(levels):
        e = eps(x, t)
        if clip is None:
            r = s.m / t.m
            c = _put_back(t, s, eta)
            x = r * x + (math.sqrt(s.sigma**2 - c**2) - t.sigma * r) * e
        else:
            c = _put_back(t, s, eta)
            data = ((x - t.sigma * e) / t.m).clamp(-clip, clip)
            x = s.m * data + math.sqrt(s.sigma**2 - c**2) * e
        if c > 0:
            x = x + c * noise(x, s, generator)
        x = after(x, s) if after else x
    return x


def _put_back(t: Level, s: Level, eta: float) -> float:
    """Return the standard deviation of the noise that a step from t to s puts back in."""
    share = s.sigma * t.m / (t.sigma * s.m)
    return float(eta * s.sigma * math.sqrt(max(0.0, 1 - share**2)))


@torch.no_grad()
def reparametrised_sde(
    eps: Eps,
    x: Tensor,
    levels: Sequence[Level],
    *,
    after: After | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """CRASH, algorithm 6: ``d(x/m) = 2 d(sigma/m) eps + sqrt(d(sigma^2/m^2)) dw``; a jump to ``CLEAN`` is DDIM's."""
    for t, s in pairwise(levels):
        r = s.m / t.m
        twice = 2 if s.sigma > 0 else 1
        x = r * x + twice * (s.sigma - t.sigma * r) * eps(x, t)
        if s.sigma > 0:
            x = x + math.sqrt(max(0.0, (t.sigma * r) ** 2 - s.sigma**2)) * GAUSSIAN(x, s, generator)
        x = after(x, s) if after else x
    return x


@torch.no_grad()
def euler_maruyama(
    eps: Eps,
    x: Tensor,
    levels: Sequence[Level],
    schedule: Continuous,
    *,
    after: After | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Euler and Maruyama's steps of the reverse SDE ``dx = [-beta/2 x - g^2 score] dt + g dw`` (Song et al., 2021)."""
    for t, s in pairwise(levels):
        if s.sigma > 0:
            g2, dt = schedule.g2(t.t), t.t - s.t
            x = x + dt * (schedule.beta(t.t) / 2 * x - g2 / t.sigma * eps(x, t))
            x = x + math.sqrt(g2 * dt) * GAUSSIAN(x, s, generator)
        else:
            x = _jump(eps, x, t)
        x = after(x, s) if after else x
    return x


@torch.no_grad()
def euler_ode(
    eps: Eps, x: Tensor, levels: Sequence[Level], schedule: Continuous, *, after: After | None = None
) -> Tensor:
    """Euler's steps of the probability-flow ODE ``dx = [-beta/2 x - g^2/2 score] dt``."""
    for t, s in pairwise(levels):
        if s.sigma > 0:
            x = x + (t.t - s.t) * (schedule.beta(t.t) / 2 * x - schedule.g2(t.t) / (2 * t.sigma) * eps(x, t))
        else:
            x = _jump(eps, x, t)
        x = after(x, s) if after else x
    return x


@torch.no_grad()
def heun(eps: Eps, x: Tensor, levels: Sequence[Level], *, after: After | None = None) -> Tensor:
    """Heun's steps of ``d(x/m) = d(sigma/m) eps``: two evaluations each (Karras et al., 2022, algorithm 1)."""
    for t, s in pairwise(levels):
        first = eps(x, t)
        dr = s.sigma / s.m - t.sigma / t.m
        ahead = s.m * (x / t.m + dr * first)
        x = s.m * (x / t.m + dr * (first + eps(ahead, s)) / 2) if s.sigma > 0 else ahead
        x = after(x, s) if after else x
    return x


@torch.no_grad()
def dpm_solver_pp(eps: Eps, x: Tensor, levels: Sequence[Level], *, after: After | None = None) -> Tensor:
    """DPM-Solver++(2M): second order, one evaluation a step (Lu et al., 2022, algorithm 2).

    The first step and the one to ``CLEAN`` are of first order.
    """
    before: tuple[Tensor, float] | None = None
    for t, s in pairwise(levels):
        data = (x - t.sigma * eps(x, t)) / t.m
        if s.sigma > 0:
            h = math.log(s.m / s.sigma) - math.log(t.m / t.sigma)
            guess = data
            if before is not None:
                share = h / (2 * before[1])
                guess = (1 + share) * data - share * before[0]
            x = s.sigma / t.sigma * x - s.m * math.expm1(-h) * guess
            before = (data, h)
        else:
            x = data
        x = after(x, s) if after else x
    return x


@torch.no_grad()
def deis(eps: Eps, x: Tensor, levels: Sequence[Level], *, order: int = 3, after: After | None = None) -> Tensor:
    """Exponential Adams-Bashforth steps (tAB-DEIS; Zhang and Chen, 2023, eq. 14): one evaluation each.

    ``d(x/m) = eps d(sigma/m)``, with ``eps`` the polynomial in log-SNR through the last ``order`` estimates. At order 1
    this is DDIM; the step to ``CLEAN`` is always of order 1.
    """
    seen: list[tuple[float, Tensor]] = []
    for t, s in pairwise(levels):
        seen = [(math.log(t.m / t.sigma), eps(x, t)), *seen[: order - 1]]
        weights = [-t.sigma / t.m]
        if s.sigma > 0:
            weights = _adams_bashforth([at for at, _ in seen], math.log(s.m / s.sigma))
        x = s.m * (x / t.m + sum(weight * e for weight, (_, e) in zip(weights, seen, strict=False)))
        x = after(x, s) if after else x
    return x


def _adams_bashforth(nodes: list[float], end: float) -> list[float]:
    """Return each node's integral of its Lagrange polynomial over ``d exp(-u)``, from the first node to ``end``.

    For a polynomial p the antiderivative of ``-p exp(-u)`` is ``(p + p' + p'' + ...) exp(-u)``.
    """
    weights = []
    for node in nodes:
        p = np.poly1d([1.0])  # in u - nodes[0], where rounding is least
        for other in nodes:
            p = p if other == node else p * np.poly1d([1, nodes[0] - other]) / (node - other)
        total = sum((p.deriv(k) for k in range(1, len(nodes))), p)
        weights.append(math.exp(-nodes[0]) * float(total(end - nodes[0]) * math.exp(nodes[0] - end) - total(0)))
    return weights


@torch.no_grad()
def rk45(
    eps: Eps,
    x: Tensor,
    schedule: Continuous,
    *,
    start: float = 0.999,
    end: float = 1e-4,
    tolerance: float = 1e-5,
) -> tuple[Tensor, int]:
    """Dormand and Prince's adaptive steps of the ODE by SciPy, then the jump; return ``x`` and the evaluations used.

    Parameters
    ----------
    start, end
        Times within the schedule's own; outside of them the nearest.
    tolerance
        Relative and absolute.
    """
    from scipy.integrate import solve_ivp

    first, last = min(start, schedule.t_max), max(end, schedule.t_min)

    def slope(t: float, flat: np.ndarray) -> np.ndarray:
        level = schedule.level(t)
        state = torch.as_tensor(flat, dtype=x.dtype, device=x.device).reshape(x.shape)
        change = -schedule.beta(t) / 2 * state + schedule.g2(t) / (2 * level.sigma) * eps(state, level)
        return change.flatten().double().cpu().numpy()

    solution = solve_ivp(slope, (first, last), x.flatten().double().cpu().numpy(), rtol=tolerance, atol=tolerance)
    x = torch.as_tensor(solution.y[:, -1], dtype=x.dtype, device=x.device).reshape(x.shape)
    return _jump(eps, x, schedule.level(last)), solution.nfev + 1


def _jump(eps: Eps, x: Tensor, t: Level) -> Tensor:
    return (x - t.sigma * eps(x, t)) / t.m
