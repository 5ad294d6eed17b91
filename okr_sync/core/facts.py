"""What sources bring: readings of metrics, work items and their containers, and how each source fares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from okr_sync.core.breaker import Breaker
from okr_sync.core.remembering import NOTHING_RECALLED, Recalled

ItemKind: TypeAlias = Literal["issue", "subtask", "pull_request", "container"]
ItemState: TypeAlias = Literal["open", "in_progress", "done"]
ContainerKind: TypeAlias = Literal["epic", "milestone", "query"]
SaidStatus: TypeAlias = Literal["on_track", "at_risk", "off_track"]
TransitionField: TypeAlias = Literal["state", "resolution", "points", "parent", "container"]
Window: TypeAlias = tuple[datetime, datetime]
"""(start, end): aware instants, both inclusive."""
Verdict: TypeAlias = Literal["suspect", "confirmed", "cleared", "accepted"]
CapturedHow: TypeAlias = Literal["last", "mean", "first"]
MissKind: TypeAlias = Literal["not_found", "no_data", "invalid", "denied", "gone", "unreachable", "suspect"]
"""`suspect` is the engine's own: the source gave an answer, and it is not believed yet."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A finite value of a metric.

    `time` is the instant at which the value was true, aware; None: true when it was asked. `evidence` says where
    it stands ("survey.csv, line 12"). Values typed by people carry `author` and may expire at `expires`.
    """

    value: float
    time: datetime | None = None
    evidence: str = ""
    author: str | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """Why there is no answer, and what to do about it. Never a number."""

    why: MissKind
    message: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The source says that nothing is new since the last answer."""


Outcome: TypeAlias = tuple[Reading, ...] | Unchanged | Miss
"""Readings oldest first (at least one), or nothing new, or why not."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An issue, sub-task or pull request as the tracker has it.

    `id` is stable inside the source (Jira's numeric id, GitHub's node id); `key` is what people say. `resolution`
    is the tracker's word for how it ended; `parent` the id of the item above, when known. `points` is None when
    missing: 0 is not missing.
    """

    id: str
    key: str
    title: str
    url: str
    kind: ItemKind
    state: ItemState
    resolution: str | None = None
    parent: str | None = None
    points: float | None = None
    created: datetime | None = None
    done_at: datetime | None = None
    updated: datetime | None = None
    due: date | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """An epic, a milestone or a query: what holds items and never counts itself (unless childless)."""

    id: str
    key: str
    title: str
    url: str
    kind: ContainerKind
    state: ItemState
    resolution: str | None = None
    due: date | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueSeen:
    """The due day that a work item or container was seen to have from the instant `at` on; None: none any more."""

    due: date | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a work item at the instant `at`, from the tracker's own change log.

    `before` and `after` are texts as the item's field has them then (an `ItemState`, a resolution, a parent's id,
    points as a number); for `container` the id of the epic or milestone that holds the item. None: nothing.
    """

    item: str
    field: TransitionField
    before: str | None
    after: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Members:
    """Which items a container holds. `whole`: these are all of them, any other has left; else: these at least."""

    container: str
    items: frozenset[str]
    whole: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What an answer amounts to: its newest value or sum (None: it is empty), in how many rows."""

    value: float | None
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A step in the life of an answer that is not believed at sight, of a `subject` (metric id or scope ref).

    `suspect`: it was seen first at `at`. `confirmed`: it was seen again and is applied. `cleared`: the source came back
    to what was known. `accepted`: a person says that it is true. `sight` says what a metric's answer amounts to;
    `missing` which items and containers a scope's answer lacks, without their saying so themselves.
    """

    subject: str
    verdict: Verdict
    reason: str
    at: datetime
    question: str = ""
    sight: Sight = Sight(None, 0)
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collected:
    """All that one source brought in one run; what `store` saves in one transaction, together with the cursor.

    `outcome` failed: only `error`, `fix` and the cost count, no fact changes. `hidden` items can't be told from
    lost permission: their containers keep them, and the scopes that hold them miss. `gone` items are deleted.
    """

    source: str
    at: datetime
    outcome: Literal["ok", "partial", "failed"]
    error: str | None = None
    fix: str | None = None
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    received: int | None = None
    """Bytes of answers, as they came; None where nobody counted them, and so are the next two."""
    not_modified: int | None = None
    """Answers that said that nothing is new (304)."""
    points: int | None = None
    """Points of the source's rate limit that it says were spent."""
    begun: datetime | None = None
    """When the interrupted pull began that went on here: nothing it brought is known to be younger; None: none did."""
    kept: int | None = None
    """Answers that an interrupted pull left and that were not asked for again; None: no such pull went on."""
    breaker: Breaker | None = None
    """The source's trouble from now on; None: it has none."""
    cursor: str | None = None
    answers: Mapping[str, Outcome] = field(default_factory=dict)
    """Metric id → outcome."""
    items: Collection[WorkItem] = ()
    """Maybe far more than fit into memory: read one after the other, as often as it takes."""
    containers: tuple[Container, ...] = ()
    members: Iterable[Members] = ()
    """One a container, read like `items`."""
    left: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Container id → items that have left it, of containers whose members are not told whole."""
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Scope ref → ids of its containers."""
    misses: Mapping[str, Miss] = field(default_factory=dict)
    """Scope ref → why it could not be read."""
    gone: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    past: Mapping[str, str] = field(default_factory=dict)
    """Metric id → hash of its question, of those whose whole past was asked for."""
    windows: Mapping[Window, Mapping[str, Outcome]] = field(default_factory=dict)
    """Time before a start → metric id → what was true in it: only baselines are captured from these."""
    questions: Mapping[str, str] = field(default_factory=dict)
    """Metric id or scope ref → hash of what was asked, set by the engine."""
    suspicions: tuple[Suspicion, ...] = ()
    """What was found about answers that are not believed at sight."""
    recalled: Recalled = NOTHING_RECALLED
    """What became of the remembered answers, set by the engine."""


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """One scope of an initiative as mirrored: its containers, the items of each, and why it could not be read.

    `miss` set together with containers means: these are the last good facts and the newest question failed.
    """

    ref: str
    source: str
    containers: tuple[Container, ...] = ()
    items: Mapping[str, tuple[WorkItem, ...]] = field(default_factory=dict)
    """Container id → its items."""
    miss: Miss | None = None
    resolved: bool = False
    """True when the source has answered this scope at least once, as it is asked now."""
    asked_anew: bool = False
    """True when it was answered, but is asked something else now."""
    dues: Mapping[str, tuple[DueSeen, ...]] = field(default_factory=dict)
    """Item or container id → the due days that it was seen to have, oldest first; those that never had one lack."""


