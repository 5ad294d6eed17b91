"""Tables of what people defined and what was concluded: definitions, the latest states, points over time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, false
from sqlmodel import Field

from okr_sync.store.tables.shape import Finite, Table, finite


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


class PointRow(Table, table=True):
    """A progress point of a key result or objective; one a slot at most, none when nothing changed.

    `question`: the hash of what was asked for it; NULL: an objective, or from before that was kept.
    `backfilled`: it was computed later, at `recorded_at`; NULL: it was written when it was judged.
    """

    __tablename__ = "points"
    __table_args__ = (
        UniqueConstraint("kind", "subject", "slot"),
        *(finite(column) for column in ("value", "baseline", "target", "progress", "score")),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    subject: str
    slot: datetime
    at: datetime
    value: float | None = Field(default=None, sa_type=Finite)
    baseline: float | None = Field(default=None, sa_type=Finite)
    target: float | None = Field(default=None, sa_type=Finite)
    progress: float | None = Field(default=None, sa_type=Finite)
    score: float | None = Field(default=None, sa_type=Finite)
    status: str
    definition: str = ""
    backfilled: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    recorded_at: datetime | None = None
    run_id: int = Field(foreign_key="runs.id")
    question: str | None = None


class DeliveryPointRow(Table, table=True):
    """A point of an initiative's work; one a slot at most, none when nothing changed; the rest as in `PointRow`."""

    __tablename__ = "delivery_points"
    __table_args__ = (
        UniqueConstraint("initiative", "slot"),
        *(finite(column) for column in ("weight_done", "weight_total", "progress")),
    )

    id: int | None = Field(default=None, primary_key=True)
    initiative: str
    slot: datetime
    at: datetime
    done: int | None = None
    in_progress: int | None = None
    open: int | None = None
    dropped: int | None = None
    weight_done: float | None = Field(default=None, sa_type=Finite)
    weight_total: float | None = Field(default=None, sa_type=Finite)
    progress: float | None = Field(default=None, sa_type=Finite)
    state: str
    backfilled: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    recorded_at: datetime | None = None
    run_id: int = Field(foreign_key="runs.id")
    question: str | None = None


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
