"""Schedules as config files say them: `every 15 min`, `cron 0 6 * * mon-fri`."""

from __future__ import annotations

from datetime import timedelta

from okr_sync.config.amounts import parse_duration
from okr_sync.core.cron import parse_cron
from okr_sync.core.slots import Interval, Schedule

__all__ = ["parse_schedule"]

SHORTEST = timedelta(seconds=1)


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that `text` says. Raises ValueError that says what is wrong with it."""
    word, _, rest = text.strip().partition(" ")
    if word == "cron":
        return parse_cron(rest)
    try:
        every = parse_duration(rest) if word == "every" else timedelta(0)
    except ValueError:
        every = timedelta(0)
    if every < SHORTEST or every.microseconds:
        raise ValueError('expected "every 15 min", or another duration in whole seconds, or "cron 0 6 * * mon-fri"')
    return Interval(every)
