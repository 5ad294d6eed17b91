"""Tables of pulls that were interrupted: what their sources answered so far."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class StageRow(Table, table=True):
    """A pull that is not complete; its source has none once it is. `fingerprint` is a hash of all that was asked."""

    __tablename__ = "pull_stages"

    source: str = Field(primary_key=True)
    fingerprint: str
    begun_at: datetime


class StagedAnswerRow(Table, table=True):
    """What a source answered to a question, which is kept as a hash: JSON in UTF-8, packed by zlib (RFC 1950)."""

    __tablename__ = "staged_answers"

    source: str = Field(primary_key=True)
    question: str = Field(primary_key=True)
    answer: bytes = Field(sa_type=LargeBinary)
