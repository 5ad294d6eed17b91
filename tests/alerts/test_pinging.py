"""Signs of life: a dead-man's switch hears of every run, and a run never hears of the switch."""

from __future__ import annotations

import time
from dataclasses import replace

from okr_sync.alerts import Pinger
from okr_sync.alerts.pinging import MOST, address_of
from okr_sync.sandbox.server import Fault, Response
from tests.alerts.rooms import SECRET, alerts_to, taking

PING = f"/ping/{SECRET}"


def test_a_run_is_told_with_start_and_end_under_one_id() -> None:
    said: list[str] = []
    with taking() as (taker, server):
        alerts, pinger = alerts_to(server, ping=PING), Pinger(said.append, "store")
        pinger.start(alerts, 7)
        pinger.end(alerts, 7)
        pinger.start(alerts, 8)
        pinger.end(alerts, 8, "failed: it took longer than its deadline")
        pinger.close(10)
    assert [each.path for each in taker.taken] == [f"{PING}/start", PING, f"{PING}/start", f"{PING}/fail"]
    first, second, third, fourth = (each.query["rid"] for each in taker.taken)
    assert first == second != third == fourth
    assert [len(each.query["rid"]) for each in taker.taken] == [36] * 4, "UUIDs"
    assert taker.taken[-1].json() == "failed: it took longer than its deadline"
    assert taker.taken[0].body == b""
    assert said == []


def test_a_switch_that_never_answers_delays_nothing_and_hears_the_newest() -> None:
    """Seen red with pings that are sent at once: the calls took as long as the switch."""
    with taking() as (taker, server):
        server.inject(Fault("silence", times=1, seconds=3))
        alerts, pinger = alerts_to(server, ping=PING, timeout=1), Pinger(print, "store")
        began = time.monotonic()
        for run in range(10 * MOST):
            pinger.start(alerts, run)
        asked = time.monotonic() - began
        pinger.close(20)
    assert asked < 1, "no ping waits for another"
    assert len(taker.taken) <= MOST + 3


def test_what_the_switch_does_to_us_is_said_without_its_address() -> None:
    said: list[str] = []
    with taking() as (_, server):
        server.inject(Fault("response", Response(503)))
        pinger = Pinger(said.append)
        pinger.start(alerts_to(server, ping=PING), 7)
        pinger.close(10)
    assert len(said) == 1
    assert said[0].startswith("run 7: the ping was not taken: POST http://127.0.0.1")
    assert "status 503" in said[0]
    assert SECRET not in said[0]


def test_without_an_address_nothing_is_sent_and_no_thread_begins() -> None:
    with taking() as (taker, server):
        pinger = Pinger(print)
        pinger.start(replace(alerts_to(server), ping=None), 7)
        pinger.close(10)
    assert taker.taken == []


def test_an_address_keeps_its_query() -> None:
    assert address_of("https://hc.example/abc?create=1", "/start", "7") == "https://hc.example/abc/start?create=1&rid=7"
    assert address_of("https://hc.example/abc/", "", "7") == "https://hc.example/abc?rid=7"
