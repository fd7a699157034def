"""What the claims are measured with: the paper's tasks, and several networks trained as one.

Networks of different seeds and training sets, alike in shape, are the slices of one batched network: each sees its own
rows and its own batches, so they are as independent as trained one by one, and on a CPU several times faster.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hotpapers.papers.scalars.groups import group as group_named
from hotpapers.papers.scalars.linear import LinearModel
from hotpapers.papers.scalars.model import ScalarNet
from hotpapers.papers.scalars.products import inner, upper
from hotpapers.papers.scalars.schema import Schema, Table, act
from hotpapers.papers.scalars.schema import schema as read_schema
from hotpapers.papers.scalars.tasks import TASKS, TEST_SEED, Task
from hotpapers.papers.scalars.train import Config
from hotpapers.progress import track

TEST_ROWS = 2000


@dataclasses.dataclass(frozen=True)
class Budget:
    """What every network of a comparison gets: rows, steps, batch, width and depth."""

    rows: tuple[int, ...] = (100, 1000)
    steps: int = 1000
    batch: int = 128
    width: int = 128
    depth: int = 3
    learning_rate: float = 2e-3


class Stack(nn.Module):
    """``count`` multilayer perceptrons (ReLU) of one shape, as one."""

    def __init__(self, count: int, sizes: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        bounds = [a**-0.5 for a in sizes[:-1]]
        shapes = list(zip(sizes[:-1], sizes[1:], bounds, strict=True))
        self.weights = nn.ParameterList(_uniform((count, a, b), bound, generator) for a, b, bound in shapes)
        self.biases = nn.ParameterList(_uniform((count, 1, b), bound, generator) for _, b, bound in shapes)

    def forward(self, x: Float[Tensor, "c B i"]) -> Float[Tensor, "c B o"]:
        """Return each network's output for its own rows."""
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            x = x.relu() if k + 1 < len(self.weights) else x
        return x


def train_stack(
    inputs: list[Float[Tensor, "N i"]],
    labels: list[Float[Tensor, "N o"]],
    budget: Budget,
    seed: int,
    augment: Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]] | None = None,
) -> Callable[[Tensor], Float[Tensor, "c B o"]]:
    """Train a network for each training set, all at once, and return them as one function of test rows.

    Inputs and labels are scaled by one number each where they are augmented (``augment`` turns raw rows), and column by
    column where they are invariants already.
    """
    generator = torch.Generator().manual_seed(seed)
    x_shift, x_scale = _moments(inputs, augment is None)
    y_shift, y_scale = _moments(labels, labels[0].shape[1] == 1)
    sizes = [inputs[0].shape[1], *[budget.width] * (budget.depth + 1), labels[0].shape[1]]
    net = Stack(len(inputs), sizes, generator)
    adam = torch.optim.Adam(net.parameters(), budget.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, budget.steps)
    for _ in range(budget.steps):
        picks = [torch.randint(len(rows), (budget.batch,), generator=generator) for rows in inputs]
        x = torch.stack([rows[pick] for rows, pick in zip(inputs, picks, strict=True)])
        y = torch.stack([rows[pick] for rows, pick in zip(labels, picks, strict=True)])
        if augment:
            x, y = augment(x, y, generator)
        loss = (net((x - x_shift) / x_scale) - (y - y_shift) / y_scale).square().mean((1, 2)).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()

    @torch.no_grad()
    def predict(x: Float[Tensor, "B i"]) -> Float[Tensor, "c B o"]:
        return net((x - x_shift) / x_scale) * y_scale + y_shift

    return predict


@functools.cache
def task_errors(
    name: str, budget: Budget, seeds: tuple[int, ...], only: str = ""
) -> dict[str, dict[int, dict[int, float]]]:
    """Return every contender's test MSE on a task: contender → rows → seed → error; kept, so claims share it.

    ``scalars`` is the paper's method, ``mlp`` sees raw columns, ``mlp-aug`` sees them turned by fresh group elements at
    every step, ``linear`` is least squares on monomials of degree two of the scalars. ``only`` names one of them.
    """
    task = TASKS[name]
    schema = read_schema(task.schema, group_named(task.group))
    test = task.sample(TEST_ROWS, TEST_SEED)
    sets = [(rows, seed, task.sample(rows, seed)) for rows in budget.rows for seed in seeds]
    label = schema.outputs[0].name
    wanted = test[label].flatten(1) if test[label].dim() > 1 else test[label][:, None]
    found: dict[str, dict[int, dict[int, float]]] = {}

    def note(way: str, rows: int, seed: int, prediction: Tensor) -> None:
        found.setdefault(way, {}).setdefault(rows, {})[seed] = float((prediction - wanted).square().mean())

    augment = augmentation(schema)
    ways = {"mlp": (_flat, None), "mlp-aug": (_flat, augment)}
    if schema.outputs[0].order == 0:
        ways["scalars"] = (_invariants, None)
    for way in track([way for way in ways if only in ("", way)], f"{name}: networks"):
        seen, turned = ways[way]
        inputs = [seen(rows, schema) for *_, rows in sets]
        labels = [rows[label].flatten(1) if rows[label].dim() > 1 else rows[label][:, None] for *_, rows in sets]
        predictions = train_stack(inputs, labels, budget, seeds[0], turned)(seen(test, schema))
        for (rows, seed, _), prediction in zip(sets, predictions, strict=True):
            note(way, rows, seed, prediction)
    for rows, seed, columns in sets:
        if "scalars" not in ways and only in ("", "scalars"):
            note("scalars", rows, seed, _scalar_net(task, columns, test, budget, seed)[label].flatten(1))
        if only not in ("", "linear"):
            continue
        precise = {key: value.double() for key, value in columns.items()}
        linear = LinearModel(schema, task.permute).fit(precise, ridge=1e-10 if rows < 200 else 0.0)
        prediction = linear.predict({key: value.double() for key, value in test.items()})[label]
        note("linear", rows, seed, prediction.reshape(len(prediction), -1))
    return found


