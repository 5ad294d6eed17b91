"""prometheus keeps the laws of metric sources on a real server, and joins what it asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connectors.prometheus import Prometheus
from connectors.prometheus_settings import PrometheusQuery
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
from okr_sync.sandbox.server import Fault, Request, Response, Server
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller
from okr_sync.testing.web import WebSourceContract, WebWorld
from tests.contract.prometheus_server import Relay, UnavailableError, forget, running

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
WORLDS = 100
NEWEST = 24.0 + 32 * 24 + 9  # sign-ups at NOW
TOKEN = "prometheus-s3cret"


def _samples() -> dict[str, dict[float, float]]:
    """Sign-ups that grow by one each hour, for as many worlds as there are tests; and odd ones."""
    hours = [START - timedelta(days=1) + timedelta(hours=n) for n in range(24 * 34)]
    grown = {at.timestamp(): float(n) for n, at in enumerate(hours) if at <= NOW}
    edge = {START.timestamp(): 20.0, NOW.timestamp() - 60: 40.0, NOW.timestamp(): 41.0}
    return {
        "signups_total": grown,
        'requests{code="200"}': {NOW.timestamp(): 90.0},
        'requests{code="500"}': {NOW.timestamp(): 10.0},
        **{f'level{{world="{n}"}}': edge for n in range(WORLDS)},
    }


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus; skips where there is none."""
    try:
        with running(tmp_path_factory.mktemp("prometheus"), _samples()) as url:
            yield url
    except UnavailableError as error:
        pytest.skip(str(error))


_next_world = count()


class PrometheusWorld(WebWorld):
    """Two levels of a world of its own on the real server, asked through a relay that can break."""

    connector = Prometheus

    def __init__(self, server: Server, real: str) -> None:
        super().__init__(server, start=START, now=NOW)
        self.url, self.real, self.n = server.url, real, next(_next_world)
        self.newest, self.secrets = 41.0, (TOKEN,)
        self.bad = {
            "syntax": BadQuestion({"query": "sum("}, "unclosed left parenthesis"),
            "several": BadQuestion({"query": "requests"}, "2 series (by __name__, code); aggregate"),
            "range": BadQuestion({"query": "signups_total[5m]"}, "avg_over_time"),
            "text": BadQuestion({"query": '"up"'}, "gives text"),
            "nothing": BadQuestion({"query": "nonexistent_metric"}, "gives nothing"),
            "nan": BadQuestion({"query": "vector(0) / 0"}, "divided by 0"),
            "infinite": BadQuestion({"query": "1 / 0"}, "divided by 0"),
            "join": BadQuestion({"query": "requests + on() requests"}, "many-to-many"),
        }
        self.breakages = {
            "elsewhere": Breakage(lambda: self._move("/nowhere"), ProtocolError, "status 404"),
            "down": Breakage(lambda: self._become("http://127.0.0.1:9"), TransientError, "no whole answer"),
        }
        self.moments = {"level": {START: 20.0, NOW: 41.0}, "double": {START: 40.0, NOW: 82.0}}

    def _move(self, path: str) -> None:
        self.url += path

    def _become(self, url: str) -> None:
        self.url = url

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.url, "allow_hosts": ["127.0.0.1"], "token": Referenced(TOKEN)}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        level = f'level{{world="{self.n}"}}'
        return {
            "level": {"query": level},
            "error_rate": {"query": 'sum(requests{code="500"}) / sum(requests)  # a comment'},
            "double": {"query": f"sum(2 * {level})\nor\nvector(0)"},
        }

    def truth(self, ref: str) -> tuple[float, ...] | None:
        name = ref.partition("-")[0]
        return ({"level": self.newest, "error_rate": 0.1, "double": 2 * self.newest}[name],)

    def change(self, ref: str) -> None:
        forget(self.real, f'level{{world="{self.n}"}}', NOW.timestamp())
        self.newest = 40.0


class TestPrometheus(WebSourceContract):
    @pytest.fixture
    def world(self, prometheus: str) -> Iterator[PrometheusWorld]:
        with Server(Relay(prometheus)) as server, PrometheusWorld(server, prometheus) as world:
            yield world


def ask(url: str, queries: Mapping[str, str], caller: Caller | None = None, **more: Any) -> Answer:
    """Return what a connector to `url` answers; `settings` and what else an Ask takes may be told."""
    told = {"url": url, "allow_hosts": ["127.0.0.1"], **more.pop("settings", {})}
    source = Prometheus(Prometheus.Settings.model_validate(told), caller)
    try:
        parsed = {ref: PrometheusQuery(query=text) for ref, text in queries.items()}
        return source.read(Ask(parsed, **{"start": START, "now": NOW, **more}))
    finally:
        source.close()


