"""Reads metrics from CSV files: one column, filtered and aggregated; each file is read once for all questions."""

from __future__ import annotations

import csv
import glob
import io
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from okr_sync import connector as api

LARGEST = 64 * 1024 * 1024  # bytes of one file
_NUMBER = {sign: re.compile(rf"[+-]?(\d+(\{sign}\d*)?|\{sign}\d+)([eE][+-]?\d+)?", re.ASCII) for sign in ".,"}
_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
}


class CsvSettings(api.Settings):
    """Where the files are and how they are written."""

    path: api.ConfigPath = Field(description="a file, or a pattern (data/*.csv): all files, in order of their names")
    delimiter: Literal["auto", ",", ";", "tab"] = "auto"
    decimal: Literal[".", ","] = "."
    date_column: str | None = Field(None, description="default: the column `date`, if there is one")
    date_format: str | None = Field(None, description="as in strptime; default: ISO 8601")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")


class CsvQuery(api.Query):
    """One number: a column, the rows that count, and what to make of them."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    column: str
    where: dict[str, str] = Field(default_factory=dict, description="column: text; all must be equal")
    aggregate: Literal["last", "sum", "mean", "min", "max", "count", "sum_by_date", "count_by_date"] = "last"


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    cells: Mapping[str, str]
    time: datetime | None
    flaw: str


class CsvFile(api.MetricSource):
    """A metric source over files; dated rows are readings at 00:00 of their day, undated ones are true now.

    Asked for the past, a fold of dated rows tells also what it was on each of their days.
    """

    kind = "csv_file"
    summary = "Numbers from CSV files"
    HISTORY = True
    Settings = CsvSettings
    Query = CsvQuery

    def probe(self) -> str:
        """Return how many rows there are. Raises SourceError when a file is missing or can't be read."""
        return f"{len(self._rows())} rows in {self.settings.path}"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return one outcome for every ref. Raises SourceError when a file is missing or can't be read."""
        rows = self._rows() if ask.queries else []
        return {ref: self._answer(rows, query, ask) for ref, query in ask.queries.items()}

    def _rows(self) -> list[_Row]:
        path = self.settings.path
        names = [str(path)] if path.exists() else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        if not names:
            raise api.SourceError(f"there is no file {path}", fix="put it there, or correct `path` of this source")
        tables = self.caller.map(lambda name: self.caller.call(lambda: _load(Path(name), self.settings)), names)
        return [row for table in tables for row in table]

    def _answer(self, rows: list[_Row], query: CsvQuery, ask: api.Ask[Any]) -> api.Outcome:
        needed = [query.column, *query.where, *filter(None, [self.settings.date_column])]
        for row in rows:
            if flaw := row.flaw or ("is not dated like the rows above" if bool(row.time) != bool(rows[0].time) else ""):
                return api.Miss("invalid", f"{row.place}: {flaw}")
            for column in (column for column in needed if column not in row.cells):
                near = get_close_matches(column, row.cells, 1) or row.cells
                return api.Miss("not_found", f"{row.place}: no column {column!r}; there is: {', '.join(near)}")
        inside = [row for row in rows if row.time is None or ask.start <= row.time <= ask.now]
        try:
            ordered = sorted(inside, key=lambda row: row.time or ask.now)
            readings = _readings(ordered, query, self.settings.decimal, past=ask.past and bool(rows and rows[0].time))
        except (ValueError, OverflowError) as error:
            return api.Miss("invalid", str(error))
        nothing = f"{self.settings.path} has no {query.column!r} from {ask.start:%F} to {ask.now:%F}"
        return readings or api.Miss("no_data", nothing)


def _load(file: Path, settings: CsvSettings) -> list[_Row]:
    """Return the rows of a file. Raises SourceError when it can't be read, is too large, not UTF-8 or not CSV."""
    fix = f"save it as CSV in UTF-8, no more than {LARGEST:,} bytes"
    try:
        if file.stat().st_size > LARGEST:
            raise api.ProtocolError(f"{file} is too large", fix=fix)
        text = file.read_text(encoding="utf-8-sig")
        sign = max(",;\t", key=text.partition("\n")[0].count) if settings.delimiter == "auto" else settings.delimiter
        records = csv.reader(io.StringIO(text, newline=""), delimiter=sign.replace("tab", "\t"), strict=True)
        columns = [cell.strip() for cell in next(records, [])]
        cells = ((records.line_num, [cell.strip() for cell in record]) for record in records)
        return [_row(f"{file.name}, line {line}", columns, record, settings) for line, record in cells if any(record)]
    except OSError as error:
        raise api.AccessError(f"can't read {file}: {error.strerror}", fix="make it a file that we may read") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise api.ProtocolError(f"can't read {file}: {error}", fix=fix) from error


