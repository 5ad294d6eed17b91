"""Statuses that people say."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text, whole

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "overrides",
        whole("id"),
        moment("at"),
        text("key_result"),
        text("author"),
        text("status", null=True),
        text("reason"),
        moment("expires", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_overrides"),
    )
    op.create_index("ix_overrides_key_result", "overrides", ["key_result"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_index("ix_overrides_key_result", "overrides")
    op.drop_table("overrides")
