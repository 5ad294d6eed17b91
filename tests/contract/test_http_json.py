"""http_json keeps the laws of metric sources, and takes nothing from a service that is not a number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.http_json import HttpJson
from connectors.http_json_settings import HttpJsonQuery, HttpJsonSettings
from okr_sync.connector import (
    AccessError,
    Answer,
    Ask,
    Caller,
    Miss,
    ProtocolError,
    Reading,
    Referenced,
    SourceError,
    TransientError,
)
from okr_sync.sandbox.server import Fault, Request, Response, Server
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller, MetricSourceContract, MetricWorld
from tests.contract.google_server import key_file

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, 30, tzinfo=UTC)
TOKEN = "http-json-s3cret"


class Shop:
    """A service with a summary, daily rows, and deals in pages of three; it grants tokens and may want them."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.replies: dict[str, Response] = {}
        self.bearer = ""
        self.tokens = 0
        self.deals = [{"id": n, "amount": 10 * n, "won": n % 2 == 0} for n in range(1, 9)]
        self.summary: Any = {
            "open": 3, "won": {"amount": 120.5}, "text": "12", "flag": True, "list": [1, 2], "none": None, "table": {},
            "huge": 10**400,
        }  # fmt: skip
        self.days: Any = [
            {"date": "2026-09-30", "nps": 30},
            {"date": "2026-11-01", "nps": 33.5},
            {"date": "2026-10-01", "nps": 31},
            {"date": "2026-11-10", "nps": None},
            {"date": "2026-12-01", "nps": 99},
        ]

    def respond(self, request: Request) -> Response:
        self.asked.append(request)
        if request.path in self.replies:
            return self.replies[request.path]
        if request.path == "/token":
            self.tokens += 1
            self.bearer = f"granted-{self.tokens}"
            return Response.of({"access_token": self.bearer, "expires_in": 3600})
        if self.bearer and request.headers.get("authorization") != f"Bearer {self.bearer}":
            return Response.of({"error": f"bad token {request.headers.get('authorization')}"}, 401)
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        answers = {"/v1/summary": self.summary, "/v1/days": {"rows": self.days}}
        if request.path in answers:
            return Response.of(answers[request.path])
        if request.path == "/v1/deals":
            asked = {**request.query, **(request.json() or {})}
            return self._page(int(asked.get("after") or 0), int(asked.get("page", 0)), request)
        if request.path == "/v1/echo":
            return Response.of({"query": dict(request.query), "raw": request.raw_query, "body": request.json()})
        return Response.of({"error": "no such thing"}, 404)

    def _page(self, after: int, page: int, request: Request) -> Response:
        begin = (page - 1) * 3 if page else after
        rows = self.deals[begin : begin + 3]
        more = begin + 3 if begin + 3 < len(self.deals) else None
        url = f"http://{request.headers['host']}/v1/deals?after={more}"
        links = {"Link": f'<{url}>; rel="next"'} if more else {}
        return Response.of({"data": rows, "next": url if more else "", "meta": {"after": more}}, headers=links)


SUMMARY = {"path": "/v1/summary"}
DAYS = {"path": "/v1/days", "rows": "rows", "time": "date", "value": "nps"}
DEALS = {"path": "/v1/deals", "rows": "data", "value": "sum([?won].amount)"}
WAYS = {
    "link": {"link": "next"},
    "header": {"link": "header"},
    "cursor": {"cursor": "meta.after", "param": "after"},
    "page": {"page": "page"},
}


