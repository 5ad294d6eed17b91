"""What people define: cycles, objectives, key results, metrics, initiatives; one `Book` holds them all.

Everything here is frozen and comes from config files. Facts that sources bring are in `facts`; what `evaluate`
concludes is in `snapshot`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias

from okr_sync.core.kinds import (
    Aggregate,
    All,
    Capture,
    Gate,
    OnTime,
    Range,
    Rate,
    Ratio,
    Samples,
    Total,
    Weighted,
    Zone,
)

Level: TypeAlias = Literal["organisation", "team", "individual"]
MetricType: TypeAlias = Literal["level", "flow", "counter"]
WeightBy: TypeAlias = Literal["count", "points"]
MissingPoints: TypeAlias = Literal["exclude", "one", "median", "fail"]
CountedUnit: TypeAlias = Literal["issue", "leaf"]
IncludedItems: TypeAlias = Literal["issues", "prs", "both"]
ContainerMode: TypeAlias = Literal["pooled", "mean"]
Preset: TypeAlias = Literal["pace", "viva", "upraise", "oboard", "gap", "score"]
RollUpMethod: TypeAlias = Literal["both", "key_results", "children", "min", "sum"]
CurveKind: TypeAlias = Literal["linear", "workdays", "phased", "none"]
Evaluate: TypeAlias = Literal["latest", "time_in_bounds", "worst", "total"]

LATER: dict[str, Any] = {"later": True}
"""Metadata of fields that came after the first version: at their default they change no definition's hash."""

GUARD = 0.5
"""The share of a fall from which it needs a second look, where nothing else is said."""

DROPPED_RESOLUTIONS = frozenset(
    {
        "abandoned",
        "cannot reproduce",
        "declined",
        "duplicate",
        "not_planned",
        "obsolete",
        "unmerged",
        "won't do",
        "won't fix",
    }
)
"""Resolutions that take an item out of numerator and denominator: casefolded names."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle [first, last], both local dates and inclusive.

    `start` and `end` are the same bounds as instants: local midnight of `first`, and of the day after `last`
    (exclusive). Late data counts for `grace` from `end` on (exclusive); None: until the cycle is closed.
    """

    id: str
    first: date
    last: date
    start: datetime
    end: datetime
    grace: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a source can read; declared once, used by any key result.

    `query` is the source's question as canonical JSON (no secrets); `minimum` and `maximum` bound valid values,
    inclusive; `max_age_days` makes a dated reading older than that stale. What is `personal` is shown only of at
    least `privacy_k` people, as the metric `population` counts them; see `privacy`. With `readings` the metric's values
    are what these make of its readings: `type` and bounds are those of a reading.
    """

    id: str
    title: str
    source: str
    query: str
    unit: str = ""
    type: MetricType = "level"
    minimum: float | None = None
    maximum: float | None = None
    max_age_days: float | None = None
    guard: float | None = field(default=GUARD, metadata=LATER)
    """A fall by more than this share, to 0 or to nothing needs a second look; None: none does."""
    personal: bool = field(default=False, metadata=LATER)
    population: str | None = field(default=None, metadata=LATER)
    privacy_k: int = field(default=5, metadata=LATER)
    readings: Aggregate | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class DeliveryScope:
    """One mapped place of work: `ref` is unique in the book, `query` is the source's scope as canonical JSON."""

    ref: str
    source: str
    query: str


@dataclass(frozen=True, slots=True)
class Initiative:
    """Work beneath key results, mapped to epics and milestones; see measures "Delivery"."""

    id: str
    title: str
    owner: str | None = None
    key_results: tuple[str, ...] = ()
    scopes: tuple[DeliveryScope, ...] = ()
    weight_by: WeightBy = "count"
    missing_points: MissingPoints = "median"
    unit: CountedUnit = "issue"
    include: IncludedItems = "issues"
    containers: ContainerMode = "pooled"
    dropped: frozenset[str] = DROPPED_RESOLUTIONS
    due: date | None = None
    guard: float | None = field(default=GUARD, metadata=LATER)
    """As a metric's: of the items that leave a container, or end, in one run; None: all answers are believed."""


