"""Engines: do pieces of work here, in worker processes, or on a Ray cluster.

Each piece must leave the same result when it is done twice: a worker that dies (killed, out of memory) has its piece
done again by another, and nobody else's piece suffers.
"""

import contextlib
import multiprocessing
import os
import secrets
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, get_args

from hotpapers.errors import BadInput, HotpapersError, MissingExtra

Engine = Literal["local", "processes", "ray"]
RETRIES = 2
WINDOW = 4
"""How many rounds of pieces may be done ahead of one whose result is awaited, where results come in order."""

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Died(NamedTuple):
    """What there is instead of a result when a piece has killed its worker at every attempt."""

    how: str
    attempts: int


class WorkersDied(HotpapersError):
    """A piece killed its worker again and again."""


def do_all(
    work: Callable[[Piece], Result],
    pieces: Iterable[Piece],
    *,
    engine: Engine = "local",
    jobs: int | None = None,
    ordered: bool = False,
) -> Iterator[Result]:
    """Yield ``work(piece)`` for each piece.

    Parameters
    ----------
    work
        A function of a module, so that a worker can import it.
    pieces
        What to do; each can be pickled. An iterator is only read as fast as the work goes.
    engine
        ``local``: one after another in this process. ``processes``: in ``jobs`` worker processes. ``ray``: on the
        cluster that ``RAY_ADDRESS`` names, else on one that is started on this machine for as long as this takes.
    jobs
        How many at once; ``None`` means one for each core.
    ordered
        Yield in the order of the pieces; else as they come.

    Raises
    ------
    BadInput
        If there is no such engine, or Ray does not answer.
    WorkersDied
        If a piece kills its worker three times.
    """
    return _or_raise(attempt_all(work, pieces, engine=engine, jobs=jobs, ordered=ordered))


def _or_raise(results: Iterator[tuple[int, Result | Died]]) -> Iterator[Result]:
    for number, result in results:
        if isinstance(result, Died):
            raise WorkersDied(
                f"Piece {number + 1} of the work: its worker {result.how}, {result.attempts} times. "
                "Is there enough memory? Take fewer --jobs."
            )
        yield result


def attempt_all(
    work: Callable[[Piece], Result],
    pieces: Iterable[Piece],
    *,
    engine: Engine = "local",
    jobs: int | None = None,
    ordered: bool = False,
    gpu: bool = False,
) -> Iterator[tuple[int, Result | Died]]:
    """Yield the number of each piece with its result; a piece that kills its workers has ``Died`` and harms no other.

    Parameters
    ----------
    work, pieces, engine, jobs, ordered
        As in ``do_all``.
    gpu
        Whether a piece wants a GPU for itself, where the Ray cluster has any.

    Raises
    ------
    BadInput
        If there is no such engine, or Ray does not answer.
    """
    if engine not in get_args(Engine):
        raise BadInput(f"There is no engine {engine!r}; take one of {', '.join(get_args(Engine))}.")
    if jobs is not None and jobs < 1:
        raise BadInput(f"{jobs} jobs do nothing; say 1 or more.")
    if engine == "local":
        return enumerate(map(work, pieces))
    jobs = jobs or os.cpu_count() or 1
    if isinstance(pieces, Sized):
        jobs = max(1, min(jobs, len(pieces)))
    return _spread(work, pieces, jobs, ordered, _Processes if engine == "processes" else _Ray, gpu)


class _Workers(Protocol):
    """Where the work is done: a place is what one piece is being done in."""

    def start(self, piece: Any) -> Any:
        """Begin a piece and return its place."""

    def ended(self, places: list[Any]) -> list[tuple[Any, Any]]:
        """Wait for at least one place to end; return each that has with its result, or how its worker died (_Death)."""


class _Death(str):
    """How a worker died: ``was killed by signal 9``."""


def _spread(
    work: Callable[[Any], Any],
    pieces: Iterable[Any],
    jobs: int,
    ordered: bool,
    kind: Callable[..., contextlib.AbstractContextManager[_Workers]],
    gpu: bool,
) -> Iterator[tuple[int, Any]]:
    fresh = enumerate(pieces)
    again: deque[tuple[int, Any, int]] = deque()  # done last, when less else wants memory
    busy: dict[Any, tuple[int, Any, int]] = {}
    early: dict[int, Any] = {}
    turn, begun, more = 0, 0, True
    with _workers_environment(jobs), kind(work, jobs, gpu) as workers:
        while True:
            while more and len(busy) < jobs and not (ordered and begun >= turn + WINDOW * jobs):
                if more := (following := next(fresh, None)) is not None:
                    begun += 1
                    busy[workers.start(following[1])] = (*following, 1)
            while again and len(busy) < jobs:
                number, piece, attempt = again.popleft()
                busy[workers.start(piece)] = (number, piece, attempt)
            if not busy:
                return
            for place, result in workers.ended(list(busy)):
                number, piece, attempt = busy.pop(place)
                if isinstance(result, _Death):
                    if attempt <= RETRIES:
                        again.append((number, piece, attempt + 1))
                        continue
                    result = Died(str(result), attempt)
                if not ordered:
                    yield number, result
                    continue
                early[number] = result
                while turn in early:
                    yield turn, early.pop(turn)
                    turn += 1


