"""Sampling: latents from noise, and latents brought back to where images' latents lie."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from hotpapers.blocks.diffusion import CLEAN, ddim, dpm_solver_pp, partly_noised
from hotpapers.blocks.diffusion.levels import Level
from hotpapers.errors import BadInput
from hotpapers.papers.d2c.model import D2C

Sampler = Literal["ddim", "dpm-solver"]
Decoding = Literal["mean", "mode", "sample"]
BATCH = 64


def path(model: D2C, steps: int) -> list[Level]:
    """Return the levels of the paper's sampling: every ``T / steps``-th index from 0 on, and the last one besides."""
    last = len(model.schedule) - 1
    return model.schedule.at([last, *reversed(range(0, last, max(1, (last + 1) // steps)))])


@torch.no_grad()
def draw(
    model: D2C, count: int, *, steps: int = 100, sampler: Sampler = "ddim", generator: Generator | None = None
) -> Float[Tensor, "count c s s"]:
    """Return latents drawn from the diffusion model, as the decoder takes them."""
    levels = path(model, steps)
    made = []
    for first in range(0, count, BATCH):
        shape = (min(BATCH, count - first), *model.shape)
        noise = torch.randn(shape, generator=generator, device=model.mean.device)
        made.append((ddim if sampler == "ddim" else dpm_solver_pp)(model.eps, noise, levels))
    return model.raw(torch.cat(made))


@torch.no_grad()
def settle(
    model: D2C, z: Float[Tensor, "B c s s"], noise: int = 50, *, steps: int = 2, generator: Generator | None = None
) -> Float[Tensor, "B c s s"]:
    """Bring latents back to the prior: add noise up to an index of the table, and take it away (algorithm 2).

    Parameters
    ----------
    noise
        The index: 50 is alpha = 0.970, the authors' choice; 0 leaves the latents alone.
    steps
        Evaluations of the network; two go to the indices 50 and 0, as in the authors' code.
    """
    if noise <= 0:
        return z
    times = sorted({round(each) for each in torch.linspace(0, noise, max(2, steps)).tolist()}, reverse=True)
    levels = [*(model.schedule.level(t) for t in times), CLEAN]
    noisy = partly_noised(model.normal(z), levels[0], generator=generator)
    return model.raw(ddim(model.eps, noisy, levels))


@torch.no_grad()
def pictured(
    model: D2C, z: Float[Tensor, "B c s s"], decoding: Decoding = "mean", generator: Generator | None = None
) -> Float[Tensor, "B C H W"]:
    """Return the images of latents: the expected one, the most probable one, or one drawn as the paper does."""
    made = []
    for each in z.split(BATCH):
        mixture = model.distribution(each)
        made.append(mixture.sample(generator) if decoding == "sample" else getattr(mixture, decoding)())
    return torch.cat(made)


def index_of(model: D2C, alpha: float) -> int:
    """Return the index of the table whose alpha is nearest."""
    return int((model.schedule.alpha_bar - alpha).abs().argmin())


def check_steps(steps: int) -> None:
    """Refuse numbers of steps that the table cannot give."""
    if not 1 <= steps <= 1_000:
        raise BadInput(f"--steps can be 1 to 1,000, not {steps}.")
