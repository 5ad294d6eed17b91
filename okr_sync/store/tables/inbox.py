"""Tables of what programs send: the values, and the tokens that let them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from okr_sync.store.tables.shape import Finite, Table, finite


class PushedRow(Table, table=True):
    """A value that was sent for a metric; append-only. Of one time the highest `revision` counts, the first is 0."""

    __tablename__ = "pushed"
    __table_args__ = (UniqueConstraint("metric", "valid_time", "revision"), finite("value"))

    id: int | None = Field(default=None, primary_key=True)
    metric: str
    valid_time: datetime
    revision: int
    value: float = Field(sa_type=Finite)
    evidence: str = ""
    token: str
    received_at: datetime


class TokenRow(Table, table=True):
    """A token by the SHA-256 of its text, which nobody keeps. `metrics` is a JSON list of ids and patterns."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("sha256"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    sha256: str
    metrics: str
    author: str
    made_at: datetime
    expires: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
