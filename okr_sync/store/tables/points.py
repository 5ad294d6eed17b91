"""Tables of points over time, made small: what many points share is a row of its own, instants are numbers.

The views `points` and `delivery_points` show them as they are meant; what is columns of the same width stands together,
so that PostgreSQL need not pad them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Index, PrimaryKeyConstraint, UniqueConstraint, false
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

from okr_sync.store.tables.shape import Finite, Table, finite

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CLUSTERED = {"sqlite_with_rowid": False}


class Instant(TypeDecorator[datetime]):
    """An instant as the whole microseconds since 1970 in UTC: 8 bytes, in the order of time."""

    impl = BigInteger
    cache_ok = True

    def __repr__(self) -> str:
        """Return how it is written."""
        return "Instant()"

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Return the number to store. Raises ValueError for an instant without an offset."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value} has no offset from UTC")
        return int((value - EPOCH) // MICROSECOND)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class SeriesRow(Table, table=True):
    """What points are of, and its number: a key result, an objective or an initiative."""

    __tablename__ = "point_series"
    __table_args__ = (UniqueConstraint("subject", "kind"),)

    id: int = Field(primary_key=True)
    kind: str
    subject: str


class ContextRow(Table, table=True):
    """What many points say alike; `digest` is the SHA-256 of all of it, so that it is there once.

    `question`: the hash of what was asked for it; NULL: an objective, or from before that was kept.
    `clamped`: the score of such a point is its progress held in [0, 1].
    """

    __tablename__ = "point_contexts"
    __table_args__ = (UniqueConstraint("digest"), *(finite(column) for column in ("baseline", "target")))

    id: int = Field(primary_key=True)
    digest: str
    status: str
    definition: str = ""
    question: str | None = None
    baseline: float | None = Field(default=None, sa_type=Finite)
    target: float | None = Field(default=None, sa_type=Finite)
    clamped: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class StampRow(Table, table=True):
    """When and by which run points were written; `at` NULL: each at its slot.

    `backfilled`: they were computed later, at `recorded_at`; NULL: they were written when they were judged.
    """

    __tablename__ = "point_stamps"
    __table_args__ = (Index("ix_point_stamps_run_id", "run_id"),)

    id: int = Field(primary_key=True)
    run_id: int = Field(foreign_key="runs.id")
    at: datetime | None = Field(default=None, sa_type=Instant)
    backfilled: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    recorded_at: datetime | None = Field(default=None, sa_type=Instant)


class PointRow(Table, table=True):
    """A progress point of a key result or objective; one a slot at most, none when nothing changed.

    `score` is NULL where its context says how it follows from the progress.
    """

    __tablename__ = "point_values"
    __table_args__ = (
        PrimaryKeyConstraint("series", "slot"),
        *(finite(column) for column in ("value", "progress", "score")),
        CLUSTERED,
    )

    slot: datetime = Field(sa_type=Instant)
    value: float | None = Field(default=None, sa_type=Finite)
    progress: float | None = Field(default=None, sa_type=Finite)
    score: float | None = Field(default=None, sa_type=Finite)
    series: int = Field(foreign_key="point_series.id")
    context: int = Field(foreign_key="point_contexts.id")
    stamp: int = Field(foreign_key="point_stamps.id")


class DeliveryPointRow(Table, table=True):
    """A point of an initiative's work; one a slot at most, none when nothing changed."""

    __tablename__ = "delivery_values"
    __table_args__ = (
        PrimaryKeyConstraint("series", "slot"),
        *(finite(column) for column in ("weight_done", "weight_total", "progress")),
        CLUSTERED,
    )

    slot: datetime = Field(sa_type=Instant)
    weight_done: float | None = Field(default=None, sa_type=Finite)
    weight_total: float | None = Field(default=None, sa_type=Finite)
    progress: float | None = Field(default=None, sa_type=Finite)
    series: int = Field(foreign_key="point_series.id")
    context: int = Field(foreign_key="point_contexts.id")
    stamp: int = Field(foreign_key="point_stamps.id")
    done: int | None = None
    in_progress: int | None = None
    open: int | None = None
    dropped: int | None = None
