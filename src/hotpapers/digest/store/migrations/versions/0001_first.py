"""The first tables: papers, items, what was said of them, and the digests of the blog."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "papers",
        sa.Column("arxiv", sa.String(32), nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("announced", sa.Date),
        sa.Column("position", sa.Integer),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("authors", sa.JSON, nullable=False),
        sa.Column("abstract", sa.Text, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("submitted", sa.BigInteger),
        sa.Column("updated", sa.BigInteger),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("doi", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("arxiv", "seen"),
        comment="What was known of a paper from `seen` on, until the next row.",
    )
    op.create_index("papers_by_day", "papers", ["announced"])
    op.create_table(
        "items",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("made", sa.BigInteger),
        sa.Column("seen", sa.BigInteger, nullable=False, comment="When it was first seen."),
        sa.Column("root", sa.BigInteger, comment="The key of the item that it repeats or likes."),
        sa.Column("root_item", sa.Text, comment="That item's own identifier."),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        comment="What does not change about an item.",
    )
    op.create_index("items_by_root", "items", ["root"])
    op.create_table(
        "mentions",
        sa.Column("arxiv", sa.String(32), nullable=False),
        sa.Column("item", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("arxiv", "item"),
        sqlite_with_rowid=False,
        comment="Which papers an item names.",
    )
    op.create_table(
        "observations",
        sa.Column("item", sa.BigInteger, nullable=False),
        sa.Column("metric", sa.String(32), nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("item", "metric", "seen"),
        sqlite_with_rowid=False,
        comment="What a source said of an item, and when.",
    )
    op.create_table(
        "digests",
        sa.Column("name", sa.String(32), primary_key=True, comment="The day, or `first - last`, as it is printed."),
        sa.Column("first", sa.Date, nullable=False),
        sa.Column("last", sa.Date, nullable=False),
        sa.Column("written", sa.String(19), nullable=False, comment="As printed: Japanese time that says UTC."),
        sa.Column("blank_lines", sa.Integer, nullable=False, comment="Between its head and its first entry."),
        comment="The digests that the blog published.",
    )
    op.create_index("digests_by_day", "digests", ["first"])
    op.create_table(
        "entries",
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("arxiv", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("authors", sa.Text, nullable=False),
        sa.Column("retweets", sa.BigInteger, nullable=False),
        sa.Column("favourites", sa.BigInteger, nullable=False),
        sa.Column("written", sa.String(19), nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("abstract", sa.Text, nullable=False),
        sa.Column("embeds", sa.JSON, nullable=False, comment="The HTML of its posts."),
        sa.PrimaryKeyConstraint("digest", "rank"),
        comment="The papers of those digests, word for word.",
    )
    op.create_index("entries_by_paper", "entries", ["arxiv"])
