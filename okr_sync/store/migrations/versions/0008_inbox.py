"""Values that programs send, and the tokens that let them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import finite, moment, number, text, whole

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "pushed",
        whole("id"),
        text("metric"),
        moment("valid_time"),
        whole("revision"),
        number("value"),
        text("evidence"),
        text("token"),
        moment("received_at"),
        sa.PrimaryKeyConstraint("id", name="pk_pushed"),
        sa.UniqueConstraint("metric", "valid_time", "revision", name="uq_pushed_metric_valid_time_revision"),
        finite("pushed", "value"),
    )
    op.create_table(
        "tokens",
        whole("id"),
        text("name"),
        text("sha256"),
        text("metrics"),
        text("author"),
        moment("made_at"),
        moment("expires"),
        moment("revoked_at", null=True),
        text("revoked_by", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("sha256", name="uq_tokens_sha256"),
    )
    op.create_index("ix_tokens_name", "tokens", ["name"])


def downgrade() -> None:
    """Remove the tables."""
    op.drop_index("ix_tokens_name", "tokens")
    op.drop_table("tokens")
    op.drop_table("pushed")
