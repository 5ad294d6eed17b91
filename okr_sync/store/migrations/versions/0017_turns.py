"""Who waits for a run of everything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text, whole

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "turns",
        whole("id"),
        text("owner"),
        moment("asked"),
        moment("until"),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("turns")
