"""Runs over real HTTP against a source in trouble: what is sent, what is said, and when it is asked again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from okr_sync.config import load
from okr_sync.connector import (
    Answer,
    Ask,
    Caller,
    Http,
    MetricSource,
    Miss,
    Outcome,
    Reading,
    Secret,
    SourceError,
    UnauthorizedError,
    WebSettings,
)
from okr_sync.core.facts import Collected
from okr_sync.sandbox.server import Fault, Request, Response, Server
from okr_sync.store import ledger
from okr_sync.store.breakers import load_breakers
from okr_sync.sync import RunReport
from okr_sync.sync.fingerprints import fingerprint
from okr_sync.sync.plan import plan
from okr_sync.sync.run import World
from tests.edge.sync_play import House, Place, Played, entry_of, key_result_of, open_house, values

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TOKEN, NEXT_TOKEN = "planted-token-77aa10", "planted-token-93bb42"
QUESTIONS = 6
ALWAYS = 10_000


class Shop:
    """Says 5 to whoever has the token."""

    def __init__(self) -> None:
        self.token = TOKEN

    def respond(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Response(401, b"who are you?")
        return Response.of({"value": 5.0})


class Settings(WebSettings):
    """Where the shop is, and who asks."""

    url: str
    token: Secret


class Asked(MetricSource):
    """Asks the shop one request a question."""

    kind = "asked"
    summary = "a shop"
    Settings = Settings
    Query = Place

    def probe(self) -> str:
        return "asked"

    def read(self, ask: Ask[Any]) -> Answer:
        with closing(Http(self.caller, self.settings, auth=self.settings.token)) as http:
            return {
                ref: (Reading(http.request("GET", f"{self.settings.url}/{ref}").json()["value"]),)
                for ref in ask.queries
            }


class Swallowing(Asked):
    """Makes a miss of whatever happens, and goes on."""

    kind = "swallowing"

    def read(self, ask: Ask[Any]) -> Answer:
        return {ref: self._one(ref) for ref in ask.queries}

    def _one(self, ref: str) -> Outcome:
        try:
            self.caller.call(self._refused)
        except SourceError:
            return Miss("unreachable", f"{ref} could not be read")
        return (Reading(5.0),)

    def _refused(self) -> None:
        with closing(Http(Caller(), self.settings, auth=self.settings.token)) as http:
            try:
                http.request("GET", self.settings.url)
            except UnauthorizedError:
                said = f"status 401 for {self.settings.token.get_secret_value()}"
                raise UnauthorizedError(said, fix=f"renew {self.settings.token.get_secret_value()}") from None


REGISTRY = Played({"asked": Asked, "swallowing": Swallowing, "good": values(Reading(5.0))})


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Shop()) as server:
        yield server


def shop_house(folder: Path, server: Server, **settings: Any) -> House:
    """Return a house that asks the shop six questions and another source one."""
    names = [f"bad-{number}" for number in range(QUESTIONS)]
    source = {"kind": "asked", "url": server.url, "token": "${TOKEN}", "allow_hosts": ["127.0.0.1"], **settings}
    main = {
        "timezone": "UTC",
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {"bad": source, "good": {"kind": "good"}},
        "metrics": {name: {"source": name.partition("-")[0], "place": name} for name in (*names, "good")},
    }
    key_results = [{"id": name, "title": name, "measure": _of(name)} for name in (*names, "good")]
    team = {"cycle": "now", "objectives": [{"id": "all", "title": "All", "key_results": key_results}]}
    return open_house(folder, main, team, {"TOKEN": TOKEN}, REGISTRY)


def _of(name: str) -> dict[str, Any]:
    return {"metric": name, "baseline": 0, "target": 10}


def sent(
    server: Server, house: House, *, after: timedelta = timedelta(0), retry: bool = False
) -> tuple[int, RunReport]:
    """Return how many requests came in a run so much later, and its report; the other source is never disturbed."""
    house.now += after
    before = len(server.log)
    report = house.sync(retry=retry)
    assert key_result_of(report, "good").value == 5.0
    assert bad(report).requests == len(server.log) - before
    return len(server.log) - before, report


def bad(report: RunReport) -> Collected:
    return next(each for each in report.collected if each.source == "bad")


def with_token(house: House, token: str) -> None:
    """Let the config's variable hold another token from now on."""
    house.config = load(house.store.path.parent, {"TOKEN": token}, REGISTRY)


