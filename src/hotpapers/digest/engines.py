"""Engines: do pieces of work here, in worker processes, or on a Ray cluster.

Each piece must leave the same result when it is done twice: a worker that dies has its piece done again by another.
"""

import contextlib
import multiprocessing
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, TypeVar, get_args

from hotpapers.errors import BadInput, HotpapersError, MissingExtra

Engine = Literal["local", "processes", "ray"]
RETRIES = 3
Piece = TypeVar("Piece")
Result = TypeVar("Result")


class WorkersDied(HotpapersError):
    """Workers died again and again with the same work."""


def do_all(
    work: Callable[[Piece], Result], pieces: Sequence[Piece], *, engine: Engine = "local", jobs: int | None = None
) -> Iterator[Result]:
    """Yield ``work(piece)`` for each piece, as they come.

    Parameters
    ----------
    work
        A function of a module, so that a worker can import it.
    pieces
        What to do; each can be pickled.
    engine
        ``local``: one after another in this process. ``processes``: in ``jobs`` worker processes. ``ray``: on the
        cluster that ``RAY_ADDRESS`` names, else on one that is started on this machine for as long as this takes.
    jobs
        How many at once; ``None`` means one for each core.

    Raises
    ------
    BadInput
        If there is no such engine, or Ray does not answer.
    WorkersDied
        If a piece kills its worker four times.
    """
    if engine not in get_args(Engine):
        raise BadInput(f"There is no engine {engine!r}; take one of {', '.join(get_args(Engine))}.")
    if jobs is not None and jobs < 1:
        raise BadInput(f"{jobs} jobs do nothing; say 1 or more.")
    jobs = max(1, min(jobs or os.cpu_count() or 1, len(pieces)))
    return {"local": _local, "processes": _processes, "ray": _ray}[engine](work, pieces, jobs)


def _local(work: Callable[[Piece], Result], pieces: Sequence[Piece], jobs: int) -> Iterator[Result]:
    yield from map(work, pieces)


def _processes(work: Callable[[Piece], Result], pieces: Sequence[Piece], jobs: int) -> Iterator[Result]:
    """When one worker dies the pool is broken for all; what it had not given back is done in a new one."""
    left, attempts = dict(enumerate(pieces)), 0
    while left:
        pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
        try:
            futures = {pool.submit(work, piece): number for number, piece in left.items()}
            for future in as_completed(futures):
                result = future.result()
                del left[futures[future]]
                attempts = 0
                yield result
        except BrokenProcessPool as error:
            attempts += 1
            if attempts > RETRIES:
                raise WorkersDied(
                    f"Workers died {attempts} times in a row: is there enough memory? Take fewer --jobs."
                ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ray(work: Callable[[Piece], Result], pieces: Sequence[Piece], jobs: int) -> Iterator[Result]:
    with _cluster(jobs) as ray:
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(work)
        waiting = list(reversed(pieces))
        busy: list[Any] = []
        try:
            while waiting or busy:
                while waiting and len(busy) < 2 * jobs:
                    busy.append(remote.remote(waiting.pop()))
                ready, busy = ray.wait(busy, num_returns=1)
                try:
                    result = ray.get(ready[0])
                except ray.exceptions.RayTaskError as error:
                    raise (error.cause if isinstance(error.cause, HotpapersError) else error) from error
                except ray.exceptions.WorkerCrashedError as error:
                    raise WorkersDied(
                        f"A piece killed its Ray worker {RETRIES + 1} times: is there enough memory?"
                    ) from error
                yield result
        finally:
            for reference in busy:
                ray.cancel(reference, force=True)


@contextlib.contextmanager
def _cluster(jobs: int) -> Iterator[Any]:
    """Yield Ray, connected: as it is already, to ``RAY_ADDRESS``, or to a cluster that lives as long as the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
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
        try:
            ray.init(**options)
        except (ConnectionError, ValueError) as error:
            raise BadInput(f"Ray does not answer at RAY_ADDRESS={os.environ.get('RAY_ADDRESS')}: {error}") from error
        try:
            yield ray
        finally:
            ray.shutdown()