class ShopWorld(MetricWorld):
    """The shop, where questions of all sorts are asked; three documents."""

    def __init__(self, shop: Shop, server: Server) -> None:
        self.shop, self.server = shop, server
        self.url = server.url
        self.made: list[HttpJson] = []
        bad = {
            "nothing": BadQuestion({**SUMMARY, "value": "won.count"}, "finds nothing"),
            "null": BadQuestion({**SUMMARY, "value": "none"}, "finds nothing"),
            "text": BadQuestion({**SUMMARY, "value": "text"}, "to_number"),
            "bool": BadQuestion({**SUMMARY, "value": "flag"}, "true or false"),
            "several": BadQuestion({**SUMMARY, "value": "list"}, "2 values; aggregate"),
            "table": BadQuestion({**SUMMARY, "value": "table"}, "an object"),
            "huge": BadQuestion({**SUMMARY, "value": "huge"}, "too large"),
            "type": BadQuestion({**SUMMARY, "value": "sum(text)"}, "sum() takes"),
            "lost": BadQuestion({"path": "/v1/lost", "value": "open"}, "status 404"),
            "no list": BadQuestion({**DEALS, "rows": "meta", "pages": {"page": "page"}}, "no list"),
            "no rows": BadQuestion({**DAYS, "rows": "row"}, "no list"),
            "no date": BadQuestion({**DAYS, "time": "nps || 'soon'", "value": "date"}, "no date"),
        }
        breakages = {
            "500": Breakage(lambda: self._all(Response(500)), TransientError, "status 500"),
            "403": Breakage(lambda: self._all(Response(403)), AccessError, "status 403"),
            "html": Breakage(lambda: self._all(Response(200, b"<html>")), ProtocolError, "is no JSON"),
            "401": Breakage(lambda: self._all(Response(401)), AccessError, "status 401"),
            "down": Breakage(self._leave, TransientError, "no whole answer"),
        }
        super().__init__(START, NOW, requests=3 + 2, bad=bad, breakages=breakages, secrets=(TOKEN,))

    def _all(self, response: Response) -> None:
        self.shop.replies = dict.fromkeys(["/v1/summary", "/v1/days", "/v1/deals"], response)

    def _leave(self) -> None:
        self.url = "http://127.0.0.1:9"

    def connect(self, caller: Caller) -> HttpJson:
        self.made.append(HttpJson(HttpJsonSettings.model_validate(self.settings()), caller))
        return self.made[-1]

    def settings(self) -> Mapping[str, Any]:
        headers = {"X-Api-Key": Referenced(TOKEN)}
        return {"url": self.url, "allow_hosts": ["127.0.0.1"], "headers": headers, "timezone": "UTC"}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            "open": {**SUMMARY, "value": "open"},
            "amount": {**SUMMARY, "value": "won.amount"},
            "days": DAYS,
            "deals": {**DEALS, "pages": WAYS["cursor"]},
        }

    def truth(self, ref: str) -> tuple[float, ...] | None:
        won = sum(each["amount"] for each in self.shop.deals if each["won"])
        newest = self.shop.summary["open"]
        return {"open": (newest,), "amount": (120.5,), "days": (31.0, 33.5), "deals": (won,)}[ref.partition("-")[0]]

    def change(self, ref: str) -> None:
        self.shop.summary["open"] += 1


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def server(shop: Shop) -> Iterator[Server]:
    with Server(shop) as server:
        yield server


class TestHttpJson(MetricSourceContract):
    @pytest.fixture
    def world(self, shop: Shop, server: Server) -> Iterator[MetricWorld]:
        world = ShopWorld(shop, server)
        yield world
        for source in world.made:
            source.close()


def ask(
    server: Server, queries: Mapping[str, Mapping[str, Any]], caller: Caller | None = None, **settings: Any
) -> Answer:
    """Return what a connector to the shop answers."""
    told = {"url": server.url, "allow_hosts": ["127.0.0.1"], "timezone": "UTC", **settings}
    with closing(HttpJson(HttpJsonSettings.model_validate(told), caller)) as source:
        parsed = {ref: HttpJsonQuery.model_validate(query) for ref, query in queries.items()}
        return source.read(Ask(parsed, START, NOW))


def one(server: Server, query: Mapping[str, Any], **settings: Any) -> Any:
    """Return the outcome of one query."""
    return ask(server, {"a": query}, **settings)["a"]


def value(server: Server, query: Mapping[str, Any], **settings: Any) -> float:
    """Return the one value of a query."""
    (reading,) = one(server, query, **settings)
    assert isinstance(reading, Reading)
    return reading.value


