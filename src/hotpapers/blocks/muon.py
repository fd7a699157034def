"""Muon, an optimiser for short trainings: every step of a weight matrix is the orthogonal one nearest to its momentum.

All directions of a weight move equally far, where Adam moves a few. Source: K. Jordan et al., "Muon: an optimizer for
hidden layers in neural networks", 2024.
"""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

OUTER_SHARE = 0.1  # of Muon's learning rate, for what Adam moves beside it
MOMENTUM = 0.9
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of Jordan's quintic: it reaches 0.7 to 1.2, fast, and no fixed point


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal, for the weights of hidden layers; biases and outer layers want Adam.

    Parameters
    ----------
    parameters
        Weights of two dimensions or more; all but the first count as columns. Those of one shape move together.
    learning_rate
        The spectral norm of a step, about; for tall matrices times the root of rows over columns.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float) -> None:
        of_shape: dict[torch.Size, list[nn.Parameter]] = {}
        for weight in parameters:
            of_shape.setdefault(weight.shape, []).append(weight)
        super().__init__([{"params": weights} for weights in of_shape.values()], {"lr": learning_rate})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            directions = torch.stack([self._direction(weight).flatten(1) for weight in weights])
            rows, columns = directions.shape[-2:]
            steps = orthogonalised(directions).mul_(-group["lr"] * max(1.0, rows / columns) ** 0.5)
            for weight, step in zip(weights, steps, strict=True):
                weight.add_(step.view_as(weight))

    def _direction(self, weight: nn.Parameter) -> Tensor:
        """Return the momentum as it will be after one more such gradient, after Nesterov."""
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
        return weight.grad.lerp(state["momentum"], MOMENTUM)


def muon_beside_adam(
    net: nn.Module, hidden: Iterable[nn.Module], learning_rate: float, steps: int
) -> tuple[list[torch.optim.Optimizer], list[torch.optim.lr_scheduler.LRScheduler]]:
    """Return what moves a network of waveforms in a short training, and the schedules that bring its rates to 0.

    Muon moves the convolutions within ``hidden``, Adam all the rest at ``OUTER_SHARE`` of the rate.
    """
    layers = [each for part in hidden for each in part.modules() if isinstance(each, nn.Conv1d)]
    inner = {id(each.weight) for each in layers}
    weights = [each for each in net.parameters() if id(each) in inner]
    outer = [each for each in net.parameters() if id(each) not in inner]
    optimisers: list[torch.optim.Optimizer]
    optimisers = [Muon(weights, learning_rate), torch.optim.Adam(outer, OUTER_SHARE * learning_rate, fused=True)]
    return optimisers, [torch.optim.lr_scheduler.LinearLR(each, 1.0, 0.0, total_iters=steps) for each in optimisers]


def orthogonalised(matrices: Float[Tensor, "N rows columns"]) -> Float[Tensor, "N rows columns"]:
    """Return the matrices with their singular values brought near 1, by five Newton-Schulz iterations.

    X ← (a + b XXᵀ + c (XXᵀ)²) X. All factors are polynomials of the first XXᵀ and commute, so that the iterations run
    on the small square side alone, and the matrices themselves are multiplied twice instead of ten times.
    """
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonalised(matrices.mT).mT
    a, b, c = COEFFICIENTS
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-12)
    gram = x @ x.mT
    identity = torch.eye(gram.shape[-1], dtype=x.dtype, device=x.device)
    factor = identity.expand_as(gram)
    for iteration in range(ITERATIONS):
        polynomial = a * identity + b * gram + c * (gram @ gram)
        factor = polynomial @ factor
        if iteration + 1 < ITERATIONS:
            gram = polynomial @ gram @ polynomial
    return factor @ x
