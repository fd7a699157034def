"""Reproduce: measure many claims on an engine and keep their evidence. What one claim breaks stays its own."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from hotpapers import console, progress
from hotpapers.claims.evidence import Evidence, write_evidence
from hotpapers.claims.task import Failure, Measured, Task, measure
from hotpapers.engines import Died, Engine, attempt_all


class Report(NamedTuple):
    """What a reproduction came to: the evidence that it wrote and the claims that crashed."""

    evidence: list[Evidence]
    failures: list[Failure]


def reproduce(tasks: Iterable[Task], out: Path, *, engine: Engine = "local", jobs: int | None = None) -> Report:
    """Measure every task and write each one's evidence under ``out`` as soon as it is there.

    Parameters
    ----------
    tasks
        What to measure.
    out
        The evidence folder.
    engine
        ``local``: one after another in this process. ``processes``: in ``jobs`` worker processes. ``ray``: on the
        cluster that ``RAY_ADDRESS`` names, else on one that is started on this machine for as long as this takes.
    jobs
        How many claims at once; ``None`` means one for each core. The local engine takes one at a time.

    Raises
    ------
    MissingExtra
        If the Ray engine is asked for and Ray is not installed.
    """
    ordered = list(tasks)
    jobs = 1 if engine == "local" else max(1, min(jobs or os.cpu_count() or 1, len(ordered)))
    stamped = [msgspec.structs.replace(task, engine=engine, jobs=jobs) for task in ordered]
    report = Report([], [])
    for result in _measured(stamped, engine, jobs):
        if isinstance(result, Measured):
            write_evidence(result.evidence, out, result.contents)
            report.evidence.append(result.evidence)
        else:
            console.say(f"{result.slug} {result.claim} crashed: {result.error}")
            report.failures.append(result)
    return report


def _measured(tasks: list[Task], engine: Engine, jobs: int) -> Iterator[Measured | Failure]:
    if engine == "local":
        for number, task in enumerate(tasks, start=1):
            console.say(f"[{number}/{len(tasks)}] {task.name} at {task.scale} scale")
            yield measure(task)
        return
    gpu = any(task.device != "cpu" for task in tasks)
    results = attempt_all(measure, tasks, engine=engine, jobs=jobs, gpu=gpu)
    with progress.bar("claims", len(tasks)) as bar:
        for done, (number, result) in enumerate(results, start=1):
            bar.update(done, tasks[number].name)
            yield _failure(tasks[number], result) if isinstance(result, Died) else result


def _failure(task: Task, died: Died) -> Failure:
    words = f"its worker {died.how}, {died.attempts} times"
    return Failure(task.slug, task.claim.id, task.scale, words, "", died.attempts)
