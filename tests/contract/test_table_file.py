"""table_file keeps the laws of metric sources, and reads Parquet files and workbooks as other programs write them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter  # type: ignore[import-untyped]

from connectors.table_file import TableFile, TableFileQuery, TableSettings
from connectors.table_files import LARGEST
from okr_sync.connector import AccessError, Ask, Caller, Miss, Outcome, ProtocolError, Reading, SourceError
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller, MetricSourceContract, MetricWorld

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
Table = Sequence[Sequence[Any]]

SURVEY: Table = [
    ("date", "region", "nps", "year"),
    (date(2026, 9, 30), "eu", 30.0, 2026),
    (date(2026, 10, 1), "eu", 31.0, 2026),
    (date(2026, 10, 1), "us", 41.0, 2026),
    (date(2026, 11, 1), "eu", 33.5, 2026),
    (date(2026, 11, 1), "us", None, 2026),
    (date(2026, 12, 1), "eu", 99.0, 2026),
]


def write_workbook(file: Path, sheets: Mapping[str, Table]) -> Path:
    """Write a workbook with dates formatted as such."""
    with xlsxwriter.Workbook(str(file), {"default_date_format": "yyyy-mm-dd", "nan_inf_to_errors": True}) as book:
        for name, table in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(table):
                sheet.write_row(number, 0, row)
    return file


def write_parquet(file: Path, table: Table, types: Mapping[str, str] | None = None) -> Path:
    """Write a Parquet file; columns are DOUBLE, VARCHAR or DATE by their first value, or as `types` says."""
    known = {float: "DOUBLE", int: "BIGINT", str: "VARCHAR", date: "DATE"}
    kinds = [(types or {}).get(name) or known[type(value)] for name, value in zip(table[0], table[1], strict=True)]
    with duckdb.connect(":memory:") as database:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(table[0], kinds, strict=True))
        database.execute(f"CREATE TABLE written ({columns})")
        for row in table[1:]:
            database.execute(f"INSERT INTO written VALUES ({', '.join('?' * len(row))})", list(row))  # noqa: S608
        database.execute(f"COPY written TO '{file}' (FORMAT parquet)")
    return file


class TableWorld(MetricWorld):
    """The survey as a workbook of two sheets or as a Parquet file."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.file, self.newest = folder / f"survey{suffix}", 33.5
        self.write(SURVEY)
        bad = {
            "typo": BadQuestion({"column": "nsp"}, "there is: nps"),
            "filter": BadQuestion({"column": "nps", "where": {"regoin": "eu"}}, "there is: region"),
            "text": BadQuestion({"column": "region"}, "row 4: 'us'" if suffix == ".parquet" else "All, row 4: 'us'"),
            "nowhere": BadQuestion({"column": "nps", "where": {"region": "mars"}}, "has no 'nps'"),
            "sheet": BadQuestion({"column": "nps", "sheet": "Al"}, "no sheet 'Al'; there is: "),
        }
        breakages = {
            "spoilt": Breakage(self._spoil, ProtocolError, "can't read"),
            "too large": Breakage(self._grow, ProtocolError, "too large"),
            "a folder": Breakage(self._become_a_folder, AccessError, "survey"),
            "gone": Breakage(self.file.rmdir, SourceError, "there is no file"),
        }
        moments = {"series": {START: 31.0, datetime(2026, 11, 1, tzinfo=UTC): 33.5}}
        super().__init__(START, NOW, requests=1, bad=bad, breakages=breakages, moments=moments)

    def write(self, table: Table) -> None:
        """Write the file anew."""
        if self.file.suffix == ".parquet":
            write_parquet(self.file, table)
        else:
            write_workbook(self.file, {"All": table, "Other": [("nps",), (5,)]})

    def _spoil(self) -> None:
        self.file.write_bytes(b"PK\x03\x04 no table at all")

    def _grow(self) -> None:
        os.truncate(self.file, LARGEST + 1)

    def _become_a_folder(self) -> None:
        self.file.unlink()
        self.file.mkdir()

    def connect(self, caller: Caller) -> TableFile:
        """Return a connector to the file."""
        return TableFile(TableSettings.model_validate(self.settings()), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return the path alone."""
        return {"path": str(self.file)}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return several aggregates over the survey."""
        eu = {"region": "eu"}
        return {
            "series": {"column": "nps", "where": eu},
            **{fold: {"column": "nps", "aggregate": fold} for fold in ("sum", "mean", "min", "max", "count")},
            "years": {"column": "nps", "aggregate": "count", "where": {"year": 2026, **eu}},
        }

    def truth(self, ref: str) -> tuple[float, ...]:
        """Return the value by hand."""
        total = 31 + 41 + self.newest
        known = {"series": (31.0, self.newest), "sum": (total,), "mean": (total / 3,), "years": (2.0,)}
        return {**known, "min": (31.0,), "max": (41.0,), "count": (3.0,)}[ref]

    def change(self, ref: str) -> None:
        """Correct the last value of the survey."""
        self.newest = 35.0
        self.write([[35.0 if cell == 33.5 else cell for cell in row] for row in SURVEY])


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
class TestTableFileContract(MetricSourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path, suffix: str) -> MetricWorld:
        return TableWorld(tmp_path, suffix)


def ask(path: Path, settings: Mapping[str, Any] | None = None, **query: Any) -> Outcome:
    """Return the outcome of one query."""
    source = TableFile(TableSettings.model_validate({"path": path, **(settings or {})}))
    return source.read(Ask({"kr": TableFileQuery.model_validate(query)}, START, NOW))["kr"]


def miss(outcome: Outcome) -> str:
    """Return kind and message of a miss."""
    assert isinstance(outcome, Miss), outcome
    return f"{outcome.why}: {outcome.message}"


def test_each_sheet_of_a_workbook_can_be_asked_and_the_file_is_read_once(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "b.xlsx", {"One": [("nps",), (1,)], "Two": [("nps",), (2,)]})
    caller = CountingCaller()
    queries = {"first": TableFileQuery(column="nps"), "two": TableFileQuery(column="nps", sheet="Two")}
    answer = TableFile(TableSettings(path=book), caller).read(Ask(queries, START, NOW))
    assert answer == {
        "first": (Reading(1, None, "b.xlsx One, row 2"),),
        "two": (Reading(2, None, "b.xlsx Two, row 2"),),
    }
    assert caller.count == 1


def test_many_files_of_both_kinds_are_joined_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", {"S": [("date", "v"), (date(2026, 10, 5), 1)]})
    write_parquet(tmp_path / "b.parquet", [("v", "date"), (2.0, date(2026, 10, 6))])
    outcome = ask(tmp_path / "*", column="v")
    assert outcome == (
        Reading(1, datetime(2026, 10, 5, tzinfo=UTC), "a.xlsx S, row 2"),
        Reading(2, datetime(2026, 10, 6, tzinfo=UTC), "b.parquet, row 2"),
    )


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("DECIMAL(9, 2)", Decimal("1.25"), 1.25), ("BIGINT", 7, 7.0), ("FLOAT", 0.5, 0.5), ("HUGEINT", 3, 3.0),
        ("BOOLEAN", True, "'true' in 'v' is not a number"), ("DOUBLE", float("nan"), "'nan' in 'v' is not a number"),
        ("DOUBLE", float("inf"), "'inf' in 'v' is not a number"), ("VARCHAR", "12", "'12' in 'v' is not a number"),
        ("DATE", date(2026, 1, 1), "'2026-01-01' in 'v' is not a number"),
    ],
)  # fmt: skip
def test_each_type_of_parquet_is_a_number_or_says_what_to_do(
    tmp_path: Path, kind: str, cell: Any, value: float | str
) -> None:
    outcome = ask(write_parquet(tmp_path / "p.parquet", [("v",), (cell,)], {"v": kind}), column="v")
    if isinstance(value, str):
        assert miss(outcome) == f"invalid: p.parquet, row 2: {value}; format the column as numbers"
    else:
        assert outcome == (Reading(value, None, "p.parquet, row 2"),)


