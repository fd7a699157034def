"""Engines: measure many claims here, in worker processes, or on a Ray cluster. What one claim breaks stays its own.

An engine takes tasks and yields for each a ``Measured`` or a ``Failure``, as they come. A worker that dies (killed, out
of memory) has its task tried again up to twice.
"""

import contextlib
import multiprocessing
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from hotpapers import console, progress
from hotpapers.claims.evidence import Evidence, write_evidence
from hotpapers.claims.task import Failure, Measured, Task, measure
from hotpapers.errors import BadInput, HotpapersError, MissingExtra

Engine = Literal["local", "processes", "ray"]
RETRIES = 2
Outcomes = Iterator[tuple[Task, Measured | Failure]]


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
    if engine not in get_args(Engine):
        raise BadInput(f"There is no engine {engine!r}; take one of {', '.join(get_args(Engine))}.")
    ordered = list(tasks)
    jobs = 1 if engine == "local" else max(1, min(jobs or os.cpu_count() or 1, len(ordered)))
    stamped = [msgspec.structs.replace(task, engine=engine, jobs=jobs) for task in ordered]
    report = Report([], [])
    for _, result in _ENGINES[engine](stamped, jobs):
        if isinstance(result, Measured):
            write_evidence(result.evidence, out, result.contents)
            report.evidence.append(result.evidence)
        else:
            console.say(f"{result.slug} {result.claim} crashed: {result.error}")
            report.failures.append(result)
    return report


def _local(tasks: list[Task], jobs: int) -> Outcomes:
    for number, task in enumerate(tasks, start=1):
        console.say(f"[{number}/{len(tasks)}] {task.name} at {task.scale} scale")
        yield task, measure(task)


def _processes(tasks: list[Task], jobs: int) -> Outcomes:
    waiting = [(task, 1) for task in reversed(tasks)]
    busy: dict[Connection, tuple[_Worker, Task, int]] = {}
    idle: list[_Worker] = []
    done = 0
    with progress.bar("claims", len(tasks)) as bar, _workers_environment(jobs):
        try:
            while waiting or busy:
                while waiting and len(busy) < jobs:
                    task, attempt = waiting.pop()
                    worker = idle.pop() if idle else _Worker()
                    if worker.give(task):
                        busy[worker.pipe] = (worker, task, attempt)
                    else:  # it died between two tasks
                        waiting.append((task, attempt))
                ready = wait(list(busy))
                for pipe in [each for each in busy if each in ready]:
                    worker, task, attempt = busy.pop(pipe)
                    result = worker.take()
                    if isinstance(result, Measured | Failure):
                        idle.append(worker)
                    elif attempt <= RETRIES:
                        waiting.insert(0, (task, attempt + 1))  # last, when less else wants memory
                        continue
                    else:
                        result = _died(task, result, attempt)
                    done += 1
                    bar.update(done, task.name)
                    yield task, result
        finally:
            for worker in [*idle, *(each for each, _, _ in busy.values())]:
                worker.end()


class _Worker:
    """A process that measures the tasks it is given, one at a time."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        # Not a daemon: claims may start processes of their own, such as data loaders.
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs,), daemon=False)
        self.process.start()
        theirs.close()

    def give(self, task: Task) -> bool:
        try:
            self.pipe.send(task)
        except OSError:
            self.end()
            return False
        return True

    def take(self) -> Measured | Failure | str:
        """Return the result, or how the worker died."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            self.pipe.close()
            return f"was killed by signal {-code}" if code < 0 else f"left with exit code {code}"

    def end(self) -> None:
        self.pipe.close()  # an idle worker leaves when its pipe is closed
        self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(pipe: Connection) -> None:
    """Measure tasks until the pipe is closed; a stop from the keyboard is for the parent to tell."""
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt, HotpapersError):
        while True:
            pipe.send(measure(pipe.recv()))


@contextlib.contextmanager
def _workers_environment(jobs: int) -> Iterator[None]:
    """Let workers that start in this block share the cores, and leave the terminal to the parent's bar."""
    mine = {
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs)),
        "HOTPAPERS_PROGRESS": "quiet",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update({name: value for name, value in mine.items() if name != "OMP_NUM_THREADS" or not before[name]})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _ray(tasks: list[Task], jobs: int) -> Outcomes:
    with progress.bar("claims", len(tasks)) as bar, _workers_environment(jobs), _cluster(jobs) as ray:
        # Ray would run the same task again by itself; counted here, both engines treat a dead worker alike.
        gpus = 1 if ray.cluster_resources().get("GPU") and tasks and tasks[0].device != "cpu" else 0
        remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(measure)
        waiting = [(task, 1) for task in reversed(tasks)]
        busy: dict[Any, tuple[Task, int]] = {}
        done = 0
        try:
            while waiting or busy:
                while waiting and len(busy) < jobs:
                    task, attempt = waiting.pop()
                    busy[remote.remote(task)] = (task, attempt)
                ready, _ = ray.wait(list(busy), num_returns=1)
                task, attempt = busy.pop(ready[0])
                try:
                    result = ray.get(ready[0])
                except ray.exceptions.RayTaskError as error:  # hotpapers itself failed there: not for lack of luck
                    result = Failure(task.slug, task.claim.id, task.scale, str(error.cause), str(error), attempt)
                except ray.exceptions.RayError as error:
                    if attempt <= RETRIES:
                        waiting.insert(0, (task, attempt + 1))  # last, when less else wants memory
                        continue
                    result = _died(task, f"died: {str(error).splitlines()[0]}", attempt)
                done += 1
                bar.update(done, task.name)
                yield task, result
        finally:
            for reference in busy:
                ray.cancel(reference, force=True)


@contextlib.contextmanager
def _cluster(jobs: int) -> Iterator[Any]:
    """Yield Ray, connected: as it is already, to ``RAY_ADDRESS``, or to a cluster that lives as long as the block."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("The ray engine", ("ray",)) from error
    if ray.is_initialized():
        yield ray
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    with tempfile.TemporaryDirectory(prefix="hotpapers-ray-", ignore_cleanup_errors=True) as scratch:
        if "RAY_ADDRESS" not in os.environ:
            options |= {"address": "local", "num_cpus": jobs, "include_dashboard": False, "_temp_dir": scratch}
            # Only we may run code on it; unasked, Ray would keep a token in the user's home.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        else:
            _call(os.environ["RAY_ADDRESS"])
        try:
            ray.init(**options)
        except (ConnectionError, ValueError) as error:
            raise BadInput(f"Ray does not answer at RAY_ADDRESS={os.environ.get('RAY_ADDRESS')}: {error}") from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _call(address: str) -> None:
    """Refuse a ``HOST:PORT`` where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdigit():
        return  # "auto" and the like
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise BadInput(f"Nobody listens at RAY_ADDRESS={address}; start the cluster or unset it.") from error


def _died(task: Task, how: str, attempts: int) -> Failure:
    return Failure(task.slug, task.claim.id, task.scale, f"its worker {how}, {attempts} times", "", attempts)


_ENGINES: dict[str, Callable[[list[Task], int], Outcomes]] = {"local": _local, "processes": _processes, "ray": _ray}
