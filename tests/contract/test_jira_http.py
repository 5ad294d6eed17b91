"""Each way in which a Jira site can fail has its type, its words and its way out."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connectors.jira_failures import broken, refuse
from connectors.jira_http import JiraHttp
from okr_sync.connector import AccessError, Caller, ProtocolError, SourceError, TransientError, WebSettings
from okr_sync.sandbox.server import Fault, Request, Response, Server

_HTML = {"Content-Type": "text/html;charset=UTF-8"}


class _Echo:
    """Answers with the path and the credentials it got."""

    def respond(self, request: Request) -> Response:
        return Response.of({"path": request.path, "authorization": request.headers.get("authorization")})


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(_Echo()) as server:
        yield server


@pytest.fixture
def http(server: Server) -> Iterator[JiraHttp]:
    reach = WebSettings(timeout=0.3, allow_hosts=("127.0.0.1",))
    http = JiraHttp(server.url, "bearer-token", email=None, reach=reach, caller=Caller())
    yield http
    http.close()


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Response(401, b"no", {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}), AccessError, "AUTHENTICATED_FAILED"),
        (Response(403, b"no", {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}), AccessError, "DENIED"),
        (Response(403, b"", {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}), AccessError, "CAPTCHA"),
        (Response(200, b"[]", {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}), AccessError, "AUTHENTICATED_FAILED"),
        (Response(200, b"<html><form id=login-form>Log in</form></html>", _HTML), AccessError, "a login page"),
        (Response(200, b"<html>Down for maintenance</html>", _HTML), ProtocolError, "no JSON"),
        (Response(302, b"", {"Location": "/login.jsp?os_destination=x"}), AccessError, "/login.jsp"),
        (Response(302, b"", {"Location": "https://id.atlassian.com/x"}), AccessError, "https://id.atlassian.com/x"),
        (Response(301, b"", {"Location": "https://jira.acme.com/rest"}), ProtocolError, "https://jira.acme.com/rest"),
        (Response(302, b""), ProtocolError, "redirected to nowhere"),
        (Response(200, b'{"n": NaN}'), ProtocolError, "no JSON"),
        (Response(404, b'{"errorMessages": ["Issue does not exist"]}'), ProtocolError, "Issue does not exist"),
        (Response(410, b'{"errorMessages": ["The requested API has been removed"]}'), ProtocolError, "been removed"),
        (Response(400, b'{"errors": {"jql": "Field x does not exist"}}'), ProtocolError, "Field x does not exist"),
        (Response(400, b'["odd"]'), ProtocolError, "status 400"),
        (Response(418, b""), ProtocolError, "status 418"),
        (Response(408, b""), TransientError, "status 408"),
        (Response(500, json.dumps({"errorMessages": ["x" * 1000]}).encode()), TransientError, "x" * 300),
    ],
)
def test_each_answer_has_its_type(
    server: Server, http: JiraHttp, reply: Response, kind: type[SourceError], said: str
) -> None:
    """Status, headers and body decide what a person can do; the message says what came and where."""
    server.inject(Fault("response", reply))
    with pytest.raises(kind, match=r"GET http://127\.0\.0\.1") as caught:
        http.get("2/thing")
    assert said in str(caught.value)
    assert "x" * 301 not in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    "headers", [{"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}, {"X-Authentication-Denied-Reason": "CAPTCHA"}]
)
def test_a_captcha_tells_the_way_out(server: Server, http: JiraHttp, headers: dict[str, str]) -> None:
    """After too many failures Jira wants a person at a browser."""
    server.inject(Fault("response", Response(403, b"", headers)))
    with pytest.raises(AccessError) as caught:
        http.get("2/thing")
    assert "browser" in caught.value.fix


@pytest.mark.parametrize("wish", ["1.5", "0", "120", "nan", "inf", "1e999", "Sun, 06 Nov 1994 08:49:37 GMT", ""])
def test_the_wait_is_a_finite_number_or_none(server: Server, http: JiraHttp, wish: str) -> None:
    """Retry-After may be decimal; what is in the past, infinite or nonsense counts as none."""
    server.inject(Fault("response", Response(503, b"", {"Retry-After": wish})))
    with pytest.raises(TransientError) as caught:
        http.get("2/thing")
    assert caught.value.retry_after == {"1.5": 1.5, "0": 0.0, "120": 120.0}.get(wish)


def test_an_answer_is_never_unpacked_beyond_all_bounds(server: Server, http: JiraHttp) -> None:
    """A small body that unpacks to more than any answer needs is refused before it fills the memory."""
    bomb = gzip.compress(b" " * (65 * 1024 * 1024), 9)
    assert len(bomb) < 100_000
    server.inject(Fault("response", Response(200, bomb, {"Content-Encoding": "gzip"})))
    with pytest.raises(ProtocolError, match="can't be read"):
        http.get("2/thing")


def test_packed_answers_are_read(server: Server, http: JiraHttp) -> None:
    """Gzip is understood."""
    server.inject(Fault("response", Response(200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"})))
    assert http.get("2/thing") == {"a": 1}


def test_every_failure_below_http_has_a_type() -> None:
    """Each exception of requests is mapped; those that may pass are transient, those that stay are not."""
    kinds = [
        each
        for each in vars(requests.exceptions).values()
        if isinstance(each, type) and issubclass(each, requests.RequestException)
    ]
    passing = {each.__name__ for each in kinds if isinstance(broken(each.__new__(each), "GET x"), TransientError)}
    assert passing == {
        "ConnectionError", "ConnectTimeout", "ReadTimeout", "Timeout", "ProxyError", "ChunkedEncodingError",
    }  # fmt: skip
    assert all(broken(each.__new__(each), "GET x").fix for each in kinds)


def test_a_body_that_stops_is_not_waited_for(server: Server, http: JiraHttp) -> None:
    """A body that comes to a halt midway is a TransientError after the time-out."""
    server.inject(Fault("drip", seconds=60.0))
    with pytest.raises(TransientError):
        http.get("2/thing")


def test_no_other_credentials_are_sent(
    server: Server, http: JiraHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .netrc entry for the host does not replace the token, nor does a proxy variable lead elsewhere."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert http.get("2/thing") == {"path": "/rest/api/2/thing", "authorization": "Bearer bearer-token"}


def test_the_library_logs_nothing(server: Server, http: JiraHttp, caplog: pytest.LogCaptureFixture) -> None:
    """The library's own warnings, which can carry headers, stay out of the logs."""
    caplog.set_level(logging.DEBUG)
    server.inject(Fault("response", Response(429, b"", {"Retry-After": "1", "Set-Cookie": "a=secret"})))
    with pytest.raises(TransientError):
        http.get("2/thing")
    assert "secret" not in caplog.text
    assert not [
        record for record in caplog.records if record.name.startswith("jira") and record.levelno > logging.DEBUG
    ]


def test_a_closed_one_opens_again(http: JiraHttp) -> None:
    """After `close` the next request makes a new connection."""
    http.get("2/thing")
    http.close()
    http.close()
    assert http.get("2/other")["path"] == "/rest/api/2/other"


def test_no_answer_at_all_is_an_error() -> None:
    """The library may fail without a response; that has a type too."""
    with pytest.raises(ProtocolError, match="GET x: no answer"):
        refuse(None, "GET x")
