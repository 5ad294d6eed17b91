"""What is asked of a Singer stream, and what becomes of its records: rows that are kept, folded into readings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, model_validator

from connectors.singer_messages import Said
from okr_sync import connector as api

Row: TypeAlias = tuple[str | None, float]
"""When (ISO 8601 in UTC; None: now), and how much."""
Rows: TypeAlias = Mapping[str, Row]
"""By what makes a record unique."""
_Dated: TypeAlias = tuple[datetime | None, float]
_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "count": len,
}


class SingerQuery(api.Query):
    """One number out of the records of the stream."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    field: str | None = Field(None, description="the field with the number; needed but for counts")
    where: dict[str, str] = Field(default_factory=dict, description="field: text; all must be equal")
    time: str | None = Field(None, description="the field that says when; default: records are true now")
    aggregate: Literal["last", "sum", "mean", "min", "max", "count", "sum_by_day", "count_by_day"] = Field(
        "last", description="last: each record with a time is a reading; *_by_day: one a day; else one of all records"
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> SingerQuery:
        if self.field is None and not self.aggregate.startswith("count"):
            raise ValueError(f"aggregate {self.aggregate} needs a `field` with the number")
        if self.time is None and self.aggregate.endswith("_by_day"):
            raise ValueError(f"aggregate {self.aggregate} needs a `time` field")
        return self


def merged(kept: Rows, said: Said, query: SingerQuery, zone: ZoneInfo) -> Rows:
    """Return the kept rows with what the tap said now over them. Raises ValueError that names a record's flaw."""
    now = dict(_rows(said, query, zone))
    return {**{key: (row[0], row[1]) for key, row in kept.items() if key not in now}, **_present(now)}


def _present(rows: Mapping[str, Row | None]) -> Rows:
    return {key: row for key, row in rows.items() if row is not None}


def _rows(said: Said, query: SingerQuery, zone: ZoneInfo) -> Iterator[tuple[str, Row | None]]:
    """Yield key and row of every record; None for one that does not count, or no longer."""
    for number, record in enumerate(said.records, 1):
        key = json.dumps([record.get(name) for name in said.keys]) if said.keys else f"#{number}"
        for name in (query.field, query.time, *query.where):
            if name is not None and name not in record:
                raise ValueError(f"record {number} has no field {name!r}; there is: {', '.join(sorted(record))[:200]}")
        counts = all(_text(record[name]) == text for name, text in query.where.items())
        value = 1.0 if query.field is None else record[query.field]
        when = None if query.time is None else record[query.time]
        empty = value is None or (query.time is not None and when is None)
        yield key, None if empty or not counts else (_instant(when, number, zone), _number(value, number, query))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: Any, number: int, query: SingerQuery) -> float:
    if query.aggregate.startswith("count"):
        return 1.0
    try:
        found = math.nan if isinstance(value, bool) else float(value)  # taps write decimals as text
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"record {number}: {str(value)[:40]!r} in {query.field!r} is no number to calculate with")
    return found


def _instant(value: Any, number: int, zone: ZoneInfo) -> str | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"record {number}: {str(value)[:40]!r} is no time like 2026-10-31T12:00:00Z") from error
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC).isoformat()


def fold(
    rows: Rows, query: SingerQuery, ask: api.Ask[Any], zone: ZoneInfo, *, some: bool
) -> tuple[api.Reading, ...] | None:
    """Return readings inside the window, oldest first; None without a value.

    Records with a time are readings of their own (`last`), or one a day; other folds are true now. A count is 0 if
    the stream has `some` record, but none that counts.
    """
    dated = [(datetime.fromisoformat(when) if when else None, value) for when, value in rows.values()]
    inside = [row for row in dated if row[0] is None or ask.start <= row[0] <= ask.now]
    inside.sort(key=lambda row: row[0] or ask.now)
    if query.aggregate == "count" and some:
        return (api.Reading(float(len(inside)), None, f"count of {len(inside)} records"),)
    if not inside:
        return None
    if query.aggregate == "last":
        return tuple(api.Reading(value, when, "last of the records") for when, value in dict(inside).items())
    if query.aggregate.endswith("_by_day"):
        return tuple(_by_day(inside, query.aggregate, ask, zone))
    value = _FOLDS[query.aggregate]([each for _, each in inside])
    return (api.Reading(float(value), None, f"{query.aggregate} of {len(inside)} records"),)


def _by_day(inside: list[_Dated], aggregate: str, ask: api.Ask[Any], zone: ZoneInfo) -> Iterator[api.Reading]:
    """Yield a reading for each local day, at its 00:00 or where the window starts."""
    days: dict[datetime, list[float]] = {}
    for when, value in inside:
        local = (when or ask.now).astimezone(zone)
        midnight = datetime.combine(local.date(), time(), zone).astimezone(UTC)
        days.setdefault(max(ask.start, midnight), []).append(value)
    for day, values in days.items():
        yield api.Reading(math.fsum(values), day, f"{aggregate} of {len(values)} records")
