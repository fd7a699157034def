"""The blog's digests in the store, word for word."""

import datetime
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, func, select

from hotpapers.digest.post import Embed, Post, PostEntry, read_embed
from hotpapers.digest.store.schema import digests, entries


def add_post(connection: Connection, insert: Callable[[Table], Any], post: Post) -> tuple[int, int, list[int]]:
    """Add a digest; return how many digests and entries that is more, and which entries are there with other words."""
    head = {"name": post.name, "first": post.first, "last": post.last, "blank_lines": post.blank_lines}
    statement = insert(digests).on_conflict_do_nothing()
    new_digests = connection.execute(statement, [{**head, "written": post.written.isoformat()}]).rowcount
    known = {entry.rank: entry for entry in _entries(connection, post.name)}
    new = [entry for entry in post.entries if entry.rank not in known]
    if new:
        statement = insert(entries).on_conflict_do_nothing()
        connection.execute(statement, [_row(post.name, entry) for entry in new])
    changed = [entry.rank for entry in post.entries if entry.rank in known and known[entry.rank] != entry]
    return new_digests, len(new), changed


def read_post(connection: Connection, name: str) -> Post | None:
    """Return the digest of this name, or ``None``."""
    found = connection.execute(select(digests).where(digests.c.name == name)).one_or_none()
    if found is None:
        return None
    written = datetime.datetime.fromisoformat(found.written)
    return Post(found.first, found.last, written, tuple(_entries(connection, name)), found.blank_lines)


def list_posts(connection: Connection) -> list[tuple[str, datetime.date, datetime.date, int]]:
    """Return each digest's name, first and last day, and number of entries, the oldest first."""
    counted = (
        select(digests.c.name, digests.c.first, digests.c.last, func.count(entries.c.rank))
        .join_from(digests, entries, digests.c.name == entries.c.digest, isouter=True)
        .group_by(digests.c.name, digests.c.first, digests.c.last)
        .order_by(digests.c.first, digests.c.last)
    )
    return [(name, first, last, count) for name, first, last, count in connection.execute(counted)]


def _entries(connection: Connection, name: str) -> list[PostEntry]:
    rows = connection.execute(select(entries).where(entries.c.digest == name).order_by(entries.c.rank))
    return [_entry(row) for row in rows]


def _row(name: str, entry: PostEntry) -> dict[str, Any]:
    told = {field: getattr(entry, field) for field in entry.__struct_fields__}
    changed = {"digest": name, "written": entry.written.isoformat(), "embeds": [each.html for each in entry.embeds]}
    return {**told, **changed}


def _entry(row: Any) -> PostEntry:
    told = {field: getattr(row, field) for field in PostEntry.__struct_fields__}
    told["written"] = datetime.datetime.fromisoformat(row.written)
    told["categories"] = tuple(row.categories)
    told["embeds"] = tuple(_embed(block) for block in row.embeds)
    return PostEntry(**told)


def _embed(block: str) -> Embed:
    embed = read_embed(block)
    assert embed is not None, "what was kept had been read"
    return embed
