"""Indexes by which the holders of an item, and what stands below one, are found without reading whole tables."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_memberships_source_item", "memberships", ["source", "item"])
    op.create_index("ix_work_items_source_parent", "work_items", ["source", "parent"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_work_items_source_parent", "work_items")
    op.drop_index("ix_memberships_source_item", "memberships")
