"""What the rows of a statement mean: one value, dated values, or those of one `ref` among many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from okr_sync import connector as api

_MEANT = frozenset({"ref", "time"})


@dataclass(frozen=True, slots=True)
class Table:
    """What a statement returned; `columns` are casefolded."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def read_rows(table: Table, ref: str | None, ask: api.Ask[Any], zone: ZoneInfo) -> api.Outcome:
    """Return the readings of the rows, or why they hold none; naive times are those of `zone`."""
    if ref is not None and "ref" not in table.columns:
        return api.Miss("invalid", f"there is no column `ref`; there is: {', '.join(table.columns)}")
    try:
        found = list(_told(table, ref, _value_column(table), zone))
    except (ValueError, OverflowError) as error:
        return api.Miss("invalid", str(error))
    if not found:
        return _nothing(table, ref)
    if "time" not in table.columns:
        return tuple(found) if len(found) == 1 else api.Miss("invalid", _too_many(len(found), table))
    inside = sorted(
        (each for each in found if each.time is not None and ask.start <= each.time <= ask.now),
        key=lambda each: each.time or ask.now,
    )
    return _once(inside) or api.Miss("no_data", f"no row lies between {ask.start:%F} and {ask.now:%F}")


def _value_column(table: Table) -> int:
    others = [place for place, column in enumerate(table.columns) if column not in _MEANT]
    if "value" in table.columns:
        return table.columns.index("value")
    if len(others) != 1:
        names = ", ".join(table.columns)
        raise ValueError(f"which column is the value? name it with AS value (besides time and ref); there is: {names}")
    return others[0]


def _told(table: Table, ref: str | None, column: int, zone: ZoneInfo) -> Iterator[api.Reading]:
    """Yield a reading for each row that is meant and has a value. Raises ValueError: it is no number, or no date."""
    dated = table.columns.index("time") if "time" in table.columns else None
    named = table.columns.index("ref") if ref is not None else None
    for place, row in enumerate(table.rows, start=1):
        if (named is None or str(row[named]) == ref) and row[column] is not None:
            value = _number(row[column], f"row {place}")
            yield api.Reading(value, None if dated is None else _time(row[dated], zone, f"row {place}"), f"row {place}")


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool):
        raise ValueError(f"{place}: {value} is a yes or no; write CASE WHEN … THEN 1 ELSE 0 END")  # noqa: TRY004
    if not isinstance(value, int | float | Decimal):
        raise ValueError(f"{place}: {str(value)[:40]!r} is no number; CAST it to one")  # noqa: TRY004 -- of the data
    if not math.isfinite(value):
        raise ValueError(f"{place}: {value} is no number to calculate with; leave such rows out")
    return float(value)


def _time(value: Any, zone: ZoneInfo, place: str) -> datetime:
    if value is None:
        raise ValueError(f"{place}: `time` is empty; leave such rows out")
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{place}: {value[:40]!r} in `time` is no date like 2026-10-31 12:00") from None
    if isinstance(time, date) and not isinstance(time, datetime):
        time = datetime(time.year, time.month, time.day)  # noqa: DTZ001 -- it gets its zone below
    if not isinstance(time, datetime):
        raise ValueError(f"{place}: {str(value)[:40]} in `time` is no date; turn it into one")  # noqa: TRY004
    return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)


def _once(readings: Sequence[api.Reading]) -> tuple[api.Reading, ...] | api.Miss:
    """Return one reading a time; rows have no order that could tell which of two values is right."""
    known: dict[datetime | None, api.Reading] = {}
    for each in readings:
        first = known.setdefault(each.time, each)
        if first.value != each.value:
            said = f"{first.evidence} and {each.evidence} have two values for {each.time}; GROUP BY time"
            return api.Miss("invalid", f"{said}, or name a `ref`")
    return tuple(known.values())


def _too_many(count: int, table: Table) -> str:
    if "ref" in table.columns:
        return f"{count} rows where one value belongs; name a `ref`"
    return f"{count} rows where one value belongs; aggregate them, or add a column AS time to date them"


def _nothing(table: Table, ref: str | None) -> api.Miss:
    if ref is None:
        return api.Miss("no_data", "the statement returned no value")
    place = table.columns.index("ref")
    known = list(dict.fromkeys(str(row[place]) for row in table.rows))
    if ref in known:
        return api.Miss("no_data", f"the rows of ref {ref!r} have no value")
    near = get_close_matches(ref, known, 1) or known[:10]
    return api.Miss(
        "not_found" if known else "no_data", f"no row has ref {ref!r}; there is: {', '.join(near) or 'no row'}"
    )
