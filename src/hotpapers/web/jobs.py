"""Jobs of the live site: a pool of a few threads, each watching one process at a time, behind a bounded queue.

A job has a folder of its own, a time limit and a memory limit, and can be cancelled. What it made stays for an hour,
within a bound on number and size; then its folder goes.
"""

import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import psutil

from hotpapers.errors import HotpapersError
from hotpapers.files import home
from hotpapers.web.worker import REPORT, Order, Report

State = Literal["draft", "queued", "running", "done", "failed", "cancelled"]
log = logging.getLogger("hotpapers.web")


class QueueFull(HotpapersError):
    """As many jobs wait as may wait."""

    http_status = 503


class NoSuchJob(HotpapersError):
    """There is no job of that id, or it is no longer kept."""

    http_status = 404


class Job:
    """One job: where it stands, and what it has made so far."""

    def __init__(self, folder: Path, paper: str, verb: str) -> None:
        self.id = folder.name
        self.folder, self.paper, self.verb = folder, paper, verb
        self.state: State = "draft"
        self.order: Order | None = None
        self.model: str | None = None
        """The name under which the model that the job makes is kept."""
        self.report = Report()
        self.files: dict[str, Path] = {}
        """What it made, by the name to download it under."""
        self.labels: dict[str, str] = {}
        self.wants_cancel = False
        self.bytes = 0
        self.started = self.ended = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return (self.ended or time.monotonic()) - self.started if self.started else 0.0

    def progress(self) -> dict[str, Any] | None:
        """Return the latest line that the verb reported: ``title, done, total, note, seconds``."""
        with contextlib.suppress(OSError, ValueError):
            with open(self.folder / "progress.jsonl", "rb") as stream:
                stream.seek(0, os.SEEK_END)
                stream.seek(max(0, stream.tell() - 4096))
                lines = [line for line in stream.read().split(b"\n")[:-1] if line.startswith(b"{")]
            return json.loads(lines[-1]) if lines else None
        return None

    def preview(self) -> Path | None:
        """Return the newest picture of how the work looks so far, if the verb draws one."""
        with contextlib.suppress(OSError):
            # A picture that is still being written lies in a hidden folder beside its place.
            drawn = (p for p in self.folder.rglob("preview.png") if not p.parent.name.startswith("."))
            return max(drawn, key=lambda path: path.stat().st_mtime, default=None)
        return None


