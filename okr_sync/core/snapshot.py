"""What `evaluate` concludes: the state of every objective, key result and initiative at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias

from okr_sync.core.facts import Baseline
from okr_sync.core.model import CurveKind, Level, RollUpMethod

Status: TypeAlias = Literal[
    "met", "on_track", "at_risk", "off_track", "pending", "unknown", "suspect", "stale", "outdated", "missed", "closed"
]
InitiativeStatus: TypeAlias = Literal["done", "in_progress", "not_started", "empty", "unknown"]
Outlook: TypeAlias = Literal["in_time", "tight", "late", "open"]
"""Of 100 simulated futures: 85 end by the due date; 50 do; fewer do; there is no due date to hold them against."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a number rests on: a source and, for dated readings, the reading's own time.

    `time` None means: as fresh as the source's last success. `max_age_days` applies to `time`; `expires` ends the
    life of a value typed by a person.
    """

    source: str
    subject: str
    """Metric id or initiative id."""
    time: datetime | None = None
    max_age_days: float | None = None
    expires: datetime | None = None
    evidence: str = field(default="", compare=False)
    """Where the newest reading stands in its source ("survey.csv, line 12"); another place is no change."""
    basis: str = field(default="", compare=False)
    """What it was made of, where it is not the reading itself; a text that follows the clock: no change by itself."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a value stands at the due date if its last readings go on; all None, with the `reason`, when they can't.

    `slope` is the change of the value in a day (Theil-Sen); of a rate it is None, and `basis` says what goes on. `low`
    and `high`, and the progress that they give, bound what the middle 80 % of the slopes lead to. It rests on
    `readings` (of a rate: complete periods) over a span of `days`.
    """

    slope: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    progress: float | None = None
    progress_low: float | None = None
    progress_high: float | None = None
    readings: int = 0
    days: float = 0.0
    reason: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryForecast:
    """When the work that is left is done at the pace of the last weeks; dates are None, with the `reason`, if unknown.

    Half of the simulated futures are done by `likely` (p50), 85 of 100 by `latest` (p85). `finished` items in `weeks`
    of seven days are the pace, `remaining` items are left.
    """

    likely: date | None = None
    latest: date | None = None
    due: date | None = None
    outlook: Outlook = "open"
    remaining: int = 0
    finished: int = 0
    weeks: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overridden:
    """Who put which status over the `computed` one, with its `reason`, and until when (exclusive)."""

    status: Status
    author: str
    expires: datetime
    computed: Status
    reason: str = field(compare=False)
    """A sentence that follows the clock: another one is no change."""

    def __str__(self) -> str:
        """Return who said what."""
        return f"{self.status} by {self.author}"


@dataclass(frozen=True, slots=True)
class KeyResultState:
    """A judged key result.

    `progress` is raw (may be below 0 or above 1), `score` clamped to [0, 1]; both None when unknown. `reason` says
    why it is unknown, suspect, stale or outdated, else why it has its status. `formula` is the arithmetic with the
    numbers in it. `as_of` is the oldest instant among the inputs; None when nothing was ever read.
    """

    id: str
    objective: str
    title: str
    kind: str
    owner: str | None
    weight: float
    unit: str
    start: datetime
    due: datetime
    definition: str
    value: float | None = None
    baseline: float | None = None
    target: float | None = None
    progress: float | None = None
    score: float | None = None
    expected: float | None = None
    """Progress expected by now; None for kinds that are not paced."""
    status: Status = "unknown"
    reason: str = ""
    formula: str = ""
    inputs: tuple[Input, ...] = ()
    as_of: datetime | None = None
    stale: bool = False
    forecast: Forecast | None = None
    """None while there is no number, and outside [start, due)."""
    curve: CurveKind = "linear"
    """How it is expected to grow, where its kind is paced."""
    override: Overridden | None = None
    captured: tuple[Baseline, ...] = ()
    """The baselines that were captured for it, one a metric or ratio."""
    question: str = ""
    """Hash of what is asked for it; with another one its numbers are another series. Empty: not known."""
    expected_line: tuple[tuple[float, float], ...] = ()
    """Corners of a curve that isn't straight: (share of the time, progress expected by then)."""
    bounds: tuple[float, float] | None = None
    """Both ends of a range, inclusive."""
    withheld: bool = False
    """True when too few people are behind it, or behind a part of it: then its past is not shown either."""


@dataclass(frozen=True, slots=True)
class InitiativeState:
    """An initiative's work: item counts, weights, and what it is made of.

    `total` = done + in_progress + open; dropped is apart. All counts are None when the scope was never read.
    `shared` names items that other initiatives count too.
    """

    id: str
    title: str
    owner: str | None
    key_results: tuple[str, ...]
    done: int | None = None
    in_progress: int | None = None
    open: int | None = None
    dropped: int | None = None
    total: int | None = None
    weight_done: float | None = None
    weight_total: float | None = None
    progress: float | None = None
    state: InitiativeStatus = "unknown"
    policy: str = ""
    """How items were weighed ("points, missing as median 5")."""
    reason: str = ""
    inputs: tuple[Input, ...] = ()
    shared: tuple[str, ...] = ()
    as_of: datetime | None = None
    stale: bool = False
    suspect: bool = False
    """True while numbers of its sources are not believed, because they fell; it is stale, too."""
    forecast: DeliveryForecast | None = None
    """None when nothing is left, or nothing is known."""
    question: str = ""
    """Hash of its scopes and of how items are counted, as in `KeyResultState`."""


@dataclass(frozen=True, slots=True)
class ObjectiveState:
    """A rolled-up objective; `coverage` is the scored share of the weight in [0, 1]."""

    id: str
    title: str
    cycle: str
    level: Level
    team: str | None
    owner: str | None
    contributes_to: str | None
    key_results: tuple[str, ...]
    progress: float | None = None
    score: float | None = None
    status: Status = "unknown"
    coverage: float = 0.0
    reason: str = ""
    unscored: tuple[str, ...] = ()
    """Ids of key results without a score."""
    roll_up: RollUpMethod = "both"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All states at `at`, in the order of the book."""

    at: datetime
    objectives: tuple[ObjectiveState, ...] = ()
    key_results: tuple[KeyResultState, ...] = ()
    initiatives: tuple[InitiativeState, ...] = ()
