"""The store: papers, signals and the blog's digests go in, and come out as they stood at any moment.

Whatever is added twice is there once, and what one call adds in a transaction is there whole or not at all; so work
that was cut off is simply done again. Late counts are new observations: nothing that was seen is ever changed.
"""

import contextlib
import datetime
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite

from hotpapers.digest.post import Post, day_name
from hotpapers.digest.records import Paper, Signal
from hotpapers.digest.store import posts, schema, search
from hotpapers.digest.store.opening import bring_up_to_date, connect, where
from hotpapers.digest.store.papers import add_papers, read_listing, read_papers
from hotpapers.digest.store.signals import Added, add_signals, read_signals

Thing = TypeVar("Thing")
_BATCH = 10_000
_EVER = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking a source for a day.

    Attributes
    ----------
    source, day
        Whom, and for which day.
    started, ended
        When.
    outcome
        ``partial`` where some of it is missing; ``problem`` says why.
    papers, signals
        How many it gave.
    cursor
        How far a stream was read, in the source's own terms, so that the next one goes on from there.
    """

    source: str
    day: datetime.date
    started: datetime.datetime
    ended: datetime.datetime
    outcome: Literal["complete", "partial", "failed"]
    papers: int = 0
    signals: int = 0
    problem: str = ""
    cursor: str = ""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A paper that was searched for.

    Attributes
    ----------
    paper
        As it is known now.
    digest, rank
        The digest of the blog that had it (the newest, if several) and its number there.
    """

    paper: Paper
    digest: str | None = None
    rank: int | None = None


class Store:
    """A store on an engine; ``open_store`` makes one. A thread has its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer: Connection | None = None
        self._insert: Any = (postgresql if engine.dialect.name == "postgresql" else sqlite).insert

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Let what the block adds go in together, or not at all."""
        if self._writer:
            yield self._writer
            return
        with (
            self._engine.connect().execution_options(writes=True, preserve_rowcount=True) as connection,
            connection.begin(),
        ):
            self._writer = connection
            try:
                yield connection
            finally:
                self._writer = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Let the block see the store as it is at its first look, whatever is written meanwhile."""
        if self._writer:
            yield self._writer
            return
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def add_papers(self, papers: Iterable[Paper], seen: datetime.datetime | None = None) -> int:
        """Add what was known of papers at ``seen`` (now, when left out), and return how many rows that took.

        What a paper leaves out stays as it was known before; a paper that says nothing new takes no row.
        """
        at = seen or datetime.datetime.now(datetime.UTC)
        return self.add_papers_seen((paper, at) for paper in papers)

    def add_papers_seen(self, papers: Iterable[tuple[Paper, datetime.datetime]]) -> int:
        """Add papers, each with the time at which it was known so."""
        rows = 0
        for batch in _batches(papers):
            with self.writing() as connection:
                rows += add_papers(connection, self._insert, batch)
        return rows

    def add_signals(self, signals: Iterable[Signal]) -> Added:
        """Add signals, as many at a time as memory holds easily; each batch is there whole or not at all."""
        added = Added()
        for batch in _batches(signals):
            with self.writing() as connection:
                added += add_signals(connection, self._insert, batch)
        return added

    def add_collections(self, collections: Iterable[Collection]) -> int:
        """Add what came of asking sources, and return how many of these had not been there."""
        rows = [msgspec.structs.asdict(each) for each in collections]
        statement = self._insert(schema.collections).on_conflict_do_nothing()
        with self.writing() as connection:
            return connection.execute(statement, rows).rowcount if rows else 0

    def add_post(self, post: Post) -> tuple[int, int, list[int]]:
        """Add a digest of the blog as it was published.

        Returns
        -------
        int, int
            How many digests (0 or 1) and entries had not been there.
        list of int
            The numbers of the entries that are there with other words; they were left as they were.
        """
        with self.writing() as connection:
            return posts.add_post(connection, self._insert, post)

    def post(self, first: datetime.date, last: datetime.date | None = None) -> Post | None:
        """Return the digest that the blog published for a day or a range, if it is here."""
        with self.reading() as connection:
            return posts.read_post(connection, day_name(first, last or first))

    def posts(self) -> list[tuple[str, datetime.date, datetime.date, int]]:
        """Return each of the blog's digests: its name, first and last day, number of entries; the oldest first."""
        with self.reading() as connection:
            return posts.list_posts(connection)

    def days(self) -> list[tuple[datetime.date, int]]:
        """Return the days whose listings are here, with how many papers each, the oldest first."""
        papers = schema.papers.c
        counted = select(papers.announced, func.count(papers.arxiv.distinct())).where(papers.announced.is_not(None))
        with self.reading() as connection:
            rows = connection.execute(counted.group_by(papers.announced).order_by(papers.announced))
            return [(day, count) for day, count in rows]

    def collections(self, day: datetime.date) -> list[Collection]:
        """Return what came of asking sources for a day, the first asked first."""
        asked = schema.collections.c
        wanted = select(schema.collections).where(asked.day == day).order_by(asked.started, asked.source)
        with self.reading() as connection:
            return [Collection(**row._mapping) for row in connection.execute(wanted)]

    def papers(
        self, first: datetime.date, last: datetime.date | None = None, as_of: datetime.datetime | None = None
    ) -> list[Paper]:
        """Return the papers that the listings of a day (or of a range) had, as they were known at ``as_of``."""
        with self.reading() as connection:
            return read_listing(connection, first, last or first, as_of or _EVER)

    def find_papers(self, arxivs: Iterable[str], as_of: datetime.datetime | None = None) -> list[Paper]:
        """Return the papers of these identifiers that are here, as they were known at ``as_of``."""
        with self.reading() as connection:
            return list(read_papers(connection, arxivs, as_of or _EVER).values())

    def search(self, question: str, limit: int = 50) -> list[Hit]:
        """Return the papers in whose title, authors or abstract every word of ``question`` begins a word, best first.

        An arXiv identifier or a category is found too. No question is refused: of one without words nothing is found.
        """
        with self.reading() as connection:
            arxivs = search.search(connection, question, limit)
            known = read_papers(connection, arxivs, _EVER)
            places = search.find_places(connection, arxivs)
        found = ((known[arxiv], *places.get(arxiv, (None, None))) for arxiv in arxivs)
        return [Hit(paper=paper, digest=digest, rank=rank) for paper, digest, rank in found]

    def signals(self, arxivs: Iterable[str], as_of: datetime.datetime | None = None) -> list[Signal]:
        """Return all that had been seen at ``as_of`` of these papers' items, each with the counts seen last.

        Reposts and likes of an item that names a paper are among them; what had been deleted is not.
        """
        with self.reading() as connection:
            return read_signals(connection, sorted(set(arxivs)), as_of or _EVER)

    def counts(self) -> dict[str, int]:
        """Return how many rows each table has."""
        with self.reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in schema.schema.sorted_tables
            }


def open_store(url: str | None = None) -> Store:
    """Open the store at ``url``, else the one that ``where()`` names; it is made, or brought up to date, as needed.

    Raises
    ------
    BadInput
        If it cannot be opened.
    """
    engine = connect(where(url))
    bring_up_to_date(engine)
    return Store(engine)


def _batches(things: Iterable[Thing], size: int = _BATCH) -> Iterator[list[Thing]]:
    iterator = iter(things)
    while batch := list(islice(iterator, size)):
        yield batch
