"""google_sheets keeps the laws of metric sources; cells are read for what they are, and nobody guesses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.google_sheets import GoogleSheets
from connectors.google_sheets_settings import SheetsQuery, SheetsSettings
from okr_sync.connector import (
    AccessError,
    Answer,
    Ask,
    Caller,
    Miss,
    ProtocolError,
    Reading,
    Referenced,
    TransientError,
)
from okr_sync.sandbox.server import Fault, Response, Server
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller
from okr_sync.testing.web import WebSourceContract, WebWorld
from tests.contract.google_server import ACCOUNT, Spreadsheet, key_file, private_key

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, 30, tzinfo=UTC)
OCTOBER_5 = 46300  # the serial number of 2026-10-05


def cells() -> dict[str, list[list[Any]]]:
    """Return the sheets: key figures, dated rows, and a name that has to be quoted."""
    return {
        "KPIs": [
            ["churn", 0.031], ["text", " 1234.5 "], ["comma", "1234,5"], ["words", "n/a"], ["error", "#DIV/0!"],
            ["nothing", ""], ["flag", True], ["sums", 1, 2, "", 4.5], ["huge", "9" * 400],
        ],
        "Sales": [
            ["Date", "Revenue ", "Target", "Twice", "twice"],
            [OCTOBER_5, 100, "", 1, 1],
            ["2026-11-02", 250.5, 240],
            [OCTOBER_5 + 1.5, "", 200],
            ["2026-12-01", 999, 999],
            [],
            ["2026-09-30", 1, 1],
        ],
        "Ana's": [["notes"], ["Day", "Value"], ["05.10.2026", 7]],
        "Odd": [["Date", "A", "B"], ["soon", 1], [OCTOBER_5, "", 2], [OCTOBER_5, "", 3], ["", 4]],
    }  # fmt: skip


class SheetWorld(WebWorld):
    """A spreadsheet; a batch is one request, and one more for the token."""

    connector = GoogleSheets

    def __init__(self, sheet: Spreadsheet, server: Server) -> None:
        super().__init__(server, requests=2, start=START, now=NOW)
        self.sheet, self.url = sheet, server.url
        self.secrets = (private_key()[40:200],)
        self.bad = {
            "words": BadQuestion({"range": "KPIs!B4"}, "is no number written like 1234.5"),
            "error": BadQuestion({"range": "KPIs!B5"}, "the formula there fails with #DIV/0!"),
            "empty": BadQuestion({"range": "KPIs!B6"}, "KPIs!B6 is empty"),
            "flag": BadQuestion({"range": "KPIs!B7"}, "True is no number"),
            "several": BadQuestion({"range": "KPIs!B8:E8"}, "3 cells"),
            "huge": BadQuestion({"range": "KPIs!B9"}, "too large"),
            "sheet": BadQuestion({"range": "Lost!B1"}, "Lost!B1: there is no such range or sheet"),
            "far": BadQuestion({"range": "KPIs!B2000"}, "KPIs!B2000: there is no such range"),
            "column": BadQuestion(
                {"sheet": "Sales", "column": "Revenues"}, "no column 'Revenues' in row 1; there is: Rev"
            ),
            "twice": BadQuestion({"sheet": "Sales", "column": "Twice"}, "several columns 'Twice'"),
            "dates": BadQuestion({"sheet": "Ana's", "column": "Value", "header": 2}, "no column 'date' in row 2"),
            "beyond": BadQuestion({"sheet": "Ana's", "column": "Value", "header": 99}, "there is: nothing"),
            "date": BadQuestion({"sheet": "Odd", "column": "A"}, "row 2: 'soon' is no date"),
        }
        self.breakages = {
            "500": Breakage(lambda: self._always(Response(500)), TransientError, "status 500"),
            "html": Breakage(lambda: self._always(Response(200, b"<html>")), ProtocolError, "is no JSON"),
            "list": Breakage(lambda: self._always(Response.of([])), ProtocolError, "other ranges"),
            "400": Breakage(lambda: self._always(Response.of({"error": "no"}, 400)), ProtocolError, "status 400"),
            "not shared": Breakage(self._hide, AccessError, f"{ACCOUNT} may not read it"),
            "down": Breakage(self._leave, TransientError, "no whole answer"),
        }

    def _always(self, response: Response) -> None:
        self.sheet.is_shared = True
        self.server.heal()
        self.server.inject(Fault("response", response, where="batchGet", times=99))

    def _hide(self) -> None:
        self.server.heal()
        self.sheet.is_shared = False

    def _leave(self) -> None:
        self.url = "http://127.0.0.1:9"

    def settings(self) -> Mapping[str, Any]:
        key = Referenced(key_file(self.url))
        return {"spreadsheet": Spreadsheet.name, "key": key, "url": self.url, "allow_hosts": ["127.0.0.1"]}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            "churn": {"range": "KPIs!B1"},
            "text": {"range": "KPIs!B2"},
            "revenue": {"sheet": "Sales", "column": "revenue"},
            "target": {"sheet": "Sales", "column": "Target"},
        }

    def truth(self, ref: str) -> tuple[float, ...] | None:
        churn = self.sheet.cells["KPIs"][0][1]
        known = {"churn": (churn,), "text": (1234.5,), "revenue": (100.0, 250.5), "target": (200.0, 240.0)}
        return known[ref.partition("-")[0]]

    def change(self, ref: str) -> None:
        self.sheet.cells["KPIs"][0][1] = 0.5


@pytest.fixture
def sheet() -> Spreadsheet:
    return Spreadsheet(cells())


@pytest.fixture
def server(sheet: Spreadsheet) -> Iterator[Server]:
    with Server(sheet) as server:
        yield server


class TestGoogleSheets(WebSourceContract):
    @pytest.fixture
    def world(self, sheet: Spreadsheet, server: Server) -> Iterator[SheetWorld]:
        with SheetWorld(sheet, server) as world:
            yield world


def connect(server: Server, caller: Caller | None = None, **over: Any) -> GoogleSheets:
    """Return a connector to the spreadsheet."""
    key = Referenced(key_file(server.url))
    told = {"spreadsheet": Spreadsheet.name, "key": key, "url": server.url, "allow_hosts": ["127.0.0.1"], **over}
    return GoogleSheets(SheetsSettings.model_validate(told), caller)


def ask(server: Server, queries: Mapping[str, Mapping[str, Any]], caller: Caller | None = None, **over: Any) -> Answer:
    """Return what a new connector answers."""
    with closing(connect(server, caller, **over)) as source:
        return source.read(Ask({ref: SheetsQuery.model_validate(each) for ref, each in queries.items()}, START, NOW))


def one(server: Server, query: Mapping[str, Any], **over: Any) -> Any:
    """Return the outcome of one question."""
    return ask(server, {"a": query}, **over)["a"]


def test_a_hundred_ranges_of_one_sheet_are_one_request(server: Server, sheet: Spreadsheet) -> None:
    """And one for the token; each gets its own cell."""
    sheet.cells["KPIs"] = [["", n] for n in range(100)]
    caller = CountingCaller()
    answer = ask(server, {f"r{n}": {"range": f"KPIs!B{n + 1}"} for n in range(100)}, caller)
    assert [answer[f"r{n}"] for n in range(100)] == [(Reading(n, None, f"KPIs!B{n + 1}"),) for n in range(100)]
    assert caller.count == 2


def test_more_ranges_than_an_address_holds_are_several_requests(server: Server, sheet: Spreadsheet) -> None:
    """No address is longer than servers take, and nothing is lost."""
    name = "A sheet with quite a long name, as people like to have them"
    sheet.cells[name] = [[n] for n in range(90)]
    answer = ask(server, {f"r{n}": {"range": f"'{name}'!A{n + 1}"} for n in range(90)})
    assert [answer[f"r{n}"][0].value for n in range(90)] == [*range(90)]  # type: ignore[index]
    asked = [each for each in server.log if "batchGet" in each.path]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("aggregate", "value"), [("sum", 7.5), ("mean", 2.5), ("min", 1), ("max", 4.5), ("count", 3), ("last", 4.5)]
)
def test_several_cells_make_one_number_as_is_said(server: Server, aggregate: str, value: float) -> None:
    """Empty cells count for nothing."""
    (reading,) = one(server, {"range": "KPIs!B8:E8", "aggregate": aggregate})
    assert reading == Reading(value, None, "KPIs!B8:E8")


def test_numbers_written_as_text_have_the_sign_that_is_said(server: Server) -> None:
    """1234,5 is 1234.5 where the comma is said; elsewhere it is no number."""
    assert one(server, {"range": "KPIs!B3"}, decimal=",")[0].value == 1234.5
    assert isinstance(one(server, {"range": "KPIs!B3"}), Miss)
    assert isinstance(one(server, {"range": "KPIs!B2"}, decimal=","), Miss)


def test_rows_are_dated_in_the_zone_of_the_spreadsheet(server: Server) -> None:
    """A serial number is a day there, its fraction the time; text is ISO 8601."""
    revenue = one(server, {"sheet": "Sales", "column": "Revenue"}, timezone="Europe/Berlin")
    assert [(each.time, each.value, each.evidence) for each in revenue] == [
        (datetime(2026, 10, 4, 22, tzinfo=UTC), 100, "sheet 'Sales', row 2"),
        (datetime(2026, 11, 1, 23, tzinfo=UTC), 250.5, "sheet 'Sales', row 3"),
    ]
    target = one(server, {"sheet": "Sales", "column": "Target"})
    assert target[0] == Reading(200, datetime(2026, 10, 6, 12, tzinfo=UTC), "sheet 'Sales', row 4")


def test_headers_may_stand_lower_and_dates_be_written_otherwise(server: Server) -> None:
    """The name of a sheet may need quotes."""
    query = {"sheet": "Ana's", "column": "Value", "date_column": "day", "header": 2}
    assert one(server, query, date_format="%d.%m.%Y") == (
        Reading(7, datetime(2026, 10, 5, tzinfo=UTC), 'sheet "Ana\'s", row 3'),
    )
    miss = one(server, query)
    assert "'05.10.2026' is no date; write 2026-10-31, or say `date_format`" in miss.message


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[OCTOBER_5, 1], [OCTOBER_5, 2]], "row 3: the date of another row"),
        ([["", 4]], "row 2: a value without a date"),
        ([[1e300, 4]], "is no date"),
        ([[True, 4]], "is no date"),
        ([["2026-12-01", 4]], "no 'A' from 2026-10-01 to 2026-11-15"),
        ([[OCTOBER_5, 10**400]], "too large"),
    ],
)
def test_rows_that_can_not_be_told_are_a_miss(
    server: Server, sheet: Spreadsheet, rows: list[list[Any]], said: str
) -> None:
    """The message names the row; nothing is guessed, and nothing from the future counts."""
    sheet.cells["Odd"] = [["Date", "A"], *rows]
    miss = one(server, {"sheet": "Odd", "column": "A"})
    assert isinstance(miss, Miss)
    assert said in miss.message


def test_a_range_that_does_not_exist_costs_a_request_and_nobody_else(server: Server) -> None:
    """The service fails the whole batch; what it names is left out, what it does not name is searched for."""
    queries = {f"r{n}": {"range": f"KPIs!A{n + 1}", "aggregate": "count"} for n in range(8)}
    caller = CountingCaller()
    answer = ask(server, {**queries, "bad": {"range": "Lost!A1"}}, caller)
    assert caller.count == 3
    assert isinstance(answer["bad"], Miss)
    answer = ask(server, {**queries, "bad": {"range": "KPIs!A1001"}})
    assert isinstance(answer["bad"], Miss)
    assert answer["bad"].why == "not_found"


@pytest.mark.parametrize(
    ("over", "said", "fix"),
    [
        ({"spreadsheet": "1other"}, "there is no such spreadsheet", "correct `spreadsheet`"),
        ({}, "may not read it (status 403)", f"share the spreadsheet with {ACCOUNT} as viewer"),
    ],
)
def test_a_sheet_that_is_not_there_or_not_shared_says_what_to_do(
    server: Server, sheet: Spreadsheet, over: dict[str, Any], said: str, fix: str
) -> None:
    """Not shared: the address to share it with; for a probe, too."""
    sheet.is_shared = False
    with closing(connect(server, **over)) as source:
        for asking in (source.probe, lambda: source.read(Ask({"a": SheetsQuery(range="KPIs!B1")}, START, NOW))):
            with pytest.raises(AccessError) as caught:
                asking()
            assert said in str(caught.value)
            assert fix in caught.value.fix


def test_a_token_is_fetched_once_and_renewed(server: Server, sheet: Spreadsheet) -> None:
    """Once for many readings, again shortly before its end, and again after it was refused."""
    with closing(connect(server)) as source:
        asked = Ask({"a": SheetsQuery(range="KPIs!B1")}, START, NOW)
        source.read(asked)
        source.read(asked)
        assert sheet.tokens.granted == 1
        sheet.tokens.bearer = "ended"
        sheet.tokens.seconds = 20
        source.read(asked)
        assert sheet.tokens.granted == 2
        source.read(asked)
        assert sheet.tokens.granted == 3
        assert source.probe() == f"{ACCOUNT} may read 'Figures'"


def test_a_key_that_is_refused_says_so(server: Server, sheet: Spreadsheet) -> None:
    """One request, no secret in the words."""
    sheet.tokens.scope = "another"
    caller = CountingCaller()
    with pytest.raises(AccessError) as caught:
        ask(server, {"a": {"range": "KPIs!B1"}}, caller)
    assert caller.count == 1
    assert f"no token for {ACCOUNT}" in str(caught.value)
    assert "make a new key" in caught.value.fix


def test_a_private_key_that_is_none_says_so(server: Server) -> None:
    """Nothing is sent."""
    told = {**json.loads(key_file(server.url)), "private_key": "-----BEGIN nothing-----"}
    with pytest.raises(AccessError, match=r"the private key of .* can't be read"):
        ask(server, {"a": {"range": "KPIs!B1"}}, key=Referenced(json.dumps(told)))
    assert server.log == []


@pytest.mark.parametrize("key", ["", "{}", "no JSON", '{"client_email": "a", "private_key": "b"}', "[]"])
def test_a_key_that_is_no_key_file_is_refused(key: str) -> None:
    """When the config is loaded, without quoting it."""
    with pytest.raises(ValidationError, match=r"secret is empty|no JSON key of a service account"):
        SheetsSettings.model_validate({"spreadsheet": "a", "key": Referenced(key)})


def test_a_key_in_the_open_is_refused(server: Server) -> None:
    """It comes by reference only."""
    with pytest.raises(ValidationError, match="a secret may not stand in a file"):
        SheetsSettings.model_validate({"spreadsheet": "a", "key": key_file(server.url)})


def test_the_address_in_the_browser_is_as_good_as_the_id(server: Server) -> None:
    """People copy it from there."""
    address = f"https://docs.google.com/spreadsheets/d/{Spreadsheet.name}/edit#gid=0"
    assert one(server, {"range": "KPIs!B1"}, spreadsheet=address)[0].value == 0.031
    with pytest.raises(ValidationError, match="write the id of the spreadsheet"):
        connect(server, spreadsheet="https://evil.example/d/x")


@pytest.mark.parametrize(
    "query", [{}, {"range": "A1", "sheet": "S", "column": "C"}, {"column": "C"}, {"range": "A1", "sheet": "S"},
              {"sheet": "S", "column": "C", "aggregate": "sum"}, {"range": ""}]
)  # fmt: skip
def test_a_question_names_cells_or_a_column(query: dict[str, Any]) -> None:
    """Neither both nor none."""
    with pytest.raises(ValidationError):
        SheetsQuery.model_validate(query)