def test_a_hundred_pointers_into_three_documents_are_three_requests(server: Server) -> None:
    """The documents are what costs, not the questions."""
    caller = CountingCaller()
    pointers = [({**SUMMARY, "value": "open"}), (DAYS), ({**DEALS, "value": "length(@)"})]
    answer = ask(server, {f"q{n}": pointers[n % 3] for n in range(100)}, caller)
    assert caller.count == 3
    assert not [outcome for outcome in answer.values() if isinstance(outcome, Miss)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_way_of_paging_brings_all_rows(server: Server, way: str, method: str) -> None:
    """Three pages, as one list; the last one ends it."""
    query = {**DEALS, "method": method, "value": "[length(@), sum([].amount)] | sum(@)", "pages": WAYS[way]}
    body: dict[str, Any] = {"body": {}} if method == "POST" else {}
    caller = CountingCaller()
    answer = ask(server, {"a": {**query, **body}}, caller)
    assert answer["a"] == (Reading(8 + 360.0, None, "[length(@), sum([].amount)] | sum(@)"),)
    assert caller.count == (4 if way == "page" else 3)


@pytest.mark.parametrize(
    ("page", "pages", "said"),
    [
        ({"data": [1], "next": "/v1/deals"}, WAYS["link"], "repeats"),
        ({"data": [1], "meta": {"after": "same"}}, WAYS["cursor"], "repeats"),
        ({"data": [1]}, WAYS["page"], "repeats"),
        ({"data": [1], "next": "https://evil.example/v1/deals"}, WAYS["link"], "another host"),
        ({"data": [1], "next": "//127.0.0.1/v1"}, WAYS["link"], "another host"),
        ({"data": [1], "next": "file:///etc/passwd"}, WAYS["link"], "another host"),
        ({"data": [1], "next": "https://127.0.0.1:1\\@evil.example/"}, WAYS["link"], "another host"),
        ({"data": {"a": 1}}, WAYS["link"], "no list"),
        ({"data": [1], "meta": 7}, {"cursor": "sum(meta)"}, "sum() takes"),
    ],
)
def test_pages_that_go_wrong_are_a_miss(server: Server, shop: Shop, page: Any, pages: Any, said: str) -> None:
    """Nothing is asked for ever, nothing elsewhere, nothing counted twice; other questions are answered."""
    shop.replies["/v1/deals"] = Response.of(page)
    answer = ask(server, {"bad": {**DEALS, "pages": pages}, "good": {**SUMMARY, "value": "open"}})
    assert isinstance(answer["bad"], Miss)
    assert said in answer["bad"].message
    assert isinstance(answer["good"], tuple)
    assert len(shop.asked) <= 4


def test_there_is_an_end_to_pages(server: Server, shop: Shop) -> None:
    """The cap is a mistake that is told, not a number that is too small."""
    shop.deals *= 5
    queries: dict[str, Any] = {"bad": {**DEALS, "pages": WAYS["cursor"]}, "good": {**SUMMARY, "value": "open"}}
    answer = ask(server, queries, most_pages=9)
    assert isinstance(answer["bad"], Miss)
    assert "more than 9 pages" in answer["bad"].message


def test_rows_are_dated_in_the_source_s_zone(server: Server, shop: Shop) -> None:
    """Days begin where the service is; instants are what they are; what is of another window does not count."""
    shop.days = [
        {"date": "2026-10-20", "nps": 1}, {"date": "2026-10-21T10:00:00Z", "nps": 2},
        {"date": "2026-10-22T10:00:00", "nps": 3}, {"date": 1792836000, "nps": 4}, {"date": 1792922400000, "nps": 5},
        {"date": "2026-10-21T12:00:00+02:00", "nps": 2},
    ]  # fmt: skip
    readings = one(server, DAYS, timezone="Asia/Kathmandu")
    assert [(f"{each.time:%d %H:%M}", each.value) for each in readings] == [
        ("19 18:15", 1), ("21 10:00", 2), ("22 04:15", 3), ("24 10:00", 4), ("25 10:00", 5),
    ]  # fmt: skip
    assert readings[0].evidence == "row 1: nps"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"date": "2026-10-20", "nps": 1}], "names no offset"),
        ([{"date": "2026-10-20T10:00:00", "nps": 1}], "names no offset"),
        ([{"date": "20.10.2026", "nps": 1}], "no date"),
        ([{"date": None, "nps": 1}], "no date"),
        ([{"date": True, "nps": 1}], "no date"),
        ([{"date": 1e300, "nps": 1}], "no date"),
        ([{"date": "2027-01-01T00:00:00Z", "nps": 1}], "the latest of 1 rows is of 2027-01-01"),
        ([], "there are no rows"),
        ([{"date": "2026-10-20T00:00:00Z", "nps": "many"}], "row 1: nps finds text"),
        ([{"date": "2026-10-20T00:00:00Z", "nps": n} for n in (1, 2)], "row 2 has the time of another row"),
        (7, "no list"),
        ({"a": 1}, "no list"),
    ],
)
def test_rows_that_can_not_be_told_are_a_miss(server: Server, shop: Shop, rows: Any, said: str) -> None:
    """No guess at zones, formats or sums; the message names the row."""
    shop.days = rows
    miss = one(server, DAYS, timezone=None)
    assert isinstance(miss, Miss)
    assert said in miss.message


