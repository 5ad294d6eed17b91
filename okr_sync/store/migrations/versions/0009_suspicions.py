"""Answers that are not believed at sight, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import finite, moment, number, of_run, text, whole

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "suspicions",
        whole("id"),
        text("subject"),
        text("verdict"),
        text("reason"),
        moment("at"),
        text("question"),
        number("value", null=True),
        whole("rows"),
        text("missing"),
        text("author", null=True),
        whole("run_id", null=True),
        finite("suspicions", "value"),
        of_run("suspicions"),
        sa.PrimaryKeyConstraint("id", name="pk_suspicions"),
    )
    op.create_index("ix_suspicions_subject", "suspicions", ["subject"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("suspicions")
