"""Table 4's coloured digits: the methods at equal steps on the same data, with both selections.

AC-CMNIST trains all settings of all methods as one stack; CS-CMNIST trains its CNNs one after another.
"""

import dataclasses
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from hotpapers.papers.ib_irm.coloured import Coloured, coloured, small_digits
from hotpapers.papers.ib_irm.model import ColouredCNN, coloured_mlp
from hotpapers.papers.ib_irm.objective import Objective
from hotpapers.papers.ib_irm.search import Adam
from hotpapers.progress import track

L2 = 1e-3
Setting = tuple[str, float, float]
"""A method with IRM's weight and the variance's."""
Found = dict[str, dict[str, Any]]
"""Method → test accuracy and setting by selection."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """How much data and training; the paper's numbers are those of ``paper`` scale."""

    source: Literal["mnist", "small"]
    digits: int
    size: int
    width: tuple[int, ...]
    steps: int
    settings: tuple[Setting, ...]
    batch: int = 0
    held: float = 0.1
    """Share of each training environment that validates."""


def anticausal(budget: Budget, seed: int, device: torch.device) -> Found:
    """Train the MLP of AC-CMNIST with each of the budget's settings, side by side, on one colouring.

    Adam on NLL + L2 + variance of the second hidden layer + IRM's penalty from step 100 on, divided by its weight.
    """
    data = _coloured(budget, "ac", seed, device)
    (x, y, env), (x_val, y_val, env_val) = _training(data, budget.held)
    torch.manual_seed(seed)
    stack = coloured_mlp(len(budget.settings), budget.size**2, budget.width[0]).to(device)
    irm, ib = (torch.tensor([each[k] for each in budget.settings], device=device) for k in (1, 2))
    objective = Objective("binary", irm=irm, ib=ib, anneal=min(100, budget.steps // 3))
    ones = torch.ones_like(irm)
    optimiser = Adam(stack.parameters(), 1e-3 * ones, 0 * ones)
    for step in track(range(budget.steps), "AC-CMNIST, all settings at once"):
        logits, features = stack(x.flatten(1))
        loss = objective.divided(objective(logits, features, y, env, step) + L2 * stack.weight_norm(), step)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()

    @torch.no_grad()
    def accuracy(images: Tensor, labels: Tensor) -> Tensor:
        return ((stack(images.flatten(1))[0][..., 0] > 0) == (labels > 0.5)).float().mean(-1)

    (x_peek, y_peek), (x_test, y_test) = _fifth(*data["test"])
    inside = torch.stack([accuracy(x_val[env_val == e], y_val[env_val == e]) for e in (0, 1)]).mean(0)
    return _choose(budget.settings, inside, accuracy(x_peek, y_peek), accuracy(x_test, y_test))


def covariate(budget: Budget, seed: int, device: torch.device) -> Found:
    """Train the CNN of CS-CMNIST with each of the budget's settings on one colouring, by SGD on equal batches."""
    data = _coloured(budget, "cs", seed, device)
    training, (x_val, y_val, _) = _training(data, budget.held)
    (x_peek, y_peek), (x_test, y_test) = _fifth(*data["test"])
    scores = []
    for setting in budget.settings:
        model = _train_cnn(budget, setting, training, seed)
        scores.append([_accuracy(model, *each) for each in ((x_val, y_val), (x_peek, y_peek), (x_test, y_test))])
    inside, peek, test = torch.tensor(scores).T
    return _choose(budget.settings, inside, peek, test)


def _train_cnn(budget: Budget, setting: Setting, training: tuple[Tensor, Tensor, Tensor], seed: int) -> ColouredCNN:
    method, irm, ib = setting
    x, y, env = training
    torch.manual_seed(seed)
    model = ColouredCNN(budget.width).to(x.device)
    objective = Objective("classes", irm=irm, ib=ib, conditional=False, penalty="split-half", share=irm > 1)
    optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, max(1, round(0.3 * budget.steps)), 0.1)
    rows = [(env == e).nonzero()[:, 0] for e in (0, 1)]
    dice = torch.Generator().manual_seed(seed)
    for _ in track(range(budget.steps), f"CS-CMNIST, {method} {irm:g} {ib:g}"):
        batch = torch.cat([each[torch.randint(len(each), (budget.batch,), generator=dice)] for each in rows])
        logits, features = model(x[batch])
        loss = objective(logits, features, y[batch].long(), env[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def _accuracy(model: ColouredCNN, x: Tensor, y: Tensor) -> float:
    return float(torch.cat([model(each)[0].argmax(-1) for each in x.split(500)]).eq(y.long()).float().mean())


def _coloured(budget: Budget, kind: Literal["ac", "cs"], seed: int, device: torch.device) -> dict[str, Coloured]:
    if budget.source == "small":
        images, digits = small_digits()
    else:
        from hotpapers.datasets import mnist

        images, digits = mnist("train")
        if budget.digits > len(images):  # CS-CMNIST takes the test's digits as well
            images, digits = (np.concatenate(both) for both in zip((images, digits), mnist("test"), strict=True))
    chosen = np.random.default_rng(seed).permutation(len(images))[: budget.digits]
    stride = max(1, images.shape[1] // budget.size)
    environments = coloured(images[chosen][:, ::stride, ::stride], digits[chosen].astype(np.int64), kind, seed)
    return {name: (x.to(device), y.to(device)) for name, (x, y) in environments.items()}


def _training(
    data: dict[str, Coloured], share: float
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """Return rows, labels and environments to train on, and a share of each environment to validate on."""
    parts: tuple[list[Tensor], ...] = ([], [], [], [])
    for name in ("train-1", "train-2"):
        x, y = data[name]
        held = int(len(y) * share)
        for part, each in zip(parts, (x[held:], y[held:], x[:held], y[:held]), strict=True):
            part.append(each)
    x, y, x_val, y_val = (torch.cat(part) for part in parts)
    env, env_val = (
        torch.arange(2, device=x.device).repeat_interleave(torch.tensor([len(each) for each in part], device=x.device))
        for part in (parts[1], parts[3])
    )
    return (x, y.float(), env), (x_val, y_val.float(), env_val)


def _fifth(x: Tensor, y: Tensor) -> tuple[Coloured, Coloured]:
    """Split off a fifth of the test rows, for the selection that peeks."""
    return (x[: len(y) // 5], y[: len(y) // 5]), (x[len(y) // 5 :], y[len(y) // 5 :])


def _choose(settings: tuple[Setting, ...], inside: Tensor, peek: Tensor, test: Tensor) -> Found:
    found: Found = {}
    for method in dict.fromkeys(each[0] for each in settings):
        mine = [k for k, each in enumerate(settings) if each[0] == method]
        found[method] = {"all": {f"irm {settings[k][1]:g}, ib {settings[k][2]:g}": float(test[k]) for k in mine}}
        for selection, score in (("train-domain", inside), ("test-domain", peek)):
            best = max(mine, key=lambda k: float(score[k]))
            found[method][selection] = float(test[best])
            found[method][f"{selection} setting"] = {"irm": settings[best][1], "ib": settings[best][2]}
            found[method][f"{selection} validation"] = float(score[best])
    return found
