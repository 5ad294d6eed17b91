"""The table of how cycles ended: closings with everything they froze, and reopenings."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class ClosingRow(Table, table=True):
    """A cycle was closed or reopened; append-only. The newest row of a cycle says which of both it is.

    `body` is canonical JSON of all that a closing froze, `sha256` the hash of its bytes; both NULL for a reopening.
    """

    __tablename__ = "closings"

    id: int | None = Field(default=None, primary_key=True)
    cycle: str = Field(index=True)
    action: str
    at: datetime
    author: str
    note: str = ""
    body: str | None = None
    sha256: str | None = None
    run_id: int = Field(foreign_key="runs.id")
