"""What rows of tables mean, in whatever file they stand: a column, the rows that count, one reading or many."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from fractions import Fraction
from itertools import accumulate
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from okr_sync import connector as api

_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
}


class TableQuery(api.Query):
    """One number: a column, the rows that count, and what to make of them."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    column: str = Field(description="the column with the number")
    where: dict[str, str] = Field(default_factory=dict, description="column: text; all must be equal")
    aggregate: Literal["last", "sum", "mean", "min", "max", "count", "sum_by_date", "count_by_date"] = Field(
        "last", description="last: a reading a dated row; *_by_date: one a date; else one of all"
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands, its cells by column, when it was true, or what is wrong with it."""

    place: str
    cells: Mapping[str, Any]
    time: datetime | None
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """How cells become numbers and text; `dated_by` is the column that must be there, `name` what is read.

    `number` raises ValueError that says what a cell should have been; `text` is what `where` compares, "" where a cell
    is empty.
    """

    name: str
    number: Callable[[Any, str], float]
    text: Callable[[Any], str] = str
    dated_by: str | None = None

    def answer(self, rows: Sequence[Row], query: TableQuery, ask: api.Ask[Any]) -> api.Outcome:
        """Return the readings of a query, or why there are none; both ends of the window belong to it."""
        needed = [query.column, *query.where, *filter(None, [self.dated_by])]
        for row in rows:
            if flaw := row.flaw or ("is not dated like the rows above" if bool(row.time) != bool(rows[0].time) else ""):
                return api.Miss("invalid", f"{row.place}: {flaw}")
            for column in (column for column in needed if column not in row.cells):
                near = get_close_matches(column, row.cells, 1) or row.cells
                return api.Miss("not_found", f"{row.place}: no column {column!r}; there is: {', '.join(near)}")
        inside = [row for row in rows if row.time is None or ask.start <= row.time <= ask.now]
        try:
            ordered = sorted(inside, key=lambda row: row.time or ask.now)
            readings = self._readings(ordered, query, past=ask.past and bool(rows and rows[0].time))
        except (ValueError, OverflowError) as error:
            return api.Miss("invalid", str(error))
        nothing = f"{self.name} has no {query.column!r} from {ask.start:%F} to {ask.now:%F}"
        return readings or api.Miss("no_data", nothing)

    def _readings(self, rows: list[Row], query: TableQuery, *, past: bool) -> tuple[api.Reading, ...]:
        """Return a reading for each time (the last row wins), or one that folds all, or with `past` those up to each.

        Raises ValueError: no number.
        """
        column, fold = query.column, query.aggregate
        counted = [row for row in rows if all(self.text(row.cells[key]) == text for key, text in query.where.items())]
        filled = [row for row in counted if self.text(row.cells[column])]
        if fold == "last":
            last = {row.time: row for row in filled}
            return tuple(api.Reading(self._number(row, column), time, row.place) for time, row in last.items())
        if fold in {"sum_by_date", "count_by_date"}:
            return tuple(self._by_date(filled, query))
        if past and filled:
            return tuple(self._folds(filled, query))
        if fold == "count" and rows:
            newest = (filled or rows)[-1]
            return (api.Reading(len(filled), newest.time, f"count of {len(filled)} rows up to {newest.place}"),)
        if not filled:
            return ()
        value = _FOLDS[fold]([self._number(row, column) for row in filled])
        return (api.Reading(value, filled[-1].time, f"{fold} of {len(filled)} rows up to {filled[-1].place}"),)

    def _folds(self, filled: list[Row], query: TableQuery) -> Iterator[api.Reading]:
        """Yield for each time the fold of all rows up to it; exact sums, so that the last is that of all at once."""
        counting = query.aggregate == "count"
        numbers = [Fraction(1 if counting else self._number(row, query.column)) for row in filled]
        folded = accumulate(numbers, {"min": min, "max": max}.get(query.aggregate, operator.add))
        newest = {row.time: (n, value, row) for n, (row, value) in enumerate(zip(filled, folded, strict=True), 1)}
        for time, (n, value, row) in newest.items():
            number = float(value) / (n if query.aggregate == "mean" else 1)
            yield api.Reading(number, time, f"{query.aggregate} of {n} rows up to {row.place}")

    def _by_date(self, filled: list[Row], query: TableQuery) -> Iterator[api.Reading]:
        """Yield a reading for each time: the sum of its rows, or how many they are."""
        grouped: dict[datetime | None, list[Row]] = {}
        for row in filled:
            grouped.setdefault(row.time, []).append(row)
        for time, rows in grouped.items():
            counting = query.aggregate == "count_by_date"
            value = len(rows) if counting else math.fsum(self._number(row, query.column) for row in rows)
            yield api.Reading(
                value, time, f"{'count' if counting else 'sum'} of {len(rows)} rows up to {rows[-1].place}"
            )

    def _number(self, row: Row, column: str) -> float:
        try:
            return self.number(row.cells[column], column)
        except ValueError as error:
            raise ValueError(f"{row.place}: {error}") from None


def date_column(columns: Sequence[str], named: str | None) -> str:
    """Return the column that dates rows: the one that is named, else `date` in any case, else ""."""
    return named or next((column for column in columns if column.casefold() == "date"), "")


def place_in_time(time: date, zone: ZoneInfo) -> datetime:
    """Return the instant of a date (its 00:00) or time; one without an offset is meant in `zone`."""
    if not isinstance(time, datetime):
        time = datetime(time.year, time.month, time.day)  # noqa: DTZ001 -- it gets its zone below
    return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