@dataclass(frozen=True, slots=True)
class Alike:
    """How many items of a scope are of one kind and state and ended in one way.

    `began` is when the first of them was created. `finished` are the instants at which they were done: the first of
    all, and those that a pace is made of.
    """

    kind: ItemKind
    state: ItemState
    resolution: str | None
    number: int
    began: datetime | None = None
    finished: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """The items of one scope as numbers, where numbers say as much as the items do.

    That is so of a scope that was answered as it is asked now, of which all can be read, none of its items is held by
    any other container of the source, none of its containers by another scope, and none that is done holds nothing.
    """

    ref: str
    alike: tuple[Alike, ...] = ()
    miss: Miss | None = None


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """All readings of one metric, oldest first, each with a time, and the newest failure if the last ask failed."""

    readings: tuple[Reading, ...] = ()
    undated: bool = False
    """True when the newest reading carried no time of its own: it is as fresh as the source's last success."""
    miss: Miss | None = None
    breaks: tuple[datetime, ...] = ()
    """Times of the first reading after each change of what is asked, oldest first: before it is another series."""
    answered: bool = True
    """False when all readings answer what was asked earlier, and none what is asked now."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source fares: fresh while `now - last_success <= fresh_for` and `error` (of its last ask) is None."""

    name: str
    last_success: datetime | None
    fresh_for: timedelta
    error: str | None = None
    fix: str | None = None
    still_to_come: datetime | None = None
    """When it last answered by a clock that was ahead; there is no `last_success` then, since nobody knows its age."""


@dataclass(frozen=True, slots=True)
class Override:
    """A status that a person says a key result has, said at `at`; it counts until `expires` (exclusive)."""

    key_result: str
    status: SaidStatus
    author: str
    reason: str
    at: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline that was captured for a key result at the instant `at`; it stays as it is, whatever comes.

    `subject` is its metric, of a ratio "part/whole". `value` (of a ratio in %) is the last one by the `start`, the mean
    of the `readings` in a time before it, or the first one seen since; `time` is the instant of the newest of them, and
    `evidence` says where they stand. `question` tells what was asked, as text to be compared.
    """

    key_result: str
    subject: str
    value: float
    how: CapturedHow
    time: datetime
    readings: int
    evidence: str
    question: str
    start: datetime
    at: datetime

    def __str__(self) -> str:
        """Return what was captured, and how."""
        return f"{self.subject} {self.value:.15g} ({self.how})"


@dataclass(frozen=True, slots=True)
class History:
    """Everything the store knows that `evaluate` needs."""

    metrics: Mapping[str, MetricFacts] = field(default_factory=dict)
    """Metric id → facts."""
    scopes: Mapping[str, ScopeFacts] = field(default_factory=dict)
    """Scope ref → facts."""
    tallies: Mapping[str, Tally] = field(default_factory=dict, kw_only=True)
    """Scope ref → its facts as numbers, of those that have any; they say what `scopes` says, and are quicker read."""
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    """Source name → state."""
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """Key result id → the newest word on its status."""
    baselines: Mapping[tuple[str, str], Baseline] = field(default_factory=dict)
    """(key result id, subject) → the baseline captured for it."""
