"""Keep which source was asked for a day, and what came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "collections",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("papers", sa.Integer, nullable=False),
        sa.Column("signals", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("source", "day", "started"),
        comment="Which source was asked for a day, and what came of it.",
    )
    op.create_index("collections_by_day", "collections", ["day"])
