"""What people define beyond single values: measures that count over time, hold, grade, or join other measures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from okr_sync.core.model import Measure

Period: TypeAlias = Literal["week", "month"]
RateMode: TypeAlias = Literal["capped_total", "total", "hit_rate", "average"]
Punctual: TypeAlias = Literal["containers", "items"]
Take: TypeAlias = Literal[
    "last", "first", "sum", "mean", "min", "max", "median", "percentile", "count", "distinct", "difference", "rate"
]
Bucket: TypeAlias = Literal["day", "week", "month"]
DatedRate: TypeAlias = tuple[date | None, float]
"""(first local day on which it holds, units of the target's currency for one of the metric's); None: from ever."""


LOOK_BACK = timedelta(days=90)
"""How far before a start a value may lie to be its baseline, unless something else is said."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A baseline that the source tells: the last value by the key result's start, or the mean of those before it.

    Only values of the time `over` before the start count, both ends inclusive. Without one it is the first value seen
    since the start.
    """

    how: Literal["last", "mean"] = "last"
    over: timedelta = LOOK_BACK


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One number from a metric's readings in a window: see `aggregates`.

    The window is the last `over`; or each local day, ISO week or month that has ended (`by`); without either the time
    since the key result's start. `p` in (0, 100) belongs to `percentile`, `per` to `rate`.
    """

    take: Take
    over: timedelta | None = None
    by: Bucket | None = None
    p: float = 50.0
    per: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted over time: exactly one of a metric (flow or counter) or an initiative (its finished items).

    `share` is the part of each amount that is attributed here; `rates` turn money into another currency, oldest first;
    none: the amounts count as they are.
    """

    metric: str | None = None
    initiative: str | None = None
    share: float = 1.0
    rates: tuple[DatedRate, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over the time since the start, from `baseline` to `target`, both in `unit`."""

    counted: tuple[Counted, ...]
    target: float
    baseline: float = 0.0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One metric as a share of another; `target` and `baseline` are shares (0.9 means 90 %)."""

    part: str
    whole: str
    target: float
    baseline: float | Capture = 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a period: `quota` (> 0) of whole periods; `skip` are local days on which none is due."""

    counted: Counted
    quota: float
    per: Period
    mode: RateMode = "capped_total"
    skip: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """Keep a metric between `low` and `high`, both inclusive; `tolerance` is the distance at which a miss scores 0."""

    metric: str
    low: float
    high: float
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """A level of achievement set by a person: the metric's value is 0 fail, 1 commit, 2 target or 3 stretch.

    The texts say what must be true for each level.
    """

    metric: str
    commit: str
    target: str
    stretch: str
    fail: str = "less than that"


@dataclass(frozen=True, slots=True)
class Samples:
    """Establish a baseline: `needed` valid readings of a metric since the start."""

    metric: str
    needed: int


@dataclass(frozen=True, slots=True)
class OnTime:
    """The share of what was due that was closed in time; `of` says whether milestones and epics or items count."""

    initiatives: tuple[str, ...]
    target: float
    of: Punctual = "containers"


@dataclass(frozen=True, slots=True)
class Part:
    """A measure inside another one, with its weight (≥ 0) and the name by which it is told."""

    title: str
    measure: Measure
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class All:
    """As far as the part that is least far; `require_all`: unknown when any part is."""

    parts: tuple[Part, ...]
    require_all: bool = False


@dataclass(frozen=True, slots=True)
class Weighted:
    """The weighted mean of the parts; `require_all`: unknown when any part is."""

    parts: tuple[Part, ...]
    require_all: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """0 until the first part is done, then as far as the least of the others; `require_all` as in `All`."""

    parts: tuple[Part, ...]
    require_all: bool = False


Composite: TypeAlias = All | Weighted | Gate
"""The measures that are made of others."""
