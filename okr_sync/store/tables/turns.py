"""The table of those who wait for a run of everything."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class TurnRow(Table, table=True):
    """A process that waits until no run is under way; the lowest `id` is next, and nobody else begins before it.

    It counts until `until` (exclusive), which its owner moves on while it waits.
    """

    __tablename__ = "turns"

    id: int | None = Field(default=None, primary_key=True)
    owner: str
    asked: datetime
    until: datetime
