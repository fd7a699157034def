"""One claim to measure, as it travels to a worker, and what comes back: evidence with its files, or a failure."""

import datetime
import shutil
import tempfile
import traceback
from pathlib import Path
from typing import Any

import msgspec

from hotpapers import files, verbs
from hotpapers.cards import Card, Claim, Scale
from hotpapers.claims import provenance
from hotpapers.claims.evidence import Evidence, inside, plain
from hotpapers.claims.judge import judge
from hotpapers.claims.measurement import Measurement
from hotpapers.errors import HotpapersError, Interrupted

LARGEST_FILES = 64 * 2**20
"""What a claim's files may weigh together: they are kept with the code and travel between machines."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with all that a worker needs to measure it."""

    slug: str
    arxiv: str
    claim: Claim
    module: str
    extras: tuple[str, ...]
    scale: Scale
    seeds: tuple[int, ...]
    device: str = "auto"
    engine: str = "local"
    jobs: int = 1

    @property
    def name(self) -> str:
        """Return the paper and the claim, for people."""
        return f"{self.slug} {self.claim.id}"


class Measured(msgspec.Struct, frozen=True):
    """The evidence of a task, not written yet, and the contents of its files by relative name."""

    evidence: Evidence
    contents: dict[str, bytes]


class Failure(msgspec.Struct, frozen=True):
    """Why a task has no evidence: the error, the end of its traceback, and how many times it was tried."""

    slug: str
    claim: str
    scale: Scale
    error: str
    trace: str = ""
    attempts: int = 1


def task_for(
    card: Card,
    claim: Claim,
    scale: Scale,
    *,
    seeds: tuple[int, ...] | None = None,
    device: str = "auto",
    engine: str = "local",
    jobs: int = 1,
) -> Task:
    """Return the task of measuring one claim of a card.

    An exact claim has no chance in it and gets seed 0 alone. Left out, ``seeds`` are 0 at smoke scale, else 0, 1, 2.
    """
    chosen = (0,) if claim.exact else seeds or default_seeds(scale)
    return Task(
        slug=card.slug,
        arxiv=card.arxiv,
        claim=claim,
        module=f"{card.package}.claims",
        extras=card.extras,
        scale=scale,
        seeds=chosen,
        device=device,
        engine=engine,
        jobs=jobs,
    )


def default_seeds(scale: Scale) -> tuple[int, ...]:
    """Return the seeds that a scale is measured with unasked."""
    return (0,) if scale == "smoke" else (0, 1, 2)


def measure(task: Task) -> Measured | Failure:
    """Measure a claim in this process; whatever goes wrong in it comes back as a ``Failure``.

    Every measurement starts from an empty work directory, which is removed at the end: a measurement that went on from
    a checkpoint would have the wrong times. Only an interruption by the user is raised.
    """
    try:
        return _measure(task)
    except Interrupted as error:
        raise Interrupted(f"stopped while measuring {task.name}; the evidence written before is kept.") from error
    except HotpapersError as error:
        return Failure(task.slug, task.claim.id, task.scale, str(error))
    except (Exception, SystemExit) as error:
        last = "".join(traceback.format_exception(error)).rstrip().splitlines()[-12:]
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Failure(task.slug, task.claim.id, task.scale, words, "\n".join(last))


def _measure(task: Task) -> Measured:
    function = verbs.load(task.module, task.claim.function, task.extras, what=task.name)
    from hotpapers.run import Run  # brings torch, which reading evidence does not need

    work = _work_directory(task)
    try:
        with provenance.metered() as meter, Run(work, seeds=task.seeds, device=task.device, tensorboard=False) as run:
            measured: Any = function(task.scale, run)
        _hold_to_task(measured, task)
        contents = _read_files(measured.files, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    assert meter.cost is not None
    values = _numbers(measured.values)
    criterion = task.claim.expect.get(task.scale)
    evidence = Evidence(
        slug=task.slug,
        arxiv=task.arxiv,
        claim=task.claim.id,
        scale=task.scale,
        metric=task.claim.metric,
        unit=task.claim.unit,
        exact=task.claim.exact,
        criterion=criterion,
        judgement=judge(criterion, values, task.claim.exact, scale=task.scale),
        seeds=list(task.seeds),
        values=values,
        method=_numbers(measured.method),
        baseline=_numbers(measured.baseline),
        method_unit=measured.unit,
        extras=plain(measured.extras),
        files=[],
        cost=meter.cost,
        machine=provenance.machine(),
        versions=provenance.versions(),
        revision=provenance.revision(),
        engine=task.engine,
        jobs=task.jobs,
        device=str(run.device),
        date=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
    )
    return Measured(evidence, contents)


def _work_directory(task: Task) -> Path:
    place = files.home() / "work"
    place.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{task.slug}.{task.claim.id}.{task.scale}.", dir=place))


def _hold_to_task(measured: Any, task: Task) -> None:
    """Refuse what would be evidence for something else, such as only the seeds that went well."""
    if not isinstance(measured, Measurement):
        raise TypeError(f"{task.claim.function} returned a {type(measured).__name__}, not a Measurement")
    if set(measured.values) != set(task.seeds):
        raise ValueError(f"{task.claim.function} measured seeds {sorted(measured.values)} of {sorted(task.seeds)}")


def _read_files(paths: list[Path], work: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    root = work.resolve()
    for path in paths:
        # Relative paths are taken from the run's directory; nothing outside of it is evidence.
        resolved = (root / path).resolve()
        contents[str(inside(resolved.relative_to(root).as_posix()))] = resolved.read_bytes()
    if (total := sum(map(len, contents.values()))) > LARGEST_FILES:
        raise ValueError(f"the claim's files weigh {total >> 20} MiB, more than {LARGEST_FILES >> 20}")
    return contents


def _numbers(values: dict[int, Any]) -> dict[int, float]:
    """Return plain numbers: claims may hand back NumPy's or torch's."""
    return {int(seed): float(value) for seed, value in values.items()}