@pytest.mark.parametrize(
    "body", [b"NaN", b'{"open": Infinity}', b'{"open": 1e999}', b'{"open": 1, "open": 2}', b"[" * 100_000, b"\xff", b""]
)
def test_a_document_that_is_no_strict_json_is_none(server: Server, shop: Shop, body: bytes) -> None:
    """Other documents of the source are read."""
    shop.replies["/v1/summary"] = Response(200, body)
    answer = ask(server, {"bad": {**SUMMARY, "value": "open"}, "good": {**DAYS}})
    assert isinstance(answer["bad"], Miss)
    assert "no JSON" in answer["bad"].message
    assert isinstance(answer["good"], tuple)


def test_a_giant_document_is_refused(server: Server, shop: Shop) -> None:
    """What is larger than 64 MiB is not taken in."""
    shop.replies["/v1/summary"] = Response(200, b" " * (65 * 2**20))
    answer = ask(server, {"bad": {**SUMMARY, "value": "open"}, "good": DAYS})
    assert isinstance(answer["bad"], Miss)
    assert "larger than 64 MiB" in answer["bad"].message


@pytest.mark.parametrize(("status", "why"), [(404, "invalid"), (403, "denied"), (503, "unreachable")])
def test_one_document_that_fails_is_a_miss_of_its_questions(server: Server, shop: Shop, status: int, why: str) -> None:
    """The others are answered; the reason says what to do."""
    shop.replies["/v1/summary"] = Response(status, b"their words")
    answer = ask(server, {"bad": {**SUMMARY, "value": "open"}, "good": DAYS})
    miss = answer["bad"]
    assert isinstance(miss, Miss)
    assert (miss.why, f"status {status}" in miss.message, "their words" in miss.message) == (why, True, False)
    assert isinstance(answer["good"], tuple)


def test_a_refused_credential_ends_the_source(server: Server, shop: Shop) -> None:
    """Nobody knocks a hundred times with a key that does not fit."""
    shop.replies = dict.fromkeys(["/v1/summary", "/v1/days"], Response(401))
    caller = CountingCaller()
    with pytest.raises(AccessError):
        ask(server, {"a": {**SUMMARY, "value": "open"}, "b": DAYS, "c": DEALS}, caller)
    assert caller.count == 1


def test_the_window_is_written_into_what_is_asked(server: Server) -> None:
    """In address, query and body, each encoded as it must be; other braces stay."""
    query = {
        "path": "/v1/echo?from={start}&x={y}", "method": "POST", "value": "@",
        "params": {"to": "{now:date}", "n": 5, "s": "{start:seconds}+1"},
        "body": {"range": ["{start:iso}", {"ms": "{end:milliseconds}"}], "text": '{"a": "{now}"}', "n": 1.5},
    }  # fmt: skip
    told = {"url": server.url, "allow_hosts": ["127.0.0.1"]}
    with closing(HttpJson(HttpJsonSettings.model_validate(told))) as source:
        source.read(Ask({"a": HttpJsonQuery.model_validate(query)}, START, NOW))
    sent = server.log[-1]
    assert sent.query == {
        "from": "2026-10-01T00:00:00Z", "x": "{y}", "to": "2026-11-15", "n": "5", "s": "1790812800+1",
    }  # fmt: skip
    assert json.loads(sent.body) == {
        "range": ["2026-10-01T00:00:00Z", {"ms": "1794745800000"}],
        "text": '{"a": "2026-11-15T12:30:00Z"}',
        "n": 1.5,
    }


def test_a_time_in_a_path_is_one_step_of_it(server: Server, shop: Shop) -> None:
    """Colons and the like are encoded, so a time never becomes another address."""
    miss = ask(server, {"a": {"path": "/v1/days/{start}/x", "value": "a"}, "b": DAYS})["a"]
    assert isinstance(miss, Miss)
    assert "/v1/days/2026-10-01T00%3A00%3A00Z/x" in {each.path for each in shop.asked}


