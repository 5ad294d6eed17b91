"""Expected progress over time: evenly, on workdays only, in phases, or not at all."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from okr_sync.core.model import Curve

__all__ = ["curve_line", "expected_share"]

DAY = timedelta(days=1)
BEND = 0.1  # of progress in the whole time: what turns less is straight
SATURDAY = 5  # date.weekday(): Monday is 0


def expected_share(curve: Curve, start: datetime, due: datetime, now: datetime) -> float | None:
    """Return the progress expected by `now` within [0, 1]; None for a curve of kind `none`; it never falls with time.

    linear: the elapsed share of [start, due). workdays: the share of its days from Monday to Friday that have elapsed,
    evenly within a day; linear where there is none. phased: linear between the points (days since the start, share),
    from (0, 0) if the first point is later; the last share holds from its day on. Days are local ones.
    """
    if curve.kind == "none":
        return None
    if now >= due:
        return 1.0
    if now <= start:
        return 0.0
    if curve.kind == "phased":
        return _between(((0.0, 0.0), *curve.points), _elapsed_days(curve, start, now))
    if curve.kind == "workdays" and curve.first is not None:
        whole = _workdays(curve.first, _elapsed_days(curve, start, due))
        passed = _workdays(curve.first, _elapsed_days(curve, start, now))
        return min(1.0, passed / whole) if whole else (now - start) / (due - start)
    return (now - start) / (due - start)


@functools.lru_cache(maxsize=256)  # most key results share their curve and days
def curve_line(curve: Curve, start: datetime, due: datetime) -> tuple[tuple[float, float], ...]:
    """Return the curve's corners as (share of the time, progress expected by then); empty for a curve of kind `none`.

    Straight in between, to within what a day of 23 or 25 hours bends.
    """
    shares = [expected_share(curve, start, due, start + each * DAY) for each in range(math.ceil((due - start) / DAY))]
    spots = [(each * DAY / (due - start), share) for each, share in enumerate(shares) if share is not None]
    ended = [*spots, (1.0, 1.0)] if spots else []
    inner = zip(ended, ended[1:], ended[2:], strict=False)
    corners = [here for before, here, after in inner if abs(_slope(before, here) - _slope(here, after)) > BEND]
    return (*ended[:1], *corners, *ended[-1:]) if len(ended) > 1 else ()


def _slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])


def _elapsed_days(curve: Curve, start: datetime, now: datetime) -> float:
    """Return how many local days have passed since the start; inside a day of 23 or 25 hours evenly."""
    if curve.first is None:
        return (now - start) / DAY
    zone = ZoneInfo(curve.zone)
    today = now.astimezone(zone).date()
    begin, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (today, today + DAY))
    return (today - curve.first).days + (now - begin) / (end - begin)


def _between(points: Sequence[tuple[float, float]], day: float) -> float:
    share = 0.0
    for (since, low), (until, high) in pairwise(points):
        if since <= day < until:
            return low + (high - low) * (day - since) / (until - since)
        share = high
    return share


def _workdays(first: date, days: float) -> float:
    """Return how many workdays the first `days` days hold from `first` on; the last one counts in part."""
    weeks, rest = divmod(days, 7.0)
    whole = math.floor(rest)
    counted = sum(_is_workday(first, each) for each in range(whole))
    return 5.0 * weeks + counted + (rest - whole if _is_workday(first, whole) else 0.0)


def _is_workday(first: date, days: int) -> bool:
    return (first.weekday() + days) % 7 < SATURDAY
