"""The verb ``diagnose``: what a table's environments say about invariance before anything is trained on it.

Within each environment the target is regressed on each column alone. A column is suspected to be spurious where that
slope differs between environments by more than its uncertainty; the others are taken for invariant. If linear probes
within environments do better with the suspects than without, the others do not tell all there is (PIIF: prefer IRM); if
not, they do (FIIF: the bottleneck).
"""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.ib_irm.objective import environment_means, irm_penalty
from hotpapers.papers.ib_irm.search import errors as errors_of
from hotpapers.papers.ib_irm.search import standardised
from hotpapers.papers.ib_irm.tables import Kind, Table, read_table
from hotpapers.papers.ib_irm.train import set_apart
from hotpapers.verbs import AnyFile, Outcome

UNSTABLE = 4.0
"""How many standard errors of difference between environments make a suspect."""
HELPS = 0.005
"""How much of the error (share of wrong rows, or of the variance) the suspects must save to count as a help."""
RIDGE = 1e-3


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What was found, for E environments and d columns.

    Attributes
    ----------
    slopes
        Slope of the target on each column alone, both standardised, in each environment (E x d).
    instability
        Greatest difference of a column's slope between environments, in standard errors (d).
    overlap
        Share of each environment's rows that lie inside the others' central 98 % in a column, the least over
        environments (d).
    spread
        Variance of a column within environments over its variance in all (d).
    penalty
        IRM's penalty of the pooled probe in each environment (E).
    gain
        Error of the probes within environments without the suspects, less that with them.
    transfer
        Error in an environment of the probe of all others, less that of the environment's own (E).
    """

    slopes: Float[Tensor, "E d"]
    instability: Float[Tensor, " d"]
    overlap: Float[Tensor, " d"]
    spread: Float[Tensor, " d"]
    penalty: Float[Tensor, " E"]
    gain: float
    transfer: Float[Tensor, " E"]

    @property
    def suspects(self) -> Tensor:
        """Which columns look spurious."""
        return self.instability > UNSTABLE

    @property
    def hint(self) -> str:
        """What to try first, and why."""
        suspects = int(self.suspects.sum())
        if suspects == 0:
            return "no column changes its part between environments: ERM, and hope that new environments are alike"
        if suspects == len(self.instability):
            return "every column changes its part: no invariant columns to build on; learn features (--hidden)"
        if self.gain > HELPS:
            return f"PIIF: the suspects save an error of {self.gain:.3g} beside the stable columns; try IRM or IB-IRM"
        if float(self.overlap[~self.suspects].min()) < 0.05:
            return "FIIF, but the stable columns' supports do not overlap: no method is sure to generalise (Theorem 2)"
        return "FIIF: the stable columns tell all that the suspects do; try IB-ERM or IB-IRM"


def examine(table: Table) -> Diagnosis:
    """Diagnose a table of two environments or more."""
    ready, _ = standardised(table)
    environments = [ready.take(ready.env == index) for index in range(len(table.environments))]
    slopes, errors = (torch.stack(found) for found in zip(*map(slopes_alone, environments), strict=True))
    gap = (slopes[:, None] - slopes).abs() / (errors[:, None].square() + errors.square()).sqrt().clamp(min=1e-9)
    instability = gap.amax((0, 1))
    suspects = instability > UNSTABLE
    inside = sum(_probe_error(each.x, each, each.x, each) for each in environments)
    stable = sum(_probe_error(each.x[:, ~suspects], each, each.x[:, ~suspects], each) for each in environments)
    pooled = _solve(ready.x, _targets(ready))
    outputs = _with_one(ready.x) @ pooled
    outputs = outputs if len(table.classes) > 2 else outputs * (2.0 if table.classes else 1.0)
    return Diagnosis(
        slopes=slopes,
        instability=instability,
        overlap=_overlap(ready),
        spread=_within(ready),
        penalty=irm_penalty(outputs, ready.y, ready.env, table.task),
        gain=(stable - inside) / len(environments),
        transfer=torch.tensor([_transfer(ready, index) for index in range(len(environments))]),
    )


def diagnose(
    data: AnyFile | None = None,
    *,
    target: str = "y",
    env: str = "env",
    test_env: str = "",
    kind: Kind = "auto",
    ignore: str = "",
    out: Path | None = None,
) -> Outcome:
    """Say which columns look spurious, whether environments overlap, and which recipe suits the data.

    Writes a table of the columns and a picture of their slopes in each environment. It is a hint from linear probes,
    not a proof: what is not in the environments given cannot be seen.

    Parameters
    ----------
    data
        A table as for ``train``. Left out: cows and camels, the paper's example 2.
    target, env
        The columns to predict and of the environment.
    test_env
        Environments to leave out of the diagnosis, with commas between them.
    kind
        regression, classes, or auto.
    ignore
        Columns not to predict from, with commas between them.
    out
        The directory to write to; beside the data when left out.
    """
    table, _ = set_apart(read_table(data, target, env, kind, ignore), test_env)
    if len(table.columns) > 2000:
        raise BadInput(
            f"{len(table.columns)} columns are too many to look at one by one; reduce them to 2000 or fewer."
        )
    found = examine(table)
    out = Path(out) if out else (Path(data).with_suffix(".diagnosis") if data else Path("cows-and-camels.diagnosis"))
    files = {"picture": out / "slopes.png", "columns": out / "columns.csv"}
    with written_whole(files["columns"]) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        header = ["column", "suspect", "instability", "overlap", "variance within"]
        writer.writerow([*header, *(f"slope in {name}" for name in table.environments)])
        for k, name in enumerate(table.columns):
            facts = [found.instability[k], found.overlap[k], found.spread[k], *found.slopes[:, k]]
            writer.writerow([name, "yes" if found.suspects[k] else "no", *(f"{float(each):.4g}" for each in facts)])
    with written_whole(files["picture"]) as temporary:
        _draw(found, table, temporary)
    named = [name for name, suspect in zip(table.columns, found.suspects.tolist(), strict=True) if suspect]
    numbers: dict[str, float | int | str] = {
        "hint": found.hint,
        "suspect columns": ", ".join(named)[:300] or "none",
        "error that the suspects save": round(found.gain, 4),
        "least overlap of a column": round(float(found.overlap.min()), 4),
    }
    for name, penalty, ratio in zip(table.environments, found.penalty, found.transfer, strict=True):
        numbers[f"{name}: IRM penalty of the pooled probe"] = float(f"{float(penalty):.4g}")
        numbers[f"{name}: error when left out, less own error"] = float(f"{float(ratio):.4g}")
    return Outcome(files, numbers, "Compare the recipes on the data itself: hotpapers ib-irm select")


def slopes_alone(table: Table) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """Return the slope of the target on each column alone, and its standard error.

    With more than two classes it is the root mean square over the classes, whose uncertainty is at most the largest.
    """
    x, t = table.x - table.x.mean(0), _targets(table) - _targets(table).mean(0)
    power = x.square().sum(0).clamp(min=1e-9)
    slope = x.T @ t / power[:, None]
    left = t.square().sum(0) - slope.square() * power[:, None]
    error = (left.clamp(min=0) / max(1, len(x) - 2) / power[:, None]).sqrt()
    return (slope[:, 0], error[:, 0]) if slope.shape[1] == 1 else (slope.square().mean(1).sqrt(), error.amax(1))


def _targets(table: Table) -> Float[Tensor, "n C"]:
    """Return a number a row, ± 1 for two classes, or one ± 1 a class."""
    if table.task == "regression":
        return table.y[:, None]
    if table.task == "binary":
        return 2 * table.y[:, None] - 1
    return 2 * F.one_hot(table.y.long(), len(table.classes)).float() - 1


def _with_one(x: Tensor) -> Tensor:
    return torch.cat((x, torch.ones_like(x[:, :1]) if x.shape[1] else x.new_ones(len(x), 1)), 1)


def _solve(x: Tensor, t: Tensor) -> Tensor:
    inputs = _with_one(x).double()
    gram = inputs.T @ inputs + RIDGE * len(x) * torch.eye(inputs.shape[1], dtype=torch.float64)
    return torch.linalg.solve(gram, inputs.T @ t.double()).float()


def _probe_error(x: Tensor, table: Table, x_judged: Tensor, judged: Table) -> float:
    """Return the error on one table of the probe that was fitted on another."""
    outputs = _with_one(x_judged) @ _solve(x, _targets(table))
    return float(
        errors_of(outputs, dataclasses.replace(judged, env=torch.zeros_like(judged.env), environments=["all"]))
    )


def _transfer(table: Table, index: int) -> float:
    own, rest = table.take(table.env == index), table.take(table.env != index)
    return _probe_error(rest.x, rest, own.x, own) - _probe_error(own.x, own, own.x, own)


def _overlap(table: Table) -> Float[Tensor, " d"]:
    shares = []
    for index in range(len(table.environments)):
        own, rest = table.x[table.env == index], table.x[table.env != index]
        low, high = (torch.from_numpy(np.quantile(rest.numpy(), share, axis=0)).float() for share in (0.01, 0.99))
        shares.append(((own >= low) & (own <= high)).float().mean(0))
    return torch.stack(shares).amin(0)


def _within(table: Table) -> Float[Tensor, " d"]:
    within = environment_means(table.x.T.square(), table.env) - environment_means(table.x.T, table.env).square()
    return within.mean(-1).clamp(min=0)


def _draw(found: Diagnosis, table: Table, path: Path) -> None:
    """Draw the columns' slopes in each environment, the least stable first, suspects marked."""
    from matplotlib.figure import Figure

    order = found.instability.argsort(descending=True)[:30].tolist()
    figure = Figure(figsize=(7, 1.2 + 0.28 * len(order)), layout="constrained")
    axes = figure.add_subplot()
    largest = float(found.slopes[:, order].abs().max()) or 1.0
    shown = axes.imshow(found.slopes[:, order].T.numpy(), cmap="PuOr", vmin=-largest, vmax=largest, aspect="auto")
    names = [table.columns[k][:24] + (" ← suspect" if found.suspects[k] else "") for k in order]
    axes.set_yticks(range(len(order)), names, fontsize=8)
    axes.set_xticks(range(len(table.environments)), [name[:14] for name in table.environments], fontsize=8, rotation=30)
    what = f"{table.target} = {table.classes[1]}" if table.task == "binary" else table.target
    axes.set_title(f"slope of {what[:40]} on a column alone, in each environment", fontsize=9)
    figure.colorbar(shown, ax=axes, shrink=0.8)
    figure.savefig(path, dpi=130, format="png")
