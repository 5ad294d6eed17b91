"""Opens Parquet files and Excel workbooks: sheets of cells, as the libraries give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from connectors.table_files import LARGEST, require_readable
from okr_sync import connector as api

MOST = 1_000_000  # rows of one sheet
_FIX = f"save it as Parquet or as a workbook, no more than {LARGEST:,} bytes and {MOST:,} rows a sheet"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Cells: TypeAlias = list[Sequence[Any]]
"""The rows of a sheet, its header first."""


def open_tables(file: Path) -> Mapping[str, Cells]:
    """Return sheet → its rows; a Parquet file is one sheet without a name.

    Raises SourceError when the file can't be read, is too large, or the library for it is not installed.
    """
    parquet = file.suffix.casefold() in {".parquet", ".pq"}
    library = api.require("duckdb" if parquet else "python_calamine", extra="files")
    broken = library.Error if parquet else (library.CalamineError, ValueError)
    require_readable(file, _FIX)
    try:
        tables = dict(_parquet(file, library) if parquet else _workbook(file, library))
    except broken as error:
        raise api.ProtocolError(f"can't read {file}: {str(error).splitlines()[0]}", fix=_FIX) from error
    if any(len(table) > MOST + 1 for table in tables.values()):
        raise api.ProtocolError(f"{file} is too large", fix=_FIX)
    return tables


def _parquet(file: Path, duckdb: Any) -> Iterator[tuple[str, Cells]]:
    """Yield the one table, its header first; DuckDB can't tell aware times without another library, so we do."""
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as database:
        source = "read_parquet(?)"
        told = database.execute(f"DESCRIBE SELECT * FROM {source}", [str(file)]).fetchall()  # noqa: S608
        aware = [place for place, column in enumerate(told) if column[1] == "TIMESTAMP WITH TIME ZONE"]
        names = ['"{}"'.format(column[0].replace('"', '""')) for column in told]
        wanted = ", ".join(f"epoch_us({name})" if place in aware else name for place, name in enumerate(names))
        found = database.execute(f"SELECT {wanted} FROM {source} LIMIT {MOST + 1}", [str(file)]).fetchall()  # noqa: S608
    yield "", [[column[0] for column in told], *(_aware(row, aware) for row in found)]


def _aware(row: Sequence[Any], places: list[int]) -> list[Any]:
    cells = list(row)
    for place in places:
        cells[place] = None if row[place] is None else _EPOCH + timedelta(microseconds=row[place])
    return cells


def _workbook(file: Path, calamine: Any) -> Iterator[tuple[str, Cells]]:
    with calamine.CalamineWorkbook.from_path(file) as book:
        for name in book.sheet_names:
            yield name, book.get_sheet_by_name(name).to_python()
