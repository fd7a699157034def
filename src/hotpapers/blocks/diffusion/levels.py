"""Levels: how much signal and how much noise, ``x = m x0 + sigma eps``, and what a network is told of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Level(NamedTuple):
    """One level of noise. The fields are floats, or tensors that broadcast over a batch.

    Attributes
    ----------
    t
        The time: what the schedule counts in, an index for a table.
    m
        What is left of the signal.
    sigma
        The standard deviation of the noise.
    """

    t: Any
    m: Any
    sigma: Any


CLEAN = Level(0.0, 1.0, 0.0)
"""The data itself. As the last level it makes the last step of a sampler the jump ``(x - sigma eps) / m``."""

Eps = Callable[[Tensor, Level], Tensor]
"""What samplers take: an estimate of the noise in ``x``, batch first."""


def on_sigma(network: Callable[[Tensor, Tensor], Tensor]) -> Eps:
    """Return ``eps(x, level)`` for a network that is told sigma, one number for each item of the batch."""
    return lambda x, level: network(x, _for_batch(level.sigma, x))


def on_time(network: Callable[[Tensor, Tensor], Tensor]) -> Eps:
    """Return ``eps(x, level)`` for a network that is told the time, one number for each item of the batch."""
    return lambda x, level: network(x, _for_batch(level.t, x))


def batch_level(level: Level, x: Tensor) -> Level:
    """Return a level whose tensors, one entry for each item of the batch, broadcast against ``x``."""
    shape = (-1,) + (1,) * (x.ndim - 1)
    return Level(*(each.reshape(shape) if isinstance(each, Tensor) and each.ndim else each for each in level))


def _for_batch(value: Any, x: Tensor) -> Tensor:
    if isinstance(value, Tensor) and value.ndim:
        return value.flatten().to(x)
    return torch.full((x.shape[0],), float(value), dtype=x.dtype, device=x.device)
