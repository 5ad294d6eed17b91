"""Reads metrics from Parquet files and Excel workbooks as `csv_file` does from CSV; each file is read once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors.table_files import find_files
from connectors.table_opening import open_tables
from connectors.table_rows import Reader, Row, TableQuery, date_column, place_in_time
from okr_sync import connector as api


class TableSettings(api.Settings):
    """Where the files are, and how rows are dated."""

    path: api.ConfigPath = Field(description="a .parquet or .xlsx, .xls, .xlsb, .ods file, or a pattern (data/*.xlsx)")
    date_column: str | None = Field(None, description="default: the column `date`, if there is one")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")


class TableFileQuery(TableQuery):
    """One number from the rows of the files; of a workbook from one of its sheets."""

    sheet: str | None = Field(None, description="of a workbook; default: its first")


Sheets = Mapping[str, Sequence[Row]]
"""Name → rows; a Parquet file is one sheet without a name."""


class TableFile(api.MetricSource):
    """A metric source over files; dated rows are readings at 00:00 of their day, undated ones are true now."""

    kind = "table_file"
    summary = "Numbers from Parquet files and Excel workbooks"
    Settings = TableSettings
    Query = TableFileQuery
    HISTORY = True
    permissions = "The files must be readable by the user that runs okr-sync."
    example = "sources: {hr: {kind: table_file, path: staff.xlsx}}\nmetrics: {staff: {source: hr, column: staff}}\n"

    def probe(self) -> str:
        """Return how many rows there are. Raises SourceError when a file is missing or can't be read."""
        rows = sum(len(rows) for sheets in self._files().values() for rows in sheets.values())
        return f"{rows} rows in {self.settings.path}"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return one outcome for every ref. Raises SourceError when a file is missing or can't be read."""
        files = self._files() if ask.queries else {}
        reader = Reader(str(self.settings.path), _number, _text, self.settings.date_column)
        return {ref: self._answer(reader, files, query, ask) for ref, query in ask.queries.items()}

    def _answer(
        self, reader: Reader, files: Mapping[str, Sheets], query: TableFileQuery, ask: api.Ask[Any]
    ) -> api.Outcome:
        rows: list[Row] = []
        for name, sheets in files.items():
            wanted = next(iter(sheets), "") if query.sheet is None else query.sheet
            if wanted not in sheets:
                near = get_close_matches(wanted, sheets, 1) or filter(None, sheets)
                return api.Miss("not_found", f"{name}: no sheet {wanted!r}; there is: {', '.join(near) or 'none'}")
            rows += sheets[wanted]
        return reader.answer(rows, query, ask)

    def _files(self) -> dict[str, Sheets]:
        files = find_files(self.settings.path)
        tables = self.caller.map(lambda file: self.caller.call(lambda: _load(file, self.settings)), files)
        return {file.name: sheets for file, sheets in zip(files, tables, strict=True)}


def _load(file: Path, settings: TableSettings) -> Sheets:
    """Return the rows of a file. Raises SourceError when it can't be read or is too large."""
    tables = open_tables(file)
    return {
        sheet: list(_rows(f"{file.name}{sheet and f' {sheet}'}", table, settings)) for sheet, table in tables.items()
    }


def _rows(place: str, table: Sequence[Sequence[Any]], settings: TableSettings) -> Iterator[Row]:
    columns = [_text(cell) for cell in table[0]] if table else []
    day = date_column(columns, settings.date_column)
    double = len(set(filter(None, columns))) != len([*filter(None, columns)])
    for number, record in enumerate(table[1:], start=2):
        cells = dict(zip(columns, record, strict=False))
        if any(_text(cell) for cell in record):
            here = f"{place}, row {number}"
            if double:
                yield Row(here, cells, None, "two columns have the same name; rename one")
            else:
                yield _dated(here, cells, day, settings.timezone)


def _dated(place: str, cells: Mapping[str, Any], day: str, zone: ZoneInfo) -> Row:
    cell = cells.get(day)
    if day not in cells:
        return Row(place, cells, None)
    try:
        time = datetime.fromisoformat(cell.strip()) if isinstance(cell, str) else cell
        if isinstance(time, date):
            return Row(place, cells, place_in_time(time, zone))
    except (ValueError, OverflowError):
        pass
    return Row(place, cells, None, f"{_text(cell)!r} in {day!r} is no date; format the column as dates")


def _number(cell: Any, column: str) -> float:
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal) or not math.isfinite(cell):
        raise ValueError(f"{_text(cell)!r} in {column!r} is not a number; format the column as numbers")
    return float(cell)


def _text(cell: Any) -> str:
    """Return what people see in a cell: 2026 for 2026.0, true for a truth value, nothing for an empty one."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
