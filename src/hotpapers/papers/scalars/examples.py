"""The verb ``example``: a table to try the others on."""

from pathlib import Path
from typing import Literal

import torch

from hotpapers.errors import BadInput
from hotpapers.papers.scalars.dynamics import write_trajectories
from hotpapers.papers.scalars.predict import declare
from hotpapers.papers.scalars.tables import write_table
from hotpapers.papers.scalars.tasks import TASKS
from hotpapers.verbs import Outcome


def example(
    *,
    name: Literal["inertia", "norms", "scattering", "cross", "determinant", "pendulum"] = "inertia",
    rows: int = 1000,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Write a table to try the other verbs on: one of the paper's tasks, or trajectories of a pendulum.

    Parameters
    ----------
    name
        Which: the inertia of five masses, a function of two norms, particle scattering, a cross product, a determinant,
        or a double pendulum on springs.
    rows
        How many rows; of the pendulum, how many trajectories of 5 points.
    seed
        The seed of everything random.
    out
        Where the table goes; ``NAME.csv`` here when left out.
    """
    if not 10 <= rows <= 1_000_000:
        raise BadInput(f"A table has 10 to 1,000,000 rows here, not {rows}: change --rows.")
    out = Path(out) if out else Path(f"{name}.csv")
    if name == "pendulum":
        write_trajectories(out, rows, seed)
        command = f"hotpapers scalars dynamics {out}"
        return Outcome({"table": out}, {"trajectories": rows}, f"Now learn its motion: {command}")
    task = TASKS[name]
    declared = declare(task.schema, task.group)
    write_table(out, task.sample(rows, seed, torch.float64), declared.fields, declared.group)
    settings = f'--schema "{task.schema}" --group "{task.group}"' + (
        f' --permute "{task.permute}"' if task.permute else ""
    )
    return Outcome(
        {"table": out},
        {"rows": rows, "schema": task.schema, "group": task.group, "permute": task.permute},
        f"Now find the law in it: hotpapers scalars law {out} {settings}",
    )
