"""Pulls that were interrupted with what was answered so far, and in the runs how much of that was used again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text, whole

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the column."""
    op.create_table(
        "pull_stages",
        *map(text, ("source", "fingerprint")),
        moment("begun_at"),
        sa.PrimaryKeyConstraint("source", name="pk_pull_stages"),
    )
    op.create_table(
        "staged_answers",
        *map(text, ("source", "question")),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "question", name="pk_staged_answers"),
    )
    with op.batch_alter_table("run_sources") as changed:
        changed.add_column(whole("kept", null=True))


def downgrade() -> None:
    """Remove all three; what was answered is asked again."""
    with op.batch_alter_table("run_sources") as changed:
        changed.drop_column("kept")
    op.drop_table("staged_answers")
    op.drop_table("pull_stages")
