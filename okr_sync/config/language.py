"""The words of the two kinds of config files: okr-sync.yaml and the files with objectives."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from okr_sync.config.aggregating import AggregateEntry
from okr_sync.config.alerting import AlertsEntry
from okr_sync.config.amounts import Count, Day, Duration, Flag, Guard, Id, Ids, Number, Switch, Text, Texts
from okr_sync.config.entry import Entry, Named, Parts
from okr_sync.config.housekeeping import HousekeepingEntry
from okr_sync.config.measures import AnyMeasure
from okr_sync.config.pacing import StatusEntry
from okr_sync.config.store_address import StoreEntry
from okr_sync.connector import Secret
from okr_sync.core.aggregates import OF_ANOTHER_RANGE
from okr_sync.core.model import (
    GUARD,
    ContainerMode,
    CountedUnit,
    IncludedItems,
    Level,
    MetricType,
    MissingPoints,
    RollUpMethod,
    WeightBy,
)

__all__ = [
    "CycleEntry",
    "InitiativeEntry",
    "KeyResultEntry",
    "MainFile",
    "MetricEntry",
    "ObjectiveEntry",
    "OkrsFile",
    "PersonEntry",
    "ScopeEntry",
    "SourceEntry",
    "TeamEntry",
]


DEFAULT_OKRS = "okrs/**/*.yaml"


class SourceEntry(Entry):
    """A source: what every kind has; the rest are the kind's own settings."""

    open: ClassVar[bool] = True
    kind: Id
    fresh_for: Duration | None = Field(None, description="default: 2 × schedule interval + deadline")
    concurrency: Annotated[Count, Field(description="requests at the same time")] = 4
    deadline: Duration | None = Field(None, description="of one run; default: 10 min")
    budget: Count | None = Field(None, description="requests in one run at most; default: any number")
    backfill: Annotated[Switch, Field(description="whether the days before the first sync are computed")] = True
    schedule: Text | None = Field(None, description="its own, like that of the file; default: that one")


class CycleEntry(Entry):
    """A cycle, both days inclusive."""

    start: Day
    end: Day
    grace: Duration | None = Field(None, description="how long late data counts after the end")


class TeamEntry(Entry):
    """A team."""

    title: Text | None = Field(None, description="default: its id")
    level: Level | None = Field(None, description="of its objectives, unless they say another")


class PersonEntry(Entry):
    """A person who can own things."""

    name: Text


class MetricEntry(Entry):
    """A metric: what every one has; the rest is the question to its source."""

    open: ClassVar[bool] = True
    source: Id
    title: Text | None = Field(None, description="default: its id")
    unit: Annotated[str, Field(description="% makes percentages readable: 75 %")] = ""
    type: MetricType = "level"
    minimum: Number | None = None
    maximum: Number | None = None
    max_age: Duration | None = Field(None, description="a reading older than this is stale")
    guard: Guard = GUARD
    personal: Flag = Field(default=False, description="about people: withheld below privacy_k of them")
    population: Id | None = Field(None, description="the metric that counts the people whom it is about")
    privacy_k: Count | None = Field(None, description="fewer people than this are not shown")
    readings: AggregateEntry | None = Field(None, description="what is made of many readings; default: the last one")

    def as_measured(self) -> MetricEntry:
        """Return the metric as measures see it: with `readings` a level, bounded only where its bounds still bind."""
        if self.readings is None:
            return self
        bounds = {"minimum": None, "maximum": None} if self.readings.take in OF_ANOTHER_RANGE else {}
        return self.model_copy(update={"type": "level", **bounds})


class ScopeEntry(Entry):
    """One mapped place of work: its source; the rest is the question to it."""

    open: ClassVar[bool] = True
    source: Id


class InitiativeEntry(Entry):
    """Work beneath key results."""

    id: Id
    title: Text
    owner: Id | None = None
    key_results: Ids = Field(default_factory=list)
    weight_by: WeightBy = "count"
    missing_points: MissingPoints = "median"
    unit: CountedUnit = "issue"
    include: IncludedItems = "issues"
    containers: ContainerMode = "pooled"
    dropped: list[Text] | None = Field(None, description="resolutions that take an item out; replaces the default")
    due: Day | None = None
    guard: Guard = GUARD
    delivery: Parts[ScopeEntry] | None = None


class KeyResultEntry(Entry):
    """A measurable outcome."""

    id: Id
    title: Text
    owner: Id | None = None
    weight: Number = 1.0
    start: Day | None = None
    due: Day | None = None
    status: StatusEntry | None = None
    measure: AnyMeasure


class ObjectiveEntry(Entry):
    """An objective."""

    id: Id
    title: Text
    owner: Id | None = None
    level: Level | None = None
    contributes_to: Id | None = None
    supports: Ids = Field(default_factory=list)
    weight: Number = 1.0
    roll_up: RollUpMethod = "both"
    status: StatusEntry | None = None
    key_results: Parts[KeyResultEntry] = Field(default_factory=list)
    initiatives: Parts[InitiativeEntry] = Field(default_factory=list)


class MainFile(StoreEntry):
    """okr-sync.yaml."""

    timezone: Text = "UTC"
    schedule: Text | None = Field(None, description='"every 15 min" or "cron 0 6 * * mon-fri"')
    okrs: Texts = Field(default_factory=lambda: [DEFAULT_OKRS], description="patterns from this folder")
    status: StatusEntry | None = Field(None, description="of all that do not say another")
    privacy_k: Count = Field(5, description="of personal metrics that do not say another")
    ping: Secret | None = Field(None, description="by ${NAME}: where each run says that it starts and how it ends")
    alerts: AlertsEntry | None = Field(None, description="who is told when something is wrong")
    housekeeping: HousekeepingEntry | None = Field(None, description="what a worker does for the store once a day")
    sources: Named[SourceEntry] = Field(default_factory=dict)
    cycles: Named[CycleEntry] = Field(default_factory=dict)
    teams: Named[TeamEntry] = Field(default_factory=dict)
    people: Named[PersonEntry] = Field(default_factory=dict)
    metrics: Named[MetricEntry] = Field(default_factory=dict)


class OkrsFile(Entry):
    """A file with the objectives of one team and cycle."""

    cycle: Id | None = None
    team: Id | None = None
    level: Level | None = None
    status: StatusEntry | None = None
    objectives: Parts[ObjectiveEntry] = Field(default_factory=list)
    initiatives: Parts[InitiativeEntry] = Field(default_factory=list)
    metrics: Named[MetricEntry] = Field(default_factory=dict)
