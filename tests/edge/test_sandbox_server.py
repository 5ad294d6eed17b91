"""The loopback server hands on requests as they came and breaks only when told to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event

import httpx
import pytest

from okr_sync.sandbox.__main__ import options, serve
from okr_sync.sandbox.server import Fault, Request, Response, Server


class Echo:
    """Answers with what it was asked."""

    def respond(self, request: Request) -> Response:
        payload = {"method": request.method, "path": request.path, "query": dict(request.query)}
        return Response.of(
            {**payload, "raw": request.raw_query, "body": request.json(), "x": request.headers.get("x-y")}
        )


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Echo()) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=5) as client:
        yield client


def test_a_request_arrives_as_it_was_sent(client: httpx.Client) -> None:
    answer = client.post("/a/b?f=1&f=2&g=", json={"n": [1]}, headers={"X-Y": "z"}).json()
    assert (answer["method"], answer["path"], answer["query"]) == ("POST", "/a/b", {"f": "2", "g": ""})
    assert (answer["raw"], answer["body"], answer["x"]) == ("f=1&f=2&g=", {"n": [1]}, "z")


def test_the_log_has_every_request_with_its_status_and_size(server: Server, client: httpx.Client) -> None:
    size = len(client.get("/one").content)
    client.post("/two", content=b"{}")
    assert [(line.method, line.path, line.status) for line in server.log] == [
        ("GET", "/one", 200),
        ("POST", "/two", 200),
    ]
    assert (server.log[0].sent, server.log[1].body) == (size, b"{}")
    server.forget()
    assert server.log == []


def test_a_head_request_gets_headers_and_no_body(client: httpx.Client) -> None:
    answer = client.head("/one")
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0


def test_a_reply_is_sent_instead_for_as_many_requests_as_told(server: Server, client: httpx.Client) -> None:
    server.inject(Fault("response", Response.of({"no": 1}, 503, {"Retry-After": "7"}), where="/one", times=2, skip=1))
    assert [client.get(path).status_code for path in ("/one", "/two", "/one", "/one", "/one")] == [
        200,
        200,
        503,
        503,
        200,
    ]
    server.inject(Fault("response", Response(500)))
    server.heal()
    assert client.get("/one").status_code == 200


@pytest.mark.parametrize("kind", ["truncate", "drop"])
def test_a_cut_connection_is_an_error_of_the_transport(server: Server, client: httpx.Client, kind: str) -> None:
    server.inject(Fault("truncate" if kind == "truncate" else "drop"))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/one")
    assert client.get("/one").status_code == 200


def test_silence_outlasts_a_read_time_out(server: Server, client: httpx.Client) -> None:
    server.inject(Fault("silence", seconds=0.4))
    with pytest.raises(httpx.ReadTimeout):
        client.get("/one", timeout=0.1)
    assert client.get("/one").status_code == 200


def test_a_dripped_body_is_whole_and_slow(server: Server, client: httpx.Client) -> None:
    server.inject(Fault("drip", seconds=0.3))
    start = time.monotonic()
    assert client.get("/one").json()["path"] == "/one"
    assert time.monotonic() - start >= 0.25


def test_latency_comes_before_each_answer(client: httpx.Client, server: Server) -> None:
    server.latency = 0.1
    start = time.monotonic()
    client.get("/one")
    client.get("/one")
    assert time.monotonic() - start >= 0.2


def test_the_command_prints_its_urls_serves_and_ends_when_told_to() -> None:
    asked = [
        "--jira",
        "cloud",
        "--projects",
        "2",
        "--epics",
        "3",
        "--issues",
        "4",
        "--github",
        "com",
        "--milestones",
        "1",
    ]
    command = [sys.executable, "-m", "okr_sync.sandbox", *asked]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            urls = json.loads(process.stdout.readline())
            assert set(urls) == {"jira", "github"}
            page = httpx.post(
                f"{urls['jira']}/rest/api/3/search/approximate-count",
                json={"jql": "issuetype in (Epic, 长篇故事)"},
                auth=("ana@example.com", "jira-token"),
                trust_env=False,
            )
            assert page.json() == {"count": 3}
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


def test_the_sites_asked_for_are_served_until_told_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    few = ["--epics", "2", "--issues", "2", "--repositories", "1", "--milestones", "1", "--items", "2"]
    stop = Event()
    stop.set()
    serve(options(["--jira", "dc", "--github", "enterprise", *few]), lambda: now, stop)
    urls = json.loads(capsys.readouterr().out)
    assert set(urls) == {"jira", "github"}
    for url in urls.values():
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)


def test_the_command_wants_something_to_serve(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        options([])
    assert "give --jira, --github or both" in capsys.readouterr().err


def test_a_stopped_server_is_down() -> None:
    with Server(Echo()) as server:
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
