"""An archive: posts kept as JSON lines, such as a dump of Twitter's, read as if they were seen on the day asked for."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hotpapers.digest.posts import NotAPost, signals_of
from hotpapers.digest.records import Signal
from hotpapers.digest.sources.source import Found, Job, MissingKey, Note, Settings

if TYPE_CHECKING:
    from hotpapers.digest.dumps import Line


class Archive(Settings, frozen=True, kw_only=True):
    """The signals of ``files`` that were made on the day; every shape that ``posts`` knows, plain or compressed."""

    name: ClassVar[str] = "archive"
    lists: ClassVar[bool] = False
    files: tuple[str, ...] = ()

    async def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield the day's signals, file by file."""
        from hotpapers.digest.dumps import lines_with_links

        if not self.files:
            raise MissingKey("needs files in its section of the settings")
        nonsense = 0
        for file in self.files:
            lines = lines_with_links(Path(file).expanduser())
            # In a thread, some lines at a time: a large archive must not keep the other sources from their sockets.
            while some := await asyncio.to_thread(_first, lines):
                found, failed = await asyncio.to_thread(_signals, some)
                nonsense += failed
                for signal in found:
                    if job.begins <= (signal.made or signal.seen) < job.ends:
                        yield signal
        if nonsense:
            yield Note(f"{nonsense:,} lines are no posts")


def _first(lines: "Iterator[Line]") -> "list[Line]":
    return list(itertools.islice(lines, 1000))


def _signals(lines: "list[Line]") -> tuple[list[Signal], int]:
    """Return the signals of some lines, and how many of these are no posts."""
    found, nonsense = [], 0
    for line in lines:
        try:
            found += signals_of(line.raw)
        except NotAPost:
            nonsense += 1
    return found, nonsense
