"""Breakers of sources in trouble, and what else a run costs: bytes, answers without news, points of rate limits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text, whole

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns; nobody counted them in the runs that are there already."""
    op.create_table(
        "breakers",
        text("source"),
        text("fingerprint"),
        text("trouble"),
        moment("since"),
        moment("at"),
        whole("failures"),
        moment("next_try", null=True),
        text("error"),
        text("fix"),
        sa.PrimaryKeyConstraint("source", name="pk_breakers"),
    )
    with op.batch_alter_table("run_sources") as changed:
        changed.add_column(sa.Column("received", sa.BigInteger(), nullable=True))
        changed.add_column(whole("not_modified", null=True))
        changed.add_column(whole("points", null=True))


def downgrade() -> None:
    """Remove both."""
    with op.batch_alter_table("run_sources") as changed:
        for name in ("points", "not_modified", "received"):
            changed.drop_column(name)
    op.drop_table("breakers")
