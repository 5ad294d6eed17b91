"""csv_file keeps the laws of metric sources, and reads files as people and spreadsheets write them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.csv_file import CsvFile
from connectors.csv_settings import CsvQuery, CsvSettings
from connectors.table_files import LARGEST
from okr_sync.connector import AccessError, Ask, Caller, Miss, Outcome, ProtocolError, Reading, SourceError
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller, MetricSourceContract, MetricWorld

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)

SURVEY = """\
date,region,nps,answers,note
2026-09-30,eu,30,5,before the cycle
2026-10-01,eu,31,10,
2026-10-01,us,41,20,
2026-11-01,eu,33.5,30,
2026-11-01,us,,40,not yet known
2026-12-01,eu,99,50,in the future
"""


BEFORE, FIRST, LAST = (datetime(*day, tzinfo=UTC) for day in ((2026, 9, 30), (2026, 10, 1), (2026, 11, 1)))
MOMENTS = {
    "series": {BEFORE: 30.0, FIRST: 31.0, LAST: 33.5},
    "sum": {FIRST: 72.0, LAST: 105.5},
    "mean": {FIRST: 36.0, LAST: 105.5 / 3},
    "min": {FIRST: 31.0, LAST: 31.0},
    "max": {FIRST: 41.0, LAST: 41.0},
    "count": {FIRST: 2.0, LAST: 3.0},
    "answers": {BEFORE: 5.0, FIRST: 15.0, LAST: 45.0},
}
"""By hand: a fold is that of the rows since the first of its moments."""


class CsvWorld(MetricWorld):
    """A survey with two regions, as a file that can be rewritten, removed and spoilt."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "survey.csv"
        self.file.write_text(SURVEY)
        bad = {
            "typo": BadQuestion({"column": "nsp"}, "there is: nps"),
            "filter": BadQuestion({"column": "nps", "where": {"regoin": "eu"}}, "there is: region"),
            "text": BadQuestion({"column": "region"}, "survey.csv, line 4: 'us'"),
            "nowhere": BadQuestion({"column": "nps", "where": {"region": "mars"}}, "has no 'nps'"),
        }
        breakages = {
            "not UTF-8": Breakage(lambda: self._write(b"date,nps\n2026-10-01,\xff\n"), ProtocolError, "survey.csv"),
            "not CSV": Breakage(lambda: self._write(b'date,nps\n"2026-10-01"x,1\n'), ProtocolError, "survey.csv"),
            "too large": Breakage(self._grow, ProtocolError, "too large"),
            "a folder": Breakage(self._become_a_folder, AccessError, "survey.csv"),
            "gone": Breakage(self.file.rmdir, SourceError, "there is no file"),
        }
        super().__init__(START, NOW, requests=1, bad=bad, breakages=breakages, moments=MOMENTS)

    def _write(self, content: bytes) -> None:
        self.file.write_bytes(content)

    def _grow(self) -> None:
        os.truncate(self.file, LARGEST + 1)

    def _become_a_folder(self) -> None:
        self.file.unlink()
        self.file.mkdir()

    def connect(self, caller: Caller) -> CsvFile:
        """Return a connector to the file."""
        return CsvFile(CsvSettings.model_validate(self.settings()), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return the path alone."""
        return {"path": str(self.file)}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return every aggregate over the survey."""
        eu = {"region": "eu"}
        return {
            "series": {"column": "nps", "where": eu},
            **{fold: {"column": "nps", "aggregate": fold} for fold in ("sum", "mean", "min", "max", "count")},
            "answers": {"column": "answers", "aggregate": "sum", "where": eu},
        }

    def truth(self, ref: str) -> tuple[float, ...]:
        """Return the value by hand; the survey's newest value is 33.5, or 35 after the change."""
        newest = 35.0 if ",35," in self.file.read_text() else 33.5
        sums = 31 + 41 + newest
        known = {"series": (31.0, newest), "sum": (sums,), "mean": (sums / 3,), "answers": (40.0,)}
        return {**known, "min": (31.0,), "max": (41.0,), "count": (3.0,)}[ref]

    def change(self, ref: str) -> None:
        """Correct the last value of the survey."""
        self.file.write_text(SURVEY.replace("33.5", "35"))


class TestCsvFileContract(MetricSourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> MetricWorld:
        return CsvWorld(tmp_path)


def ask(settings: Mapping[str, Any], start: datetime = START, now: datetime = NOW, **query: Any) -> Outcome:
    """Return the outcome of one query."""
    source = CsvFile(CsvSettings.model_validate(settings))
    return source.read(Ask({"kr": CsvQuery.model_validate(query)}, start, now))["kr"]


def write(folder: Path, text: str, name: str = "data.csv") -> dict[str, Any]:
    """Return settings that read a new file."""
    (folder / name).write_text(text)
    return {"path": folder / name}


def values(outcome: Outcome) -> list[float]:
    """Return the values of readings; fails on anything else."""
    assert isinstance(outcome, tuple), outcome
    return [reading.value for reading in outcome]


def miss(outcome: Outcome) -> str:
    """Return why and the message of a Miss; fails on anything else."""
    assert isinstance(outcome, Miss), outcome
    return f"{outcome.why}: {outcome.message}"


def test_a_date_is_midnight_in_the_zone_of_the_settings(tmp_path: Path) -> None:
    """2026-11-02 in Kathmandu begins at 18:15 UTC of the day before."""
    settings = write(tmp_path, "date,nps\n2026-11-02,3\n")
    expected = datetime(2026, 11, 1, 18, 15, tzinfo=UTC)
    assert ask({**settings, "timezone": "Asia/Kathmandu"}, column="nps") == (Reading(3, expected, "data.csv, line 2"),)


def test_a_time_with_an_offset_keeps_its_instant(tmp_path: Path) -> None:
    """An offset in the cell wins over the zone of the settings."""
    settings = write(tmp_path, "date,nps\n2026-11-02T10:00:00+02:00,3\n")
    outcome = ask({**settings, "timezone": "Asia/Kathmandu"}, column="nps")
    assert outcome == (Reading(3, datetime(2026, 11, 2, 8, tzinfo=UTC), "data.csv, line 2"),)


def test_both_ends_of_the_window_belong_to_it(tmp_path: Path) -> None:
    """A row at the very start and one at the very end are read."""
    settings = write(tmp_path, "date,nps\n2026-10-01,1\n2026-10-02,2\n2026-10-03,3\n")
    outcome = ask(settings, START, datetime(2026, 10, 2, tzinfo=UTC), column="nps")
    assert values(outcome) == [1, 2]


def test_an_undated_file_is_true_now(tmp_path: Path) -> None:
    """Without a date column the last row counts and its reading has no time."""
    settings = write(tmp_path, "nps\n1\n2\n")
    assert ask(settings, column="nps") == (Reading(2, None, "data.csv, line 3"),)
    assert ask(settings, column="nps", aggregate="sum") == (Reading(3, None, "sum of 2 rows up to data.csv, line 3"),)


def test_the_date_column_may_have_another_name_and_format(tmp_path: Path) -> None:
    """`date_column` and `date_format` read what a spreadsheet wrote."""
    settings = write(tmp_path, "Tag;Wert\n01.11.2026;7\n")
    outcome = ask({**settings, "date_column": "Tag", "date_format": "%d.%m.%Y"}, column="Wert")
    assert outcome == (Reading(7, datetime(2026, 11, 1, tzinfo=UTC), "data.csv, line 2"),)


def test_a_named_date_column_must_be_there(tmp_path: Path) -> None:
    """A typing error in `date_column` does not turn dated rows into undated ones."""
    settings = write(tmp_path, "day,nps\n2026-11-01,7\n")
    assert miss(ask({**settings, "date_column": "dya"}, column="nps")).endswith("no column 'dya'; there is: day")


def test_rows_are_taken_by_their_dates_not_by_their_place(tmp_path: Path) -> None:
    """A file in descending order reads the same as one in ascending order."""
    settings = write(tmp_path, "date,nps\n2026-11-02,2\n2026-11-01,1\n")
    assert values(ask(settings, column="nps")) == [1, 2]


def test_of_two_rows_at_one_time_the_later_one_counts(tmp_path: Path) -> None:
    """A correction below replaces the line above."""
    settings = write(tmp_path, "date,nps\n2026-11-02,2\n2026-11-02,5\n")
    assert ask(settings, column="nps") == (Reading(5, datetime(2026, 11, 2, tzinfo=UTC), "data.csv, line 3"),)


def test_many_files_are_joined_in_the_order_of_their_names(tmp_path: Path) -> None:
    """A pattern reads all files; each has its own header, and each is read once."""
    write(tmp_path, "nps,date\n2,2026-11-02\n", "b.csv")
    write(tmp_path, "date,nps,extra\n2026-11-01,1,x\n", "a.csv")
    write(tmp_path, "date,nps\n2026-11-03,9\n", "c.txt")
    caller = CountingCaller()
    source = CsvFile(CsvSettings.model_validate({"path": tmp_path / "*.csv"}), caller)
    answer = source.read(Ask({"a": CsvQuery(column="nps"), "b": CsvQuery(column="nps", aggregate="max")}, START, NOW))
    assert values(answer["a"]) == [1, 2]
    assert values(answer["b"]) == [2]
    assert caller.count == 2


def test_a_file_whose_name_looks_like_a_pattern_is_read(tmp_path: Path) -> None:
    """A file that exists is meant, not a pattern."""
    assert values(ask(write(tmp_path, "nps\n4\n", "q[4].csv"), column="nps")) == [4]


def test_dated_and_undated_files_do_not_mix(tmp_path: Path) -> None:
    """A file without dates among dated ones is named, not guessed at."""
    write(tmp_path, "date,nps\n2026-11-01,1\n", "a.csv")
    write(tmp_path, "nps\n2\n", "b.csv")
    outcome = ask({"path": tmp_path / "*.csv"}, column="nps")
    assert miss(outcome) == "invalid: b.csv, line 2: is not dated like the rows above"


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("\ufeffnps,x\n1.5,y\n", ".", 1.5),
        ("nps;x\n1,5;y\n", ",", 1.5),
        ("nps\tx\n-1.5e2\ty\n", ".", -150),
        ('nps,x\n"1,5","a;b"\n', ",", 1.5),
        ("nps ; x\r\n +2 ;y\r\n\r\n", ".", 2),
        ("nps,x\n.5,y\n", ".", 0.5),
        ('nps,x\n7,"two\nlines"\n', ".", 7),
        ("nps\n0\n", ".", 0),
    ],
)
def test_files_are_read_as_spreadsheets_write_them(tmp_path: Path, text: str, decimal: str, value: float) -> None:
    """Byte order mark, semicolons, tabs, decimal commas, quotes, spaces and empty lines are no obstacle."""
    assert values(ask({**write(tmp_path, text), "decimal": decimal}, column="nps")) == [value]


