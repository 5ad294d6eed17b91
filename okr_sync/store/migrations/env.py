"""Alembic's environment: runs revisions on the connection that `okr_sync.store.schema` hands over."""

from __future__ import annotations

from alembic import context

from okr_sync.store.tables import Table

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    transactional_ddl=True,
    on_version_apply=attributes.get("on_version_apply"),
)
with context.begin_transaction():
    context.run_migrations()
