"""The verb ``select``: all methods and many draws of hyperparameters on one table, judged by several selections.

Train-domain: by validation rows of the training environments. Leave-one-out: by training environments that were left
out in turn. Test-domain: by the test environments themselves, which shows what was there to be found, not what a user
would have found.
"""

import csv
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.ib_irm.search import METHODS, Method, Settings, drawn, errors, fit, standardised
from hotpapers.papers.ib_irm.tables import Kind, Table, read_table, split
from hotpapers.papers.ib_irm.train import apart, as_network, check, set_apart, word
from hotpapers.progress import track
from hotpapers.run import save_model
from hotpapers.verbs import AnyFile, Model, Outcome

Scores = dict[str, Tensor]
"""Selection → error of each draw (K); ``worst`` and ``mean`` are over the test environments."""


def select(
    data: AnyFile | None = None,
    *,
    target: str = "y",
    env: str = "env",
    test_env: str = "",
    draws: int = 20,
    steps: int = 2000,
    hidden: str = "",
    leave_one_out: bool = False,
    kind: Kind = "auto",
    ignore: str = "",
    seed: int = 0,
    out: Model | None = None,
) -> Outcome:
    """Compare all methods, each over many draws of hyperparameters, and keep the best model by two selections.

    Writes a table of methods with every selection's choice, a picture of it, and a model directory that has the
    train-domain and the test-domain choice inside; ``evaluate`` shows both.

    Parameters
    ----------
    data
        A table as for ``train``. Left out: cows and camels, the paper's example 2.
    target, env
        The columns to predict and of the environment.
    test_env
        Environments that judge, with commas between them; left out, every environment judges in turn.
    draws
        How many draws of hyperparameters a method has, side by side in one tensor; the first is the defaults.
    steps
        Full-batch steps of Adam.
    hidden
        Widths of hidden layers with commas between them; none is a linear model, which is much faster.
    leave_one_out
        Also choose by training environments left out in turn; as many times slower as there are environments.
    kind
        regression, classes, or auto.
    ignore
        Columns not to predict from, with commas between them.
    seed
        The seed of the draws, the validation rows and the first weights.
    out
        The directory to write to; beside the data when left out.
    """
    layers = check(Settings(), hidden, steps)
    if not 1 <= draws <= 1000:
        raise BadInput(f"--draws cannot be {draws}: give 1 to 1000.")
    table = read_table(data, target, env, kind, ignore)
    turns = _turns(table, test_env)
    out = Path(out) if out else (Path(data).with_suffix(".selected") if data else Path("cows-and-camels.selected"))
    found: dict[Method, Scores] = {}
    for method in track(METHODS, "methods"):
        settings = drawn(method, draws, seed)
        each = [_scores(*turn, settings, layers, steps, seed, leave_one_out) for turn in turns]
        found[method] = {name: torch.stack([scores[name] for scores in each]).mean(0) for name in each[0]}
    protocols = [name for name in next(iter(found.values())) if name not in ("worst", "mean")]
    chosen = {
        (method, protocol): int(scores[protocol].nan_to_num(math.inf).argmin())
        for method, scores in found.items()
        for protocol in protocols
    }
    rows = [
        _row(method, scores, {name: chosen[method, name] for name in protocols}) for method, scores in found.items()
    ]
    files = {"picture": out / "selection.png", "table": out / "selection.csv", "model": out}
    out.mkdir(parents=True, exist_ok=True)
    winners = {
        name: min(METHODS, key=lambda each: float(found[each][name].nan_to_num(math.inf).min())) for name in protocols
    }
    best = [drawn(winners[name], draws, seed)[chosen[winners[name], name]] for name in ("train-domain", "test-domain")]
    inside = turns[0][0] if len(turns) == 1 else table
    ready, taken = standardised(split(inside, seed=seed)[0])
    stack = fit(ready, best, layers, steps, seed, "the chosen two")
    record = {"trained_on": inside.environments, "selection": rows}
    save_model(as_network(table, stack, taken, layers, ["train-domain", "test-domain"], record), out)
    _write(rows, files, word(table), protocols)
    return _report(rows, files, winners, protocols, found, word(table))