def values(answer: Answer, ref: str) -> list[float]:
    """Return the values of a ref that has some."""
    outcome = answer[ref]
    assert isinstance(outcome, tuple), outcome
    return [reading.value for reading in outcome]


def test_a_hundred_queries_are_one_request(prometheus: str) -> None:
    """However many there are, and in batches when told so."""
    queries = {f"q{n}": f"signups_total * {n}" for n in range(100)}
    caller = CountingCaller()
    answer = ask(prometheus, queries, caller)
    assert caller.count == 1
    assert [values(answer, f"q{n}") for n in range(100)] == [[n * NEWEST] for n in range(100)]
    caller = CountingCaller()
    assert ask(prometheus, queries, caller, settings={"batch": 40}) == answer
    assert caller.count == 3


def test_one_bad_query_costs_a_few_requests_more_and_no_answer(prometheus: str) -> None:
    """The batch is halved down to the bad one; a scalar can't be joined, but is a number."""
    queries = {f"q{n}": f"signups_total * {n}" for n in range(64)}
    caller = CountingCaller()
    answer = ask(prometheus, {**queries, "q7": "sum(", "q50": "scalar(signups_total)"}, caller)
    assert caller.count <= 1 + 2 * 2 * 6
    assert [ref for ref, outcome in answer.items() if isinstance(outcome, Miss)] == ["q7"]
    assert values(answer, "q50") == values(answer, "q1")


def test_the_past_is_read_at_local_midnights(prometheus: str) -> None:
    """Also across the end of summer time: two stretches, and now."""
    zone = ZoneInfo("Europe/Berlin")
    caller = CountingCaller()
    answer = ask(prometheus, {"s": "signups_total"}, caller, past=True, settings={"timezone": "Europe/Berlin"})
    readings = answer["s"]
    assert isinstance(readings, tuple)
    times = [reading.time for reading in readings if reading.time]
    assert [f"{at.astimezone(zone):%F %T}" for at in times[:-1]] == [
        f"{START + timedelta(days=n):%F} 00:00:00" for n in range(1, 33)
    ]
    assert times[-1] == NOW
    at_midnight = {at: reading.value for at, reading in zip(times, readings, strict=True)}
    assert at_midnight[datetime(2026, 10, 24, 22, tzinfo=UTC)] == 24 + 23 * 24 + 22
    assert at_midnight[datetime(2026, 10, 25, 23, tzinfo=UTC)] == 24 + 24 * 24 + 23
    assert caller.count == 3


def test_the_past_of_many_costs_no_more_than_that_of_one(prometheus: str) -> None:
    """Bad ones are not asked twice; what is gone now has its past yet; a number without a metric has one too."""
    queries = {f"q{n}": f"signups_total + {n}" for n in range(50)}
    gone = "signups_total unless on() (vector(time()) > 1793500000)"
    caller = CountingCaller()
    answer = ask(prometheus, {**queries, "gone": gone}, caller, past=True)
    assert caller.count == 2
    assert len(values(answer, "q1")) == 34
    assert 20 < len(values(answer, "gone")) < 33
    mixed = ask(
        prometheus, {"bad": "sum(", "number": "7", "s": "signups_total", "nan": "signups_total * NaN"}, past=True
    )
    assert isinstance(mixed["bad"], Miss)
    assert isinstance(mixed["nan"], Miss)
    assert set(values(mixed, "number")) == {7.0}
    assert len(values(mixed, "s")) == 34


class Fake:
    """Says what it is told, and keeps what it was asked."""

    def __init__(self, payload: Any, status: int = 200) -> None:
        self.payload, self.status = payload, status
        self.asked: list[Request] = []

    def respond(self, request: Request) -> Response:
        self.asked.append(request)
        return Response.of(self.payload, self.status)


