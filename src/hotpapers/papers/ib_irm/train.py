"""The verbs ``train`` and ``evaluate``: a predictor for the rows of a table with an environment column.

The visible loop is ``search.learn``: full-batch Adam on eq. 7, as in all of the paper's small experiments.
"""

import csv
import dataclasses
import shlex
from pathlib import Path
from typing import Any

import torch

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.ib_irm.model import Network, Stack
from hotpapers.papers.ib_irm.objective import irm_penalty, variance
from hotpapers.papers.ib_irm.search import Method, Settings, errors, learn, prepare, standardised
from hotpapers.papers.ib_irm.tables import Kind, Table, read_table, split
from hotpapers.run import Run, load_model, save_model
from hotpapers.verbs import AnyFile, Model, Outcome, resume_command


def train(
    data: AnyFile | None = None,
    *,
    target: str = "y",
    env: str = "env",
    method: Method = "ib-irm",
    test_env: str = "",
    hidden: str = "",
    steps: int = 2000,
    irm: float = Settings.irm,
    ib: float = Settings.ib,
    rex: float = Settings.rex,
    dro: float = Settings.dro,
    learning_rate: float = Settings.learning_rate,
    weight_decay: float = Settings.weight_decay,
    kind: Kind = "auto",
    ignore: str = "",
    seed: int = 0,
    out: Path | None = None,
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a predictor that should keep working when the environment changes.

    Parameters
    ----------
    data
        A CSV with a header, an npz with x and the two columns below, or a folder environment/class/image. Left out:
        cows and camels, the paper's example 2, with its test environment.
    target
        The column to predict.
    env
        The column that names each row's environment.
    method
        What to train with: erm (no invariance), irm (an invariant predictor), ib- (with the information bottleneck),
        vrex (equal risks), groupdro (the worst environment).
    test_env
        Environments to keep out of training, with commas between them.
    hidden
        Widths of hidden layers with commas between them, such as 64,64; none is a linear model.
    steps
        Full-batch steps of Adam.
    irm, ib, rex, dro
        Weights: of IRM's penalty (lambda), of the variance (gamma), of V-REx, and GroupDRO's step.
    learning_rate, weight_decay
        Of Adam.
    kind
        regression, classes, or auto: numbers of more than 20 values are a regression.
    ignore
        Columns not to predict from, with commas between them.
    seed
        The seed of the validation rows and of the first weights.
    out
        The directory to write the model to; beside the data when left out.
    resume
        Go on with the training that was interrupted in the directory.
    fresh
        Replace the training in the directory.
    """
    asked = dict(locals())
    settings = Settings(method, irm, ib, rex, dro, learning_rate, weight_decay)
    layers = check(settings, hidden, steps)
    table = read_table(data, target, env, kind, ignore)
    inside, outside = set_apart(table, test_env)
    learnt, held = split(inside, seed=seed)
    ready, taken = standardised(learnt)
    out = Path(out) if out else (Path(data).with_suffix(".ib-irm") if data else Path("cows-and-camels.ib-irm"))
    again = resume_command("ib-irm train", train, asked | {"out": out})
    config = dataclasses.asdict(settings) | {"hidden": list(layers), "steps": steps, "test_env": test_env}
    with Run(out, seed=seed, config=config, device="cpu", resume=resume, fresh=fresh, resume_command=again) as run:
        stack = Stack(len(table.columns), max(1, len(table.classes) * (len(table.classes) > 2)), layers)
        objective, optimiser = prepare(ready, stack, [settings])
        stack, optimiser, objective = run.setup(stack, optimiser, objective)
        learn(stack, objective, optimiser, ready, run.steps(steps), run.log)
        network = as_network(
            table, stack, taken, layers, ["trained"], {"settings": config, "trained_on": inside.environments}
        )
        save_model(network, out)
    return _report(network, table, held, outside, out, data)


def evaluate(model: Model, data: AnyFile | None = None, *, out: Path | None = None) -> Outcome:
    """Measure a trained model in each environment of a table: worst, mean, and both selections side by side.

    Parameters
    ----------
    model
        Directory of a trained model. One that ``select`` made has two inside: chosen by validation rows of the training
        environments (train-domain), and by the test environments themselves (test-domain, which no user can have).
    data
        A table as for training. Left out: cows and camels.
    out
        The CSV to write; beside the model when left out.
    """
    network = load(model)
    table = read_table(
        data,
        network.target,
        network.environment,
        "classes" if network.classes else "regression",
        classes=network.classes,
    )
    table = matched(table, network)
    outputs = network(table.x)
    found = errors(outputs, table)
    trained_on = network.record.get("trained_on", [])
    out = Path(out) if out else Path(model).with_name(f"{Path(model).name}.evaluation.csv")
    header = ["environment", "trained on", "rows", *(f"{word(table)}, {choice}" for choice in network.choices)]
    with written_whole(out) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for index, name in enumerate(table.environments):
            row = [name, "yes" if name in trained_on else "no", int((table.env == index).sum())]
            writer.writerow([*row, *(f"{each:.6g}" for each in found[:, index].tolist())])
    numbers: dict[str, float | int | str] = {}
    for choice, each in zip(network.choices, found, strict=True):
        numbers |= summary(table, each, trained_on, f", {choice}" if len(found) > 1 else "")
    numbers |= _penalties(network, table)
    return Outcome(
        {"environments": out}, numbers, "Errors: the lower the better; the worst environment is what counts."
    )


def check(settings: Settings, hidden: str, steps: int) -> tuple[int, ...]:
    """Return the hidden widths; raise ``BadInput`` where a setting cannot be used."""
    for field in dataclasses.fields(settings)[1:]:
        value = getattr(settings, field.name)
        if not 0 <= value <= 1e9 or (field.name == "learning_rate" and not 0 < value <= 1):
            raise BadInput(
                f"--{field.name.replace('_', '-')} cannot be {value}: give a number from 0 on, a rate up to 1."
            )
    if not 1 <= steps <= 10_000_000:
        raise BadInput(f"--steps cannot be {steps}: give at least 1.")
    try:
        layers = tuple(int(width) for width in hidden.split(",") if width.strip())
    except ValueError:
        layers = (0,)
    if not all(1 <= width <= 4096 for width in layers) or len(layers) > 8:
        raise BadInput(f"--hidden cannot be {hidden[:40]!r}: give up to 8 widths from 1 to 4096, such as 64,64.")
    return layers


def set_apart(table: Table, test_env: str) -> tuple[Table, Table | None]:
    """Return the training environments, and the test environments where there are any."""
    whole = test_env.strip()
    named = [whole] if whole in table.environments else [name.strip() for name in whole.split(",") if name.strip()]
    if not named and "test" in table.environments and table.columns[0] == "animal-0":
        named = ["test"]  # the built-in example brings its own
    return apart(table, named)


def apart(table: Table, named: list[str]) -> tuple[Table, Table | None]:
    """Return the environments that are not ``named``, to train on, and those that are."""
    if unknown := [name for name in named if name not in table.environments]:
        raise BadInput(
            f"--test-env names {unknown[0][:40]!r}, but the environments are: {', '.join(table.environments)[:300]}."
        )
    kept = [name for name in table.environments if name not in named]
    inside = table.among(kept)
    counts = torch.bincount(inside.env, minlength=len(kept)) if kept else torch.zeros(1)
    if len(kept) < 2 or int(counts.min()) < 4:
        there = ", ".join(f"{name} ({count})" for name, count in zip(kept, counts.tolist(), strict=False))
        raise BadInput(
            f"Invariance needs two training environments or more with 4 rows each; there are: {there[:200] or 'none'}."
        )
    return inside, table.among(named) if named else None


def as_network(
    table: Table,
    stack: Stack,
    taken: dict[str, Any],
    hidden: tuple[int, ...],
    choices: list[str],
    record: dict[str, Any],
) -> Network:
    """Return the trained models with all that predicting needs."""
    network = Network(table.columns, table.target, table.environment, table.classes, list(hidden), choices, record)
    network.stack.load_state_dict(stack.state_dict())
    for name, value in taken.items():
        getattr(network, name).copy_(value)
    return network.eval()


def load(folder: Path) -> Network:
    """Read a model that ``train`` or ``select`` wrote, or raise ``BadInput``."""
    return load_model(Network, Path(folder), name="IB-IRM", make="hotpapers ib-irm train DATA").eval()


def matched(table: Table, network: Network) -> Table:
    """Return the table with the model's columns in the model's order."""
    if missing := [name for name in network.columns if name not in table.columns]:
        raise BadInput(f"The data has no column {missing[0]!r}, which the model was trained on.")
    order = [table.columns.index(name) for name in network.columns]
    return dataclasses.replace(table, x=table.x[:, order], columns=list(network.columns), classes=network.classes)


def word(table: Table) -> str:
    """Return what an error is called."""
    return "mean square error" if table.task == "regression" else "error"


def summary(table: Table, found: torch.Tensor, trained_on: list[str], suffix: str = "") -> dict[str, float | int | str]:
    """Return worst and mean error over the environments trained on, and over the others."""
    known = torch.tensor([name in trained_on for name in table.environments])
    numbers: dict[str, float | int | str] = {}
    for which, chosen in (("training environments", known), ("test environments", ~known)):
        if chosen.any():
            numbers[f"{word(table)}, {which}, worst{suffix}"] = round(float(found[chosen].max()), 6)
            numbers[f"{word(table)}, {which}, mean{suffix}"] = round(float(found[chosen].mean()), 6)
    return numbers


@torch.no_grad()
def _penalties(network: Network, table: Table) -> dict[str, float | int | str]:
    """Return the first choice's IRM penalty and variances, which say how far a method has gone."""
    y = table.y
    if table.task == "regression":
        y = (y - network.target_centre) / network.target_scale
    outputs, features = network.stack((table.x - network.centre) / network.scale)
    penalty = irm_penalty(outputs[0], y, table.env, table.task)
    return {
        "IRM penalty, worst environment": float(f"{penalty.max():.4g}"),
        "variance of the outputs": float(f"{variance(outputs[0], table.env, conditional=False):.4g}"),
        "variance of the features": float(f"{variance(features[0], table.env, conditional=False):.4g}"),
    }


def _report(
    network: Network, table: Table, held: Table, outside: Table | None, out: Path, data: Path | None
) -> Outcome:
    numbers: dict[str, float | int | str] = {"rows": len(table.y), "columns": len(table.columns)}
    for which, rows in (("validation", held), ("test environment", outside)):
        if rows is not None:
            for name, error in zip(rows.environments, errors(network(rows.x)[0], rows).tolist(), strict=True):
                numbers[f"{word(table)}, {which}, {name}"] = round(error, 6)
    given = f" {shlex.quote(str(data))}" if data else ""
    return Outcome({"model": out}, numbers, f"Now measure it: hotpapers ib-irm evaluate {shlex.quote(str(out))}{given}")
