"""Answers of sources that are remembered with their ETags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text, whole

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; nothing is remembered yet."""
    op.create_table(
        "etags",
        text("source"),
        text("address"),
        text("credential"),
        text("etag"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        whole("size"),
        moment("used_at"),
        sa.PrimaryKeyConstraint("source", "address", name="pk_etags"),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("etags")
