"""Slots: the instants in UTC at which a schedule is due, whatever summer time does to the clocks on the wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

from okr_sync.core.cron import Cron

__all__ = ["Interval", "Schedule", "latest_slot", "longest_gap", "slots_after", "slots_until"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LOOKED_BACK = timedelta(
    days=2
)  # a wall time in a gap is due later, at most a day; no zone is further from UTC than one
REFERENCE = date(2024, 1, 1)  # a leap year begins; 28 years later all weekdays fall on the same days again
CALENDAR = 28 * 366
LAST = datetime(9999, 1, 1, tzinfo=UTC)  # the calendar ends before arithmetic does


@dataclass(frozen=True, slots=True)
class Interval:
    """Due at every multiple of `every` since 1970-01-01 00:00 UTC, in no zone."""

    every: timedelta


Schedule: TypeAlias = Interval | Cron


def slots_after(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the slots later than `after` (exclusive), in their order, as far as the calendar goes.

    The times of a cron expression are read on the wall in `zone`. A time in a gap is due at the first instant
    behind it, a time that comes twice at its first coming only, and no instant is due twice.
    """
    if isinstance(schedule, Interval):
        first = EPOCH + ((after - EPOCH) // schedule.every + 1) * schedule.every
        while first < LAST:
            yield first
            first += schedule.every
        return
    last = after
    for slot in _on_the_wall(schedule, zone, (after - LOOKED_BACK).astimezone(zone).date()):
        if slot > last:
            yield slot
            last = slot


def slots_until(schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the slots in (after, until], in their order."""
    for slot in slots_after(schedule, zone, after):
        if slot > until:
            return
        yield slot


def latest_slot(schedule: Schedule, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the newest slot at or before `now`, of the last 400 days; None when there was none."""
    if isinstance(schedule, Interval):
        return EPOCH + (now - EPOCH) // schedule.every * schedule.every
    for days in (2, 8, 35, 400):
        found = list(slots_until(schedule, zone, now - timedelta(days=days), now))
        if found:
            return found[-1]
    return None


def longest_gap(schedule: Schedule) -> timedelta:
    """Return the longest time between two slots that follow each other, by the clock on the wall."""
    if isinstance(schedule, Interval):
        return schedule.every
    times = [datetime.combine(REFERENCE, each) for each in schedule.times()]
    days = [number for number in range(CALENDAR) if schedule.fits(REFERENCE + number * DAY)]
    within = [later - earlier for earlier, later in pairwise(times)]
    between = max(later - earlier for earlier, later in pairwise(days)) * DAY - (times[-1] - times[0])
    return max([*within, between])


def _on_the_wall(cron: Cron, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    times = cron.times()
    while day < LAST.date():
        if cron.fits(day) and _instant(datetime.combine(day, time()), zone).astimezone(zone).date() == day:
            yield from (_instant(datetime.combine(day, each), zone) for each in times)
        day += DAY


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which the clock in `zone` shows `wall` or later, and did not before."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    instant = first.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    before, behind = second.astimezone(UTC), instant  # the gap lies between
    while behind - before > SECOND:
        middle = before + (behind - before) // 2 // SECOND * SECOND
        if middle.astimezone(zone).utcoffset() == behind.astimezone(zone).utcoffset():
            behind = middle
        else:
            before = middle
    return behind
