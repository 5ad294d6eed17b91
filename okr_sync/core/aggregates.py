"""What is made of a metric's readings in a window: median, sum, rate and the like, the same for every source."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

from okr_sync.core.kinds import Aggregate, Bucket, Take
from okr_sync.core.model import MetricType
from okr_sync.core.numbers import percentile, show, show_span

__all__ = ["OF_ANOTHER_RANGE", "Aggregated", "Frame", "Sample", "aggregate", "increase"]

Sample: TypeAlias = tuple[datetime, float]
"""When a value was true, and the value."""

OF_ANOTHER_RANGE: frozenset[Take] = frozenset({"sum", "count", "distinct", "difference", "rate"})
"""What may leave the range of the readings that it is made of."""

DAY = timedelta(days=1)
_COUNTING = frozenset({"count", "distinct"})
_MOVING = frozenset({"difference", "rate"})
_OF_VALUES: Mapping[Take, Callable[[Sequence[float]], float]] = {
    "last": lambda values: values[-1],
    "first": lambda values: values[0],
    "sum": math.fsum,
    "mean": lambda values: min(max(values), max(min(values), math.fsum(values) / len(values))),
    "min": min,
    "max": max,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Where windows lie: up to `until` (inclusive), those of a whole cycle from `since` (None: from ever).

    Days, weeks and months are those of `timezone`. `holds`: a value stands until the next one, so that the last one
    before a window counts in it. `type` is what kind of values these are.
    """

    until: datetime
    since: datetime | None = None
    timezone: str = "UTC"
    holds: bool = False
    type: MetricType = "level"


@dataclass(frozen=True, slots=True)
class Aggregated:
    """A value as of `time`; `newest` is the place of the newest sample up to then.

    `basis` says of what: "median of 12 readings, 2026-10-01…2026-10-28".
    """

    time: datetime
    value: float
    newest: int
    basis: str


@dataclass(frozen=True, slots=True)
class _Window:
    """The samples [low, high) between two instants; `time` is when its value is told."""

    begin: datetime | None
    end: datetime
    low: int
    high: int
    time: datetime


def aggregate(wanted: Aggregate, samples: Sequence[Sample], frame: Frame) -> tuple[Aggregated, ...] | str:
    """Return the values over time, oldest first, the last one as of `frame.until`; or why there is none.

    `samples` (at least one, none after `until`) are oldest first. Windows: (t − over, t] or [since, t] at the time t
    of each sample and at `until`; with `by` each whole bucket. Nothing is made of an empty window, but a count of 0;
    a bucket without a value is passed over. last, first, min, max: of the values by time or size. percentile: linear
    between the two nearest; median: p = 50. distinct: how many different values. difference: the last value less the
    one in force when the window begins, else less the first; of a counter the sum of its increases. rate: that for each
    `per` between these two; of a flow its sum for each `per` of the window.
    """
    times = [time for time, _ in samples]
    made = [(window, _value(wanted, samples, window, frame)) for window in _windows(wanted, times, frame)]
    last = made[-1][1] if made else _why_empty(wanted)
    if isinstance(last, str) and wanted.by is None:
        return last
    found = (
        Aggregated(window.time, value, window.high - 1, _basis(wanted, samples, window, frame.timezone))
        for window, value in made
        if not isinstance(value, str)
    )
    return tuple(found) or str(last)


def increase(earlier: float, later: float) -> float:
    """Return what a counter added between two of its values; a drop is a reset: what it shows then was added since."""
    return later if later < earlier else later - earlier


def _windows(wanted: Aggregate, times: Sequence[datetime], frame: Frame) -> Iterator[_Window]:
    if wanted.by is not None:
        yield from _buckets(wanted.by, times, frame)
        return
    for told, end in [*((each, each) for each in times[:-1]), (times[-1], frame.until)]:
        begin = frame.since if wanted.over is None else end - wanted.over
        cut = bisect_left if wanted.over is None else bisect_right
        low = 0 if begin is None else cut(times, begin)
        yield _Window(begin, end, low, max(low, bisect_right(times, end)), told)


