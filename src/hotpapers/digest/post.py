"""A post of the blog: its front matter and its entries, read from the exact bytes that the blog's generator wrote.

The format has no freedom but the words in it, so whatever differs is damage and is named with its line. An entry that
is damaged does not take the others with it.
"""

import datetime
import html
import re

import msgspec

JAPAN = datetime.timezone(datetime.timedelta(hours=9))
"""The generator's clock, though it prints ``Z``."""


class Embed(msgspec.Struct, frozen=True):
    """A post of Twitter shown under an entry. ``html`` is its block; the line of its script follows every block."""

    html: str
    text: str
    name: str
    handle: str
    status: str

    @property
    def url(self) -> str:
        """Return the post's address."""
        return f"https://twitter.com/{self.handle}/status/{self.status}"

    @property
    def made(self) -> datetime.datetime:
        """Return when it was posted; the status number says so to the millisecond."""
        return _TWITTER_EPOCH + datetime.timedelta(milliseconds=int(self.status) >> 22)


class PostEntry(msgspec.Struct, frozen=True):
    """A paper in a post, word for word; ``written`` is the blog's clock when it wrote the entry."""

    rank: int
    arxiv: str
    title: str
    authors: str
    retweets: int
    favourites: int
    written: datetime.datetime
    categories: tuple[str, ...]
    abstract: str
    embeds: tuple[Embed, ...]


class Post(msgspec.Struct, frozen=True):
    """A day (or a range of days) of the blog. ``blank_lines`` stand between its head and its first entry."""

    first: datetime.date
    last: datetime.date
    written: datetime.datetime
    entries: tuple[PostEntry, ...]
    blank_lines: int = 1

    @property
    def name(self) -> str:
        """Return the day or the range as the post prints it."""
        return day_name(self.first, self.last)


class Damage(msgspec.Struct, frozen=True):
    """What is wrong with a post, in which line, and how many entries (or ``lost_post``, the whole) are lost by it."""

    line: int
    problem: str
    lost_entries: int = 0
    lost_post: bool = False


def day_name(first: datetime.date, last: datetime.date) -> str:
    """Return a day, or ``first - last``, as the blog prints it."""
    return str(first) if first == last else f"{first} - {last}"


def read_post(text: str) -> tuple[Post | None, list[Damage]]:
    """Read a post.

    Returns
    -------
    Post or None
        What could be read: all of it, or without the damaged entries; ``None`` where the head is damaged.
    list of Damage
        What could not, in the order of its lines.
    """
    lines = _Lines(text)
    try:
        first, last, written = _read_head(lines)
    except _Unreadable as error:
        return None, [Damage(error.line, str(error), lost_post=True)]
    damages: list[Damage] = []
    blank_lines = lines.skip_blank()
    entries: list[PostEntry] = []
    rank = 0
    while not lines.at_end:
        try:
            start = lines.number
            entry = _read_entry(lines)
            if missing := entry.rank - rank - 1:
                damages.append(Damage(start, f"number {entry.rank} follows number {rank}", max(missing, 1)))
            if missing >= 0:
                rank = entry.rank
                entries.append(entry)
            _read_gap(lines)
        except _Unreadable as error:
            rank += not error.is_gap
            damages.append(Damage(error.line, str(error), lost_entries=int(not error.is_gap)))
            lines.go_to_entry()
    return Post(first, last, written, tuple(entries), blank_lines), damages


def write_head(name: str, written: datetime.datetime) -> str:
    """Return a post's front matter."""
    return _HEAD.format(name=name, written=written.strftime("%Y-%m-%dT%H:%M:%S"))


_HEAD = """---
title: Hot Papers {name}
date: {written}.Z
template: "post"
draft: false
slug: "hot-papers-{name}"
category: "arXiv"
tags:
  - "arXiv"
  - "Twitter"
  - "Machine Learning"
  - "Computer Science"
description: "Hot papers {name}"
socialImage: "/media/flying-marine.jpg"

---
"""
SCRIPT = '<script async src="https://platform.twitter.com/widgets.js" charset="utf-8"></script>'
_TWITTER_EPOCH = datetime.datetime.fromtimestamp(1288834974.657, tz=datetime.UTC)
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NAME = re.compile(rf"title: Hot Papers (({_DAY})(?: - ({_DAY}))?)")
_WRITTEN = re.compile(rf"date: ({_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})\.Z")
_NUMBER = r"(0|[1-9][0-9]{0,17})"
_TITLE = re.compile(r"# ([1-9][0-9]{0,5})\. (.*)")
_COUNTS = re.compile(rf"- retweets: {_NUMBER}, favorites: {_NUMBER} \(([0-9/]{{10}} [0-9:]{{8}})\)")
_LINKS = re.compile(
    r"- links: \[abs\]\(https://arxiv\.org/abs/([0-9]{4}\.[0-9]{4,5}|[a-z-]+(?:\.[A-Z]{2})?/[0-9]{7})\)"
    r" \| \[pdf\]\(https://arxiv\.org/pdf/\1\)"
)
_CATEGORY = re.compile(r"\[([a-z-]+(?:\.[A-Za-z-]+)?)\]\(https://arxiv\.org/list/\1/recent\)")
_EMBED = re.compile(
    r'<blockquote class="twitter-tweet"[^>]*><p[^>]*>(?P<words>.*)</p>&mdash; (?P<name>.*) '
    r'\(@(?P<handle>[A-Za-z0-9_]+)\) <a href="https://twitter\.com/(?P=handle)/status/(?P<status>[0-9]{1,18}|[1-8][0-9]{18})(?:\?[^"]*)?">'
    r"[^<]*</a></blockquote>"
)


