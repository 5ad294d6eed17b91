"""When the store was seen to, by whom, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "housekeeping",
        moment("due"),
        text("owner"),
        moment("started"),
        moment("until"),
        moment("finished", null=True),
        text("removed", null=True),
        sa.Column("size", sa.BigInteger()),
        text("error", null=True),
        sa.PrimaryKeyConstraint("due", name="pk_housekeeping"),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("housekeeping")
