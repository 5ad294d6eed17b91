"""Takes numbers and dates out of the cells of a spreadsheet: one number, or a reading from each dated row."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from okr_sync import connector as api

_NUMBER = {sign: re.compile(rf"[+-]?(\d+(\{sign}\d*)?|\{sign}\d+)", re.ASCII) for sign in ".,"}
_ORIGIN = datetime(1899, 12, 30)  # noqa: DTZ001 -- day 0 of the calendar of spreadsheets, in their own zone
_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "last": lambda values: values[-1],
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "count": len,
}


@dataclass(frozen=True, slots=True)
class Written:
    """How text stands for numbers and dates."""

    decimal: str
    date_format: str | None
    zone: ZoneInfo

    def number(self, cell: Any, place: str) -> float:
        """Return the number in a cell. Raises ValueError, which says what stands there."""
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return float(cell)
        if isinstance(cell, str) and re.fullmatch(r"#[A-Z0-9/]+[!?]?", cell):
            raise ValueError(f"{place}: the formula there fails with {cell}; repair it in the sheet")
        text = cell.strip() if isinstance(cell, str) else ""
        if not _NUMBER[self.decimal].fullmatch(text):
            raise ValueError(f"{place}: {cell!r} is no number written like 1234{self.decimal}5")
        return float(text.replace(self.decimal, "."))

    def time(self, cell: Any, place: str) -> datetime:
        """Return the time in a cell, in UTC. Raises ValueError, which says what stands there."""
        try:
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                found = _ORIGIN + timedelta(milliseconds=round(cell * 86_400_000))
            elif self.date_format:
                found = datetime.strptime(cell, self.date_format)  # noqa: DTZ007 -- the zone comes with the next line
            else:
                found = datetime.fromisoformat(cell)
            return (found if found.tzinfo else found.replace(tzinfo=self.zone)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"{place}: {cell!r} is no date; write 2026-10-31, or say `date_format`") from None


@dataclass(frozen=True, slots=True)
class Column:
    """Which column is meant: the headers of its values and of its dates, and the row of the headers, from 1."""

    place: str
    name: str
    date: str
    header: int


def one(rows: list[Any], aggregate: str, written: Written, place: str) -> api.Outcome:
    """Return what the cells of a range make together; empty cells count for nothing."""
    cells = [cell for row in rows for cell in row if not is_empty(cell)]
    if not cells:
        return api.Miss("no_data", f"{place} is empty; fill it in")
    if aggregate == "only" and len(cells) > 1:
        return api.Miss("invalid", f"{place} holds {len(cells)} cells; name one, or say `aggregate`")
    try:
        numbers = [written.number(cell, place) for cell in cells]
        value = _FOLDS["last" if aggregate == "only" else aggregate](numbers)
        return (api.Reading(_finite(value, place), None, place),)
    except (ValueError, OverflowError) as error:
        return api.Miss("invalid", str(error))


def column(rows: list[Any], told: Column, written: Written, ask: api.Ask[Any]) -> api.Outcome:
    """Return a reading from each dated row inside the window.

    Rows without a value are left out; a date twice with two values, or none beside a value, makes the question a Miss.
    """
    headers = [str(cell).strip() for cell in rows[told.header - 1]] if len(rows) >= told.header else []
    folded = [header.casefold() for header in headers]
    for wanted in (told.name, told.date):
        if folded.count(wanted.casefold()) != 1:
            near = get_close_matches(wanted, headers, 1) or headers
            what = "several columns" if wanted.casefold() in folded else "no column"
            said = f"{told.place}: {what} {wanted!r} in row {told.header}; there is: {', '.join(near) or 'nothing'}"
            return api.Miss("not_found", said)
    places = folded.index(told.name.casefold()), folded.index(told.date.casefold())
    found: dict[datetime, api.Reading] = {}
    try:
        for number, row in enumerate(rows[told.header :], told.header + 1):
            reading = _reading(row, places, written, f"{told.place}, row {number}")
            if reading is None or reading.time is None or not ask.start <= reading.time <= ask.now:
                continue
            if found.setdefault(reading.time, reading).value != reading.value:
                return api.Miss("invalid", f"{reading.evidence}: the date of another row; one of the two is wrong")
    except (ValueError, OverflowError) as error:
        return api.Miss("invalid", str(error))
    nothing = f"{told.place} has no {told.name!r} from {ask.start:%F} to {ask.now:%F}"
    return tuple(found[at] for at in sorted(found)) or api.Miss("no_data", nothing)


def _reading(row: list[Any], places: tuple[int, int], written: Written, place: str) -> api.Reading | None:
    value, date = (row[at] if at < len(row) else "" for at in places)
    if is_empty(value):
        return None
    if is_empty(date):
        raise ValueError(f"{place}: a value without a date")
    return api.Reading(_finite(written.number(value, place), place), written.time(date, place), place)


def is_empty(cell: Any) -> bool:
    """Return whether nothing stands in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{place}: the number is too large")
    return value
