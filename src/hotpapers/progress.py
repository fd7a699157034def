"""Progress that people can follow: a bar at a terminal, plain lines in a log, JSON lines to a program.

Long work calls ``bar`` or ``track``; who listens is decided once, by the command line (``show_as``) or by the
environment of a worker process (``HOTPAPERS_PROGRESS=json:FILE``).
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, Protocol, TypeVar

Thing = TypeVar("Thing")


class Bar(Protocol):
    """One piece of long work, reported as it goes."""

    def update(self, done: float, note: str = "") -> None:
        """Say that ``done`` of the total is done; ``note`` is a word on how it goes, such as ``loss 0.031``."""


_style: str | None = None


def show_as(style: str) -> None:
    """Choose how this process shows progress: ``auto``, ``plain``, ``quiet`` or ``json:FILE``."""
    global _style
    _style = style


@contextlib.contextmanager
def bar(title: str, total: float | None = None) -> Iterator[Bar]:
    """Show the progress of the block's work, ``total`` units long (``None`` where that is not known)."""
    style = _style or os.environ.get("HOTPAPERS_PROGRESS", "auto")
    if style == "auto":
        style = "rich" if sys.stderr.isatty() else "plain"
    if style == "quiet":
        yield _Quiet()
    elif style.startswith("json:"):
        with (
            open(style.removeprefix("json:"), "a", encoding="utf-8") as stream,
            _Lines(title, total, 0.25, lambda row: print(json.dumps(row), file=stream, flush=True)) as lines,
        ):
            yield lines
    elif style == "plain":
        with _Lines(title, total, 5.0, lambda row: print(_sentence(row), file=sys.stderr, flush=True)) as lines:
            yield lines
    else:
        with _rich(title, total) as shown:
            yield shown


def track(things: Iterable[Thing], title: str, total: int | None = None) -> Iterator[Thing]:
    """Yield from ``things``, showing how many have been taken."""
    if total is None and isinstance(things, Sized):
        total = len(things)
    with bar(title, total) as shown:
        for done, thing in enumerate(things, start=1):
            yield thing
            shown.update(done)


class _Quiet:
    def update(self, done: float, note: str = "") -> None:
        pass


class _Lines:
    """Reports at most every ``seconds``, and always the last state."""

    def __init__(
        self, title: str, total: float | None, seconds: float, write: Callable[[dict[str, Any]], None]
    ) -> None:
        self.title, self.total, self.seconds, self.write = title, total, seconds, write
        self.started = self.written = time.monotonic()
        self.latest: dict[str, Any] | None = None

    def __enter__(self) -> "_Lines":
        return self

    def update(self, done: float, note: str = "") -> None:
        now = time.monotonic()
        row = {"title": self.title, "done": done, "total": self.total, "note": note, "seconds": now - self.started}
        if now - self.written < self.seconds:
            self.latest = row
            return
        self.written, self.latest = now, None
        self.write(row)

    def __exit__(self, *_: object) -> None:
        if self.latest is not None:
            self.write(self.latest)


def _sentence(row: dict[str, Any]) -> str:
    of = f"/{row['total']:g}" if row["total"] is not None else ""
    note = f"  {row['note']}" if row["note"] else ""
    return f"{row['title']}: {row['done']:g}{of} after {row['seconds']:.0f} s{note}"


_drawn: Any = None
_drawing = threading.RLock()


@contextlib.contextmanager
def _rich(title: str, total: float | None) -> Iterator[Bar]:
    """Draw a bar. One inside another is a line of the same drawing, of which a terminal has one; it goes when done."""
    global _drawn
    with _drawing:
        outermost = _drawn is None
        if outermost:
            _drawn = _new_drawing()
            _drawn.start()
        drawing = _drawn
        task = drawing.add_task(title, total=total, note="")

    class Shown:
        def update(self, done: float, note: str = "") -> None:
            drawing.update(task, completed=done, note=note)

    try:
        yield Shown()
    finally:
        with _drawing:
            if outermost:
                _drawn = None
                drawing.stop()
            else:
                drawing.remove_task(task)


def _new_drawing() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True),
    )
