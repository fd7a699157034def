"""The verb ``bench``: the paper's comparisons on one of its tasks, at a size that you choose."""

from pathlib import Path
from typing import Literal

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.scalars.experiment import Budget, geometric_mean, task_errors
from hotpapers.papers.scalars.plots import plot_bars
from hotpapers.verbs import Outcome


def bench(
    *,
    task: Literal["norms", "inertia", "scattering"] = "norms",
    rows: int = 300,
    steps: int = 500,
    width: int = 128,
    seeds: int = 1,
    out: Path | None = None,
) -> Outcome:
    """Run one of the paper's tasks: a model of scalars, an MLP with and without augmentation, and least squares.

    Parameters
    ----------
    task
        A function of two norms (O(5)), the inertia of five masses (O(3)), or particle scattering (Lorentz).
    rows
        Rows to learn from.
    steps
        Training steps of each network, of 128 rows.
    width
        Width of the networks.
    seeds
        How many times, each with other rows and weights.
    out
        The picture to write, with a table of the same name; ``TASK.png`` here when left out.
    """
    if not 20 <= rows <= 1_000_000 or not 1 <= steps <= 1_000_000 or not 2 <= width <= 4096 or not 1 <= seeds <= 100:
        raise BadInput("Take 20 to 1,000,000 rows, 1 to 1,000,000 steps, a width of 2 to 4096, and 1 to 100 seeds.")
    out = Path(out) if out else Path(f"{task}.png")
    errors = task_errors(task, Budget(rows=(rows,), steps=steps, width=width), tuple(range(seeds)))
    means = {way: geometric_mean(list(by_rows[rows].values())) for way, by_rows in errors.items()}
    plot_bars(out, means, "test MSE")
    table = out.with_suffix(".csv")
    with written_whole(table) as temporary:
        lines = [f"{way},{seed},{error!r}" for way, by_rows in errors.items() for seed, error in by_rows[rows].items()]
        temporary.write_text("\n".join(["contender,seed,test_mse", *lines]) + "\n", encoding="utf-8")
    return Outcome({"picture": out, "table": table}, {f"test MSE, {way}": error for way, error in means.items()})