def task_sizes(name: str, budget: Budget) -> dict[str, int]:
    """Return how many numbers each contender learns on a task."""
    task = TASKS[name]
    schema = read_schema(task.schema, group_named(task.group))
    rows, output = task.sample(2, 0), schema.outputs[0]
    raw, out = _flat(rows, schema).shape[1], schema.group.dimension**output.order
    seen = raw if output.order else _invariants(rows, schema).shape[1]

    def count(inputs: int) -> int:
        sizes = [inputs, *[budget.width] * (budget.depth + 1), out]
        return sum(a * b + b for a, b in itertools.pairwise(sizes))

    pairs = Config(task.schema, task.group, task.permute, width=budget.width // 2).model()
    scalars = sum(each.numel() for each in pairs.parameters()) if output.order else count(seen)
    design, _ = LinearModel(schema, task.permute).design({k: v.double() for k, v in rows.items()}, output)
    return {"mlp": count(raw), "mlp-aug": count(raw), "scalars": scalars, "linear": design.shape[1]}


def _scalar_net(task: Task, rows: Table, test: Table, budget: Budget, seed: int) -> Table:
    """Train a ``ScalarNet`` with half the width, as it sees pairs."""
    config = Config(task.schema, task.group, task.permute, width=budget.width // 2, steps=budget.steps,
                    batch=budget.batch, learning_rate=budget.learning_rate)  # fmt: skip
    net = train_net(config, rows, seed)
    with torch.no_grad():
        return net(test)


def train_net(config: Config, rows: Table, seed: int) -> ScalarNet:
    """Train a ``ScalarNet`` on rows in memory and return it."""
    torch.manual_seed(seed)
    model = config.model()
    model.calibrate(rows)
    adam = torch.optim.Adam(model.parameters(), config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, config.steps)
    count = len(next(iter(rows.values())))
    for _ in track(range(config.steps), config.schema):
        pick = torch.randint(count, (config.batch,))
        loss = model.loss({key: value[pick] for key, value in rows.items()})
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
    return model.eval()


def augmentation(schema: Schema) -> Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]:
    """Return a function that turns flat rows and labels by a fresh group element each; boosts up to rapidity 1."""
    d = schema.group.dimension

    def turn(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        element = schema.group.sample(x.shape[0] * x.shape[1], generator, 1.0)
        shape_x, shape_y = x.shape, y.shape
        x, y = x.flatten(0, 1), y.flatten(0, 1)
        parts, at = [], 0
        for field in schema.inputs:
            size = field.many * d**field.order
            value = x[:, at : at + size].reshape(-1, *field.shape(d))
            parts.append(act(element, field, value).flatten(1))
            at += size
        field = schema.outputs[0]
        y = act(element, field, y.reshape(-1, *field.shape(d))).reshape(len(y), -1)
        return torch.cat(parts, 1).reshape(shape_x), y.reshape(shape_y)

    return turn


def geometric_mean(values: Sequence[float]) -> float:
    """Return exp of the mean logarithm."""
    return math.exp(sum(math.log(max(each, 1e-300)) for each in values) / len(values))


def _flat(rows: Table, schema: Schema) -> Float[Tensor, "B i"]:
    return torch.cat([rows[field.name].flatten(1) for field in schema.inputs], 1)


def _invariants(rows: Table, schema: Schema) -> Float[Tensor, "B k"]:
    """Return the scalar products of the one field of vectors that the invariant tasks have."""
    v = rows[schema.inputs[0].name]
    a, b = upper(v.shape[1])
    return inner(v, v, torch.tensor(schema.group.metric, dtype=v.dtype))[:, a, b]


def _moments(sets: list[Tensor], by_column: bool) -> tuple[Tensor, Tensor]:
    """Return shifts and scales of each set, (c, 1, i) or, for columns that turn together, 0 and (c, 1, 1)."""
    if by_column:
        return (torch.stack([each.mean(0, keepdim=True) for each in sets]),
                torch.stack([each.std(0, keepdim=True).clamp(min=1e-12) for each in sets]))  # fmt: skip
    scale = torch.stack([each.square().mean().sqrt().reshape(1, 1) for each in sets])
    return torch.zeros(()), scale


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter((torch.rand(shape, generator=generator) * 2 - 1) * bound)
