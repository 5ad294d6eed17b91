"""Cron expressions of five fields, read once into sets of minutes, hours, days, months and weekdays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time

__all__ = ["Cron", "parse_cron"]

MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
WEEKDAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
SUNDAY = 7  # also 0
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(\*)|([a-z]+|\d{1,2})(?:-([a-z]+|\d{1,2}))?)(?:/(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cron:
    """What a cron expression allows; weekdays are those of ISO: 1 is Monday, 7 is Sunday.

    A day fits when both its number and its weekday do; when both fields are restricted, one of them is enough.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def fits(self, day: date) -> bool:
        """Return whether the expression has times on `day`."""
        if day.month not in self.months:
            return False
        number, weekday = day.day in self.days, day.isoweekday() in self.weekdays
        return number or weekday if self.either else number and weekday

    def times(self) -> tuple[time, ...]:
        """Return the times of day, in their order."""
        return tuple(time(hour, minute) for hour in self.hours for minute in self.minutes)


def parse_cron(text: str) -> Cron:
    """Return what five fields say: minute, hour, day of the month, month, weekday (0 and 7 are Sunday).

    A field is `*` or a list of numbers, names and ranges, each with a step if it is a range or `*`. Raises ValueError
    for anything else, and for days that never come, like the 30th of February.
    """
    fields = text.lower().split()
    if len(fields) != 5:
        raise ValueError(f"expected five fields (minute, hour, day, month, weekday), found {len(fields)}")
    minutes, hours = _field("minute", fields[0], 0, 59, {}), _field("hour", fields[1], 0, 23, {})
    days, months = _field("day", fields[2], 1, 31, {}), _field("month", fields[3], 1, 12, MONTHS)
    weekdays = frozenset(number or SUNDAY for number in _field("weekday", fields[4], 0, SUNDAY, WEEKDAYS))
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    if not either and not any(day <= LONGEST_MONTHS[month - 1] for month in months for day in days):
        raise ValueError("these days never come: no such month has so many")
    return Cron(" ".join(fields), tuple(sorted(minutes)), tuple(sorted(hours)), days, months, weekdays, either)


def _field(name: str, text: str, first: int, last: int, names: dict[str, int]) -> frozenset[int]:
    return frozenset(number for part in text.split(",") for number in _part(name, part, first, last, names))


def _part(name: str, text: str, first: int, last: int, names: dict[str, int]) -> range:
    match = _PART.fullmatch(text)
    if match is None:
        raise ValueError(f"{name}: {text!r} is no number, name, range or *")
    every, low, high, step = match.groups()
    if step is not None and (int(step) == 0 or not (every or high)):
        raise ValueError(f"{name}: {text!r}: a step is at least 1 and stands behind * or a range")
    if every:
        return range(first, last + 1, int(step or 1))
    begin = _number(name, low, first, last, names)
    end = _number(name, high or low, first, last, names)
    if names is WEEKDAYS and high and end == 0:
        end = SUNDAY  # fri-sun ends with the week
    if end < begin:
        raise ValueError(f"{name}: {text!r} ends before it begins")
    return range(begin, end + 1, int(step or 1))


def _number(name: str, word: str, first: int, last: int, names: dict[str, int]) -> int:
    number = names.get(word, int(word) if word.isdecimal() else -1)
    if not first <= number <= last:
        known = f" or {', '.join(names)}" if names else ""
        raise ValueError(f"{name}: {word!r} is not within {first}-{last}{known}")
    return number
