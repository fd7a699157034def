"""What a source is, and what it is given to work with."""

import asyncio
import datetime
import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

import msgspec

from hotpapers.digest.client import Client, Clock
from hotpapers.digest.links import Links
from hotpapers.digest.records import Paper, Signal
from hotpapers.errors import HotpapersError
from hotpapers.files import written_whole

State = TypeVar("State", bound=msgspec.Struct)


class MissingKey(HotpapersError):
    """A source that needs a key which the environment does not hold; it is skipped."""


class Note(str):
    """A remark for the report that a source yields among its findings."""


class Gap(Note):
    """A remark that a part of the day is missing."""


Found = Paper | Signal | Note


@dataclass
class Job:
    """What a source is to do: collect ``day`` (from midnight to midnight UTC, up to now).

    Attributes
    ----------
    day
        The day.
    client, clock
        How it asks, and what time it is.
    links
        What short links stand for.
    folder
        Where a source keeps what it must remember until the next time, in a file of its own; ``None``: nowhere.
    environment
        Where keys are.
    papers
        The papers that the listings have named so far; complete once ``listed`` is set.
    """

    day: datetime.date
    client: Client
    links: Links = field(default_factory=Links)
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    papers: dict[str, None] = field(default_factory=dict)
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    states: dict[str, bytes] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        """Return the client's clock."""
        return self.client.clock

    @property
    def begins(self) -> datetime.datetime:
        """Return the day's first moment in UTC."""
        return datetime.datetime.combine(self.day, datetime.time(), datetime.UTC)

    @property
    def ends(self) -> datetime.datetime:
        """Return the first moment after the day."""
        return self.begins + datetime.timedelta(days=1)

    def key(self, *names: str) -> list[str]:
        """Return these variables of the environment, or raise ``MissingKey`` naming those that are not set."""
        if missing := [name for name in names if not self.environment.get(name)]:
            raise MissingKey(f"needs {' and '.join(missing)} in the environment")
        return [self.environment[name] for name in names]

    def recall(self, name: str, kind: type[State]) -> State:
        """Return what the source ``name`` kept, or a new ``kind`` where there is nothing that can be read."""
        try:
            raw = self.states.get(name) or ((self.folder / f"{name}.json").read_bytes() if self.folder else b"{}")
            return msgspec.json.decode(raw, type=kind)
        except (OSError, msgspec.MsgspecError):  # none yet, or one that is damaged
            return kind()

    def keep(self, name: str, state: msgspec.Struct) -> None:
        """Keep ``state`` for the next time, once what was yielded before is safe."""
        self.states[name] = msgspec.json.encode(state)

    def commit(self, name: str) -> None:
        """Write what the source ``name`` keeps; the collector calls this when it has stored what it was given."""
        raw = self.states.pop(name, None)
        if self.folder is not None and raw is not None:
            with written_whole(self.folder / f"{name}.json") as temporary:
                temporary.write_bytes(raw)


class Source(Protocol):
    """A source of papers or signals."""

    name: ClassVar[str]
    lists: ClassVar[bool]
    """Whether it names the day's papers, on which others wait."""

    @property
    def deadline(self) -> float:
        """Return the most seconds that it may take."""

    def collect(self, job: Job) -> AsyncGenerator[Found, None]:
        """Yield what there is of the day, as it comes: what was yielded before an error or a deadline is kept."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set for every source."""

    deadline: float = 300.0


def a_time(text: str) -> datetime.datetime:
    """Read an ISO time; one without a zone is UTC."""
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