def test_a_delimiter_can_be_named(tmp_path: Path) -> None:
    """With `tab` the commas in the header are text."""
    settings = write(tmp_path, "a,b,c\tnps\nx\t3\n")
    assert values(ask({**settings, "delimiter": "tab"}, column="nps")) == [3]


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e999", "n/a", "12 %", "1_000", "1 000", '"1,000"', "١"])
def test_what_is_no_number_is_a_miss_that_names_the_line(tmp_path: Path, cell: str) -> None:
    """Neither NaN, nor infinity, nor text with a number in it passes; nothing becomes 0."""
    settings = write(tmp_path, f"nps,x\n1,a\n{cell},b\n")
    assert miss(ask(settings, column="nps")).startswith("invalid: data.csv, line 3: ")
    assert values(ask(settings, column="nps", where={"x": "a"})) == [1]


def test_a_number_with_the_other_decimal_sign_is_refused(tmp_path: Path) -> None:
    """1.234 under `decimal: ","` could mean two things, so it means neither."""
    settings = {**write(tmp_path, "nps;x\n1.234;y\n"), "decimal": ","}
    assert miss(ask(settings, column="nps")).endswith("'1.234' in 'nps' is not a number written like 1234,5")


@pytest.mark.parametrize("day", ["soon", "2026-13-01", "", "0001-01-01", "01/11/2026"])
def test_a_bad_date_is_a_miss_that_names_the_line(tmp_path: Path, day: str) -> None:
    """A row that can't be placed in time is not left out silently."""
    settings = {**write(tmp_path, f"date,nps\n2026-11-01,1\n{day},2\n"), "timezone": "Asia/Tokyo"}
    assert miss(ask(settings, column="nps")).startswith(f"invalid: data.csv, line 3: {day!r} is no date: ")


