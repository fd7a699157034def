"""Table 3: methods x linear unit tests, each a sweep over draws of hyperparameters on several data sets.

A draw, its first weights and its data are those of the published code at the same seeds. The best draw is chosen once
for all data sets, by the validation error summed over environments: rows of the training distribution (train-domain),
or 500 rows of the test distribution (test-domain).
"""

import dataclasses
import math
import random
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from hotpapers.papers.ib_irm.examples import Example, Splits, is_regression, sample
from hotpapers.papers.ib_irm.linear import Draws, LogisticRows, Moments, errors, sweep

Contender = Literal["erm", "ib-erm", "irm", "ib-irm", "vrex", "groupdro", "oracle"]
CONTENDERS: tuple[Contender, ...] = get_args(Contender)
Draw = Callable[[Contender, int], dict[str, float]]
CACHE = 250_000
"""How many outputs a step makes at most, so that they stay in a core's cache: data sets beyond it come later."""

PAPER: dict[tuple[str, int], dict[str, tuple[float, float]]] = {
    (example, environments): dict(
        zip(("erm", "ib-erm", "irm", "ib-irm", "oracle"), zip(row[::2], row[1::2], strict=True), strict=True)
    )
    for environments, table in {
        3: {
            "1": (13.36, 1.49, 12.96, 1.30, 11.15, 0.71, 11.68, 0.90, 10.42, 0.16),
            "1s": (13.33, 1.49, 12.92, 1.30, 11.07, 0.68, 11.74, 1.03, 10.45, 0.19),
            "2": (0.42, 0.01, 0.00, 0.00, 0.45, 0.00, 0.00, 0.00, 0.00, 0.00),
            "2s": (0.45, 0.01, 0.00, 0.01, 0.45, 0.01, 0.06, 0.12, 0.00, 0.00),
            "3": (0.48, 0.07, 0.49, 0.06, 0.48, 0.07, 0.48, 0.07, 0.01, 0.00),
            "3s": (0.49, 0.06, 0.49, 0.06, 0.49, 0.07, 0.49, 0.07, 0.01, 0.00),
        },
        6: {
            "1": (33.74, 60.2, 32.03, 57.1, 23.04, 40.6, 25.66, 46.0, 22.21, 39.3),
            "1s": (33.62, 59.8, 31.92, 56.7, 22.92, 40.6, 25.60, 45.6, 22.13, 38.9),
            "2": (0.37, 0.06, 0.02, 0.05, 0.46, 0.01, 0.43, 0.11, 0.00, 0.00),
            "2s": (0.46, 0.01, 0.02, 0.06, 0.46, 0.01, 0.45, 0.10, 0.00, 0.00),
            "3": (0.33, 0.18, 0.26, 0.20, 0.14, 0.18, 0.19, 0.19, 0.01, 0.00),
            "3s": (0.36, 0.19, 0.27, 0.20, 0.14, 0.18, 0.19, 0.19, 0.01, 0.00),
        },
    }.items()
    for example, row in table.items()
}
"""The paper's Table 3: mean and spread of the error, chosen by train-domain validation."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a sweep came to: test errors of the chosen draw on each data set, by selection.

    Attributes
    ----------
    train_domain, test_domain
        Data set → error, the mean over its environments, of the draw that each selection chose.
    chosen
        Selection → hyperparameters of that draw.
    spread
        Selection → standard deviation over data sets of each environment's error, averaged over environments.
    """

    train_domain: list[float]
    test_domain: list[float]
    chosen: dict[str, dict[str, float]]
    spread: dict[str, float]


def run(
    contender: Contender,
    example: Example,
    environments: int,
    *,
    n: int,
    data_seeds: Sequence[int],
    draws: int,
    steps: int,
    held: int | None = None,
) -> Result:
    """Run one method's sweep on one example; ``n``, ``held`` and ``data_seeds`` are those of ``examples.sample``."""
    sets = [sample(example, seed, environments, n, oracle=contender == "oracle", held=held) for seed in data_seeds]
    return compare(sets, contender, draws, steps, is_regression(example), f"example {example}, {contender}")


