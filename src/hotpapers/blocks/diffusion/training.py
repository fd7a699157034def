"""Training: the loss, the times it is taken at, and the moving average of the weights that samples are drawn with."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel

from hotpapers.blocks.diffusion.levels import Eps, Level, batch_level
from hotpapers.blocks.diffusion.noise import GAUSSIAN, NoiseLaw


def denoising_loss(
    eps: Eps,
    x: Tensor,
    level: Level,
    *,
    noise: NoiseLaw = GAUSSIAN,
    power: Literal[1, 2] = 2,
    generator: Generator | None = None,
) -> Float[Tensor, " batch"]:
    """Return ``|eps - eps(m x + sigma eps)|^power`` of each item, averaged over its elements.

    Parameters
    ----------
    x
        Data, batch first.
    level
        One level for each item: its fields are tensors of the batch's length.
    """
    drawn = noise(x, level, generator)
    _, m, sigma = batch_level(level, x)
    error = eps(m * x + sigma * drawn, level) - drawn
    return (error.abs() if power == 1 else error.square()).flatten(1).mean(1)


def antithetic_times(
    batch: int, total: int, device: torch.device | str = "cpu", generator: Generator | None = None
) -> Int[Tensor, " batch"]:
    """Return indices in pairs ``t, total - 1 - t``, so that a batch has as many high levels as low ones."""
    half = torch.randint(0, total, (batch // 2 + 1,), generator=generator, device=device)
    return torch.cat([half, total - 1 - half])[:batch]


def by_level(losses: Float[Tensor, " n"], times: Float[Tensor, " n"], edges: Sequence[float]) -> list[float]:
    """Return the mean loss between each two edges; NaN where there is none."""
    bins = torch.bucketize(times.float(), torch.tensor(edges, dtype=torch.float32, device=times.device)[1:-1])
    return [float(losses[bins == each].mean()) for each in range(len(edges) - 1)]


def moving_average(model: nn.Module, decay: float, *, warm_up: bool = True) -> AveragedModel:
    """Return an exponential moving average of a model's weights; ``update_parameters(model)`` after each step.

    Parameters
    ----------
    warm_up
        Let the decay be at most ``(1 + n) / (10 + n)`` at the n-th step, so that a short training forgets its start.
    """

    @torch.no_grad()
    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], count: Tensor | int) -> None:
        kept = min(decay, (1 + int(count)) / (10 + int(count))) if warm_up else decay
        torch._foreach_lerp_(list(averages), list(currents), 1 - kept)

    return AveragedModel(model, multi_avg_fn=update)