def _row(place: str, columns: list[str], record: list[str], settings: CsvSettings) -> _Row:
    cells = dict(zip(columns, record, strict=False))
    if len(record) != len(columns) or len(cells) != len(columns):
        flaw = f"{len(record)} cells under {len(set(columns))} different names; is the delimiter right?"
        return _Row(place, cells, None, flaw)
    day = settings.date_column or next((column for column in columns if column.casefold() == "date"), "")
    try:
        return _Row(place, cells, _time(cells[day], settings) if day in cells else None, "")
    except (ValueError, OverflowError) as error:
        return _Row(place, cells, None, f"{cells[day]!r} is no date: {error}")


def _time(text: str, settings: CsvSettings) -> datetime:
    form = settings.date_format
    time = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
    return (time if time.tzinfo else time.replace(tzinfo=settings.timezone)).astimezone(UTC)


def _readings(rows: list[_Row], query: CsvQuery, decimal: str, *, past: bool) -> tuple[api.Reading, ...]:
    """Return a reading for each time (the last row wins), or one that folds all, or with `past` the rows up to each.

    Raises ValueError: not a number.
    """
    counted = [row for row in rows if all(row.cells[column] == text for column, text in query.where.items())]
    filled = [row for row in counted if row.cells[query.column]]
    if query.aggregate == "last":
        last = {row.time: row for row in filled}
        return tuple(api.Reading(_number(row, query.column, decimal), time, row.place) for time, row in last.items())
    if query.aggregate in {"sum_by_date", "count_by_date"}:
        return tuple(_by_date(filled, query, decimal))
    if past and filled:
        return tuple(_folds(filled, query, decimal))
    if query.aggregate == "count" and rows:
        newest = (filled or rows)[-1]
        return (api.Reading(len(filled), newest.time, f"count of {len(filled)} rows up to {newest.place}"),)
    if not filled:
        return ()
    value = _FOLDS[query.aggregate]([_number(row, query.column, decimal) for row in filled])
    return (api.Reading(value, filled[-1].time, f"{query.aggregate} of {len(filled)} rows up to {filled[-1].place}"),)


def _folds(filled: list[_Row], query: CsvQuery, decimal: str) -> Iterator[api.Reading]:
    """Yield for each time the fold of all rows up to it; sums are exact, so that the last is that of all at once."""
    joins = {"min": min, "max": max}
    numbers = [Fraction(1 if query.aggregate == "count" else _number(row, query.column, decimal)) for row in filled]
    folded = accumulate(numbers, joins.get(query.aggregate, operator.add))
    newest = {row.time: (n, value, row) for n, (row, value) in enumerate(zip(filled, folded, strict=True), 1)}
    for time, (n, value, row) in newest.items():
        number = float(value) / (n if query.aggregate == "mean" else 1)
        yield api.Reading(number, time, f"{query.aggregate} of {n} rows up to {row.place}")


def _by_date(filled: list[_Row], query: CsvQuery, decimal: str) -> Iterator[api.Reading]:
    """Yield a reading for each time: the sum of its rows, or how many they are."""
    grouped: dict[datetime | None, list[_Row]] = {}
    for row in filled:
        grouped.setdefault(row.time, []).append(row)
    for time, rows in grouped.items():
        counting = query.aggregate == "count_by_date"
        value = len(rows) if counting else math.fsum(_number(row, query.column, decimal) for row in rows)
        yield api.Reading(value, time, f"{'count' if counting else 'sum'} of {len(rows)} rows up to {rows[-1].place}")


def _number(row: _Row, column: str, decimal: str) -> float:
    text = row.cells[column]
    number = float(text.replace(decimal, ".")) if _NUMBER[decimal].fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{row.place}: {text!r} in {column!r} is not a number written like 1234{decimal}5")
    return number
