"""Baselines that are captured, and with which question each metric's past was brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import finite, moment, number, of_run, text, whole

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "baselines",
        whole("id"),
        text("key_result"),
        text("subject"),
        whole("version"),
        number("value"),
        text("how"),
        moment("time"),
        whole("readings"),
        text("evidence"),
        text("question"),
        moment("start"),
        moment("at"),
        text("author"),
        text("reason"),
        whole("run_id"),
        finite("baselines", "value"),
        of_run("baselines"),
        sa.PrimaryKeyConstraint("id", name="pk_baselines"),
        sa.UniqueConstraint("key_result", "subject", "version", name="uq_baselines_key_result_subject_version"),
    )
    op.add_column("metric_states", text("past_question", null=True))


def downgrade() -> None:
    """Remove them."""
    with op.batch_alter_table("metric_states") as table:
        table.drop_column("past_question")
    op.drop_table("baselines")