def test_a_refused_credential_is_probed_once_an_hour(tmp_path: Path, server: Server) -> None:
    """A day of 15-minute slots. Red without the breaker in `_collect_one`: 2 × 96 requests."""
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(401, b"no"), times=ALWAYS))
    counts = [sent(server, house, after=15 * MINUTE)[0] for _ in range(24)]
    assert counts[0] == 1, "the connector stops at the first refusal by itself"
    assert counts == [1, 0, 0, 0] * 6


def test_a_refusal_is_said_in_the_run_in_the_key_result_and_where_people_look(tmp_path: Path, server: Server) -> None:
    house = shop_house(tmp_path, server)
    sent(server, house)
    server.inject(Fault("response", Response(401, b"no"), times=ALWAYS))
    _, report = sent(server, house, after=15 * MINUTE)
    told = bad(report).error or ""
    assert "status 401; credential refused since 2026-11-04 09:15 UTC; next try 2026-11-04 10:15 UTC" in told
    _, report = sent(server, house, after=15 * MINUTE)
    told = bad(report).error or ""
    assert told.startswith("not asked: credential refused since 2026-11-04 09:15 UTC; next try 2026-11-04 10:15 UTC")
    assert "changed settings are tried at once" in (bad(report).fix or "")
    assert told in entry_of(report, "bad-0").reason
    assert told in key_result_of(report, "bad-0").reason
    assert key_result_of(report, "bad-0").value == 5.0


def test_another_token_is_tried_at_once_and_ends_the_trouble(tmp_path: Path, server: Server) -> None:
    """Red when `may_ask` does not look at the fingerprint: nothing is sent."""
    house = shop_house(tmp_path, server)
    site = server.site
    assert isinstance(site, Shop)
    site.token = NEXT_TOKEN
    assert sent(server, house)[0] == 1
    with_token(house, NEXT_TOKEN)
    requests, report = sent(server, house, after=MINUTE)
    assert (requests, bad(report).outcome) == (QUESTIONS, "ok")
    with house.store.reading() as session:
        assert load_breakers(session) == {}


def test_the_store_keeps_a_hash_of_the_settings_and_no_secret(tmp_path: Path, server: Server) -> None:
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(401, TOKEN.encode()), times=ALWAYS))
    sent(server, house)
    with house.store.reading() as session:
        kept = load_breakers(session)["bad"]
    assert kept.fingerprint == fingerprint(house.config.sources["bad"])
    assert TOKEN not in repr(kept)
    assert TOKEN.encode() not in house.store.path.read_bytes()


def test_a_connector_that_makes_misses_of_refusals_is_held_back_all_the_same(tmp_path: Path, server: Server) -> None:
    """The caller hears what the connector hides. Red when `trouble_after` does not ask it: two requests a run; and
    without its veil: the token stands in the store.
    """
    house = shop_house(tmp_path, server, kind="swallowing")
    server.inject(Fault("response", Response(401, b"no"), times=ALWAYS))
    requests, report = sent(server, house)
    assert (requests, bad(report).outcome) == (2, "partial")
    requests, report = sent(server, house, after=15 * MINUTE)
    assert (requests, bad(report).outcome) == (0, "failed")
    assert "(status 401 for ***)" in (bad(report).error or "")
    assert "renew ***; " in (bad(report).fix or "")
    assert TOKEN.encode() not in house.store.path.read_bytes()


def test_other_settings_have_another_fingerprint_and_the_same_ones_the_same(tmp_path: Path, server: Server) -> None:
    source = shop_house(tmp_path, server).config.sources["bad"]
    others = [
        source.settings.model_copy(update={"url": "https://other.example"}),
        source.settings.model_copy(update={"timeout": 31.0}),
    ]
    prints = {fingerprint(dataclasses.replace(source, settings=each)) for each in (source.settings, *others)}
    prints |= {fingerprint(dataclasses.replace(source, name="another")), fingerprint(source)}
    assert len(prints) == 4