@pytest.mark.parametrize(
    ("kind", "cell", "instant"),
    [
        ("TIMESTAMP WITH TIME ZONE", "2026-10-05 00:00:00+02", datetime(2026, 10, 4, 22, tzinfo=UTC)),
        ("TIMESTAMP", "2026-10-05 06:00:00", datetime(2026, 10, 5, 4, tzinfo=UTC)),
        ("DATE", "2026-10-05", datetime(2026, 10, 4, 22, tzinfo=UTC)),
        ("VARCHAR", "2026-10-05", datetime(2026, 10, 4, 22, tzinfo=UTC)),
        ("VARCHAR", "2026-10-05T00:00Z", datetime(2026, 10, 5, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_meant_in_the_zone_of_the_source(
    tmp_path: Path, kind: str, cell: str, instant: datetime
) -> None:
    file = write_parquet(tmp_path / "p.parquet", [("at", "v"), (cell, 1.0)], {"at": kind})
    outcome = ask(file, {"date_column": "at", "timezone": "Europe/Berlin"}, column="v")
    assert outcome == (Reading(1, instant, "p.parquet, row 2"),)


@pytest.mark.parametrize("cell", [46000, "soon", None, True])
def test_what_is_no_date_is_a_miss_that_names_the_row(tmp_path: Path, cell: Any) -> None:
    """A serial number that nobody formatted as a date is not guessed at."""
    book = write_workbook(tmp_path / "b.xlsx", {"S": [("date", "v"), (date(2026, 10, 5), 1), (cell, 2)]})
    assert miss(ask(book, column="v")).startswith("invalid: b.xlsx S, row 3: ")
    assert miss(ask(book, column="v")).endswith("in 'date' is no date; format the column as dates")


def test_empty_rows_and_cells_are_left_out(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "b.xlsx", {"S": [("v", "x"), (1, "a"), ("", ""), ("", "b")], "Empty": []})
    assert ask(book, column="v") == (Reading(1, None, "b.xlsx S, row 2"),)
    assert ask(book, column="v", aggregate="count") == (Reading(1, None, "count of 1 rows up to b.xlsx S, row 2"),)
    assert miss(ask(book, column="v", sheet="Empty")).startswith("no_data: ")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "b.xlsx", {"S": [("v", "v"), (1, 2)]})
    assert "two columns have the same name" in miss(ask(book, column="v"))


def test_a_named_date_column_must_be_there(tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "p.parquet", [("day", "v"), (date(2026, 10, 5), 1.0)])
    assert "no column 'dya'; there is: day" in miss(ask(file, {"date_column": "dya"}, column="v"))


class Hiding(MetaPathFinder):
    """Lets nobody import a library."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Refuse the one library."""
        if fullname == self.name:
            raise ModuleNotFoundError(fullname)


@pytest.mark.parametrize(("suffix", "library"), [(".parquet", "duckdb"), (".xlsx", "python_calamine")])
def test_a_missing_library_says_how_to_install_it(tmp_path: Path, suffix: str, library: str) -> None:
    world, hiding = TableWorld(tmp_path, suffix), Hiding(library)
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == library}
    sys.meta_path.insert(0, hiding)
    try:
        with pytest.raises(SourceError, match=f"{library} can't be imported") as caught:
            world.connect(Caller()).probe()
    finally:
        sys.meta_path.remove(hiding)
        sys.modules.update(loaded)
    assert caught.value.fix == "pip install 'okr-sync[files]'"