@pytest.mark.parametrize("text", ["nps,x\n1,5,y\n", "nps,x\n1\n", "nps,nps\n1,2\n"])
def test_cells_that_do_not_fit_the_header_are_a_miss(tmp_path: Path, text: str) -> None:
    """A decimal comma between commas shifts the row: it is named, not read as 1."""
    assert "line 2: " in miss(ask(write(tmp_path, text), column="nps"))
    assert "is the delimiter right?" in miss(ask(write(tmp_path, text), column="nps"))


@pytest.mark.parametrize("text", ["", "date,nps\n", "date,nps\n2026-11-01,\n", "date,nps\n2026-12-01,5\n"])
@pytest.mark.parametrize("fold", ["last", "sum", "mean", "min", "max"])
def test_no_value_is_no_data(tmp_path: Path, text: str, fold: str) -> None:
    """Empty files, headers alone, empty cells and the future hold no value; none of it is 0."""
    assert miss(ask(write(tmp_path, text), column="nps", aggregate=fold)).startswith("no_data: ")


def test_a_count_of_nothing_is_zero_only_where_the_file_reaches(tmp_path: Path) -> None:
    """No row of a kind among rows of the window counts 0, dated by the newest row; no rows at all is no data."""
    settings = write(tmp_path, "date,ticket,kind\n2026-11-01,A-1,bug\n2026-11-05,A-2,bug\n")
    crashes: dict[str, Any] = {"column": "ticket", "aggregate": "count", "where": {"kind": "crash"}}
    newest = datetime(2026, 11, 5, tzinfo=UTC)
    assert ask(settings, **crashes) == (Reading(0, newest, "count of 0 rows up to data.csv, line 3"),)
    assert miss(ask(settings, now=datetime(2026, 10, 20, tzinfo=UTC), **crashes)).startswith("no_data: ")