def compare(
    sets: Sequence[Splits],
    contender: Contender,
    draws: int,
    steps: int,
    regression: bool,
    title: str = "sweep",
    draw_of: Draw | None = None,
) -> Result:
    """Run one method's sweep on data sets of one kind and choose its best draw by both selections.

    ``draw_of`` gives a method's hyperparameters by number; left out, ``hyperparameters``, the published ones.
    """
    draw_of = draw_of or hyperparameters
    w = fit(sets, contender, draws, steps, regression, title, draw_of)
    found = {split: errors(w, *stacked(sets, split), regression) for split in ("validation", "test_validation", "test")}
    tests = found["test"]
    chosen, picked, spread = {}, {}, {}
    for selection, split in (("train-domain", "validation"), ("test-domain", "test_validation")):
        best = int(found[split].mean(0).sum(-1).nan_to_num(math.inf).argmin())
        chosen[selection] = draw_of(contender, best)
        picked[selection] = tests[:, best].mean(-1).tolist()
        spread[selection] = float(tests[:, best].std(0, correction=0).mean())
    return Result(picked["train-domain"], picked["test-domain"], chosen, spread)


def fit(
    sets: Sequence[Splits],
    contender: Contender,
    draws: int,
    steps: int,
    regression: bool,
    title: str,
    draw_of: Draw | None = None,
) -> Tensor:
    """Return the weights (data sets x draws x features) that a method's sweep ends with."""
    environments, n, features = sets[0].train[0].shape
    start = torch.stack([first_weights(draw, features) for draw in range(draws)])
    start = start.double() if regression else start
    rows = [weighted((draw_of or hyperparameters)(contender, draw), environments) for draw in range(draws)]
    at_once = len(sets) if regression else max(1, CACHE // (environments * draws * n))
    found = []
    for first in range(0, len(sets), at_once):
        part = sets[first : first + at_once]
        source = (Moments if regression else LogisticRows)(*stacked(part, "train"))
        told = title if len(part) == len(sets) else f"{title}, data sets {first + 1} to {first + len(part)}"
        conditional = contender == "ib-irm"
        found.append(
            sweep(source, Draws.of(rows), start.expand(len(part), -1, -1), steps, conditional=conditional, title=told)
        )
    return torch.cat(found)


def stacked(sets: Sequence[Splits], split: str) -> tuple[Tensor, Tensor]:
    """Return inputs (S x E x n x d) and targets (S x E x n) of one split of all data sets."""
    x, y = zip(*(getattr(each, split) for each in sets), strict=True)
    return torch.stack(x), torch.stack(y)


def hyperparameters(contender: Contender, draw: int) -> dict[str, float]:
    """Return the hyperparameters of a draw; draw 0 has the defaults. V-REx's and GroupDRO's ranges are ours."""
    dice = random.Random(draw + 1000)

    def pick(default: float, low: float, high: float, less_than_one: bool = False) -> float:
        drawn = 10 ** dice.uniform(low, high)
        return default if draw == 0 else 1 - drawn if less_than_one else drawn

    found = {"learning_rate": pick(1e-3, -4, -2)}
    drawn = pick(0.0, -6, -2)
    found["weight_decay"] = drawn
    if contender in ("irm", "ib-irm"):
        found["irm"] = pick(0.9, -3, -0.3, less_than_one=True)
    if contender in ("ib-erm", "ib-irm"):
        found["ib"] = pick(0.1, -2, 0, less_than_one=True)
    if contender == "vrex":
        found["rex"] = pick(1.0, -1, 3)
    if contender == "groupdro":
        found["dro"] = pick(1e-2, -3, -1)
    return found


def weighted(found: dict[str, float], environments: int) -> dict[str, float]:
    """Weigh the terms as the published unit tests do, (1 - l) mean_e R_e + l sum_e |g_e|², unless they are weighed."""
    if "irm" not in found or "risk" in found:
        return found
    return found | {"risk": 1 - found["irm"], "irm": found["irm"] * environments}


def first_weights(draw: int, features: int) -> Tensor:
    """Return what ``torch.nn.Linear(features, 1)`` starts with at the published seed, the constant's weight last."""
    generator = torch.Generator().manual_seed(draw + 1000)
    bound = 1 / math.sqrt(features)
    parts = (torch.empty(size).uniform_(-bound, bound, generator=generator) for size in (features, 1))
    return torch.cat(list(parts))
