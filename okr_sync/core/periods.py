"""Weeks and months of a key result: which days each has, and how much of a whole one it is."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from okr_sync.core.kinds import Period

__all__ = ["Span", "spans"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The days [first, last] of one week or month, both inclusive; `share` of the whole period that counts."""

    first: date
    last: date
    share: float


def spans(first: date, last: date, per: Period, skip: tuple[date, ...] = ()) -> tuple[Span, ...]:
    """Return the ISO weeks (Monday to Sunday) or calendar months that [first, last] touches, in their order.

    share = days inside [first, last] that are not skipped / days of the whole week or month.
    """
    skipped = frozenset(skip)
    return tuple(
        Span(begin, end, _count(begin, end, skipped) / length) for begin, end, length in _pieces(first, last, per)
    )


def _pieces(first: date, last: date, per: Period) -> Iterator[tuple[date, date, int]]:
    begin = first
    while begin <= last:
        whole_end, length = _end_of_week(begin) if per == "week" else _end_of_month(begin)
        yield begin, min(whole_end, last), length
        begin = whole_end + DAY


def _end_of_week(day: date) -> tuple[date, int]:
    return day + timedelta(days=6 - day.weekday()), 7


def _end_of_month(day: date) -> tuple[date, int]:
    length = monthrange(day.year, day.month)[1]
    return day.replace(day=length), length


def _count(begin: date, end: date, skipped: frozenset[date]) -> int:
    return (end - begin).days + 1 - sum(begin <= day <= end for day in skipped)
