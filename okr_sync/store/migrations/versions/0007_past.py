"""Valid time beside recorded time: logged changes, stays of items, points computed later and what they replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import flag, moment, of_run, text, whole

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENTS = {
    "work_items": ("past_since", "past_until"),
    "containers": ("past_since",),
    "memberships": ("valid_since", "valid_until"),
    "points": ("recorded_at",),
    "delivery_points": ("recorded_at",),
}
FLAGS = {"transitions": "logged", "points": "backfilled", "delivery_points": "backfilled"}


def upgrade() -> None:
    """Add the columns and the table."""
    for table, names in MOMENTS.items():
        for name in names:
            op.add_column(table, moment(name, null=True))
    for table, name in FLAGS.items():
        column = flag(name)
        column.server_default = sa.DefaultClause(sa.false())
        op.add_column(table, column)
    op.create_table(
        "superseded_points",
        whole("id"),
        text("kind"),
        text("subject"),
        moment("slot"),
        text("said"),
        flag("backfilled"),
        moment("recorded_at"),
        whole("written_by"),
        moment("superseded_at"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_superseded_points"),
        sa.ForeignKeyConstraint(["written_by"], ["runs.id"], name="fk_superseded_points_written_by_runs"),
        of_run("superseded_points"),
    )
    op.create_index("ix_superseded_points_kind_subject", "superseded_points", ["kind", "subject"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_superseded_points_kind_subject", "superseded_points")
    op.drop_table("superseded_points")
    for table, name in FLAGS.items():
        op.drop_column(table, name)
    for table, names in MOMENTS.items():
        for name in names:
            op.drop_column(table, name)