class Jobs:
    """The pool. ``finish`` is called with each job that ended well, before anyone sees that it did."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        queue: int = 16,
        seconds: float = 900,
        memory_mb: int | None = None,
        keep_seconds: float = 3600,
        keep_jobs: int = 100,
        keep_mb: int = 4096,
        finish: Callable[[Job], None] = lambda job: None,
    ) -> None:
        self.folder, self.queue, self.seconds, self.finish = folder, queue, seconds, finish
        self.memory_mb = memory_mb or int(psutil.virtual_memory().total / 2**20 * 0.8 / workers)
        self.keep_seconds, self.keep_jobs, self.keep_mb = keep_seconds, keep_jobs, keep_mb
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._threads = [threading.Thread(target=self._work, daemon=True, name=f"job-{n}") for n in range(workers)]
        folder.mkdir(parents=True, exist_ok=True)
        for thread in self._threads:
            thread.start()

    def draft(self, paper: str, verb: str) -> Job:
        """Return a new job with an empty folder to put its inputs into; then ``submit`` or ``discard`` it.

        Raises
        ------
        QueueFull
            If as many jobs wait as may wait.
        """
        with self._changed:
            self.refuse_when_full()
            job = Job(self.folder / secrets.token_urlsafe(16), paper, verb)
            job.folder.mkdir(mode=0o700)
            self._jobs[job.id] = job
            return job

    def submit(self, job: Job, order: Order) -> None:
        """Queue a draft.

        Raises
        ------
        QueueFull
            If as many jobs wait as may wait.
        """
        (job.folder / "order.json").write_bytes(msgspec.json.encode(order))
        with self._changed:
            self.refuse_when_full()
            job.order, job.state = order, "queued"
            self._waiting.append(job)
            self._changed.notify()

    def discard(self, job: Job) -> None:
        """Forget a job and remove its folder."""
        with self._changed:
            self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def find(self, job_id: str) -> Job:
        """Return the job of that id.

        Raises
        ------
        NoSuchJob
            If there is none, or its hour is over.
        """
        with self._changed:
            if job := self._jobs.get(job_id):
                return job
        raise NoSuchJob("There is no such job; results are kept for an hour.")

    def cancel(self, job: Job) -> None:
        """Stop a job that waits or runs; a job that is over stays as it is."""
        with self._changed:
            job.wants_cancel = True
            if job in self._waiting:
                self._waiting.remove(job)
                self._end(job, "cancelled", "Cancelled.", 409)

    def position(self, job: Job) -> int:
        """Return how many jobs wait before this one."""
        with self._changed:
            return self._waiting.index(job) if job in self._waiting else 0

    def models_in_the_making(self, paper: str) -> set[str]:
        """Return the names that jobs which are not over will keep a model of ``paper`` under."""
        with self._changed:
            return {job.model for job in self._jobs.values() if job.model and job.paper == paper and not job.over}

    def close(self) -> None:
        """Cancel everything, end every process, and remove every folder."""
        with self._changed:
            self._closing = True
            for job in list(self._jobs.values()):
                self.cancel(job)
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=15)
        shutil.rmtree(self.folder, ignore_errors=True)

    def refuse_when_full(self) -> None:
        """Raise ``QueueFull`` if as many jobs wait as may wait."""
        if self._closing or len(self._waiting) >= self.queue:
            raise QueueFull(f"The server is busy: {len(self._waiting)} jobs wait already. Try again in a minute.")

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait(timeout=20)
                    self._forget_the_old()
                if self._closing:
                    return
                job = self._waiting.popleft()
                job.state, job.started = "running", time.monotonic()
            try:
                self._run(job)
            except Exception:
                log.exception("job %s %s", job.paper, job.verb)
                self._end(job, "failed", "The server could not run this job.", 500)
            with self._changed:
                self._forget_the_old()

    def _run(self, job: Job) -> None:
        with open(job.folder / "log.txt", "wb") as output, start_worker(job.folder, output) as process:
            stopped = self._watch(job, process)
            kill_group(process)
        if stopped is not None:
            self._end(job, *stopped)
            return
        report = read_report(job.folder)
        if report.error is not None:
            if report.http_status >= 500:
                log.error("%s %s: %s\n%s", job.paper, job.verb, report.error, _tail(job.folder / "log.txt"))
            self._end(job, "failed", report.error, report.http_status)
            return
        job.report = msgspec.structs.replace(report, note=_without_paths(report.note, job.folder))
        try:
            self.finish(job)
        except HotpapersError as error:
            self._end(job, "failed", str(error), error.http_status)
            return
        self._end(job, "done")

    def _watch(self, job: Job, process: subprocess.Popen[bytes]) -> tuple[State, str, int] | None:
        """Wait for the process; return why it is to be stopped, if it is."""
        watched = 0.0
        while process.poll() is None:
            if job.wants_cancel:
                return "cancelled", "Cancelled.", 409
            if job.seconds > self.seconds:
                return "failed", f"The job took longer than the {self.seconds:g} s that a job may take here.", 504
            if time.monotonic() - watched > 1:
                watched = time.monotonic()
                if (used := memory_of(process.pid)) > self.memory_mb:
                    return "failed", f"The job needed more than {self.memory_mb} MB of memory ({used} MB).", 413
            time.sleep(0.05)
        return None

    def _end(self, job: Job, state: State, error: str | None = None, http_status: int = 200) -> None:
        with self._changed:
            if error is not None:
                job.report = Report(error=_without_paths(error, job.folder), http_status=http_status)
            job.ended = time.monotonic()
            job.started = job.started or job.ended
            job.bytes = _bytes_in(job.folder)
            job.state = state

    def _forget_the_old(self) -> None:
        """Remove jobs that are past their hour, then the oldest until what is kept is within bounds."""
        over = sorted((job for job in self._jobs.values() if job.over), key=lambda job: job.ended)
        sizes = {job.id: job.bytes for job in over}
        for job in over:
            crowded = len(sizes) > self.keep_jobs or sum(sizes.values()) > self.keep_mb << 20
            if crowded or time.monotonic() - job.ended > self.keep_seconds:
                del sizes[job.id]
                self.discard(job)


@contextlib.contextmanager
def start_worker(folder: Path, output: Any) -> Any:
    """Start a process in a group of its own on ``folder/order.json``; the group is gone when the block ends."""
    environment = dict(os.environ)
    environment["HOTPAPERS_PROGRESS"] = f"json:{folder / 'progress.jsonl'}"
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    environment.setdefault("MPLCONFIGDIR", str(home() / "matplotlib"))
    # -P: nothing that was uploaded into the folder can be taken for a module.
    command = [sys.executable, "-P", "-m", "hotpapers.web.worker", str(folder / "order.json")]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                               stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
    try:
        yield process
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes], patience: float = 3) -> None:
    """End a process and all that it started: first by asking, then by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)


def read_report(folder: Path) -> Report:
    """Return what the process in ``folder`` reported, or that it ended without a word."""
    try:
        return msgspec.json.decode((folder / REPORT).read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return Report(error="The job's process ended without an answer.", http_status=500)


def memory_of(pid: int) -> int:
    """Return the resident memory of a process and its children, in MB."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(each.memory_info().rss for each in family if each.is_running()) >> 20
    return 0


def _bytes_in(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(path.lstat().st_size for path in folder.rglob("*"))
    return 0


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes()[-4000:].decode(errors="replace")
    return ""


def _without_paths(sentence: str, folder: Path) -> str:
    """Leave of the job's paths only the file's own name, which the user knows."""
    words = sentence.split(str(folder))
    return words[0] + "".join(_after_folders(word) for word in words[1:])


def _after_folders(word: str) -> str:
    # inputs/<field>/<name>: two folders that are the server's, then the name that the user gave.
    path = word.lstrip("/")
    for _ in range(2):
        head, slash, rest = path.partition("/")
        if slash and " " not in head:
            path = rest
    return path