def _buckets(by: Bucket, times: Sequence[datetime], frame: Frame) -> Iterator[_Window]:
    zone = ZoneInfo(frame.timezone)
    first = times[0].astimezone(zone).date()
    begin = (
        first - timedelta(days=first.weekday()) if by == "week" else first.replace(day=1) if by == "month" else first
    )
    while (end := _midnight(after := _next(begin, by), zone)) <= frame.until:
        low, high = bisect_left(times, _midnight(begin, zone)), bisect_left(times, end)
        yield _Window(_midnight(begin, zone), end, low, high, end)
        begin = after


def _next(begin: date, by: Bucket) -> date:
    if by == "month":
        return (begin.replace(day=1) + 31 * DAY).replace(day=1)
    return begin + (7 * DAY if by == "week" else DAY)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _value(wanted: Aggregate, samples: Sequence[Sample], window: _Window, frame: Frame) -> float | str:
    try:
        value = (
            _moved(wanted, samples, window, frame) if wanted.take in _MOVING else _made(wanted, samples, window, frame)
        )
    except OverflowError:
        value = math.inf
    if isinstance(value, float) and not math.isfinite(value):
        return "the readings are too large to compute with"
    return value


def _made(wanted: Aggregate, samples: Sequence[Sample], window: _Window, frame: Frame) -> float | str:
    """Return what is made of the values themselves."""
    counted = wanted.take in {"sum", "count"}
    inside = samples[window.low : window.high] if counted else _held(samples, window, frame)
    values = [value for _, value in inside]
    if wanted.take in _COUNTING:
        return float(len(values) if wanted.take == "count" else len(set(values)))
    if not values:
        return _why_empty(wanted)
    if wanted.take in _OF_VALUES:
        return _OF_VALUES[wanted.take](values)
    return percentile(sorted(values), 0.5 if wanted.take == "median" else wanted.p / 100)


def _moved(wanted: Aggregate, samples: Sequence[Sample], window: _Window, frame: Frame) -> float | str:
    """Return how far the values went, or how fast."""
    path = _path(samples, window, frame)
    if not path:
        return _why_empty(wanted)
    values = [value for _, value in path]
    if frame.type == "flow":
        moved, length = math.fsum(values), window.end - (window.begin or samples[0][0])
    elif len(path) < 2:
        return f"a {wanted.take} needs two readings, there is one"
    else:
        counter = frame.type == "counter"
        moved = math.fsum(increase(*pair) for pair in pairwise(values)) if counter else values[-1] - values[0]
        length = path[-1][0] - path[0][0]
    if wanted.take == "difference":
        return moved
    return moved / (length / wanted.per) if length else "a rate needs readings at two times"


def _held(samples: Sequence[Sample], window: _Window, frame: Frame) -> list[Sample]:
    """Return the samples of the window, where values hold with the one in force when it begins."""
    inside = list(samples[window.low : window.high])
    if frame.holds and window.low > 0 and window.begin is not None:
        inside.insert(0, (window.begin, samples[window.low - 1][1]))
    return inside


def _path(samples: Sequence[Sample], window: _Window, frame: Frame) -> list[Sample]:
    """Return between which values the metric went: from that in force when the window begins; amounts as they are."""
    inside = list(samples[window.low : window.high])
    if frame.type == "flow":
        return inside
    if frame.holds:
        held = _held(samples, window, frame)
        return [*held, (window.end, held[-1][1])] if held else []
    return [*samples[max(0, window.low - 1) : window.low], *inside] if inside else []


def _why_empty(wanted: Aggregate) -> str:
    if wanted.by is not None:
        return f"no {wanted.by} with a reading has ended yet"
    return "no reading since the start" if wanted.over is None else f"no reading in the last {show_span(wanted.over)}"


def _basis(wanted: Aggregate, samples: Sequence[Sample], window: _Window, timezone: str) -> str:
    zone = ZoneInfo(timezone)
    inside = samples[window.low : window.high]
    first = inside[0][0] if inside else window.begin or window.end
    last = inside[-1][0] if inside else window.end
    what = f"percentile {show(wanted.p)}" if wanted.take == "percentile" else wanted.take
    said = "1 reading" if len(inside) == 1 else f"{len(inside)} readings"
    return f"{what} of {said}, {first.astimezone(zone):%F}…{last.astimezone(zone):%F}"
