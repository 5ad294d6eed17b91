"""Reads metrics from CSV files: one column, filtered and aggregated; each file is read once for all questions."""

from __future__ import annotations

import csv
import glob
import io
import math
import re
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from connectors.table_rows import Reader, Row, TableQuery, date_column, place_in_time
from okr_sync import connector as api

LARGEST = 64 * 1024 * 1024  # bytes of one file
_FIX = f"save it as CSV in UTF-8, no more than {LARGEST:,} bytes"
_NUMBER = {sign: re.compile(rf"[+-]?(\d+(\{sign}\d*)?|\{sign}\d+)([eE][+-]?\d+)?", re.ASCII) for sign in ".,"}


def _check_address(value: Any) -> Any:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str) or not re.fullmatch(r"https?://[^/?#@\s]+(/\S*)?(\?\S*)?", text):
        raise ValueError("expected an address like https://data.example.com/survey.csv, without user and password")
    return SecretStr(text)


class CsvSettings(api.WebSettings):
    """Where the files are and how they are written."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["path"]}, {"required": ["url"]}]})

    path: api.ConfigPath | None = Field(None, description="a file, or a pattern (data/*.csv), in order of their names")
    url: Annotated[SecretStr, BeforeValidator(_check_address)] | None = Field(None, description="instead: of one file")
    token: api.Secret | None = Field(None, description="with url: bearer token")
    username: str | None = Field(None, description="with url and password: basic authentication")
    password: api.Secret | None = Field(None, description="with url and username")
    delimiter: Literal["auto", ",", ";", "tab"] = Field("auto", description="auto: what the header has most of")
    decimal: Literal[".", ","] = Field(".", description="the sign before the decimals")
    date_column: str | None = Field(None, description="default: the column `date`, if there is one")
    date_format: str | None = Field(None, description="as in strptime; default: ISO 8601")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give exactly one of path and url")
        if (self.username is None) != (self.password is None) or (self.token and self.password):
            raise ValueError("give token, or username with password, or none of them")
        if self.url is None and (self.token or self.password):
            raise ValueError("token and password belong to url")
        return self

    @property
    def place(self) -> str:
        """The path or the address, without its query: that may hold a key."""
        return str(self.path) if self.url is None else self.url.get_secret_value().partition("?")[0]


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
    permissions = "The files must be readable by the user that runs okr-sync."
    example = "sources: {a: {kind: csv_file, path: data/survey.csv}}\nmetrics: {nps: {source: a, column: nps}}\n"

    def __init__(self, settings: CsvSettings, caller: api.Caller | None = None) -> None:
        super().__init__(settings, caller)
        basic = (settings.username or "", settings.password) if settings.password else None
        self._http = api.Http(self.caller, settings, headers={"accept": "text/csv, */*"}, auth=basic or settings.token)

    def close(self) -> None:
        """Close all connections."""
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
        return self._from_web() if self.settings.url else self._from_files()

    def _from_web(self) -> list[Row]:
        answer = self._http.request("GET", self.settings.url.get_secret_value())
        if "html" in answer.headers.get("content-type", ""):
            said = f"{answer.place}: the answer is a web page, not CSV"
            raise api.ProtocolError(said, fix="let the file be fetched without signing in there, or give a token")
        return _parse(answer.place, PurePosixPath(self.settings.place).name, answer.body, self.settings)

    def _from_files(self) -> list[Row]:
        path = self.settings.path
        names = [str(path)] if path.exists() else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        if not names:
            raise api.SourceError(f"there is no file {path}", fix="put it there, or correct `path` of this source")
        tables = self.caller.map(lambda name: self.caller.call(lambda: _load(Path(name), self.settings)), names)
        return [row for table in tables for row in table]


def _load(file: Path, settings: CsvSettings) -> list[Row]:
    """Return the rows of a file. Raises SourceError when it can't be read, is too large, not UTF-8 or not CSV."""
    try:
        if file.stat().st_size > LARGEST:
            raise api.ProtocolError(f"{file} is too large", fix=_FIX)
        body = file.read_bytes()
    except OSError as error:
        raise api.AccessError(f"can't read {file}: {error.strerror}", fix="make it a file that we may read") from error
    return _parse(str(file), file.name, body, settings)


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
