"""Tables of what sources and people brought: readings, work items, who holds them, how sources fare."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint, false, text
from sqlmodel import Field

from okr_sync.store.tables.shape import Finite, Table, finite

ABSENT = text("absence IS NOT NULL")


class SourceRow(Table, table=True):
    """How a source fares: its cursor, last success, last error."""

    __tablename__ = "source_states"

    name: str = Field(primary_key=True)
    cursor: str | None = None
    last_asked: datetime | None = None
    last_success: datetime | None = None
    fresh_seconds: float | None = Field(default=None, sa_type=Finite)
    declared: bool = False
    error: str | None = None
    fix: str | None = None


class Observation(Table, table=True):
    """A value of a metric at a valid time; append-only: a correction is a new row with a later recorded time.

    `run_id` NULL: a person typed it in a check-in. `retracted`: the source no longer has this reading. `question`: the
    hash of what was asked; NULL: from before that was kept.
    """

    __tablename__ = "observations"
    __table_args__ = (Index("ix_observations_metric_valid_time", "metric", "valid_time"), finite("value"))

    id: int | None = Field(default=None, primary_key=True)
    metric: str
    valid_time: datetime
    dated: bool
    value: float = Field(sa_type=Finite)
    evidence: str = ""
    author: str | None = None
    expires: datetime | None = None
    retracted: bool = False
    recorded_at: datetime
    run_id: int | None = Field(default=None, foreign_key="runs.id")
    question: str | None = None


class MetricRow(Table, table=True):
    """The last outcome of asking for a metric: `miss_kind` NULL means that it was answered.

    `past_question` is the hash of the question with which its past was brought; NULL: it never was.
    """

    __tablename__ = "metric_states"

    metric: str = Field(primary_key=True)
    source: str
    miss_kind: str | None = None
    miss_message: str | None = None
    past_question: str | None = None
    since: datetime
    run_id: int = Field(foreign_key="runs.id")


class WorkItemRow(Table, table=True):
    """The mirror of a work item. `absence`: 'gone' (deleted), 'hidden' (can't be told), NULL (there).

    All changes that its tracker logged in [`past_since`, `past_until`] are among the transitions; NULL: never asked.
    """

    __tablename__ = "work_items"
    __table_args__ = (
        Index("ix_work_items_source_parent", "source", "parent"),
        # As small on PostgreSQL, by its revision: to say so here would load that dialect wherever tables are known.
        Index("ix_work_items_absent", "source", sqlite_where=ABSENT),
        finite("points"),
    )

    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    key: str
    title: str
    url: str
    kind: str
    state: str
    resolution: str | None = None
    parent: str | None = None
    points: float | None = Field(default=None, sa_type=Finite)
    created: datetime | None = None
    done_at: datetime | None = None
    updated: datetime | None = None
    due: date | None = None
    labels: str = "[]"
    absence: str | None = None
    absent_since: datetime | None = None
    past_since: datetime | None = None
    past_until: datetime | None = None
    run_id: int = Field(foreign_key="runs.id")


class TransitionRow(Table, table=True):
    """One change of a work item's state, resolution, points, parent or container; append-only.

    `logged`: from the tracker's own change log; else it was seen from one run to the next, and `at` may be a guess.
    """

    __tablename__ = "transitions"
    __table_args__ = (Index("ix_transitions_source_item", "source", "item"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    item: str
    field: str
    before: str | None = None
    after: str | None = None
    at: datetime
    recorded_at: datetime
    logged: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    run_id: int = Field(foreign_key="runs.id")


class ContainerRow(Table, table=True):
    """The mirror of an epic, milestone or query. The past of its items was asked from `past_since` on (NULL: never)."""

    __tablename__ = "containers"

    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    key: str
    title: str
    url: str
    kind: str
    state: str
    resolution: str | None = None
    due: date | None = None
    done_at: datetime | None = None
    past_since: datetime | None = None
    run_id: int = Field(foreign_key="runs.id")


class DueDateRow(Table, table=True):
    """The due day that an item or container was seen to have from `seen_at` on; append-only. NULL: none any more."""

    __tablename__ = "due_dates"
    __table_args__ = (Index("ix_due_dates_source_thing", "source", "thing"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    thing: str
    due: date | None = None
    seen_at: datetime
    run_id: int = Field(foreign_key="runs.id")


class MembershipRow(Table, table=True):
    """An item in a container from `since` until `until` (NULL: still there), as recorded.

    It was there in [`valid_since`, `valid_until`); a NULL beside a recorded time means that time.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        Index("ix_memberships_source_container", "source", "container"),
        Index("ix_memberships_source_item", "source", "item"),
    )

    id: int | None = Field(default=None, primary_key=True)
    source: str
    container: str
    item: str
    since: datetime
    until: datetime | None = None
    valid_since: datetime | None = None
    valid_until: datetime | None = None
    run_id: int = Field(foreign_key="runs.id")


class ScopeRow(Table, table=True):
    """A scope of an initiative: its containers (JSON list of ids) and why it could not be read, if so.

    `question`: the hash of what was asked when it was last answered; NULL: from before that was kept.
    """

    __tablename__ = "scopes"

    ref: str = Field(primary_key=True)
    source: str
    containers: str = "[]"
    resolved: bool = False
    miss_kind: str | None = None
    miss_message: str | None = None
    since: datetime
    run_id: int = Field(foreign_key="runs.id")
    question: str | None = None


class BaselineRow(Table, table=True):
    """A baseline captured for a key result; append-only, and the newest version counts.

    `question` is what was asked, `start` the key result's start, `time` the instant of the value.
    """

    __tablename__ = "baselines"
    __table_args__ = (UniqueConstraint("key_result", "subject", "version"), finite("value"))

    id: int | None = Field(default=None, primary_key=True)
    key_result: str
    subject: str
    version: int
    value: float = Field(sa_type=Finite)
    how: str
    time: datetime
    readings: int
    evidence: str
    question: str
    start: datetime
    at: datetime
    author: str
    reason: str = ""
    run_id: int = Field(foreign_key="runs.id")


class OverrideRow(Table, table=True):
    """A status that a person says a key result has; append-only. `status` NULL: what is computed counts again."""

    __tablename__ = "overrides"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    key_result: str = Field(index=True)
    author: str
    status: str | None = None
    reason: str = ""
    expires: datetime | None = None


class CheckInRow(Table, table=True):
    """What a person said about a key result; append-only. `confidence` goes from 0 to 10."""

    __tablename__ = "check_ins"
    __table_args__ = (finite("value"), finite("confidence"))

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    key_result: str = Field(index=True)
    metric: str | None = None
    author: str
    value: float | None = Field(default=None, sa_type=Finite)
    confidence: float | None = Field(default=None, sa_type=Finite)
    note: str = ""
    blockers: str = ""
    done: bool | None = None
    expires: datetime | None = None
