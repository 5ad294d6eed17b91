"""Tables of what people defined and what was concluded: definitions, the latest states, points replaced."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class DefinitionRow(Table, table=True):
    """One version of a definition, in force from `since` until `until` (NULL: still)."""

    __tablename__ = "definitions"
    __table_args__ = (UniqueConstraint("kind", "subject", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    subject: str
    version: int
    hash: str
    body: str
    since: datetime
    until: datetime | None = None
    author: str
    reason: str = ""
    run_id: int | None = Field(default=None, foreign_key="runs.id")


class LatestRow(Table, table=True):
    """The newest state of a key result, objective or initiative, so that an overview never reads history.

    `point` is what its newest point says, as JSON, so that a run need not read points to see that nothing changed.
    """

    __tablename__ = "latest"

    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    position: int
    body: str
    point: str
    changed_at: datetime
    run_id: int = Field(foreign_key="runs.id")


class SupersededRow(Table, table=True):
    """What a point said before it was computed again: `said` is JSON; append-only.

    It was recorded at `recorded_at` by the run `written_by`, and replaced at `superseded_at` by the run `run_id`.
    """

    __tablename__ = "superseded_points"
    __table_args__ = (Index("ix_superseded_points_kind_subject", "kind", "subject"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    subject: str
    slot: datetime
    said: str
    backfilled: bool
    recorded_at: datetime
    written_by: int = Field(foreign_key="runs.id")
    superseded_at: datetime
    run_id: int = Field(foreign_key="runs.id")
