"""Troubles, the outbox of notices about them, and the last good config."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text, whole

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "troubles",
        whole("id"),
        text("kind"),
        text("subject"),
        moment("since"),
        text("reason"),
        moment("resolved_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_troubles"),
        sa.UniqueConstraint("kind", "subject", "since", name="uq_troubles_kind_subject_since"),
    )
    op.create_index("ix_troubles_resolved_at", "troubles", ["resolved_at"])
    op.create_table(
        "outbox",
        whole("id"),
        *map(text, ("key", "channel", "event", "kind", "subject")),
        moment("at"),
        moment("since"),
        text("reason"),
        text("state"),
        whole("tries"),
        moment("try_at"),
        moment("ended_at", null=True),
        text("error", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
    )
    op.create_index("ix_outbox_state", "outbox", ["state"])
    op.create_table(
        "good_configs",
        *map(text, ("file", "sha256", "texts")),
        moment("saved_at"),
        moment("broken_since", null=True),
        text("mistake", null=True),
        sa.PrimaryKeyConstraint("file", name="pk_good_configs"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("good_configs")
    op.drop_index("ix_outbox_state", "outbox")
    op.drop_table("outbox")
    op.drop_index("ix_troubles_resolved_at", "troubles")
    op.drop_table("troubles")