class _Unreadable(Exception):
    def __init__(self, line: int, problem: str, *, is_gap: bool = False) -> None:
        super().__init__(problem)
        self.line, self.is_gap = line, is_gap


class _Lines:
    """The lines of a post, taken one after another; ``number`` counts from 1."""

    def __init__(self, text: str) -> None:
        self.all = text.split("\n")
        if not self.all[-1]:
            self.all.pop()
        self.number = 1

    @property
    def at_end(self) -> bool:
        return self.number > len(self.all)

    @property
    def here(self) -> str:
        return "" if self.at_end else self.all[self.number - 1]

    def take(self, what: str) -> str:
        """Return the next line, which should be ``what``."""
        if self.at_end:
            raise _Unreadable(self.number, f"the file ends where {what} should be")
        self.number += 1
        return self.all[self.number - 2]

    def match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        """Return the next line's match with ``pattern``, which is ``what``."""
        found = pattern.fullmatch(self.take(what))
        if not found:
            raise self.wrong(what)
        return found

    def expect(self, line: str, *, is_gap: bool = False) -> None:
        """Take the next line, which is ``line``."""
        what = f"`{line}`" if line else "an empty line"
        if self.at_end or self.here != line:
            end = "the file ends where" if self.at_end else f"{self.here[:40]!r} stands where"
            raise _Unreadable(self.number, f"{end} {what} should be", is_gap=is_gap)
        self.number += 1

    def wrong(self, what: str) -> _Unreadable:
        """Return the error of the line that was taken last, which should be ``what``."""
        return _Unreadable(self.number - 1, f"{self.all[self.number - 2][:40]!r} stands where {what} should be")

    def skip_blank(self) -> int:
        """Go past empty lines and return how many there were."""
        start = self.number
        while not self.at_end and not self.here:
            self.number += 1
        return self.number - start

    def go_to_entry(self) -> None:
        """Go to the next line that begins an entry, or to the end; never stay."""
        while not self.at_end:
            if _TITLE.fullmatch(self.here) and not self.all[self.number - 2]:
                return
            self.number += 1


def _read_head(lines: _Lines) -> tuple[datetime.date, datetime.date, datetime.datetime]:
    lines.expect("---")
    named = lines.match(_NAME, "`title: Hot Papers` and a day")
    try:
        first = datetime.date.fromisoformat(named[2])
        last = datetime.date.fromisoformat(named[3]) if named[3] else first
    except ValueError:
        raise lines.wrong("a day that there is") from None
    if named[3] and last <= first:
        raise lines.wrong("a range whose last day is after its first")
    stamp = lines.match(_WRITTEN, "`date:` and a time such as 2021-06-16T09:34:35.Z")
    try:
        written = datetime.datetime.fromisoformat(stamp[1])
    except ValueError:
        raise lines.wrong("a time that there is") from None
    for line in write_head(named[1], written).split("\n")[3:-1]:
        lines.expect(line)
    return first, last, written


def _read_entry(lines: _Lines) -> PostEntry:
    title = lines.match(_TITLE, "`# `, a number and a title")
    lines.expect("")
    authors = lines.take("the authors")
    lines.expect("")
    counts = lines.match(_COUNTS, "`- retweets: N, favorites: N (MM/DD/YYYY HH:MM:SS)`")
    try:
        written = datetime.datetime.strptime(counts[3], "%m/%d/%Y %H:%M:%S")
    except ValueError:
        raise lines.wrong("a time that there is") from None
    lines.expect("")
    links = lines.match(_LINKS, "`- links: [abs](…) | [pdf](…)` of one arXiv id")
    listed = lines.take("the categories")
    categories = [_CATEGORY.fullmatch(each) for each in listed.removeprefix("- ").split(" | ")]
    if not listed.startswith("- ") or None in categories:
        raise lines.wrong("`- ` and the categories with their links")
    lines.expect("")
    abstract = lines.take("the abstract")
    lines.expect("")
    return PostEntry(
        rank=int(title[1]),
        arxiv=links[1],
        title=title[2],
        authors=authors,
        retweets=int(counts[1]),
        favourites=int(counts[2]),
        written=written,
        categories=tuple(found[1] for found in categories if found),
        abstract=abstract,
        embeds=tuple(_read_embeds(lines)),
    )


def _read_embeds(lines: _Lines) -> list[Embed]:
    embeds = []
    while lines.here:
        block = lines.take("an embedded post")
        embed = read_embed(block)
        if not embed:
            raise lines.wrong("an embedded post (or an empty line)")
        lines.expect(SCRIPT)
        lines.expect("")
        embeds.append(embed)
    return embeds


def read_embed(block: str) -> Embed | None:
    """Read the line of an embedded post; ``None`` where it is none."""
    found = _EMBED.fullmatch(block)
    if not found:
        return None
    words = html.unescape(_TAG.sub("", found["words"].replace("<br>", "\n")))
    return Embed(block, words, html.unescape(found["name"]), found["handle"], found["status"])


_TAG = re.compile(r"<[^>]*>")


def _read_gap(lines: _Lines) -> None:
    """Two empty lines end an entry; one more stands before the next."""
    for _ in range(2):
        lines.expect("", is_gap=True)
    if not lines.at_end:
        lines.expect("", is_gap=True)
        if not _TITLE.fullmatch(lines.here):
            raise _Unreadable(lines.number, f"{lines.here[:40]!r} stands where the next entry should be", is_gap=True)