@dataclass(frozen=True, slots=True)
class DoneSubject:
    """What `done` and `steps` look at: exactly one of an initiative (all its work done) or a metric (value ≥ 1)."""

    initiative: str | None = None
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """1 when done, else 0. `deadline` hard: done after the due date scores 0 and is late; soft: 1 and late."""

    subject: DoneSubject
    deadline: Literal["hard", "soft"] = "soft"


@dataclass(frozen=True, slots=True)
class Change:
    """From a baseline to a target: exactly one of `target`, `points`, `relative` (0.25 means +25 %) is given.

    `commit` lies between baseline and target, `stretch` beyond the target; both are told and change no number.
    """

    metric: str
    baseline: float | Capture
    target: float | None = None
    points: float | None = None
    relative: float | None = None
    relative_to_abs: bool = False
    commit: float | None = field(default=None, metadata=LATER)
    stretch: float | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Keep a metric at most or at least at a bound, inclusive unless `strict`.

    `total` holds the sum since the start against the bound, of a flow or counter.
    """

    metric: str
    bound: float
    side: Literal["at_most", "at_least"]
    strict: bool = False
    baseline: float | Capture | None = None
    tolerance: float | None = None
    evaluate: Evaluate = "latest"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of `Steps` with its weight (> 0)."""

    title: str
    subject: DoneSubject
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Steps:
    """Complete steps, or `need` of them; `partial` counts the share of items done inside an unfinished step."""

    steps: tuple[Step, ...]
    need: int | None = None
    partial: bool = False
    deadline: Literal["hard", "soft"] = "soft"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Finish initiatives: progress of their pooled work, each initiative weighing the same."""

    initiatives: tuple[str, ...]


Measure: TypeAlias = (
    Done
    | Change
    | Threshold
    | Steps
    | Delivery
    | Total
    | Ratio
    | Rate
    | Range
    | Zone
    | Samples
    | OnTime
    | All
    | Weighted
    | Gate
)


@dataclass(frozen=True, slots=True)
class Curve:
    """How progress is expected to grow; see `curves`.

    `points` of a phased one are (days since the start, share), days ascending, shares in [0, 1] and never falling.
    `first` is the local day of the start in the time zone `zone` (IANA name); without it days have 24 hours.
    """

    kind: CurveKind = "linear"
    points: tuple[tuple[float, float], ...] = ()
    first: date | None = None
    zone: str = field(default="UTC", metadata=LATER)


@dataclass(frozen=True, slots=True)
class KeyResult:
    """A measurable outcome inside an objective.

    `start` (inclusive) and `due` (exclusive instant: midnight after the last day) lie inside the cycle; weight 0
    is watched only; `definition` is a hash of everything that makes the number.
    """

    id: str
    title: str
    measure: Measure
    start: datetime
    due: datetime
    owner: str | None = None
    weight: float = 1.0
    definition: str = ""
    preset: Preset = "pace"
    curve: Curve = Curve()


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective: scored by its key results and by the objectives that contribute to it, each with its weight."""

    id: str
    title: str
    cycle: str
    level: Level = "team"
    team: str | None = None
    owner: str | None = None
    contributes_to: str | None = None
    supports: tuple[str, ...] = ()
    weight: float = 1.0
    key_results: tuple[KeyResult, ...] = ()
    preset: Preset = "pace"
    roll_up: RollUpMethod = "both"


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that people defined, cross-references resolved, ids unique, no cycles in `contributes_to`."""

    timezone: str
    cycles: tuple[Cycle, ...] = ()
    objectives: tuple[Objective, ...] = ()
    metrics: tuple[Metric, ...] = ()
    initiatives: tuple[Initiative, ...] = ()
    people: tuple[tuple[str, str], ...] = field(default=())
    """(id, name) of each person."""
    teams: tuple[tuple[str, str], ...] = field(default=())
    """(id, title) of each team."""

    def key_results(self) -> tuple[KeyResult, ...]:
        """Return all key results in the order of the files."""
        return tuple(kr for objective in self.objectives for kr in objective.key_results)
