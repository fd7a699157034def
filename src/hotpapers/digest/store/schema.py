"""The tables. What was seen is only ever added; every answer is computed from what had been seen by then.

An item's key is derived from its name, so that writers need not ask each other, or the database, which number it has.
"""

import datetime
import hashlib
import re
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import JSON

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


def microseconds(moment: datetime.datetime) -> int:
    """Return a moment as microseconds since 1970 in UTC; one without a time zone is taken to be in UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return (aware - EPOCH) // _MICROSECOND


@lru_cache(maxsize=10_000)  # a day's items were mostly seen at the same few times
def moment(value: int) -> datetime.datetime:
    """Return the moment that is ``value`` microseconds after 1970, in UTC."""
    return EPOCH + value * _MICROSECOND


def item_key(source: str, item: str) -> int:
    """Return the key of a source's item: 63 bits of its name's hash.

    Among ten million items two share a key with a chance of 5 in a million.
    """
    digest = hashlib.blake2b(f"{source}\0{item}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def storable(text: str) -> str:
    """Return ``text`` without what no database keeps: NUL and halves of surrogate pairs."""
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Moment(TypeDecorator[datetime.datetime]):
    """A time as microseconds since 1970 in UTC: exact, and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        """Write a time."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Any) -> datetime.datetime | None:
        """Read a time."""
        return None if value is None else moment(value)


schema = MetaData()

papers = Table(
    "papers",
    schema,
    Column("arxiv", String(32), nullable=False),
    Column("seen", Moment, nullable=False),
    Column("announced", Date),
    Column("position", Integer),
    Column("title", Text, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("abstract", Text, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("submitted", Moment),
    Column("updated", Moment),
    Column("comment", Text, nullable=False),
    Column("doi", Text, nullable=False),
    Column("licence", Text, nullable=False),
    PrimaryKeyConstraint("arxiv", "seen"),
    Index("papers_by_day", "announced"),
    comment="What was known of a paper from `seen` on, until the next row.",
)

# Of these there are millions, so their times are plain numbers, converted by hand.
items = Table(
    "items",
    schema,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("source", String(64), nullable=False),
    Column("item", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("actor", Text),
    Column("made", BigInteger),
    Column("seen", BigInteger, nullable=False, comment="When it was first seen."),
    Column("root", BigInteger, comment="The key of the item that it repeats or likes."),
    Column("root_item", Text, comment="That item's own identifier."),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("url", Text, nullable=False),
    Index("items_by_root", "root"),
    comment="What does not change about an item.",
)

mentions = Table(
    "mentions",
    schema,
    Column("arxiv", String(32), nullable=False),
    Column("item", BigInteger, nullable=False),
    PrimaryKeyConstraint("arxiv", "item"),
    sqlite_with_rowid=False,
    comment="Which papers an item names.",
)

observations = Table(
    "observations",
    schema,
    Column("item", BigInteger, nullable=False),
    Column("metric", String(32), nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("item", "metric", "seen"),
    sqlite_with_rowid=False,
    comment="What a source said of an item, and when.",
)

digests = Table(
    "digests",
    schema,
    Column("name", String(32), primary_key=True, comment="The day, or `first - last`, as it is printed."),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Column("written", String(19), nullable=False, comment="As printed: Japanese time that says UTC."),
    Column("blank_lines", Integer, nullable=False, comment="Between its head and its first entry."),
    Index("digests_by_day", "first"),
    comment="The digests that the blog published.",
)

entries = Table(
    "entries",
    schema,
    Column("digest", String(32), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("arxiv", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("authors", Text, nullable=False),
    Column("retweets", BigInteger, nullable=False),
    Column("favourites", BigInteger, nullable=False),
    Column("written", String(19), nullable=False),
    Column("categories", JSON, nullable=False),
    Column("abstract", Text, nullable=False),
    Column("embeds", JSON, nullable=False, comment="The HTML of its posts."),
    PrimaryKeyConstraint("digest", "rank"),
    Index("entries_by_paper", "arxiv"),
    comment="The papers of those digests, word for word.",
)

collections = Table(
    "collections",
    schema,
    Column("source", String(64), nullable=False),
    Column("day", Date, nullable=False),
    Column("started", Moment, nullable=False),
    Column("ended", Moment, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("papers", Integer, nullable=False),
    Column("signals", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("cursor", Text, nullable=False),
    PrimaryKeyConstraint("source", "day", "started"),
    Index("collections_by_day", "day"),
    comment="Which source was asked for a day, and what came of it.",
)

searchable = Table(
    "searchable",
    schema,
    Column("id", Integer, primary_key=True),
    Column("arxiv", String(32), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("authors", Text, nullable=False),
    Column("abstract", Text, nullable=False),
    comment="The words of each paper as it is known now, for searching.",
)
