"""The table of answers that are remembered with their ETags."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class EtagRow(Table, table=True):
    """What a source answered, packed, and the ETag that stands for it.

    `address` and `credential` are keyed hashes of what was asked and of the token that asked it; `size` is the bytes of
    the packed body; `used_at` when it was answered, or answered to be unchanged, give or take a day.
    """

    __tablename__ = "etags"

    source: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    credential: str
    etag: str
    body: bytes
    size: int
    used_at: datetime
