"""Controls: what one can do with a diffusion model besides sampling, with any network, schedule and sampler."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor

from hotpapers.blocks.diffusion.levels import Eps, Level
from hotpapers.blocks.diffusion.noise import GAUSSIAN, NoiseLaw
from hotpapers.blocks.diffusion.samplers import After, ddim


@torch.no_grad()
def encode(eps: Eps, x: Tensor, levels: Sequence[Level]) -> Tensor:
    """Return the latent of data: DDIM upwards, from data to noise.

    Parameters
    ----------
    levels
        As for a sampler, from noise to data. Where they end in ``CLEAN`` the first step up only scales the data.
    """
    for t, s in pairwise(reversed(levels)):
        if t.sigma == 0:
            x = s.m / t.m * x
            continue
        r = s.m / t.m
        x = r * x + (s.sigma - t.sigma * r) * eps(x, t)
    return x


def decode(eps: Eps, latent: Tensor, levels: Sequence[Level]) -> Tensor:
    """Return the data of a latent: DDIM downwards."""
    return ddim(eps, latent, levels)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return the point ``share`` of the way from ``a`` to ``b`` on the great circle, item by item of the batch."""
    flat_a, flat_b = a.flatten(1).double(), b.flatten(1).double()
    cosine = torch.nn.functional.cosine_similarity(flat_a, flat_b, dim=1).clamp(-1, 1)
    angle = cosine.acos()
    sine = angle.sin()
    straight = sine < 1e-6
    safe = torch.where(straight, torch.ones_like(sine), sine)
    of_a = torch.where(straight, 1 - torch.full_like(sine, share), ((1 - share) * angle).sin() / safe)
    of_b = torch.where(straight, torch.full_like(sine, share), (share * angle).sin() / safe)
    return (of_a[:, None] * flat_a + of_b[:, None] * flat_b).to(a.dtype).reshape(a.shape)


def kept_region(known: Tensor, keep: Tensor, generator: Generator | None = None) -> After:
    """Return an ``after`` for samplers that puts ``known`` back, with the level's noise, wherever ``keep`` is true."""

    def after(x: Tensor, level: Level) -> Tensor:
        noisy = level.m * known
        if level.sigma > 0:
            noisy = noisy + level.sigma * GAUSSIAN(known, level, generator)
        return torch.where(keep, noisy, x)

    return after


def partly_noised(x: Tensor, level: Level, *, noise: NoiseLaw = GAUSSIAN, generator: Generator | None = None) -> Tensor:
    """Return data taken up to a level; a sampler started from there gives a variation of them."""
    return level.m * x + level.sigma * noise(x, level, generator)


def guided(eps: Eps, log_likelihood: Callable[[Tensor, Level], Tensor], strength: float = 1.0) -> Eps:
    """Return ``eps - strength sigma grad log p(y | x, level)`` (Dhariwal and Nichol, 2021, algorithm 2).

    Parameters
    ----------
    log_likelihood
        ``log p`` of each item of the batch, or a weighted sum of several; differentiable in ``x``.
    """

    def steered(x: Tensor, level: Level) -> Tensor:
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(log_likelihood(leaf, level).sum(), leaf)
        return eps(x, level) - strength * level.sigma * gradient

    return steered
