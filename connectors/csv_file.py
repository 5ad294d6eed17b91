"""Reads metrics from CSV files: one column, filtered and aggregated; each file is read once for all questions."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from connectors.csv_settings import CsvQuery, CsvSettings
from connectors.table_files import LARGEST, find_files, require_readable
from connectors.table_rows import Reader, Row, date_column, place_in_time
from okr_sync import connector as api

_FIX = f"save it as CSV in UTF-8, no more than {LARGEST:,} bytes"
_NUMBER = {sign: re.compile(rf"[+-]?(\d+(\{sign}\d*)?|\{sign}\d+)([eE][+-]?\d+)?", re.ASCII) for sign in ".,"}


class CsvFile(api.MetricSource):
    """A metric source over files; dated rows are readings at 00:00 of their day, undated ones are true now.

    Asked for the past, a fold of dated rows tells also what it was on each of their days.
    """

    kind = "csv_file"
    summary = "Numbers from CSV files"
    HISTORY = True
    Settings = CsvSettings
    Query = CsvQuery
    permissions = "The files must be readable by the user that runs okr-sync."
    example = "sources: {a: {kind: csv_file, path: data/survey.csv}}\nmetrics: {nps: {source: a, column: nps}}\n"

    def __init__(self, settings: CsvSettings, caller: api.Caller | None = None) -> None:
        super().__init__(settings, caller)
        self._http = self._way_out(settings) if settings.url else None

    def _way_out(self, settings: CsvSettings) -> api.Http:
        basic = (settings.username or "", settings.password) if settings.password else None
        return api.Http(self.caller, settings, headers={"accept": "text/csv, */*"}, auth=basic or settings.token)

    def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            self._http.close()

    def probe(self) -> str:
        """Return how many rows there are. Raises SourceError when a file is missing or can't be read."""
        return f"{len(self._rows())} rows in {self.settings.place}"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return one outcome for every ref. Raises SourceError when a file is missing or can't be read."""
        rows = self._rows() if ask.queries else []
        settings = self.settings
        reader = Reader(settings.place, partial(_number, settings.decimal), dated_by=settings.date_column)
        return {ref: reader.answer(rows, query, ask) for ref, query in ask.queries.items()}

    def _rows(self) -> list[Row]:
        return self._from_files() if self._http is None else self._from_web(self._http)

    def _from_web(self, http: api.Http) -> list[Row]:
        answer = http.request("GET", self.settings.url.get_secret_value())
        if "html" in answer.headers.get("content-type", ""):
            said = f"{answer.place}: the answer is a web page, not CSV"
            raise api.ProtocolError(said, fix="let the file be fetched without signing in there, or give a token")
        return _parse(answer.place, PurePosixPath(self.settings.place).name, answer.body, self.settings)

    def _from_files(self) -> list[Row]:
        files = find_files(self.settings.path)
        tables = self.caller.map(lambda file: self.caller.call(lambda: _load(file, self.settings)), files)
        return [row for table in tables for row in table]


def _load(file: Path, settings: CsvSettings) -> list[Row]:
    """Return the rows of a file. Raises SourceError when it can't be read, is too large, not UTF-8 or not CSV."""
    require_readable(file, _FIX)
    return _parse(str(file), file.name, file.read_bytes(), settings)


def _parse(place: str, name: str, body: bytes, settings: CsvSettings) -> list[Row]:
    """Return the rows of a CSV text. Raises ProtocolError when it is not UTF-8, or not CSV."""
    try:
        text = body.decode("utf-8-sig")
        sign = max(",;\t", key=text.partition("\n")[0].count) if settings.delimiter == "auto" else settings.delimiter
        records = csv.reader(io.StringIO(text, newline=""), delimiter=sign.replace("tab", "\t"), strict=True)
        columns = [cell.strip() for cell in next(records, [])]
        cells = ((records.line_num, [cell.strip() for cell in record]) for record in records)
        return [_row(f"{name}, line {line}", columns, record, settings) for line, record in cells if any(record)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise api.ProtocolError(f"can't read {place}: {error}", fix=_FIX) from error


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
