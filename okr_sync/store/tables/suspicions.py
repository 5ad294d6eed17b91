"""The table of answers that were not believed at sight, and what became of them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from okr_sync.store.tables.shape import Finite, Table, finite


class SuspicionRow(Table, table=True):
    """A step in the life of a suspicion about a metric or scope; append-only, and its newest row counts.

    `verdict`: suspect, confirmed, cleared, or accepted by the `author`. `value` NULL: the answer was empty. `missing`:
    JSON list of the items and containers that a scope's answer lacked.
    """

    __tablename__ = "suspicions"
    __table_args__ = (finite("value"),)

    id: int | None = Field(default=None, primary_key=True)
    subject: str = Field(index=True)
    verdict: str
    reason: str
    at: datetime
    question: str = ""
    value: float | None = Field(default=None, sa_type=Finite)
    rows: int = 0
    missing: str = "[]"
    author: str | None = None
    run_id: int | None = Field(default=None, foreign_key="runs.id")
