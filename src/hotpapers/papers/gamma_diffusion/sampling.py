"""Sampling: from noise of the model's law down a sub-sequence of its steps.

Step from t to s (authors' code, "generalised"; DDIM's with another noise), ``eps`` of the law at s:
``x0 = (x - sqrt(1 - abar_t) e) / sqrt(abar_t)``, ``c1 = eta sqrt((1 - abar_t/abar_s)(1 - abar_s)/(1 - abar_t))``,
``x_s = sqrt(abar_s) x0 + sqrt(1 - abar_s - c1^2) e + c1 eps``.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from hotpapers.blocks.diffusion import ddim
from hotpapers.blocks.diffusion.levels import Level
from hotpapers.blocks.diffusion.noise import NoiseLaw
from hotpapers.papers.gamma_diffusion.laws import Law
from hotpapers.papers.gamma_diffusion.model import GammaDiffusion

Spacing = Literal["uniform", "quadratic"]
BATCH = 64


def draw(
    model: GammaDiffusion,
    count: int,
    *,
    steps: int = 10,
    eta: float = 0.0,
    spacing: Spacing = "uniform",
    clip: bool = False,
    law: Law | None = None,
    generator: Generator | None = None,
) -> Float[Tensor, "count channels size size"]:
    """Return images made from noise, as the network gives them; they belong into [-1, 1].

    Parameters
    ----------
    steps
        How many of the schedule's steps are taken.
    eta
        0 for DDIM, where the law enters at the start alone; 1 for DDPM, where it enters at every step.
    spacing
        Every so many steps, or closer together towards the clean end.
    clip
        Clamp the estimate of the image to [-1, 1] at every step, as the authors do while they train.
    law
        Another law than the model was trained with.
    """
    return torch.cat(list(batches(model, count, steps=steps, eta=eta, spacing=spacing, clip=clip, law=law,
                                  generator=generator)))  # fmt: skip


def batches(
    model: GammaDiffusion,
    count: int,
    *,
    steps: int = 10,
    eta: float = 0.0,
    spacing: Spacing = "uniform",
    clip: bool = False,
    law: Law | None = None,
    generator: Generator | None = None,
) -> Iterator[Float[Tensor, "n channels size size"]]:
    """Yield what ``draw`` returns, up to 64 images at a time."""
    noise = law.at(len(model.schedule) - 1) if law else model.noise
    levels = model.schedule.levels(steps, spacing)
    last = model.schedule.level(len(model.schedule) - 1)
    for first in range(0, count, BATCH):
        like = torch.empty(min(BATCH, count - first), model.channels, model.size, model.size, device=model.device)
        start = first_noise(like, last, noise, generator)
        yield ddim(model.eps, start, levels, eta=eta, noise=noise, clip=1.0 if clip else None, generator=generator)


def first_noise(like: Tensor, last: Level, noise: NoiseLaw, generator: Generator | None = None) -> Tensor:
    """Return the centred noise that all steps together add, ``G - k_bar_T theta_T`` for the Gamma; not renormalised."""
    return last.sigma * noise(like, last, generator)
