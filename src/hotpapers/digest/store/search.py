"""Searching the papers by the beginnings of their words: FTS5 on SQLite, ``tsvector`` with a GIN index on PostgreSQL.

Both are given the same words, cut here and not by the database, so that both find the same; and as nothing but letters
and digits is left of a question, none can be a syntax error.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select, text

from hotpapers.digest.records import Paper
from hotpapers.digest.store.schema import entries, papers, searchable

WORDS = 16
"""Words of a question that count; what follows them is left out."""
_LONGEST = 200_000
"""Characters of a text that can be found, far from what a database refuses."""
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Cut a text into words for searching: lower case, no accents, letters and digits only."""
    text = text[:_LONGEST]
    if not text.isascii():
        text = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return [word[:100] for word in _WORD.findall(text.casefold())]


def index_papers(connection: Connection, insert: Callable[[Table], Any], newest: Iterable[Paper]) -> None:
    """Let papers be found by what is known of them now."""
    rows = [_row(paper) for paper in sorted(newest, key=lambda paper: paper.arxiv)]
    if rows:
        statement = insert(searchable)
        told = {name: statement.excluded[name] for name in rows[0] if name != "arxiv"}
        connection.execute(statement.on_conflict_do_update(index_elements=["arxiv"], set_=told), rows)


def index_all(connection: Connection, insert: Callable[[Table], Any]) -> None:
    """Let every paper be found that the store has (it may have had them before it could be searched)."""
    c = papers.c
    rows = connection.execute(select(c.arxiv, c.title, c.authors, c.abstract, c.categories).order_by(c.arxiv, c.seen))
    newest = {row.arxiv: Paper(**{**row._mapping, "authors": tuple(row.authors)}) for row in rows}
    index_papers(connection, insert, newest.values())


def search(connection: Connection, question: str, limit: int) -> list[str]:
    """Return the identifiers of the papers in which every word of ``question`` begins a word, the best first.

    A word counts most in the title or the identifier, then among the authors, then in the abstract.
    """
    asked = words(question[:1000])[:WORDS]
    if not asked:
        return []
    postgresql = connection.dialect.name == "postgresql"
    if postgresql:
        statement, match = _POSTGRESQL, " & ".join(f"{word}:*" for word in asked)
    else:
        statement, match = _SQLITE, " ".join(f'"{word}"*' for word in asked)
    found: Sequence[Row[Any]] = connection.execute(statement, {"match": match, "limit": limit}).all()
    return [arxiv for (arxiv,) in found]


def find_places(connection: Connection, arxivs: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return for papers that were in a digest of the blog its name and their number there, the newest first."""
    c = entries.c
    wanted = select(c.arxiv, c.digest, c.rank).where(c.arxiv.in_(arxivs)).order_by(c.digest, c.rank.desc())
    return {arxiv: (digest, rank) for arxiv, digest, rank in connection.execute(wanted)}


_SQLITE = text(
    "SELECT s.arxiv FROM searchable_words JOIN searchable AS s ON s.id = searchable_words.rowid"
    " WHERE searchable_words MATCH :match ORDER BY bm25(searchable_words, 8, 4, 1), s.arxiv DESC LIMIT :limit"
)
_POSTGRESQL = text(
    "SELECT arxiv FROM searchable, to_tsquery('simple', :match) AS asked WHERE words @@ asked"
    " ORDER BY ts_rank(words, asked, 1) DESC, arxiv DESC LIMIT :limit"
)


def _row(paper: Paper) -> dict[str, Any]:
    title = words(f"{paper.title} {paper.arxiv} {' '.join(paper.categories)}")
    people = words(" ".join(paper.authors))
    return {
        "arxiv": paper.arxiv,
        "title": " ".join(title),
        "authors": " ".join(people),
        "abstract": " ".join(words(paper.abstract)),
    }
