"""The verb ``example``: a table to try the others on."""

from pathlib import Path
from typing import Literal

import torch

from hotpapers.errors import BadInput
from hotpapers.papers.scalars.dynamics import write_trajectories
from hotpapers.papers.scalars.planets import SCHEMA, planet_rows
from hotpapers.papers.scalars.predict import declare
from hotpapers.papers.scalars.tables import write_table
from hotpapers.papers.scalars.tasks import TASKS
from hotpapers.verbs import Outcome


def example(
    *,
    name: Literal["inertia", "norms", "scattering", "cross", "determinant", "pendulum", "planets"] = "inertia",
    rows: int = 1000,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Write a table to try the other verbs on: one of the paper's tasks, a pendulum's trajectories, or real planets.

    Parameters
    ----------
    name
        Which: the inertia of five masses, a function of two norms, particle scattering, a cross product, a determinant,
        a double pendulum on springs, or the inner planets' places and accelerations from JPL's ephemeris (which is
        downloaded, 27 MB).
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
    if name == "planets":
        declared = declare(SCHEMA, "O(3)")
        write_table(out, planet_rows(1950, 2020, rows, seed), declared.fields, declared.group)
        settings = f'--schema "{SCHEMA}" --degree 3 --inverse'
        return Outcome(
            {"table": out},
            {"rows": rows, "schema": SCHEMA, "group": "O(3)"},
            f"Now find what draws them to the Sun: hotpapers scalars law {out} {settings}",
        )
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
