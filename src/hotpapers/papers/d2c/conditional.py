"""Conditional generation and editing: rejection, Langevin steps, and moving along an attribute (algorithms 1 and 2)."""

import dataclasses
import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from hotpapers.blocks.diffusion import CLEAN, ddim, partly_noised
from hotpapers.errors import BadInput
from hotpapers.papers.d2c.attributes import Attribute
from hotpapers.papers.d2c.model import D2C, STEPS
from hotpapers.papers.d2c.sampling import BATCH, settle

VISIBLE = 0.1  # of the range from black to white: how much a pixel changes before an edit is said to have touched it
Draw = Callable[[int], Float[Tensor, "B c s s"]]


@dataclasses.dataclass(frozen=True)
class Accepted:
    """What rejection came to.

    Attributes
    ----------
    latents
        Those that were accepted, at most as many as were wanted.
    drawn, accepted
        How many latents were drawn, and how many of these accepted.
    mean_r
        The mean of r(c | z) of what was drawn: the share that is to be expected.
    """

    latents: Float[Tensor, "n c s s"]
    drawn: int
    accepted: int
    mean_r: float


@torch.no_grad()
def reject(
    draw: Draw,
    likelihood: Callable[[Tensor], Float[Tensor, " B"]],
    count: int,
    *,
    most: int,
    generator: Generator | None = None,
    told: Callable[[int], object] = lambda found: None,
) -> Accepted:
    """Draw latents, a batch at a time, and accept each with probability r(c | z) (algorithm 1).

    Parameters
    ----------
    draw
        Returns so many latents.
    likelihood
        r(c | z) of each latent.
    most
        Stop after so many draws, with what there is: rare attributes take ``1 / E[r]`` draws each.
    told
        Is told how many there are.
    """
    kept: list[Tensor] = []
    drawn = accepted = 0
    total = 0.0
    while accepted < count and drawn < most:
        # as many as will probably do, once it is known how many are accepted
        likely = math.ceil((count - accepted) * drawn / accepted) if accepted else BATCH
        z = draw(min(max(likely, 8), BATCH, most - drawn))
        r = likelihood(z)
        taken = torch.rand(r.shape, generator=generator, device=r.device) < r
        kept.append(z[taken])
        drawn, accepted, total = drawn + len(z), accepted + int(taken.sum()), total + float(r.sum())
        told(min(accepted, count))
    return Accepted(torch.cat(kept)[:count], drawn, accepted, total / drawn)


def langevin(
    model: D2C,
    z: Float[Tensor, "B c s s"],
    attribute: Attribute,
    wanted: int,
    *,
    steps: int = 10,
    noise: int = 100,
    size: float = 0.1,
    strength: float = 1.0,
    generator: Generator | None = None,
) -> Float[Tensor, "B c s s"]:
    """Refine latents by Langevin's steps towards ``p(z) r(c | z)``, at one level of noise, which is taken away again.

    The score of the prior is ``-eps / sigma``; r sees the estimate of the clean latent.

    Parameters
    ----------
    noise
        The index of the table whose level it is done at.
    size
        Of a step, over the level's variance.
    strength
        Power of r.
    """
    level = model.schedule.level(noise)
    x = partly_noised(model.normal(z), level, generator=generator)
    step = size * level.sigma**2
    for _ in range(steps):
        with torch.no_grad():
            score = -model.eps(x, level) / level.sigma
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            clean = (leaf + level.sigma**2 * score) / level.m  # Tweedie, its own slope left out
            log_r = attribute.probabilities(clean)[:, wanted].clamp(min=1e-12).log().sum()
            (pull,) = torch.autograd.grad(log_r, leaf)
        x = x + step / 2 * (score + strength * pull)
        x = x + math.sqrt(step) * torch.randn(x.shape, generator=generator, device=x.device)
    times = sorted({round(each) for each in torch.linspace(0, noise, 3).tolist()}, reverse=True)
    return model.raw(ddim(model.eps, x, [*(model.schedule.level(t) for t in times), CLEAN]))


@torch.no_grad()
def manipulate(
    model: D2C,
    z: Float[Tensor, "B c s s"],
    attribute: Attribute,
    wanted: int,
    *,
    step: float,
    noise: int = 50,
    steps: int = 2,
    generator: Generator | None = None,
) -> Float[Tensor, "B c s s"]:
    """Move latents along an attribute and bring them back to the prior (algorithm 2).

    Parameters
    ----------
    step
        How far, in standard deviations of latents along that direction, so that a step means the same to every model.
    noise, steps
        As for ``settle``.
    """
    direction, spread = attribute.direction(model, wanted)
    return settle(model, z + step * spread * direction, noise, steps=steps, generator=generator)


def touched(change: Float[Tensor, "B C H W"]) -> Bool[Tensor, "B H W"]:
    """Return the pixels that an edit has visibly changed, in one colour at least."""
    return change.abs().amax(1) > VISIBLE


def check_edit(step: float, noise: int) -> None:
    """Refuse edits that leave the range of what a model can make."""
    if not -100 <= step <= 100:
        raise BadInput(f"--step is -100 to 100 standard deviations, not {step}; 2 to 6 is usual.")
    if not 0 <= noise < STEPS:
        raise BadInput(f"--noise is an index from 0 to {STEPS - 1}, not {noise}; 50 to 200 is usual.")
