"""What was asked for each observation, point and scope."""

from __future__ import annotations

from alembic import op

from okr_sync.store.migrations.columns import text

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("observations", "points", "delivery_points", "scopes")


def upgrade() -> None:
    """Add the column; of what was kept before nobody knows."""
    for table in TABLES:
        with op.batch_alter_table(table) as changed:
            changed.add_column(text("question", null=True))


def downgrade() -> None:
    """Remove the column."""
    for table in TABLES:
        with op.batch_alter_table(table) as changed:
            changed.drop_column("question")