class _Processes:
    """Worker processes, each with a pipe to this one; one is started when a piece finds none idle."""

    def __init__(self, work: Callable[[Any], Any], jobs: int, gpu: bool) -> None:
        self.work = work
        self.idle: list[_Worker] = []
        self.busy: dict[Connection, _Worker] = {}

    def __enter__(self) -> "_Processes":
        return self

    def start(self, piece: Any) -> Connection:
        while True:
            worker = self.idle.pop() if self.idle else _Worker(self.work)
            if worker.give(piece):
                self.busy[worker.pipe] = worker
                return worker.pipe

    def ended(self, places: list[Any]) -> list[tuple[Any, Any]]:
        results = []
        for pipe in wait(places):
            assert isinstance(pipe, Connection)
            worker = self.busy.pop(pipe)
            result = worker.take()
            if not isinstance(result, _Death):
                self.idle.append(worker)
            results.append((pipe, result))
        return results

    def __exit__(self, *_: object) -> None:
        for worker in [*self.idle, *self.busy.values()]:
            worker.end()


class _Worker:
    """A process that does the pieces it is given, one at a time."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        # Not a daemon: the work may start processes of its own, such as data loaders.
        self.process: SpawnProcess = context.Process(target=_serve, args=(work, theirs), daemon=False)
        self.process.start()
        theirs.close()

    def give(self, piece: Any) -> bool:
        """Hand over a piece; False if the worker died before."""
        try:
            self.pipe.send(piece)
        except OSError:
            self.end()
            return False
        return True

    def take(self) -> Any:
        """Return the result, or how the worker died; raise what the work raised."""
        try:
            raised, result = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            self.pipe.close()
            return _Death(f"was killed by signal {-code}" if code < 0 else f"left with exit code {code}")
        if raised:
            self.end()
            raise result
        return result

    def end(self) -> None:
        self.pipe.close()  # an idle worker leaves when its pipe is closed
        self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    """Do pieces until the pipe is closed; a stop from the keyboard is for the parent to tell."""
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            piece = pipe.recv()
            try:
                answer = (False, work(piece))
            except Exception as error:
                answer = (True, error)
            try:
                pipe.send(answer)
            except (TypeError, AttributeError, ValueError) as error:  # pickle's words for what it cannot send
                pipe.send((True, RuntimeError(f"{type(answer[1]).__name__} cannot leave its process: {error}")))


class _Ray:
    """A Ray cluster: the one we are connected to, ``RAY_ADDRESS``'s, or one that lives as long as the block."""

    def __init__(self, work: Callable[[Any], Any], jobs: int, gpu: bool) -> None:
        self.stack = contextlib.ExitStack()
        self.ray = self.stack.enter_context(_cluster(jobs))
        gpus = 1 if gpu and self.ray.cluster_resources().get("GPU") else 0
        # Ray would do the same piece again by itself; counted here, both engines treat a dead worker alike.
        self.work = self.ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(work)
        self.busy: set[Any] = set()

    def __enter__(self) -> "_Ray":
        return self

    def start(self, piece: Any) -> Any:
        place = self.work.remote(piece)
        self.busy.add(place)
        return place

    def ended(self, places: list[Any]) -> list[tuple[Any, Any]]:
        ready, _ = self.ray.wait(places, num_returns=1)
        self.busy -= set(ready)
        return [(place, self._result(place)) for place in ready]

    def _result(self, place: Any) -> Any:
        try:
            return self.ray.get(place)
        except self.ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, HotpapersError) else error) from error
        except self.ray.exceptions.RayError as error:
            return _Death(f"died: {str(error).splitlines()[0]}")

    def __exit__(self, *_: object) -> None:
        for place in self.busy:
            self.ray.cancel(place, force=True)
        self.stack.close()


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


@contextlib.contextmanager
def _cluster(jobs: int) -> Iterator[Any]:
    """Yield Ray, connected."""
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
