"""Reads metrics from CSV files: one column, filtered and aggregated; each file is read once for all questions."""

from __future__ import annotations

import csv
import glob
import io
import math
import re
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors.table_rows import Reader, Row, TableQuery, date_column, place_in_time
from okr_sync import connector as api

LARGEST = 64 * 1024 * 1024  # bytes of one file
_NUMBER = {sign: re.compile(rf"[+-]?(\d+(\{sign}\d*)?|\{sign}\d+)([eE][+-]?\d+)?", re.ASCII) for sign in ".,"}


class CsvSettings(api.Settings):
    """Where the files are and how they are written."""

    path: api.ConfigPath = Field(description="a file, or a pattern (data/*.csv): all files, in order of their names")
    delimiter: Literal["auto", ",", ";", "tab"] = "auto"
    decimal: Literal[".", ","] = "."
    date_column: str | None = Field(None, description="default: the column `date`, if there is one")
    date_format: str | None = Field(None, description="as in strptime; default: ISO 8601")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")


class CsvQuery(TableQuery):
    """One number from the rows of the files."""


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
        settings = self.settings
        reader = Reader(str(settings.path), partial(_number, settings.decimal), dated_by=settings.date_column)
        return {ref: reader.answer(rows, query, ask) for ref, query in ask.queries.items()}

    def _rows(self) -> list[Row]:
        path = self.settings.path
        names = [str(path)] if path.exists() else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        if not names:
            raise api.SourceError(f"there is no file {path}", fix="put it there, or correct `path` of this source")
        tables = self.caller.map(lambda name: self.caller.call(lambda: _load(Path(name), self.settings)), names)
        return [row for table in tables for row in table]


def _load(file: Path, settings: CsvSettings) -> list[Row]:
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


def _row(place: str, columns: list[str], record: list[str], settings: CsvSettings) -> Row:
    cells = dict(zip(columns, record, strict=False))
    if len(record) != len(columns) or len(cells) != len(columns):
        flaw = f"{len(record)} cells under {len(set(columns))} different names; is the delimiter right?"
        return Row(place, cells, None, flaw)
    day = date_column(columns, settings.date_column)
    try:
        return Row(place, cells, _time(cells[day], settings) if day in cells else None, "")
    except (ValueError, OverflowError) as error:
        return Row(place, cells, None, f"{cells[day]!r} is no date: {error}")


def _time(text: str, settings: CsvSettings) -> datetime:
    form = settings.date_format
    time = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
    return place_in_time(time, settings.timezone)


def _number(decimal: str, text: str, column: str) -> float:
    number = float(text.replace(decimal, ".")) if _NUMBER[decimal].fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} in {column!r} is not a number written like 1234{decimal}5")
    return number
