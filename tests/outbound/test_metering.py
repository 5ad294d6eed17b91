"""What answers cost is counted as it came, for our own requests and for those of client libraries."""

from __future__ import annotations

import gzip
import json

import requests

from okr_sync.connector import Caller, Http, WebSettings, guard_session
from okr_sync.outbound.metering import Meter, metering, note_answer
from okr_sync.sandbox.server import Request, Response, Server
from okr_sync.sync.caller import RetryingCaller
from tests.outbound.web import HOME, MADE

REACH = WebSettings(allow_hosts=HOME)
ROWS = json.dumps([{"id": number, "title": "the same again"} for number in range(2000)]).encode()
PACKED = gzip.compress(ROWS)


class Shop:
    """Gives a packed list, nothing new on /known, and nothing at all on /down."""

    def respond(self, request: Request) -> Response:
        if request.path == "/known":
            return Response(304, b"")
        if request.path == "/down":
            return Response(503, b"later")
        return Response(200, PACKED, {"Content-Encoding": "gzip", "Content-Type": "application/json"})


def http(caller: Caller) -> Http:
    made = Http(caller, REACH)
    MADE.append(made)
    return made


def test_our_own_requests_tell_packed_bytes_and_answers_without_news() -> None:
    caller = RetryingCaller(seconds=30)
    with Server(Shop()) as server:
        asked = http(caller)
        assert len(asked.request("GET", f"{server.url}/rows").json()) == 2000
        assert asked.request("GET", f"{server.url}/known", accept=(304,)).status == 304
    assert (caller.meter.received, caller.meter.not_modified, caller.meter.points) == (len(PACKED), 1, None)


def test_sessions_of_client_libraries_tell_the_same() -> None:
    caller = RetryingCaller(seconds=30)
    with Server(Shop()) as server, requests.Session() as session:
        guard_session(session, REACH)
        assert len(caller.call(lambda: session.get(f"{server.url}/rows", timeout=5)).json()) == 2000
        assert caller.call(lambda: session.get(f"{server.url}/known", timeout=5)).status_code == 304
    assert (caller.meter.received, caller.meter.not_modified) == (len(PACKED), 1)


def test_points_are_what_the_connector_says_and_unknown_until_it_does() -> None:
    caller = RetryingCaller(seconds=30)
    told = [caller.meter.points]
    for points in (3, 4):
        caller.spend(points)
        told.append(caller.meter.points)
    assert told == [None, 3, 7]
    Caller().spend(3)  # a connector alone counts nothing


def test_only_what_comes_inside_of_a_metering_is_counted() -> None:
    meter, inner = Meter(), Meter()
    note_answer(200, 10)
    with metering(meter):
        note_answer(200, 1)
        with metering(inner):
            note_answer(304, 0)
        note_answer(200, 2)
    note_answer(200, 10)
    assert (meter.received, meter.not_modified) == (3, 0)
    assert (inner.received, inner.not_modified) == (0, 1)
