"""The table of housekeeping: who saw to the store when, and what came of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class HousekeepingRow(Table, table=True):
    """The housekeeping of one due instant: its key, so that one worker does it.

    It must have ended at `until`; without `finished` it was interrupted then. `removed`: JSON of how many rows went;
    `size`: the bytes that the store takes afterwards, without those that are free; `error`: why it failed.
    """

    __tablename__ = "housekeeping"

    due: datetime = Field(primary_key=True)
    owner: str
    started: datetime
    until: datetime
    finished: datetime | None = None
    removed: str | None = None
    size: int | None = Field(default=None, sa_type=BigInteger)
    error: str | None = None
