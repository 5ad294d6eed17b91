"""The sessions of client libraries are held to the same rules as our own requests."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.github_http import Client
from connectors.jira_http import JiraHttp
from okr_sync.connector import Caller, ProtocolError, SourceError, WebSettings, guard_session
from okr_sync.sandbox.server import Fault, Response, Server
from tests.outbound.test_guard import PRIVATE_NAMES, resolve
from tests.outbound.web import HOME, Site, certificate, served


def get(url: str, look: Callable[..., Any] = resolve, **settings: Any) -> requests.Response:
    """Return the answer that a guarded session gets."""
    with requests.Session() as session:
        reach = WebSettings.model_validate({"allow_hosts": HOME, "timeout": 2.0, **settings})
        guard_session(session, reach, resolve=look)
        return session.get(url, timeout=reach.timeout, allow_redirects=False)


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{name}/" for name in PRIVATE_NAMES), "https://localhost/", "https://2130706433/", "https://10.1/",
        "https://[::ffff:10.0.0.1]/", "http://public.example/", "https://ana:pw@public.example/", "https://0x7f.1/x",
        "https://10.0.0.1\\@public.example/",
    ],
)  # fmt: skip
def test_a_session_goes_nowhere_private(url: str) -> None:
    """Names, spellings, users and plain http are refused before anything is sent."""
    with pytest.raises(ProtocolError) as caught:
        get(url, allow_hosts=())
    assert caught.value.fix


def test_a_session_asks_the_address_that_was_checked(server: Server, site: Site) -> None:
    """One look-up a connection, and the host keeps its name; a dead address is passed over."""
    looked: list[str] = []

    def look(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.2", "127.0.0.1"] if len(looked) == 1 else ["10.255.255.1"]

    port = server.url.rpartition(":")[2]
    assert get(f"http://jira.example:{port}/x", look, allow_hosts=("jira.example",)).status_code == 200
    assert looked == ["jira.example"]
    assert site.asked[0].headers["host"] == f"jira.example:{port}"


def test_a_session_trusts_nothing_of_the_environment(
    server: Server, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy, no .netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert get(f"{server.url}/").status_code == 200
    assert "authorization" not in site.asked[0].headers


def test_a_session_is_left_at_the_deadline(server: Server, site: Site) -> None:
    """A body that drips ends after ten times the time-out."""
    site.answer("/", Response(200, b" " * 2000))
    server.inject(Fault("drip", seconds=20.0))
    begin = time.monotonic()
    with pytest.raises(requests.RequestException, match="the answer took too long"):
        get(f"{server.url}/", timeout=0.3)
    assert 1.0 < time.monotonic() - begin < 15.0  # of the 20 that it drips


def test_a_session_unpacks_with_care(server: Server, site: Site) -> None:
    """Giants and layers are refused, a packed answer is read."""
    site.answer("/giant", Response(200, gzip.compress(b" " * (65 * 2**20), 9), {"Content-Encoding": "gzip"}))
    site.answer("/layers", Response(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": "gzip, gzip"}))
    site.answer("/fine", Response(200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"}))
    for path in ("giant", "layers"):
        with pytest.raises(ProtocolError, match="can't be read"):
            get(f"{server.url}/{path}")
    assert get(f"{server.url}/fine").json() == {"a": 1}


def test_a_session_verifies_certificates(tmp_path: Path) -> None:
    """An unknown one is refused, that of `ca_file` trusted for its own name."""
    files = certificate(tmp_path, "jira.example")
    listed = {"allow_hosts": ("jira.example", "other.example")}
    with served(files) as (port, lines):
        for name, more in (("jira", {}), ("other", {"ca_file": files[0]})):
            with pytest.raises(requests.exceptions.SSLError):
                get(f"https://{name}.example:{port}/", lambda host, port: ["127.0.0.1"], **listed, **more)
        assert lines == []
        answer = get(f"https://jira.example:{port}/", lambda host, port: ["127.0.0.1"], **listed, ca_file=files[0])
        assert answer.status_code == 200


def test_a_session_uses_the_proxy_that_is_written() -> None:
    """A private target behind it is refused all the same."""
    with served() as (port, lines):
        through: dict[str, Any] = {"proxy": f"http://127.0.0.1:{port}", "allow_hosts": ("plain.example",)}
        assert get("http://plain.example/x", **through).status_code == 200
        with pytest.raises(requests.exceptions.ProxyError):
            get("https://secure.example/x", **through)
        with pytest.raises(ProtocolError, match="private address"):
            get("https://metadata.example/x", **through)
    assert lines == ["GET http://plain.example/x HTTP/1.1", "CONNECT secure.example:443 HTTP/1.0"]


@pytest.mark.parametrize("url", ["https://10.1.2.3", "https://localhost", "http://jira.example"])
def test_the_trackers_are_held_to_it(url: str) -> None:
    """Jira and GitHub ask nothing private, nothing without encryption, unless it is listed."""
    jira = JiraHttp(url, "token", email=None, reach=WebSettings(), caller=Caller())
    github = Client(url, "token", WebSettings(), Caller())
    with closing(jira), closing(github):
        for ask in (lambda: jira.get("2/myself"), lambda: github.get("/user")):
            with pytest.raises(SourceError) as caught:
                ask()
            assert type(caught.value) is ProtocolError
            assert "allow_hosts" in caught.value.fix
