"""Papers in the store: a row says what was known of a paper from a moment on, until the next row does."""

import bisect
import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Table, func, select

from hotpapers.digest.records import Paper
from hotpapers.digest.store.schema import papers, storable
from hotpapers.digest.store.search import index_papers

Revisions = list[tuple[datetime.datetime, Paper]]
_FIELDS = tuple(Paper.__struct_fields__)
_CHUNK = 10_000


def add_papers(
    connection: Connection, insert: Callable[[Table], Any], seen: Sequence[tuple[Paper, datetime.datetime]]
) -> int:
    """Add what was known of papers, each at its time, and return how many rows that took."""
    known = _revisions(connection, {paper.arxiv for paper, _ in seen})
    rows: dict[tuple[str, datetime.datetime], dict[str, Any]] = {}
    for paper, at in seen:
        revisions = known[paper.arxiv]
        place = bisect.bisect_right(revisions, at, key=lambda revision: revision[0])
        before = revisions[place - 1] if place else None
        merged = _merge(before[1], _storable(paper)) if before else _storable(paper)
        if before and merged == before[1]:
            continue
        if before and before[0] == at:
            revisions[place - 1] = (at, merged)
        else:
            revisions.insert(place, (at, merged))
        rows[merged.arxiv, at] = {**msgspec.structs.asdict(merged), "seen": at}
    if rows:
        statement = insert(papers)
        told = {name: statement.excluded[name] for name in _FIELDS if name != "arxiv"}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["arxiv", "seen"], set_=told),
            [rows[key] for key in sorted(rows)],
        )
        index_papers(connection, insert, (known[arxiv][-1][1] for arxiv in {arxiv for arxiv, _ in rows}))
    return len(rows)


def read_papers(connection: Connection, arxivs: Iterable[str], as_of: datetime.datetime) -> dict[str, Paper]:
    """Return what was known of papers at ``as_of``; those that were not yet known are left out."""
    found: dict[str, Paper] = {}
    for some in chunks(sorted(set(arxivs)), _CHUNK):
        newest = (
            select(papers.c.arxiv, func.max(papers.c.seen).label("seen"))
            .where(papers.c.arxiv.in_(some), papers.c.seen <= as_of)
            .group_by(papers.c.arxiv)
            .subquery()
        )
        at_that_time = (papers.c.arxiv == newest.c.arxiv) & (papers.c.seen == newest.c.seen)
        rows = connection.execute(select(papers).join(newest, at_that_time).order_by(papers.c.arxiv))
        found.update((row["arxiv"], _paper(row)) for row in rows.mappings())
    return found


def read_listing(
    connection: Connection, first: datetime.date, last: datetime.date, as_of: datetime.datetime
) -> list[Paper]:
    """Return the papers of the listings of some days, as they were known at ``as_of``.

    A paper that was announced again on another day keeps the day and the place that it had in these listings.
    """
    c = papers.c
    listed = select(c.arxiv, c.announced, c.position).where(c.announced.between(first, last), c.seen <= as_of)
    places = {
        arxiv: (announced, position)
        for arxiv, announced, position in connection.execute(listed.order_by(c.arxiv, c.seen))
    }
    known = read_papers(connection, places, as_of)
    return [
        msgspec.structs.replace(known[arxiv], announced=announced, position=position)
        for arxiv, (announced, position) in places.items()
    ]


def chunks(things: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """Cut a sequence into pieces: databases limit how many values a statement may name."""
    return (things[start : start + size] for start in range(0, len(things), size))


def _revisions(connection: Connection, arxivs: set[str]) -> defaultdict[str, Revisions]:
    found: defaultdict[str, Revisions] = defaultdict(list)
    for some in chunks(sorted(arxivs), _CHUNK):
        rows = connection.execute(select(papers).where(papers.c.arxiv.in_(some)).order_by(papers.c.seen))
        for row in rows.mappings():
            found[row["arxiv"]].append((row["seen"], _paper(row)))
    return found


def _merge(old: Paper, new: Paper) -> Paper:
    """Return ``new`` with what it leaves out as it was in ``old``."""
    left_out = {name: getattr(old, name) for name in _FIELDS if getattr(new, name) in (None, "", ())}
    if new.announced and new.announced != old.announced:
        left_out.pop("position", None)  # its place in another day's listing says nothing of this one
    return msgspec.structs.replace(new, **left_out)


def _storable(paper: Paper) -> Paper:
    words = {name: storable(getattr(paper, name)) for name in ("title", "abstract", "comment", "doi", "licence")}
    return msgspec.structs.replace(paper, authors=tuple(map(storable, paper.authors)), **words)


def _paper(row: RowMapping) -> Paper:
    told = {name: row[name] for name in _FIELDS}
    return Paper(**{**told, "authors": tuple(row["authors"]), "categories": tuple(row["categories"])})
