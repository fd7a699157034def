"""Importing the blog's posts: each goes into the store whole, with the papers and the signals that it tells of."""

import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from hotpapers import progress
from hotpapers.digest.archive import Found, find_posts
from hotpapers.digest.mojibake import repair
from hotpapers.digest.post import JAPAN, Post, PostEntry, read_post
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.store import Store


class Problem(msgspec.Struct, frozen=True):
    """What could not be imported, or only after a repair (``kind``), in which line of which file."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


class Imported(msgspec.Struct):
    """What an import found (``digests``, ``entries``, ``papers``, ``posts``) and how much of it was new.

    Attributes
    ----------
    posts
        Embedded posts of Twitter; one that is shown under two entries counts twice.
    lost
        Entries that could not be read, and digests of which nothing could.
    repaired
        Files whose text had been misread, with the encoding that they had been read as.
    """

    digests: int = 0
    new_digests: int = 0
    entries: int = 0
    new_entries: int = 0
    papers: int = 0
    posts: int = 0
    new_observations: int = 0
    lost: int = 0
    repaired: dict[str, str] = {}
    other_pages: int = 0
    problems: list[Problem] = []


def import_posts(store: Store, paths: Iterable[Path]) -> Imported:
    """Import every post that the paths are or hold; what is damaged is told of and the rest goes in.

    Raises
    ------
    BadInput
        If a path is not there, holds no post, or is a damaged archive. What had been read before it stays.
    """
    report = Imported()
    seen: set[str] = set()
    for path in paths:
        for found in progress.track(find_posts(Path(path)), f"importing {Path(path).name}"):
            post = _read(found, report)
            if post:
                _add(store, found.name, post, report)
                seen.update(entry.arxiv for entry in post.entries)
    report.papers = len(seen)
    return report


def papers_of(post: Post) -> Iterator[tuple[Paper, datetime.datetime]]:
    """Yield the papers of a post, each with the time at which the post told of it.

    A post of several days does not say which of them a paper was announced on.
    """
    for entry in post.entries:
        paper = Paper(
            arxiv=entry.arxiv,
            title=entry.title,
            authors=tuple(entry.authors.split(", ")) if entry.authors else (),
            abstract=entry.abstract,
            categories=entry.categories,
            announced=post.first if post.first == post.last else None,
        )
        yield paper, in_utc(entry)


def signals_of(post: Post) -> Iterator[Signal]:
    """Yield the signals of a post: for each entry the sums over what a search found, and the posts that it shows.

    The blog did not write how often each single post had been reposted or liked, so these have no counts.
    """
    for entry in post.entries:
        yield Signal(
            source="twitter",
            item=f"search:{entry.arxiv}",
            kind="listing",
            papers=(entry.arxiv,),
            seen=in_utc(entry),
            counts={"reposts": entry.retweets, "likes": entry.favourites},
        )
        for embed in entry.embeds:
            yield Signal(
                source="twitter",
                item=embed.status,
                kind="post",
                papers=(entry.arxiv,),
                actor=embed.handle,
                made=embed.made,
                seen=in_utc(entry),
                name=embed.name,
                text=embed.text,
                html=embed.html,
                url=embed.url,
            )


def in_utc(entry: PostEntry) -> datetime.datetime:
    """Return when an entry was written, in UTC."""
    return entry.written.replace(tzinfo=JAPAN).astimezone(datetime.UTC)


def _read(found: Found, report: Imported) -> Post | None:
    """Read a file as a post, and note in ``report`` what is wrong with it."""
    text = _text(found, report)
    if text is None:
        return None
    text, encoding = repair(text)
    if encoding:
        report.repaired[found.name] = encoding
    post, damages = read_post(text)
    for damage in damages:
        report.problems.append(Problem(found.name, damage.line, damage.problem))
        report.lost += damage.lost_entries + damage.lost_post
    return post


def _text(found: Found, report: Imported) -> str | None:
    problem, line = found.problem, 1
    if not problem and not found.raw.strip():
        problem = "the file is empty"
    if not problem:
        try:
            text = found.raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = found.raw.count(b"\n", 0, error.start) + 1
            problem = "the file is no UTF-8 text; save it as UTF-8"
    if problem:
        report.problems.append(Problem(found.name, line, problem))
        report.lost += 1
        return None
    if text.startswith("---\ntitle:") and not text.startswith("---\ntitle: Hot Papers"):
        report.other_pages += 1  # the blog's other pages, such as the one about its author
        return None
    return text


def _add(store: Store, name: str, post: Post, report: Imported) -> None:
    with store.writing():
        new_digests, new_entries, changed = store.add_post(post)
        store.add_papers_seen(papers_of(post))
        report.new_observations += store.add_signals(signals_of(post)).observations
    report.digests += 1
    report.new_digests += new_digests
    report.entries += len(post.entries)
    report.new_entries += new_entries
    report.posts += sum(len(entry.embeds) for entry in post.entries)
    for rank in changed:
        words = f"number {rank} of {post.name} is in the store with other words, which were kept"
        report.problems.append(Problem(name, 1, words))
