"""Let the papers be searched: their words, indexed by FTS5 on SQLite and as ``tsvector`` on PostgreSQL."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql, sqlite

from hotpapers.digest.store.search import index_all

revision = "0003"
down_revision = "0002"

_SQLITE = (
    "CREATE VIRTUAL TABLE searchable_words"
    " USING fts5(title, authors, abstract, content='searchable', content_rowid='id', prefix='1 2 3')",
    "CREATE TRIGGER searchable_added AFTER INSERT ON searchable BEGIN"
    " INSERT INTO searchable_words (rowid, title, authors, abstract)"
    " VALUES (new.id, new.title, new.authors, new.abstract); END",
    "CREATE TRIGGER searchable_gone AFTER DELETE ON searchable BEGIN"
    " INSERT INTO searchable_words (searchable_words, rowid, title, authors, abstract)"
    " VALUES ('delete', old.id, old.title, old.authors, old.abstract); END",
    "CREATE TRIGGER searchable_changed AFTER UPDATE ON searchable BEGIN"
    " INSERT INTO searchable_words (searchable_words, rowid, title, authors, abstract)"
    " VALUES ('delete', old.id, old.title, old.authors, old.abstract);"
    " INSERT INTO searchable_words (rowid, title, authors, abstract)"
    " VALUES (new.id, new.title, new.authors, new.abstract); END",
)
_POSTGRESQL = (
    "ALTER TABLE searchable ADD COLUMN words tsvector GENERATED ALWAYS AS ("
    "setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', authors), 'B')"
    " || setweight(to_tsvector('simple', abstract), 'D')) STORED",
    "CREATE INDEX searchable_words ON searchable USING gin (words)",
    # A ranking reads the words of all that fits: they are kept in their row, and not compressed.
    "ALTER TABLE searchable ALTER COLUMN words SET STORAGE EXTERNAL",
    "ALTER TABLE searchable SET (toast_tuple_target = 8160)",
)


def upgrade() -> None:
    """Make the table and its index, and fill them with the papers that are here."""
    op.create_table(
        "searchable",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("arxiv", sa.String(32), nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("authors", sa.Text, nullable=False),
        sa.Column("abstract", sa.Text, nullable=False),
        comment="The words of each paper as it is known now, for searching.",
    )
    connection = op.get_bind()
    on_postgresql = connection.dialect.name == "postgresql"
    for statement in _POSTGRESQL if on_postgresql else _SQLITE:
        op.execute(statement)
    index_all(connection, postgresql.insert if on_postgresql else sqlite.insert)