def test_a_person_may_ask_before_it_is_time(tmp_path: Path, server: Server) -> None:
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(401, b"no")))
    sent(server, house)
    assert sent(server, house)[0] == 0
    requests, report = sent(server, house, retry=True)
    assert (requests, bad(report).outcome) == (QUESTIONS, "ok")


def test_a_plan_asks_no_source_that_is_held_back(tmp_path: Path, server: Server) -> None:
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(401, b"no"), times=ALWAYS))
    sent(server, house)
    made = plan(house.store, house.config, World(clock=lambda: house.now), registry=REGISTRY)
    assert next(each for each in made.collected if each.source == "bad").requests == 0
    assert len(server.log) == 1


def test_a_dead_source_is_probed_by_each_slot_and_the_first_one_after_the_fault_succeeds(
    tmp_path: Path, server: Server
) -> None:
    """Red without the probe: five requests a slot for as long as it lasts."""
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(503, b"later"), times=ALWAYS))
    assert [sent(server, house, after=15 * MINUTE)[0] for _ in range(6)] == [5, 5, 5, 1, 1, 1]
    server.heal()
    requests, report = sent(server, house, after=15 * MINUTE)
    assert (requests, bad(report).outcome, entry_of(report, "bad-0").outcome) == (QUESTIONS, "ok", "updated")


def test_slots_that_come_quickly_do_not_all_knock_at_a_dead_source(tmp_path: Path, server: Server) -> None:
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(503, b"later"), times=ALWAYS))
    counts = [sent(server, house, after=MINUTE)[0] for _ in range(40)]
    assert sum(counts[3:]) <= 7, "pauses of 1, 2, 4, 8, 10, 10 minutes"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_wait_beyond_the_deadline_is_kept_by_the_next_runs(tmp_path: Path, server: Server, form: str) -> None:
    """Red when the wish does not go into the breaker: the next run knocks at once."""
    served = parsedate_to_datetime(formatdate(usegmt=True))  # the server's clock; ours in the run is another
    until = format_datetime(served + 2 * HOUR, usegmt=True)
    headers = {"Retry-After": "7200" if form == "seconds" else until}
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(429, b"slow down", headers)))
    requests, report = sent(server, house)
    assert requests == 1
    assert "asked since 2026-11-04 09:00 UTC to be left alone; next try 2026-11-04 1" in (bad(report).error or "")
    assert sent(server, house, after=2 * HOUR - MINUTE)[0] == 0
    requests, report = sent(server, house, after=2 * MINUTE)
    assert (requests, bad(report).outcome) == (QUESTIONS, "ok")


def test_a_wait_that_fits_is_waited_and_nothing_is_held_back(tmp_path: Path, server: Server) -> None:
    house = shop_house(tmp_path, server)
    server.inject(Fault("response", Response(429, b"slow down", {"Retry-After": "7"})))
    requests, report = sent(server, house)
    assert (requests, bad(report).retries, house.slept) == (QUESTIONS + 1, 1, [7.0])
    with house.store.reading() as session:
        assert load_breakers(session) == {}


def test_a_budget_ends_the_source_and_only_it(tmp_path: Path, server: Server) -> None:
    """Red without `budget` in `caller_for`: six requests."""
    house = shop_house(tmp_path, server, budget=4)
    requests, report = sent(server, house)
    assert requests == 4
    assert bad(report).error == "the budget of 4 requests in a run is spent"
    assert "raise `budget`" in entry_of(report, "bad-0").fix
    with house.store.reading() as session:
        assert load_breakers(session) == {}, "a source that answers is in no trouble"


def test_a_run_says_what_each_source_cost(tmp_path: Path, server: Server) -> None:
    house = shop_house(tmp_path, server)
    _, report = sent(server, house)
    with house.store.reading() as session:
        found = ledger.run(session, report.run)
    assert found is not None
    costs = {each.source: (each.requests, each.retries, each.received, each.not_modified) for each in found.sources}
    received = sum(each.sent for each in server.log)
    assert costs == {"bad": (QUESTIONS, 0, received, 0), "good": (0, 0, None, None)}
