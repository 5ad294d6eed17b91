"""Due dates as they were first seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import day, moment, of_run, text, whole

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; what the mirror holds was first seen no later than by the run that wrote it last."""
    op.create_table(
        "due_dates",
        whole("id"),
        text("source"),
        text("thing"),
        day("due", null=True),
        moment("seen_at"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_due_dates"),
        of_run("due_dates"),
    )
    op.create_index("ix_due_dates_source_thing", "due_dates", ["source", "thing"])
    # A Jira epic is an item and a container of one id: it is kept once.
    op.execute(
        "INSERT INTO due_dates (source, thing, due, seen_at, run_id) "
        "SELECT held.source, held.id, held.due, runs.started, held.run_id FROM ("
        "SELECT source, id, due, run_id FROM containers WHERE due IS NOT NULL "
        "UNION ALL SELECT source, id, due, run_id FROM work_items WHERE due IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM containers WHERE containers.source = work_items.source AND containers.id = work_items.id "
        "AND containers.due IS NOT NULL)"
        ") AS held JOIN runs ON runs.id = held.run_id"
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_index("ix_due_dates_source_thing", "due_dates")
    op.drop_table("due_dates")
