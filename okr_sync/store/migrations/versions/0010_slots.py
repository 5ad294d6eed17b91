"""Slots of schedules with the run of each, and until when a run may take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, of_run, text, whole

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; runs that are there already had no deadline of their own."""
    op.create_table(
        "slots",
        text("schedule"),
        moment("due"),
        whole("run_id"),
        whole("attempts"),
        sa.PrimaryKeyConstraint("schedule", "due", name="pk_slots"),
        of_run("slots"),
    )
    op.create_index("ix_slots_run_id", "slots", ["run_id"])
    with op.batch_alter_table("runs") as changed:
        changed.add_column(moment("deadline", null=True))


def downgrade() -> None:
    """Remove both."""
    with op.batch_alter_table("runs") as changed:
        changed.drop_column("deadline")
    op.drop_index("ix_slots_run_id", "slots")
    op.drop_table("slots")
