"""An edition: a day's papers in their order, each with its score as a sum and the posts to show. Formats take it."""

import datetime

import msgspec

from hotpapers.digest.importing import in_utc, papers_of, signals_of
from hotpapers.digest.post import JAPAN, Post, day_name
from hotpapers.digest.records import Paper, Signal


class Part(msgspec.Struct, frozen=True):
    """A summand of a score: its name, its value, and what it was computed from."""

    name: str
    value: float
    note: str = ""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A paper in an edition.

    Attributes
    ----------
    rank
        Its place, from 1.
    score, parts
        The score and the summands that it is the sum of, exactly.
    reposts, likes
        The sums that the blog's format prints.
    counted
        When they were counted (in the blog's own posts: when the entry was written), in UTC.
    posts
        The posts to show under it, in their order; their HTML is hostile until cleaned.
    """

    rank: int
    paper: Paper
    score: float
    parts: tuple[Part, ...]
    reposts: int
    likes: int
    counted: datetime.datetime
    posts: tuple[Signal, ...]


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """A ranked day, or range of days.

    Attributes
    ----------
    first, last
        The days; the same where it is one.
    method
        How it was ranked: ``archived`` as the blog published it, else ``classic``, ``folded`` or ``modern``.
    written
        When it was made, in UTC: for what is ranked here the moment up to which signals were counted.
    blank_lines
        How many empty lines the blog's post has before its first entry.
    """

    first: datetime.date
    last: datetime.date
    method: str
    written: datetime.datetime
    entries: tuple[Ranked, ...]
    blank_lines: int = 1

    @property
    def name(self) -> str:
        """Return the day, or ``first - last``."""
        return day_name(self.first, self.last)


def edition_of(post: Post) -> Edition:
    """Return a post of the blog as the edition that it is."""
    papers = [paper for paper, _ in papers_of(post)]
    shown: dict[int, list[Signal]] = {}
    for entry in post.entries:
        own = msgspec.structs.replace(post, entries=(entry,))
        shown[entry.rank] = [signal for signal in signals_of(own) if signal.kind == "post"]
    entries = tuple(
        Ranked(
            rank=entry.rank,
            paper=paper,
            score=float(entry.retweets + entry.favourites),
            parts=(Part("retweets", float(entry.retweets)), Part("favourites", float(entry.favourites))),
            reposts=entry.retweets,
            likes=entry.favourites,
            counted=in_utc(entry),
            posts=tuple(shown[entry.rank]),
        )
        for entry, paper in zip(post.entries, papers, strict=True)
    )
    written = post.written.replace(tzinfo=JAPAN).astimezone(datetime.UTC)
    return Edition(
        first=post.first,
        last=post.last,
        method="archived",
        written=written,
        entries=entries,
        blank_lines=post.blank_lines,
    )
