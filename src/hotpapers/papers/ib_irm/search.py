"""Fitting: one model or a whole search, K draws of hyperparameters side by side in one tensor.

Linear models of a number or of two classes have closed forms (``linear.py``); all others go through autograd at once.
"""

import dataclasses
import random
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from hotpapers.papers.ib_irm import linear
from hotpapers.papers.ib_irm.model import Stack
from hotpapers.papers.ib_irm.objective import Objective
from hotpapers.papers.ib_irm.tables import Table
from hotpapers.progress import track

Method = Literal["erm", "ib-erm", "irm", "ib-irm", "vrex", "groupdro"]
METHODS: tuple[Method, ...] = get_args(Method)
USES: dict[Method, tuple[str, ...]] = {
    "erm": (), "ib-erm": ("ib",), "irm": ("irm",), "ib-irm": ("irm", "ib"), "vrex": ("rex",), "groupdro": ("dro",),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Settings:
    """Hyperparameters of one model: weights of eq. 7 (``irm`` λ, ``ib`` γ), of V-REx and GroupDRO, and Adam's."""

    method: Method = "ib-irm"
    irm: float = 100.0
    ib: float = 0.1
    rex: float = 10.0
    dro: float = 0.01
    learning_rate: float = 1e-2
    weight_decay: float = 0.0

    def terms(self) -> dict[str, float]:
        """Return the weights that the method uses; an objective with a large λ or V-REx weight is divided by it."""
        used = {name: getattr(self, name) for name in USES[self.method]}
        large = max(1.0, used.get("irm", 0.0), used.get("rex", 0.0))
        scaled = {name: value if name == "dro" else value / large for name, value in used.items()}
        rates = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        return scaled | {"risk": 1 / large} | rates


RANGES = {
    "learning_rate": (-3.0, -1.5), "weight_decay": (-6.0, -2.0), "irm": (0.0, 4.0), "ib": (-3.0, 1.0),
    "rex": (0.0, 4.0), "dro": (-3.0, 0.0),
}  # fmt: skip
"""Powers of ten that a search draws between."""


def drawn(method: Method, draws: int, seed: int = 0) -> list[Settings]:
    """Return ``draws`` settings of a method: the first is the default, the others are random."""
    dice = random.Random(seed)
    rolls = [{name: 10 ** dice.uniform(*ends) for name, ends in RANGES.items()} for _ in range(draws - 1)]
    return [Settings(method), *(Settings(method, **roll) for roll in rolls)]


def fit(table: Table, settings: list[Settings], hidden: tuple[int, ...], steps: int, seed: int, title: str) -> Stack:
    """Fit one model for each of the settings, which share a method, on standardised columns."""
    torch.manual_seed(seed)
    stack = Stack(table.x.shape[1], max(1, len(table.classes) * (len(table.classes) > 2)), hidden, len(settings))
    if hidden or table.task == "classes":
        objective, optimiser = prepare(table, stack, settings)
        return learn(stack, objective, optimiser, table, track(range(steps), title))
    source = (linear.Moments if table.task == "regression" else linear.LogisticRows)(*by_environment(table))
    start = torch.cat((stack.weights[0][..., 0], stack.biases[0][..., 0]), -1).detach()[None]
    start = start.double() if table.task == "regression" else start
    w = linear.sweep(
        source, linear.Draws.of([each.terms() for each in settings]), start, steps, conditional=True, title=title
    )
    with torch.no_grad():
        stack.weights[0].copy_(w[0, :, :-1, None])
        stack.biases[0].copy_(w[0, :, -1, None, None])
    return stack


def standardised(table: Table) -> tuple[Table, dict[str, Tensor]]:
    """Return the table with columns (and a regression's target) of mean 0 and deviation 1, and what was taken out."""
    scale = table.x.std(0).clamp(min=1e-8)
    scale = torch.where(scale > 1e-7, scale, 1.0)  # a constant column stays 0
    taken = {"centre": table.x.mean(0), "scale": scale}
    y = table.y
    if table.task == "regression":
        taken |= {"target_centre": y.mean(), "target_scale": y.std().clamp(min=1e-8)}
        y = (y - taken["target_centre"]) / taken["target_scale"]
    return dataclasses.replace(table, x=(table.x - taken["centre"]) / scale, y=y), taken


def prepare(table: Table, stack: Stack, settings: list[Settings]) -> tuple[Objective, "Adam"]:
    """Return the objective and the optimiser of a stack with those settings."""
    rows = linear.Draws.of([each.terms() for each in settings])
    objective = Objective(
        table.task,
        risk=rows.risk,
        irm=rows.irm,
        ib=rows.ib,
        rex=rows.rex,
        dro=rows.dro,
        penalty="squared" if table.task == "classes" else "two-dummies",
        where="features" if len(stack.weights) > 1 else "logits",
    )
    return objective, Adam(stack.parameters(), rows.learning_rate, rows.weight_decay)


def learn(
    stack: Stack,
    objective: Objective,
    optimiser: Optimizer,
    table: Table,
    steps: Iterable[int],
    log: Callable[..., Any] | None = None,
) -> Stack:
    """Take full-batch steps on the sum of the models' objectives, which share nothing."""
    for step in steps:
        outputs, features = stack(table.x)
        loss = objective(outputs, features, table.y, table.env, step).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if log is not None:
            log(loss=loss)
    return stack


class Adam(Optimizer):
    """Adam with L2, with a learning rate and a weight decay for each of the K models along a parameter's first axis."""

    def __init__(self, parameters: Iterable[Tensor], rates: Float[Tensor, " K"], decays: Float[Tensor, " K"]) -> None:
        super().__init__(parameters, {"rates": rates, "decays": decays})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step."""
        for group in self.param_groups:
            rates, decays = (group[name][:, None, None] for name in ("rates", "decays"))
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    state |= {"step": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
                state["step"] += 1
                g = torch.addcmul(parameter.grad, parameter, decays)
                state["mean"].lerp_(g, 0.1)
                state["square"].mul_(0.999).addcmul_(g, g, value=0.001)
                size = (state["square"] / (1 - 0.999 ** state["step"])).sqrt_().add_(1e-8)
                parameter.sub_(rates / (1 - 0.9 ** state["step"]) * state["mean"] / size)


def by_environment(table: Table) -> tuple[Float[Tensor, "1 E n d"], Float[Tensor, "1 E n"], Float[Tensor, "1 E"]]:
    """Return rows and targets environment by environment, filled up with zeros, and how many each has."""
    counts = torch.bincount(table.env, minlength=len(table.environments))
    most = int(counts.max())
    x = table.x.new_zeros(1, len(counts), most, table.x.shape[1])
    y = table.y.new_zeros(1, len(counts), most)
    for index, count in enumerate(counts.tolist()):
        x[0, index, :count], y[0, index, :count] = table.x[table.env == index], table.y[table.env == index]
    return x, y, counts[None].float()


@torch.no_grad()
def errors(outputs: Float[Tensor, "... n C"], table: Table) -> Float[Tensor, "... E"]:
    """Return each environment's mean square error or share of wrong classes; NaN where it has no rows."""
    if table.task == "regression":
        wrong = (outputs[..., 0] - table.y).square()
    elif table.task == "binary":
        wrong = ((outputs[..., 0] > 0) != (table.y > 0.5)).float()
    else:
        wrong = (outputs.argmax(-1) != table.y.long()).float()
    return torch.stack([wrong[..., table.env == index].mean(-1) for index in range(len(table.environments))], -1)