@pytest.mark.parametrize("client_in", ["body", "header"])
def test_client_credentials_get_one_token_for_all(server: Server, shop: Shop, client_in: str) -> None:
    """Fetched once, sent with every request, renewed once when it is refused."""
    signing = {
        "token_url": f"{server.url}/token", "client_id": "me", "client_secret": Referenced(TOKEN), "scope": "read",
        "client_in": client_in,
    }  # fmt: skip
    told = {"url": server.url, "allow_hosts": ["127.0.0.1"], "timezone": "UTC", **signing}
    queries = {"a": {**SUMMARY, "value": "open"}, "b": DAYS, "c": {**DEALS, "pages": WAYS["link"]}}
    parsed = {ref: HttpJsonQuery.model_validate(query) for ref, query in queries.items()}
    with closing(HttpJson(HttpJsonSettings.model_validate(told))) as source:
        source.read(Ask(parsed, START, NOW))
        source.read(Ask(parsed, START, NOW))
        assert shop.tokens == 1
        shop.bearer = "another"
        source.read(Ask(parsed, START, NOW))
        assert shop.tokens == 2
        assert "grants a token" in source.probe()
    sent = next(each for each in shop.asked if each.path == "/token")
    assert b"grant_type=client_credentials&scope=read" in sent.body
    assert (TOKEN.encode() in sent.body) == (client_in == "body")
    assert sent.headers.get("authorization", "").startswith("Basic ") == (client_in == "header")


@pytest.mark.parametrize(("status", "kind"), [(400, AccessError), (401, AccessError), (500, TransientError)])
def test_no_token_no_question(server: Server, shop: Shop, status: int, kind: type[SourceError]) -> None:
    """A wrong client secret is told as such, after one request."""
    shop.replies["/token"] = Response.of({"error": "invalid_client"}, status)
    signing = {"token_url": f"{server.url}/token", "client_id": "me", "client_secret": Referenced(TOKEN)}
    caller = CountingCaller()
    with pytest.raises(kind) as caught:
        ask(server, {"a": {**SUMMARY, "value": "open"}}, caller, **signing)
    assert caller.count == 1
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "header", "sent"),
    [
        ({"token": Referenced(TOKEN)}, "authorization", f"Bearer {TOKEN}"),
        ({"username": "ana", "password": Referenced("pw")}, "authorization", "Basic YW5hOnB3"),
        ({"headers": {"X-Api-Key": Referenced(TOKEN), "Accept": "application/vnd.x+json"}}, "x-api-key", TOKEN),
        ({"headers": {"Accept": "application/vnd.x+json"}}, "accept", "application/vnd.x+json"),
    ],
)
def test_signing_in(server: Server, shop: Shop, settings: dict[str, Any], header: str, sent: str) -> None:
    """By bearer token, basic authentication, or a header."""
    value(server, {**SUMMARY, "value": "open"}, **settings)
    assert shop.asked[0].headers[header] == sent


def test_a_key_in_the_query_is_sent_and_never_told(server: Server, shop: Shop) -> None:
    """Some services want it there, with every page."""
    value(server, {**DEALS, "pages": WAYS["link"]}, params={"api_key": Referenced(TOKEN)})
    assert [each.query["api_key"] for each in shop.asked] == [TOKEN] * 3
    shop.replies["/v1/deals"] = Response(404)
    with pytest.raises(ProtocolError) as caught:
        value(server, {**DEALS, "pages": WAYS["link"]}, params={"api_key": Referenced(TOKEN)})
    assert TOKEN not in str(caught.value)


def test_a_dropped_connection_may_be_tried_again(server: Server) -> None:
    """When nothing else is asked, the source failed."""
    server.inject(Fault("truncate"))
    with pytest.raises(TransientError):
        value(server, {**SUMMARY, "value": "open"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "shop.example"}, {"url": "https://ana@shop.example"}, {"url": "https://shop.example/?a=b"},
        {"headers": {"Authorization": "Bearer abc"}}, {"params": {"api_key": "abc"}}, {"headers": {"X-Token": "abc"}},
        {"username": "ana"}, {"client_id": "me"}, {"token_url": "https://a/token", "client_id": "me"},
        {"token": Referenced("x"), "username": "a", "password": Referenced("x")}, {"token": "plain"}, {"headers": 7},
        {"timezone": "Mars/Base"}, {"token_url": "ftp://a"}, {"most_pages": 0},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """A mistake, or a secret in the file, is told when the config is read."""
    with pytest.raises(ValidationError) as caught:
        HttpJsonSettings.model_validate({"url": "https://shop.example", **wrong})
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"value": "sum("}, "no JMESPath"), ({"value": "a", "time": "]"}, "no JMESPath"),
        ({"value": ""}, "no JMESPath"),
        ({"value": "a", "body": {}}, "method: POST"), ({"value": "a", "pages": {"page": "p"}}, "needs `rows`"),
        ({"value": "a", "rows": "b", "pages": {}}, "one of"), ({"value": "a", "path": "v1"}, "path"),
        ({"value": "a", "rows": "b", "pages": {"page": "p", "link": "n"}}, "one of"),
        ({"value": "a", "rows": "b", "pages": {"link": "n("}}, "no JMESPath"),
    ],
)  # fmt: skip
def test_questions_that_make_no_sense_are_refused(wrong: dict[str, Any], said: str) -> None:
    """An expression is parsed when the config is read."""
    with pytest.raises(ValidationError, match=said):
        HttpJsonQuery.model_validate(wrong)


