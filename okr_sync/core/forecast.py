"""Where a metric will stand at its due date, and when work will be finished, if the last weeks go on.

A metric goes on by its Theil-Sen slope, the median of the slopes between all pairs of readings, which a single outlier
can't bend. Work goes on at the pace of weeks drawn at random from the last ones (Monte Carlo); the draws are seeded by
the definition, so that equal facts give equal dates. A metric's forecast follows its readings alone; that of work
moves with the day, since a day without a finished item is news, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import TypeAlias

from okr_sync.core.aggregates import Sample
from okr_sync.core.capturing import settle
from okr_sync.core.courses import NO_COURSE, Course, Coursed, course_of
from okr_sync.core.definition import definition_hash
from okr_sync.core.delivery import Work
from okr_sync.core.judgement import Judgement
from okr_sync.core.kinds import Rate
from okr_sync.core.model import Initiative, KeyResult
from okr_sync.core.numbers import at_least, percentile, show
from okr_sync.core.observing import Evidence
from okr_sync.core.rating import foresee_rate
from okr_sync.core.simulating import HORIZON, simulate_weeks
from okr_sync.core.snapshot import DeliveryForecast, Forecast, Outlook

__all__ = ["PACE", "foresee_metric", "foresee_work", "pairwise_slopes", "percentile"]

Spot: TypeAlias = tuple[float, float]
"""(days, value)."""

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
WINDOW = 0.5  # share of the key result's own time that the last readings may span
FEWEST_READINGS = 4
EARLIEST = 0.2  # elapsed share before which the last reading is too early
OUTER = 0.1  # share of the slopes that the range leaves out at each end

MOST_WEEKS = 8  # of the past that are drawn from
PACE = (MOST_WEEKS + 1) * WEEK
"""How long before an instant items were finished that count in a forecast of work at it, at most."""
FEWEST_WEEKS = 2
FEWEST_FINISHED = 4  # items in these weeks


def foresee_metric(key_result: KeyResult, judgement: Judgement, evidence: Evidence, now: datetime) -> Forecast | None:
    """Return the forecast of a key result at its due date: v + slope · days left, v the last of its values.

    The values of the last half of its own time count, one for each 24 hours before the last; of a rate see
    `foresee_rate`. None before the start, from the due date on, and while the key result has no number itself; without
    numbers, but with the reason, for kinds that don't go on, below 4 values, and when the last one lies in the first
    20 % of the time.
    """
    if judgement.progress is None or not key_result.start <= now < key_result.due:
        return None
    measure = settle(key_result.measure, key_result.id, evidence.baselines)
    if isinstance(measure, Rate):
        return foresee_rate(measure, key_result, judgement, evidence, now)
    if not isinstance(measure, Coursed):
        return Forecast(reason=NO_COURSE[type(measure)])
    course = course_of(measure, key_result, judgement, evidence, now)
    return Forecast(reason=course) if isinstance(course, str) else _foresee_course(course, key_result)


def _foresee_course(course: Course, key_result: KeyResult) -> Forecast | None:
    whole, last = key_result.due - key_result.start, course.samples[-1][0]
    spots = _spots(course.samples, whole * WINDOW)
    n, days = len(spots), spots[-1][0] - spots[0][0]
    if n < FEWEST_READINGS:
        said = "1 reading" if n == 1 else f"{n} readings"
        reason = f"{said} in the last {show(round(whole * WINDOW / DAY, 1))} days; {FEWEST_READINGS} make a forecast"
        return Forecast(readings=n, days=days, reason=reason)
    if not at_least((last - key_result.start) / whole, EARLIEST):
        reason = f"the last reading lies in the first {EARLIEST:.0%} of the time: too early for a forecast"
        return Forecast(readings=n, days=days, reason=reason)
    return _project(spots, (key_result.due - last) / DAY, course)


def foresee_work(initiative: Initiative, work: Work, now: datetime, due: date | None = None) -> DeliveryForecast | None:
    """Return when the initiative's open items are done, held against its own due date or else `due`.

    The pace are whole weeks of seven days up to the last midnight (UTC), at most 8, not before the first item was
    created. None when the work is done, empty or unknown; without dates, but with the reason, below 2 such weeks,
    below 4 items finished in them, and beyond five years.
    """
    state = work.state
    remaining = (state.open or 0) + (state.in_progress or 0)
    if not remaining:
        return None
    until = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    pace = _pace(work, until)
    held = initiative.due or due
    known = DeliveryForecast(due=held, remaining=remaining, finished=sum(pace), weeks=len(pace))
    reason = _why_no_pace(pace)
    if reason:
        return replace(known, reason=reason)
    seed = int(definition_hash(initiative.id, initiative.scopes), 16)
    weeks = simulate_weeks(remaining, pace, seed)
    if weeks is None:
        return replace(known, reason=f"{remaining} items are left: at this pace more than {HORIZON // 52} years")
    likely, latest = ((until + each * WEEK).date() for each in weeks)
    return replace(known, likely=likely, latest=latest, outlook=_outlook(likely, latest, held))


def pairwise_slopes(spots: Sequence[Spot]) -> list[float]:
    """Return the slopes between all pairs of spots at different times, ascending; their median is Theil-Sen's."""
    slopes: list[float] = []
    for place, (s, u) in enumerate(spots, start=1):
        slopes += [(v - u) / (t - s) for t, v in spots[place:] if t != s]
    return sorted(slopes)