def vector(*series: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return an answer with these series."""
    return {"status": "success", "data": {"resultType": "vector", "result": list(series)}, **more}


ONE = {"metric": {}, "value": [1793000000.0, "7"]}


@pytest.mark.parametrize(
    ("payload", "status", "kind", "said"),
    [
        (vector(ONE, warnings=["receive series from store: rpc error"]), 200, TransientError, "only in part"),
        ({"status": "error", "errorType": "timeout", "error": "query timed out"}, 503, Miss, "query timed out"),
        ({"status": "error", "errorType": "execution", "error": "too many samples"}, 422, Miss, "too many samples"),
        ("overloaded", 503, TransientError, "status 503"),
        ("odd", 200, ProtocolError, "no answer of Prometheus"),
        ({"status": "success", "data": {"resultType": "streams", "result": []}}, 200, ProtocolError, "no answer of"),
        (vector({"metric": {}, "value": ["x"]}), 200, ProtocolError, "no answer of Prometheus"),
        (vector({"metric": {}, "value": [1.0, "many"]}), 200, Miss, "no finite number"),
        (vector({"metric": {}, "histogram": [1.0, {}]}), 200, Miss, "no finite number"),
        ([], 401, AccessError, "status 401"),
        ([], 429, TransientError, "status 429"),
    ],
)
def test_what_else_can_come_back_has_its_type(payload: Any, status: int, kind: type, said: str) -> None:
    """Answers in part are none; what the server says of the query is told; the rest is an error of the source."""
    with Server(Fake(payload, status)) as server:
        if kind is Miss:
            miss = ask(server.url, {"a": "up"})["a"]
            assert isinstance(miss, Miss)
            assert said in miss.message
        else:
            with pytest.raises(kind, match=said) as caught:
                ask(server.url, {"a": "up"})
            assert caught.value.fix  # type: ignore[attr-defined]


@pytest.mark.parametrize("mark", [{}, {"okr_sync_ref": "2"}, {"okr_sync_ref": "x"}])
def test_an_answer_without_the_marks_that_were_asked_is_refused(mark: dict[str, str]) -> None:
    """No number goes to a key result that it may not belong to."""
    with Server(Fake(vector({**ONE, "metric": mark}))) as server, pytest.raises(ProtocolError, match="not asked"):
        ask(server.url, {"a": "up", "b": "down"})


def test_advice_on_a_query_is_no_failure() -> None:
    """Warnings of PromQL itself concern how it is written."""
    with Server(Fake(vector(ONE, warnings=["PromQL warning: bucket label missing"]))) as server:
        assert values(ask(server.url, {"a": "up"}), "a") == [7.0]


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"token": Referenced(TOKEN)}, {"authorization": f"Bearer {TOKEN}"}),
        ({"username": "ana", "password": Referenced("pw")}, {"authorization": "Basic YW5hOnB3"}),
        ({"tenant": "team-a"}, {"x-scope-orgid": "team-a"}),
    ],
)
def test_the_credential_is_sent(settings: dict[str, Any], headers: dict[str, str]) -> None:
    """Bearer, basic, and the tenant of a shared one."""
    site = Fake(vector(ONE))
    with Server(site) as server:
        ask(f"{server.url}/prometheus/", {"a": "up"}, settings=settings)
    assert site.asked[0].path == "/prometheus/api/v1/query"
    assert headers.items() <= dict(site.asked[0].headers).items()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "prometheus:9090"}, {"url": "https://a/?b=c"}, {"url": "https://ana@a/"}, {"username": "ana"},
        {"password": Referenced("x")}, {"token": Referenced("x"), "username": "a", "password": Referenced("x")},
        {"token": "in-the-file"}, {"timezone": "Mars/Base"},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """A mistake is told when the config is read."""
    with pytest.raises(ValidationError):
        Prometheus.Settings.model_validate({"url": "https://prometheus.example", **wrong})


def test_a_window_without_midnight_has_no_past(prometheus: str) -> None:
    """An hour inside of one day: the value now, one request."""
    caller = CountingCaller()
    answer = ask(prometheus, {"s": "signups_total"}, caller, start=NOW - timedelta(hours=1), past=True)
    assert answer["s"] == (Reading(NEWEST, NOW, "signups_total"),)
    assert caller.count == 1


def test_a_dropped_connection_may_be_tried_again() -> None:
    """It is the source that failed, not a query."""
    with Server(Fake(vector(ONE))) as server:
        server.inject(Fault("truncate"))
        with pytest.raises(TransientError):
            ask(server.url, {"a": "up"})


def test_the_probe_names_the_server(prometheus: str) -> None:
    """A question that costs nothing."""
    source = Prometheus(Prometheus.Settings.model_validate({"url": prometheus, "allow_hosts": ["127.0.0.1"]}))
    assert source.probe() == f"Prometheus at {prometheus} answers queries"
    source.close()


def test_the_server_is_gone_afterwards(tmp_path: Path) -> None:
    """What a test starts, it ends."""
    try:
        with running(tmp_path, {"up": {NOW.timestamp(): 1.0}}) as url:
            assert values(ask(url, {"a": "up"}), "a") == [1.0]
    except UnavailableError as error:
        pytest.skip(str(error))
    with pytest.raises(TransientError):
        ask(url, {"a": "up"})