def test_a_probe_says_whether_there_is_an_answer(server: Server) -> None:
    """Often there is nothing at the address that all others begin with; what matters is who answers."""
    told = {"url": server.url, "allow_hosts": ["127.0.0.1"]}
    with closing(HttpJson(HttpJsonSettings.model_validate(told))) as source:
        assert source.probe() == f"{server.url} answers (status 404)"


def test_a_number_is_multiplied_as_is_said(server: Server, shop: Shop) -> None:
    """Cents become euros, for one number and in each row; what becomes too large is told."""
    assert value(server, {**SUMMARY, "value": "won.amount", "scale": 0.01}) == pytest.approx(1.205)
    assert [each.value for each in one(server, {**DAYS, "scale": 10})] == [310, 335]
    shop.summary["large"] = 1e300
    miss = one(server, {**SUMMARY, "value": "large", "scale": 1e300})
    assert "too large" in miss.message
    for scale in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValidationError):
            HttpJsonQuery.model_validate({**SUMMARY, "value": "open", "scale": scale})


def test_a_day_is_written_as_services_want_it(server: Server) -> None:
    """Eight digits without dashes, in UTC."""
    ask(server, {"a": {"path": "/v1/echo", "params": {"d": "{start:compact}"}, "value": "length(raw)"}})
    assert server.log[-1].query == {"d": "20261001"}


@pytest.mark.parametrize("given", [{"paging": {"size": 3}}, {"paging": "odd"}, {}])
def test_a_cursor_may_stand_inside_of_a_body(server: Server, shop: Shop, given: dict[str, Any]) -> None:
    """A dot in `param` leads inwards; what stands beside it stays, what is no object is replaced."""
    shop.replies["/v1/deals"] = Response.of({"data": [1], "meta": {"after": None}})
    query = {
        **DEALS, "method": "POST", "body": given, "value": "length(@)",
        "pages": {"cursor": "meta.after", "param": "paging.after"},
    }  # fmt: skip
    server.inject(Fault("response", Response.of({"data": [1, 2], "meta": {"after": "x"}}), times=1))
    assert value(server, query) == 3
    sizes = {"size": 3} if isinstance(given.get("paging"), dict) else {}
    assert json.loads(server.log[-1].body) == {"paging": {**sizes, "after": "x"}}


def test_a_next_page_that_holds_nothing_is_not_asked_for(server: Server, shop: Shop) -> None:
    """Some services name one after the last page, too, and say so."""
    place = f"{server.url}/v1/deals?cursor=9"
    link = f'<{place}>; rel="next"; results="false"; cursor="9"'
    shop.replies["/v1/deals"] = Response.of({"data": [1, 2]}, headers={"Link": link})
    caller = CountingCaller()
    answer = ask(server, {"a": {**DEALS, "value": "length(@)", "pages": {"link": "header"}}}, caller)
    assert answer["a"] == (Reading(2, None, "length(@)"),)
    assert caller.count == 1


def test_a_probe_asks_where_it_is_told(server: Server, shop: Shop) -> None:
    """There the answer must be good: another status is an error, as a wrong key would be."""
    told = {"url": server.url, "allow_hosts": ["127.0.0.1"], "probe_path": "/v1/summary"}
    with closing(HttpJson(HttpJsonSettings.model_validate(told))) as source:
        assert source.probe() == f"{server.url} answers (status 200)"
        shop.replies["/v1/summary"] = Response(404)
        with pytest.raises(ProtocolError):
            source.probe()


def test_a_google_key_needs_a_scope_and_no_other_way(server: Server) -> None:
    """One way of signing in, and a whole one."""
    key = Referenced(key_file(server.url))
    told = {"url": server.url, "google_key": key}
    with pytest.raises(ValidationError, match="needs `scope`"):
        HttpJsonSettings.model_validate(told)
    with pytest.raises(ValidationError, match="sign in one way"):
        HttpJsonSettings.model_validate({**told, "scope": "x", "token": Referenced("t")})