def test_where_takes_numbers_as_text(tmp_path: Path) -> None:
    """YAML's `year: 2026` compares with the text of the cell."""
    assert values(ask(write(tmp_path, "year,nps\n2025,1\n2026,2\n"), column="nps", where={"year": 2026})) == [2]


def test_a_sum_too_large_for_a_number_is_a_miss(tmp_path: Path) -> None:
    """Infinity never comes out of finite cells."""
    settings = write(tmp_path, "nps\n1e308\n1e308\n")
    assert miss(ask(settings, column="nps", aggregate="sum")).startswith("invalid: ")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    """A zone that doesn't exist is a mistake in the file, found before anything is read."""
    with pytest.raises(ValidationError):
        CsvSettings.model_validate({"path": "x.csv", "timezone": zone})


def test_a_relative_path_starts_at_the_folder_of_the_config(tmp_path: Path) -> None:
    """The working directory plays no part."""
    settings = CsvSettings.model_validate({"path": "data/x.csv"}, context={"folder": tmp_path})
    assert settings.path == tmp_path / "data/x.csv"


def test_amounts_of_one_date_are_added_or_counted_date_by_date(tmp_path: Path) -> None:
    """Two sales on the first day and one on the second are two readings; empty cells are no sale."""
    settings = write(tmp_path, "date,sale\n2026-11-01,5\n2026-11-02,4\n2026-11-01,7\n2026-11-03,\n")
    first, second = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    assert ask(settings, column="sale", aggregate="sum_by_date") == (
        Reading(12, first, "sum of 2 rows up to data.csv, line 4"),
        Reading(4, second, "sum of 1 rows up to data.csv, line 3"),
    )
    assert values(ask(settings, column="sale", aggregate="count_by_date")) == [2, 1]
    assert miss(ask(write(tmp_path, "date,sale\n"), column="sale", aggregate="sum_by_date")).startswith("no_data: ")
    assert miss(ask(write(tmp_path, "date,sale\n2026-11-01,x\n"), column="sale", aggregate="sum_by_date")).startswith(
        "invalid: "
    )


def test_a_fold_of_the_past_ends_with_the_fold_of_all(tmp_path: Path) -> None:
    """0.1 ten times is exactly 1, on every day as in one sum; without a number only a count has a value."""
    rows = "".join(f"2026-10-{day:02},0.1,\n" for day in range(1, 11))
    source = CsvFile(CsvSettings.model_validate(write(tmp_path, f"date,a,b\n{rows}")))
    queries = {"sum": {"column": "a", "aggregate": "sum"}, "count": {"column": "b", "aggregate": "count"}}
    asked = {ref: CsvQuery.model_validate(query) for ref, query in queries.items()}
    now, past = (source.read(Ask(asked, START, NOW, past=past)) for past in (False, True))
    assert values(now["sum"]) == [1.0]
    assert (len(values(past["sum"])), values(past["sum"])[-1]) == (10, 1.0)
    assert past["count"] == now["count"]


def test_a_file_without_rows_or_dates_has_no_past(tmp_path: Path) -> None:
    """Asked for it, undated rows are what they are now, and nothing is nothing."""
    for text, expected in (("a\n1\n2\n", [3.0]), ("date,a\n", None)):
        source = CsvFile(CsvSettings.model_validate(write(tmp_path, text)))
        query = CsvQuery.model_validate({"column": "a", "aggregate": "sum"})
        outcome = source.read(Ask({"kr": query}, START, NOW, past=True))["kr"]
        assert (values(outcome) if isinstance(outcome, tuple) else None) == expected
