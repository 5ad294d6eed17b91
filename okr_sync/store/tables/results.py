"""Tables of what people defined and what was concluded: definitions, the latest states, points over time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
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
    run_id: int = Field(foreign_key="runs.id")
    question: str | None = None


class DeliveryPointRow(Table, table=True):
    """A point of an initiative's work; one a slot at most, none when nothing changed. `question` as in `PointRow`."""

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
    run_id: int = Field(foreign_key="runs.id")
    question: str | None = None
