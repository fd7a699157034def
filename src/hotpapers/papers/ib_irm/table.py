"""The verb ``unit-tests``: Table 3 with both selections side by side, beside the paper's own numbers."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.ib_irm.examples import EXAMPLES, Example
from hotpapers.papers.ib_irm.unit_tests import CONTENDERS, PAPER, Contender, Result, run
from hotpapers.progress import track
from hotpapers.verbs import Outcome

Which = Literal["all", "1", "1s", "2", "2s", "3", "3s"]
Who = Literal["paper", "all", "erm", "ib-erm", "irm", "ib-irm", "vrex", "groupdro", "oracle"]
IN_PAPER: tuple[Contender, ...] = ("erm", "ib-erm", "irm", "ib-irm", "oracle")
COLUMNS = (
    "example", "environments", "method", "train-domain", "train-domain spread", "test-domain", "test-domain spread",
    "paper", "paper spread",
)  # fmt: skip


def unit_tests(
    *,
    example: Which = "all",
    method: Who = "paper",
    environments: int = 3,
    rows: int = 1000,
    data_sets: int = 5,
    draws: int = 20,
    steps: int = 10_000,
    out: Path = Path("unit-tests"),
) -> Outcome:
    """Run the six linear unit tests of invariance: methods x examples, each a sweep over hyperparameters.

    Writes a table, a picture, and every error on every data set. Interrupted, the same command goes on. The paper's own
    setting is 10,000 rows and 50 data sets.

    Parameters
    ----------
    example
        1: regression; 2: cows and camels; 3: small margin; with s both blocks are mixed by a rotation.
    method
        One method, or those of the paper's table, or these with V-REx and GroupDRO.
    environments
        How many training environments, 3 or more.
    rows
        Rows of each environment in each split.
    data_sets
        How many data sets, from seed 0 on; the hyperparameters are chosen once for all of them.
    draws
        How many draws of hyperparameters; the first is the defaults.
    steps
        Steps of Adam.
    out
        The directory to write to.
    """
    bounds = {
        "--environments": (environments, 3, 50), "--rows": (rows, 2, 1_000_000), "--data-sets": (data_sets, 1, 1000),
        "--draws": (draws, 1, 1000), "--steps": (steps, 1, 10_000_000),
    }  # fmt: skip
    for option, (value, least, most) in bounds.items():
        if not least <= value <= most:
            raise BadInput(f"{option} cannot be {value}: give {least:,} to {most:,}.")
    if rows % 2:
        raise BadInput(f"--rows cannot be {rows}: give an even number, half of each class.")
    out = Path(out)
    settings = {"rows": rows, "data_sets": data_sets, "draws": draws, "steps": steps}
    cells = _kept(out, settings)
    examples: tuple[Example, ...] = EXAMPLES if example == "all" else (example,)
    several = {"paper": IN_PAPER, "all": CONTENDERS}
    methods = several.get(method, tuple(each for each in CONTENDERS if each == method))
    wanted = [(each, who) for each in examples for who in methods]
    for each, who in track(wanted, f"unit tests, {environments} environments"):
        key = f"{each} {environments} {who}"
        if key not in cells:
            found = run(who, each, environments, n=rows, data_seeds=range(data_sets), draws=draws, steps=steps)
            cells[key] = dataclasses.asdict(found)
            _keep(out, settings, cells)
    table = [_row(each, environments, who, Result(**cells[f"{each} {environments} {who}"])) for each, who in wanted]
    files = {"picture": out / f"{environments}-environments.png", "table": out / f"{environments}-environments.csv"}
    with written_whole(files["table"]) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows([_figure(value) for value in row] for row in table)
    with written_whole(files["picture"]) as temporary:
        _draw(table, temporary)
    numbers = {f"example {row[0]}, {row[2]}": f"{row[3]:.2f} ± {row[4]:.2f}, test-domain {row[5]:.2f}" for row in table}
    return Outcome(
        files | {"errors": out / "errors.json"},
        numbers,
        note="Chosen by validation rows of the training distribution (train-domain) or of the test distribution.",
    )


def _row(example: Example, environments: int, method: Contender, found: Result) -> list[Any]:
    means = (sum(errors) / len(errors) for errors in (found.train_domain, found.test_domain))
    paper = PAPER.get((example, environments), {}).get(method, ("", ""))
    pairs = zip(means, (found.spread["train-domain"], found.spread["test-domain"]), strict=True)
    return [example, environments, method, *(number for pair in pairs for number in pair), *paper]


def _figure(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value


def _kept(out: Path, settings: dict[str, int]) -> dict[str, Any]:
    """Return the cells that an earlier call with the same settings has left in ``out``."""
    path = out / "errors.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        same = kept["settings"] == settings
        return kept["cells"] if same else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not what unit-tests writes; name another directory with --out.") from error


def _keep(out: Path, settings: dict[str, int], cells: dict[str, Any]) -> None:
    with written_whole(out / "errors.json") as temporary:
        temporary.write_text(json.dumps({"settings": settings, "cells": cells}, indent=1), encoding="utf-8")


def _draw(table: list[list[Any]], path: Path) -> None:
    """Draw one panel an example: a pair of bars a method, and the paper's number as a diamond."""
    from matplotlib.figure import Figure

    examples = list(dict.fromkeys(row[0] for row in table))
    columns = min(3, len(examples))
    lines = -(-len(examples) // columns)
    figure = Figure(figsize=(0.6 + 3.4 * columns, 0.6 + 2.7 * lines), layout="constrained")
    for index, example in enumerate(examples):
        rows = [row for row in table if row[0] == example]
        axes = figure.add_subplot(lines, columns, index + 1)
        for offset, (mean, colour, label) in enumerate(((3, "#00629b", "train-domain"), (5, "#8fc1e3", "test-domain"))):
            places = [k + 0.4 * offset - 0.2 for k in range(len(rows))]
            spread = [row[mean + 1] for row in rows]
            heights = [row[mean] for row in rows]
            below = [min(height, each) for height, each in zip(heights, spread, strict=True)]
            axes.bar(places, heights, 0.38, color=colour, label=label, yerr=[below, spread], ecolor="#555555")
        known = [(k, row[7]) for k, row in enumerate(rows) if row[7] != ""]
        axes.plot(*zip(*known, strict=True) if known else ([], []), "D", color="#b35c00", label="paper", markersize=5)
        axes.set_xticks(range(len(rows)), [row[2] for row in rows], rotation=30, ha="right", fontsize=8)
        axes.set_title(f"example {example}", fontsize=10)
        axes.set_ylabel("mean square error" if example[0] == "1" else "error", fontsize=8)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        if index == 0:
            axes.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=130, format="png")
