"""The table of sources in trouble, and when each may be asked again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class BreakerRow(Table, table=True):
    """A source that is in trouble; it has no row while it answers. `fingerprint` is a hash of its settings."""

    __tablename__ = "breakers"

    source: str = Field(primary_key=True)
    fingerprint: str
    trouble: str
    since: datetime
    at: datetime
    failures: int = 0
    next_try: datetime | None = None
    error: str = ""
    fix: str = ""
