"""Closings and reopenings of cycles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, of_run, text, whole

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "closings",
        whole("id"),
        text("cycle"),
        text("action"),
        moment("at"),
        text("author"),
        text("note"),
        text("body", null=True),
        text("sha256", null=True),
        whole("run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_closings"),
        of_run("closings"),
    )
    op.create_index("ix_closings_cycle", "closings", ["cycle"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_index("ix_closings_cycle", "closings")
    op.drop_table("closings")