def _spots(samples: Sequence[Sample], window: timedelta) -> list[Spot]:
    """Return the last value of each 24 hours back from the newest, as days before it (0 or less) and values."""
    last = samples[-1][0]
    newest: dict[int, Spot] = {}
    for time, value in samples:
        if last - time <= window:
            newest[(last - time) // DAY] = ((time - last) / DAY, value)
    return list(newest.values())


def _project(spots: Sequence[Spot], left: float, course: Course) -> Forecast | None:
    slopes = pairwise_slopes(spots)
    slope, value = median(slopes), spots[-1][1]
    ends = [min(course.high, max(course.low, value + each * left)) for each in _around(slopes, slope)]
    if not all(map(math.isfinite, (*slopes, *ends))):
        return None
    shares = [course.share(end) for end in ends]
    if not all(map(math.isfinite, shares)):
        return None
    return Forecast(
        slope=slope,
        value=ends[1],
        low=ends[0],
        high=ends[2],
        progress=shares[1],
        progress_low=min(shares),
        progress_high=max(shares),
        readings=len(spots),
        days=spots[-1][0] - spots[0][0],
    )


def _around(slopes: Sequence[float], slope: float) -> tuple[float, float, float]:
    return percentile(slopes, OUTER), slope, percentile(slopes, 1 - OUTER)


def _pace(work: Work, until: datetime) -> tuple[int, ...]:
    """Return how many items were finished in each whole week up to `until`, the newest week first."""
    begun = [at for at in (work.began, *work.finished[:1]) if at is not None]
    weeks = min(MOST_WEEKS, (until - min(begun)) // WEEK) if begun else 0
    ages = [(until - at) // WEEK for at in work.finished if at < until]
    return tuple(ages.count(week) for week in range(weeks))


def _why_no_pace(pace: Sequence[int]) -> str:
    if len(pace) < FEWEST_WEEKS:
        return f"the work is younger than {FEWEST_WEEKS} weeks: too early for a forecast"
    if sum(pace) < FEWEST_FINISHED:
        return f"{sum(pace)} items finished in the last {len(pace)} weeks; {FEWEST_FINISHED} make a forecast"
    return ""


def _outlook(likely: date, latest: date, due: date | None) -> Outlook:
    if due is None:
        return "open"
    if likely > due:
        return "late"
    return "in_time" if latest <= due else "tight"
