"""A digest is one day's ranked list of papers with the attention that they had; ``days/<date>.toml`` holds one."""

import datetime
from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from hotpapers.cards import Slug
from hotpapers.errors import BadInput, HotpapersError

ArxivId = Annotated[str, msgspec.Meta(pattern=r"^\d{4}\.\d{4,5}$")]
Line = Annotated[str, msgspec.Meta(min_length=1, pattern=r"^\S+( \S+)*$")]
"""Words with one blank between them."""
Category = Annotated[str, msgspec.Meta(pattern=r"^[a-z-]+(\.[A-Za-z-]+)?$")]
Count = Annotated[int, msgspec.Meta(ge=0)]


class BadDigest(HotpapersError):
    """A day's file that does not say what a digest must say."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A paper in a digest.

    Attributes
    ----------
    slug, arxiv
        Our name of the paper, and arXiv's.
    title, authors, categories
        As the digest's source gives them, the primary category first; titles may hold LaTeX such as ``S$^2$-MLP``.
    retweets, favourites
        The sums over the posts that were counted.
    counted_at
        When, as the source prints it: without a time zone.
    summary
        What the paper gives its reader, in our words.
    code
        The authors' repository on GitHub, where there is one.
    note
        What a reader must know about the counts.
    """

    slug: Slug
    arxiv: ArxivId
    title: Line
    authors: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1)]
    categories: Annotated[tuple[Category, ...], msgspec.Meta(min_length=1)]
    retweets: Count
    favourites: Count
    counted_at: datetime.datetime
    summary: Annotated[Line, msgspec.Meta(max_length=140)]
    code: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    note: str = ""

    @property
    def abstract_url(self) -> str:
        """Return the address of the paper's page on arXiv."""
        return f"https://arxiv.org/abs/{self.arxiv}"

    @property
    def pdf_url(self) -> str:
        """Return the address of the paper's PDF on arXiv."""
        return f"https://arxiv.org/pdf/{self.arxiv}"


class Digest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One day's papers, the most talked about first. ``source`` is where the ranking was published."""

    date: datetime.date
    source: Annotated[str, msgspec.Meta(pattern="^https://")]
    entries: Annotated[tuple[Entry, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        for name in ("slug", "arxiv"):
            values = [getattr(entry, name) for entry in self.entries]
            if repeated := {value for value in values if values.count(value) > 1}:
                raise ValueError(f"two entries have the {name} {min(repeated)!r}")


@cache
def days() -> tuple[datetime.date, ...]:
    """Return the days that have a digest, the newest first."""
    names = (path.name for path in (resources.files("hotpapers.digest") / "days").iterdir())
    return tuple(sorted((_day(name.removesuffix(".toml")) for name in names if name.endswith(".toml")), reverse=True))


@cache
def load_day(date: datetime.date | str | None = None) -> Digest:
    """Return the digest of ``date`` (a date or ``YYYY-MM-DD``), of the newest day when left out.

    Raises
    ------
    BadInput
        If ``date`` is no date, or has no digest.
    BadDigest
        If the day's file does not say what a digest must say.
    """
    day = days()[0] if date is None else date if isinstance(date, datetime.date) else _day(date)
    if day not in days():
        raise BadInput(f"There is no digest of {day}; there is one of {', '.join(map(str, days()))}.")
    return read_digest((resources.files("hotpapers.digest") / "days" / f"{day}.toml").read_bytes(), day)


def read_digest(raw: bytes, day: datetime.date) -> Digest:
    """Read the TOML of one day and hold it to the shape of a digest."""
    try:
        digest = msgspec.toml.decode(raw, type=Digest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadDigest(f"The digest of {day}: {error}") from error
    if digest.date != day:
        raise BadDigest(f"The digest of {day} says that it is of {digest.date}.")
    return digest


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text[:40]!r} is no date; write it as YYYY-MM-DD, such as 2021-06-15.") from error
