"""Tables of alerts: what is wrong since when, the messages about it, and the last config that was good."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class TroubleRow(Table, table=True):
    """A trouble of a source, a schedule or the housekeeping, open while `resolved_at` is NULL."""

    __tablename__ = "troubles"
    __table_args__ = (UniqueConstraint("kind", "subject", "since"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    subject: str
    since: datetime
    reason: str
    resolved_at: datetime | None = Field(default=None, index=True)


class OutboxRow(Table, table=True):
    """A notice for one channel, written in the transaction of what it tells; `key` makes it once for its receiver.

    `state`: waiting, sent or given_up. `try_at`: before this instant nobody sends it; who sends it moves that on first.
    """

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("key"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str
    channel: str
    event: str
    kind: str
    subject: str
    at: datetime
    since: datetime
    reason: str
    state: str = Field(index=True)
    tries: int
    try_at: datetime
    ended_at: datetime | None = None
    error: str | None = None


class GoodConfigRow(Table, table=True):
    """The texts of the last config without a mistake, as they were written, by the path of its main file.

    `texts` is JSON: path → text. `broken_since` and `mistake` are set while what is written now has mistakes.
    """

    __tablename__ = "good_configs"

    file: str = Field(primary_key=True)
    sha256: str
    texts: str
    saved_at: datetime
    broken_since: datetime | None = None
    mistake: str | None = None