def _turns(table: Table, test_env: str) -> list[tuple[Table, Table]]:
    inside, outside = set_apart(table, test_env)
    if outside is not None:
        return [(inside, outside)]
    if len(table.environments) < 3:
        raise BadInput("With two environments none can judge: name one with --test-env and add a third to train on.")
    turns = [apart(table, [name]) for name in table.environments]
    return [(inside, outside) for inside, outside in turns if outside is not None]


def _scores(
    inside: Table, outside: Table, settings: list[Settings], layers: tuple[int, ...], steps: int, seed: int, leave: bool
) -> Scores:
    learnt, held = split(inside, seed=seed)

    def measure(rows: Table, *judges: Table) -> list[Tensor]:
        ready, taken = standardised(rows)
        stack = fit(ready, settings, layers, steps, seed, settings[0].method)
        network = as_network(rows, stack, taken, layers, ["draw"] * len(settings), {})
        return [errors(network(judge.x), judge) for judge in judges]

    validation, test = measure(learnt, held, outside)
    scores = {"train-domain": validation.mean(-1)}
    if leave and len(inside.environments) > 2:
        left = [
            measure(learnt.among([each for each in inside.environments if each != name]), held.among([name]))[0][:, 0]
            for name in inside.environments
        ]
        scores["leave-one-out"] = torch.stack(left).mean(0)
    return scores | {"test-domain": test.mean(-1), "worst": test.amax(-1), "mean": test.mean(-1)}


def _row(method: Method, scores: Scores, chosen: dict[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {"method": method}
    for protocol, draw in chosen.items():
        row |= {f"{protocol} draw": draw, f"{protocol} validation": float(scores[protocol][draw])}
        row |= {f"{protocol} worst": float(scores["worst"][draw]), f"{protocol} mean": float(scores["mean"][draw])}
    return row


def _write(rows: list[dict[str, Any]], files: dict[str, Path], error: str, protocols: list[str]) -> None:
    with written_whole(files["table"]) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows
        )
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 3.4), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(protocols)
    for offset, (protocol, colour) in enumerate(zip(protocols, ("#00629b", "#7a9a01", "#8fc1e3"), strict=False)):
        places = [k - 0.4 + width * (offset + 0.5) for k in range(len(rows))]
        axes.bar(places, [row[f"{protocol} mean"] for row in rows], width * 0.95, label=protocol, color=colour)
    axes.set_xticks(range(len(rows)), [row["method"] for row in rows])
    axes.set_ylabel(f"{error}, test environments")
    figure.legend(title="chosen by", fontsize=8, frameon=False, loc="outside right upper")
    axes.spines[["top", "right"]].set_visible(False)
    with written_whole(files["picture"]) as temporary:
        figure.savefig(temporary, dpi=130, format="png")


def _report(
    rows: list[dict[str, Any]],
    files: dict[str, Path],
    winners: dict[str, Method],
    protocols: list[str],
    found: dict[Method, Scores],
    error: str,
) -> Outcome:
    numbers: dict[str, float | int | str] = {
        f"{row['method']}: test {error} by {' / '.join(protocols)}": " / ".join(
            f"{row[f'{each} mean']:.4g}" for each in protocols
        )
        for row in rows
    }
    numbers |= {f"best by {name}": winners[name] for name in protocols}
    least = [float(scores["train-domain"].nan_to_num(math.inf).min()) for scores in found.values()]
    note = "Test-domain selection has seen the test environments: it bounds what could be had, nobody can choose so."
    if max(least) - min(least) <= 0.01 * max(max(least), 1e-9):
        note += " All methods validate equally well in the training environments: these cannot tell which is invariant."
    return Outcome(files, numbers, note)
