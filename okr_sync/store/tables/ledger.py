"""Tables of the run ledger: what ran, what each source cost, what became of every key result, what was reported."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field

from okr_sync.store.tables.shape import Finite, Table


class Run(Table, table=True):
    """One execution of sync, or a slot that had none.

    `lease` is 'sync' while it runs, or names its schedule where several run at once, else NULL: unique, so that only
    one of each can run. `id` only grows, so it fences: what a run writes is refused once it is closed.
    """

    __tablename__ = "runs"

    id: int | None = Field(default=None, primary_key=True)
    trigger: str
    owner: str
    outcome: str
    started: datetime = Field(index=True)
    finished: datetime | None = None
    lease: str | None = Field(default=None, unique=True)
    lease_until: datetime
    deadline: datetime | None = None
    evaluated_at: datetime | None = Field(default=None, index=True)
    summary: str = ""


class RunSource(Table, table=True):
    """What one source cost and brought in one run.

    `received` bytes, `not_modified` answers and `points` of a rate limit are NULL where nobody counted them, `kept`
    answers where no interrupted pull went on.
    """

    __tablename__ = "run_sources"

    run_id: int = Field(primary_key=True, foreign_key="runs.id")
    source: str = Field(primary_key=True)
    outcome: str
    error: str | None = None
    fix: str | None = None
    requests: int = 0
    retries: int = 0
    seconds: float = Field(default=0.0, sa_type=Finite)
    seen: int = 0
    changed: int = 0
    received: int | None = Field(default=None, sa_type=BigInteger)
    not_modified: int | None = None
    points: int | None = None
    kept: int | None = None


class RunEntry(Table, table=True):
    """What became of one key result in one run."""

    __tablename__ = "run_entries"

    run_id: int = Field(primary_key=True, foreign_key="runs.id")
    key_result: str = Field(primary_key=True)
    outcome: str
    reason: str = ""
    fix: str = ""


class SlotRow(Table, table=True):
    """One due instant of one schedule and the one run that it has; '' is the schedule of the whole config."""

    __tablename__ = "slots"

    schedule: str = Field(primary_key=True)
    due: datetime = Field(primary_key=True)
    run_id: int = Field(foreign_key="runs.id", index=True)
    attempts: int = 1


class ReportMark(Table, table=True):
    """When a report was last sent, under its name; append-only."""

    __tablename__ = "report_marks"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    run_id: int | None = Field(default=None, foreign_key="runs.id")
    at: datetime
