"""How many items containers hold, kept from run to run, and an index of the items that are not there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ABSENT = sa.text("absence IS NOT NULL")


def upgrade() -> None:
    """Add the table, empty, and the index."""
    op.create_table(
        "tallies",
        text("source"),
        text("container"),
        moment("since"),
        text("body", null=True),
        sa.PrimaryKeyConstraint("source", "container", name="pk_tallies"),
    )
    op.create_index("ix_work_items_absent", "work_items", ["source"], sqlite_where=ABSENT, postgresql_where=ABSENT)


def downgrade() -> None:
    """Remove both."""
    op.drop_index("ix_work_items_absent", "work_items")
    op.drop_table("tallies")
