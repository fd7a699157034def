"""Table 1 and Theorem 5 as data: what the theorems speak of, so that every method can be held to them."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hotpapers.papers.ib_irm.examples import DIM, Rows, Splits

P, GAMMA, EPSILON = 0.9, 0.58, 1e-3
"""The paper's own example of Theorem 5: correlation 2p - 1, weight of the variance, ratio to be reached."""


def bound(p: float = P, gamma: float = GAMMA, epsilon: float = EPSILON) -> float:
    """Return the time by which IB-ERM has |w_spu / w_inv| ≤ epsilon: W0(1/2γ) / (2 (1 - p) ε)."""
    return minimiser(gamma) / (2 * (1 - p) * epsilon)


def minimiser(gamma: float = GAMMA) -> float:
    """Return w_inv at IB-ERM's minimum, W0(1/2γ); w_spu is 0 there, whatever p is."""
    from scipy.special import lambertw

    return float(lambertw(1 / (2 * gamma)).real)


def remembered(time: float, p: float = P) -> float:
    """Return the ratio that ERM still has at ``time``, at the least: ln((1 + 2p) / (3 - 2p)) / ln(1 + time)."""
    return math.log((1 + 2 * p) / (3 - 2 * p)) / math.log(1 + time)


def flow(time: float, p: float = P, gamma: float = 0.0, epsilon: float | None = None) -> tuple[float, float, float]:
    """Follow the gradient flow of eq. 4's two-feature example from 0 under the exponential loss.

    The invariant feature is y, the spurious one is y at probability p, else -y; both are ± 1. ``gamma`` 0 is ERM.

    Returns
    -------
    tuple of float
        The time, w_inv and w_spu, at ``time``, or where |w_spu / w_inv| first falls to ``epsilon``.
    """
    from scipy.integrate import solve_ivp

    def slope(_: float, w: np.ndarray) -> list[float]:
        together, apart = p * math.exp(-w[0] - w[1]), (1 - p) * math.exp(w[1] - w[0])
        correlation = 2 * p - 1
        return [
            together + apart - 2 * gamma * (w[0] + correlation * w[1]),
            together - apart - 2 * gamma * (w[1] + correlation * w[0]),
        ]

    def forgotten(t: float, w: np.ndarray) -> float:
        return abs(w[1]) - (epsilon or 0.0) * abs(w[0]) if t > 1e-6 else 1.0

    forgotten.terminal = epsilon is not None  # type: ignore[attr-defined]
    found = solve_ivp(slope, (0, time), [0.0, 0.0], method="LSODA", rtol=1e-10, atol=1e-12, events=forgotten)
    return float(found.t[-1]), float(found.y[0, -1]), float(found.y[1, -1])


def both_supports_overlap(seed: int, n: int, held: int | None = None) -> Splits:
    """Classification, FIIF, where every pair of invariant and spurious features of the test is seen in training."""
    dice = torch.Generator().manual_seed(seed)

    def draw(agreement: float, rows: int, permuted: bool) -> tuple[Tensor, Tensor]:
        x = torch.rand(2 * rows, DIM, generator=dice) * 2 - 1
        x = x[x.mean(1).abs() > 0.1][:rows]
        y = (x.sum(1) > 0).float()
        agrees = torch.rand(rows, generator=dice) < agreement
        z = torch.randn(rows, DIM, generator=dice) + ((2 * y - 1) * (2 * agrees.float() - 1))[:, None] * 0.5
        return torch.cat((x, z[torch.randperm(rows, generator=dice)] if permuted else z), 1), y

    return _splits(draw, (0.8, 0.85, 0.9), n, held)


def regression_fiif(seed: int, n: int, oracle: bool = False, held: int | None = None) -> Splits:
    """Regression, FIIF: spurious features are made of the invariant ones alone, differently in each environment."""
    dice = torch.Generator().manual_seed(seed)
    to_y = torch.randn(DIM, generator=dice)
    to_z = [torch.randn(DIM, DIM, generator=dice) for _ in range(3)]

    def draw(environment: float, rows: int, permuted: bool) -> tuple[Tensor, Tensor]:
        x = torch.randn(rows, DIM, generator=dice)
        y = x @ to_y + 0.5 * torch.randn(rows, generator=dice)
        z = x @ to_z[int(environment)] + torch.randn(rows, DIM, generator=dice)
        return torch.cat((x, z[torch.randperm(rows, generator=dice)] if permuted else z), 1), y

    return _splits(draw, (0, 1, 2), n, held, oracle)


def two_worlds(seed: int, n: int, overlap: bool = False) -> tuple[Splits, Tensor]:
    """Return training data that two labellings explain alike, with their test labels (2 x E x n), for Theorem 2.

    The label is the sign of x1 in one world, of x1 + 2 x2 in the other. In training |x2| is too small to tell them
    apart; in the test it is not, unless the invariant features' supports ``overlap``.
    """
    dice = torch.Generator().manual_seed(seed)
    worlds: list[Tensor] = []

    def draw(agreement: float, rows: int, permuted: bool) -> tuple[Tensor, Tensor]:
        sign = torch.randint(0, 2, (rows,), generator=dice) * 2.0 - 1
        x1 = sign * (0.5 + 0.5 * torch.rand(rows, generator=dice))
        beyond = permuted and not overlap
        x2 = -sign * (1 + torch.rand(rows, generator=dice)) if beyond else torch.rand(rows, generator=dice) * 0.2 - 0.1
        agrees = torch.rand(rows, generator=dice) < agreement
        z = sign * (2 * agrees.float() - 1) + 0.3 * torch.randn(rows, generator=dice)
        if permuted:
            z = z[torch.randperm(rows, generator=dice)]
            worlds.append(torch.stack((x1 > 0, x1 + 2 * x2 > 0)).float())
        return torch.stack((x1, x2, z), 1), (x1 > 0).float()

    splits = _splits(draw, (0.8, 0.85, 0.9), n)
    return splits, torch.stack(worlds[:3], 1)


def _splits(
    draw: Callable[[float, int, bool], tuple[Tensor, Tensor]],
    environments: tuple[float, ...],
    n: int,
    held: int | None = None,
    oracle: bool = False,
) -> Splits:
    """Draw the rows to test on first; ``held`` rows are for validation and test, ``n`` where it is left out."""
    held = n if held is None else held

    def rows(count: int, permuted: bool) -> Rows:
        drawn = [draw(each, count, permuted) for each in environments]
        return torch.stack([x for x, _ in drawn]), torch.stack([y for _, y in drawn])

    test = rows(held, True)
    return Splits(rows(n, oracle), rows(held, oracle), test, rows(held, True))
