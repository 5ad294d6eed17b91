"""Requests that go out: what is sent, what is taken back, and how each failure is called."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
import respx
from pydantic import SecretStr

from okr_sync.connector import AccessError, Caller, ProtocolError, SourceError, Tokens, TransientError
from okr_sync.outbound.answers import failure, parse_json
from okr_sync.sandbox.server import Fault, Response, Server
from okr_sync.testing.metrics import CountingCaller
from tests.outbound.web import Site, certificate, http_to, served

T = TypeVar("T")
SECRET = "s3cret-token"


def test_what_is_sent_is_what_was_asked(server: Server, site: Site) -> None:
    """Query, JSON, form and headers arrive whole, secrets in them as they are."""
    http = http_to(headers={"X-Api-Key": SecretStr(SECRET)})
    http.request("GET", f"{server.url}/a?x=1", params={"y": "a b&c", "key": SecretStr(SECRET), "many": ["1", "2"]})
    http.request("POST", f"{server.url}/b", json={"filter": [{"token": SecretStr(SECRET)}]}, headers={"X-More": "m"})
    http.request("post", f"{server.url}/c", data={"grant": "x y"})
    first, second, third = site.asked
    assert first.raw_query == f"x=1&y=a+b%26c&key={SECRET}&many=1&many=2"
    assert first.headers["x-api-key"] == SECRET
    assert second.json() == {"filter": [{"token": SECRET}]}
    assert (second.headers["x-more"], second.headers["x-api-key"]) == ("m", SECRET)
    assert third.body == b"grant=x+y"
    assert third.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (SecretStr(f" {SECRET}\n"), f"Bearer {SECRET}"),
        (("ana", SecretStr("pw:é")), "Basic YW5hOnB3OsOp"),
        (None, None),
    ],
)
def test_the_credential_goes_into_one_header(
    server: Server, site: Site, auth: tuple[str, SecretStr] | SecretStr | None, header: str | None
) -> None:
    """Bearer, basic, or nothing."""
    http_to(auth=auth).request("GET", server.url)
    assert site.asked[0].headers.get("authorization") == header


def test_nothing_of_the_environment_is_sent_or_obeyed(
    server: Server, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .netrc entry is not read, proxy variables lead nowhere, cookies are not kept."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.answer("/", Response(200, b"{}", {"Set-Cookie": "session=1"}))
    http = http_to()
    http.request("GET", f"{server.url}/")
    http.request("GET", f"{server.url}/")
    assert not {"authorization", "cookie"} & site.asked[1].headers.keys()


def test_a_name_is_looked_up_once_and_that_address_asked(server: Server, site: Site) -> None:
    """The connection goes to the address that was checked, under the name that was written."""
    looked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["10.255.255.1"]

    http = http_to(settings={"allow_hosts": ("metrics.example",)}, resolve=resolve)
    port = server.url.rpartition(":")[2]
    assert http.request("GET", f"http://metrics.example:{port}/x").status == 200
    assert looked == ["metrics.example"]
    assert site.asked[0].headers["host"] == f"metrics.example:{port}"


def test_the_next_address_is_tried_when_the_first_is_dead(server: Server) -> None:
    """A host with several addresses is reached by the one that answers."""
    http = http_to(settings={"allow_hosts": ("two.example",)}, resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"])
    with Server(Site()) as other:
        port = other.url.rpartition(":")[2]
        assert http.request("GET", f"http://two.example:{port}/").status == 200


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AccessError), (403, AccessError), (408, TransientError), (425, TransientError), (429, TransientError),
        (500, TransientError), (503, TransientError), (599, TransientError), (204, ProtocolError), (304, ProtocolError),
        (400, ProtocolError), (404, ProtocolError), (407, ProtocolError), (410, ProtocolError), (418, ProtocolError),
    ],
)  # fmt: skip
def test_each_status_has_its_type(server: Server, site: Site, status: int, kind: type[SourceError]) -> None:
    """The type says what a person can do; the text has the status and the place, and nothing of query or body."""
    site.answer("/thing", Response(status, b"" if status in (204, 304) else b"body-of-theirs"))
    with pytest.raises(kind) as caught:
        http_to().request("GET", f"{server.url}/thing?key={SECRET}")
    assert str(caught.value) == f"GET {server.url}/thing: status {status}"
    assert caught.value.fix


def test_an_accepted_status_is_an_answer(server: Server, site: Site) -> None:
    """Who knows what to do with a status says so."""
    site.answer("/thing", Response(422, b'{"error": "bad query"}'))
    answer = http_to().request("GET", f"{server.url}/thing", accept=(200, 422))
    assert (answer.status, answer.json()) == (422, {"error": "bad query"})


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("5", 5.0), ("1.5", 1.5), ("86400", 86400.0), ("-1", None), ("abc", None), ("nan", None), ("", None),
        ("Mon, 02 Nov 2026 09:00:30 GMT", 30.0), ("Mon, 02 Nov 2026 08:00:00 GMT", None),
    ],
)  # fmt: skip
def test_the_server_s_wish_to_wait_is_kept(wish: str, seconds: float | None) -> None:
    """Seconds or a date, by the server's own clock; nonsense is no wish."""
    error = failure(429, {"retry-after": wish, "date": "Mon, 02 Nov 2026 09:00:00 GMT"}, "GET x")
    assert isinstance(error, TransientError)
    assert error.retry_after == seconds


def test_the_wish_comes_out_of_the_answer(server: Server, site: Site) -> None:
    """The caller that retries sees it."""
    site.answer("/", Response(503, b"", {"Retry-After": "7"}))
    with pytest.raises(TransientError) as caught:
        http_to().request("GET", f"{server.url}/")
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    "location",
    ["http://localhost:{port}/away", "https://127.0.0.1:{port}/away", "http://127.0.0.1:1/away", "//evil.example/x",
     "file:///etc/passwd", "http://eve@127.0.0.1:{port}/x", "", "http://[", "http://127.0.0.1.evil.example:{port}/"],
)  # fmt: skip
def test_no_redirect_leads_to_another_place(server: Server, site: Site, location: str) -> None:
    """Another host, port, scheme or user is not followed; nothing is sent there."""
    target = location.format(port=server.url.rpartition(":")[2])
    site.answer("/", Response(302, b"", {"Location": target} if target else {}))
    with pytest.raises(ProtocolError, match="redirected to") as caught:
        http_to(auth=SecretStr(SECRET)).request("GET", f"{server.url}/")
    assert len(site.asked) == 1
    assert "away" not in str(caught.value)


def test_a_redirect_on_the_same_host_is_followed(server: Server, site: Site) -> None:
    """Each hop is a request of its own, signed like the first."""
    site.answer("/old", Response(301, b"", {"Location": "/new?page=2"}))
    caller = CountingCaller()
    http_to(caller, auth=SecretStr(SECRET)).request("GET", f"{server.url}/old")
    assert [(each.path, each.raw_query) for each in site.asked] == [("/old", ""), ("/new", "page=2")]
    assert site.asked[1].headers["authorization"] == f"Bearer {SECRET}"
    assert caller.count == 2


def test_redirects_have_an_end(server: Server, site: Site) -> None:
    """A circle is left after three hops."""
    site.answer("/a", Response(302, b"", {"Location": "/a"}))
    with pytest.raises(ProtocolError, match="without end"):
        http_to().request("GET", f"{server.url}/a")
    assert len(site.asked) == 4


@pytest.mark.parametrize(("status", "ok"), [(301, False), (302, False), (303, False), (307, True), (308, True)])
def test_what_was_sent_is_not_lost_on_the_way(server: Server, site: Site, status: int, ok: bool) -> None:
    """A POST is followed only where its body goes along."""
    site.answer("/old", Response(status, b"", {"Location": "/new"}))
    if ok:
        http_to().request("POST", f"{server.url}/old", json={"a": 1})
        assert (site.asked[1].method, site.asked[1].json()) == ("POST", {"a": 1})
        return
    with pytest.raises(ProtocolError, match="would be lost"):
        http_to().request("POST", f"{server.url}/old", json={"a": 1})


@pytest.mark.parametrize("kind", ["truncate", "drop"])
def test_half_an_answer_is_none(server: Server, kind: str) -> None:
    """A connection that breaks may be tried again."""
    server.inject(Fault("truncate" if kind == "truncate" else "drop"))
    with pytest.raises(TransientError, match="no whole answer"):
        http_to().request("GET", f"{server.url}/thing")


def test_a_silent_server_is_left(server: Server) -> None:
    """No piece within the time-out."""
    server.inject(Fault("silence", seconds=2.0))
    with pytest.raises(TransientError, match="ReadTimeout"):
        http_to(timeout=0.2).request("GET", f"{server.url}/thing")


def test_a_server_that_drips_is_left_at_the_deadline(server: Server, site: Site) -> None:
    """A byte now and then keeps no request alive beyond ten times the time-out."""
    site.answer("/", Response(200, b" " * 2000))
    server.inject(Fault("drip", seconds=20.0))
    begin = time.monotonic()
    with pytest.raises(TransientError, match="ReadTimeout"):
        http_to(timeout=0.3).request("GET", f"{server.url}/")
    assert 1.0 < time.monotonic() - begin < 15.0  # of the 20 that it drips


def test_a_server_that_is_not_there_may_come_back() -> None:
    """A refused connection is transient."""
    with served() as (port, _):
        pass
    with pytest.raises(TransientError, match="ConnectError"):
        http_to().request("GET", f"http://127.0.0.1:{port}/")


def test_a_small_body_that_unpacks_to_a_giant_is_refused(server: Server, site: Site) -> None:
    """The cap counts unpacked bytes."""
    bomb = gzip.compress(b" " * (65 * 2**20), 9)
    assert len(bomb) < 100_000
    site.answer("/", Response(200, bomb, {"Content-Encoding": "gzip"}))
    with pytest.raises(ProtocolError, match="larger than 64 MiB"):
        http_to().request("GET", f"{server.url}/")


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate,gzip"])
def test_a_body_is_packed_once_and_as_asked(server: Server, site: Site, encoding: str) -> None:
    """Layers multiply; other ways grow a millionfold."""
    site.answer("/", Response(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": encoding}))
    with pytest.raises(ProtocolError, match="packed"):
        http_to().request("GET", f"{server.url}/")


def test_a_packed_body_is_unpacked(server: Server, site: Site) -> None:
    """Gzip is understood; what only says so is refused."""
    site.answer("/", Response(200, gzip.compress(b"[1]"), {"Content-Encoding": "gzip"}))
    assert http_to().request("GET", f"{server.url}/").json() == [1]
    site.answer("/", Response(200, b"[1]", {"Content-Encoding": "gzip"}))
    with pytest.raises(ProtocolError, match="can't be read"):
        http_to().request("GET", f"{server.url}/")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"NaN", b"[Infinity]", b"[-Infinity]", b"[1e999]", b'{"a": 1, "a": 2}', b"[" * 100_000, b'"\xff"',
     b'{"a": ' * 100_000, b"9" * 5000, b"{} {}", f'["{SECRET}'.encode()],
)  # fmt: skip
def test_only_json_is_json(server: Server, site: Site, body: bytes) -> None:
    """What a lenient reader would take, or die of, is refused; the body is not quoted."""
    site.answer("/", Response(200, body))
    with pytest.raises(ProtocolError, match="is no JSON") as caught:
        http_to().request("GET", f"{server.url}/").json()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_json_as_it_should_be_is_read() -> None:
    """Equal keys in different objects are fine."""
    assert parse_json('[{"a": 1}, {"a": 1.5e3}, null]') == [{"a": 1}, {"a": 1500.0}, None]


def test_an_untrusted_certificate_ends_it_and_a_trusted_one_is_enough(tmp_path: Path) -> None:
    """TLS is verified, also for listed hosts; `ca_file` adds no back door for other names."""
    files = certificate(tmp_path, "metrics.example")
    with served(files) as (port, lines):
        listed = {"allow_hosts": ("metrics.example", "other.example", "127.0.0.1")}
        with pytest.raises(ProtocolError, match="certificate is not trusted"):
            http_to(settings=listed).request("GET", f"https://127.0.0.1:{port}/")
        trusting = http_to(settings={**listed, "ca_file": files[0]}, resolve=lambda host, port: ["127.0.0.1"])
        with pytest.raises(ProtocolError, match="certificate is not trusted"):
            trusting.request("GET", f"https://other.example:{port}/")
        assert lines == []
        assert trusting.request("GET", f"https://metrics.example:{port}/").status == 200


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_is_none_says_so(tmp_path: Path, content: str | None) -> None:
    """A mistake in `ca_file` never falls back to other authorities."""
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(AccessError, match=r"can't use the certificates in .*ca\.pem"):
        http_to(settings={"ca_file": file}).request("GET", "http://127.0.0.1:9/")


def test_a_proxy_is_used_only_when_it_is_written() -> None:
    """Its own address needs no listing; private targets behind it do; its password shows nowhere."""
    with served() as (port, lines):
        proxy = SecretStr(f"http://ana:{SECRET}@127.0.0.1:{port}")
        settings = {"proxy": proxy, "allow_hosts": ("plain.example",)}
        behind = http_to(
            settings=settings, resolve=lambda host, port: ["10.0.0.1"] if host == "private.example" else []
        )
        assert behind.request("GET", "http://plain.example/x").status == 200
        with pytest.raises(TransientError, match="ProxyError") as caught:
            behind.request("GET", "https://secure.example/x")
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        for private in ("https://127.0.0.1/", "https://2130706433/", "https://localhost/", "https://private.example/"):
            with pytest.raises(ProtocolError, match="private address"):
                behind.request("GET", private)
    assert lines == ["GET http://plain.example/x HTTP/1.1", "CONNECT secure.example:443 HTTP/1.1"]


def test_many_threads_share_one(server: Server) -> None:
    """Each thread gets the answer to its own question."""
    http = http_to()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: http.request("GET", f"{server.url}/{n}").json()["path"], range(80))
        assert list(answers) == [f"/{n}" for n in range(80)]
    http.close()
    http.close()
    assert http.request("GET", f"{server.url}/again").json()["path"] == "/again"
    http.close()


def test_a_token_is_fetched_once_and_again_when_it_ends(server: Server, site: Site) -> None:
    """Thirty seconds before its end, or when the server refuses it, and then once."""
    now, fetched = [0.0], []

    def fetch() -> dict[str, object]:
        fetched.append(now[0])
        return {"access_token": f"t{len(fetched)}", "expires_in": 100}

    http = http_to(auth=Tokens(fetch, elapsed=lambda: now[0]))
    for at in (0.0, 69.0, 71.0):
        now[0] = at
        http.request("GET", f"{server.url}/x")
    assert [each.headers["authorization"] for each in site.asked] == ["Bearer t1", "Bearer t1", "Bearer t2"]
    site.answer("/x", Response(401), Response.of({}))
    assert http.request("GET", f"{server.url}/x").status == 200
    assert site.asked[-1].headers["authorization"] == "Bearer t3"
    site.answer("/x", Response(401))
    with pytest.raises(AccessError):
        http.request("GET", f"{server.url}/x")
    assert len(fetched) == 4


@pytest.mark.parametrize("said", [None, [], {}, {"access_token": ""}, {"access_token": 7}])
def test_an_answer_without_token_is_no_token(said: object) -> None:
    """What the token's address says is checked before it is used."""
    with pytest.raises(ProtocolError, match="no `access_token`"):
        http_to(auth=Tokens(lambda: said)).request("GET", "http://127.0.0.1:9/")


def test_a_token_s_life_is_a_number() -> None:
    """Nonsense is refused; no word means five minutes."""
    with pytest.raises(ProtocolError, match="expires_in"):
        Tokens(lambda: {"access_token": "x", "expires_in": "soon"}).current()
    assert Tokens(lambda: {"access_token": "x"}).current().get_secret_value() == "x"


@pytest.mark.parametrize("secret", ["a\nb: c", "a\r\n", "\x00", "a\x7f"])
def test_a_secret_that_fits_no_header_is_not_sent(server: Server, site: Site, secret: str) -> None:
    """A line break in a secret can't become a header of its own, and its text shows nowhere."""
    with pytest.raises(AccessError, match="line breaks") as caught:
        http_to(headers={"X-Key": SecretStr(f"{SECRET}{secret}x")}).request("GET", server.url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert site.asked == []


def test_what_can_not_be_sent_is_refused(server: Server) -> None:
    """A body that JSON has no word for is a mistake of the caller's, told as one."""
    with pytest.raises(ProtocolError, match="can't be written"):
        http_to().request("POST", server.url, json={"a": object()})


def test_no_secret_is_logged(server: Server, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Addresses with keys in them stay out of the logs, whatever their level."""
    caplog.set_level(logging.DEBUG)
    http_to(auth=SecretStr(SECRET)).request("GET", f"{server.url}/a", params={"key": SECRET})
    assert SECRET not in caplog.text


def test_importing_the_contract_does_not_import_an_http_client() -> None:
    """Who only types values waits for no client."""
    code = "import sys, okr_sync.connector as c; c.WebSettings; print(*sys.modules); c.nothing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "okr_sync.outbound.settings" in done.stdout
    assert not {"httpx", "requests", "httpcore"} & set(done.stdout.split())
    assert "has no attribute 'nothing'" in done.stderr


@respx.mock
def test_a_public_host_over_https_is_asked() -> None:
    """The usual case needs no setting."""
    respx.get("https://api.example.com/v1", params={"q": "up"}).respond(json={"value": 7})
    http = http_to(settings={"allow_hosts": ()})
    assert http.request("GET", "https://api.example.com/v1", params={"q": "up"}).json() == {"value": 7}


def test_links_are_read(server: Server, site: Site) -> None:
    """The next page is where the Link header says."""
    site.answer("/", Response(200, json.dumps([]).encode(), {"Link": f'<{server.url}/?page=2>; rel="next"'}))
    assert http_to().request("GET", f"{server.url}/").links == {"next": f"{server.url}/?page=2"}


def test_a_caller_may_ask_again(server: Server, site: Site) -> None:
    """The same request, with its body, can be repeated."""

    class Twice(Caller):
        def call(self, ask: Callable[[], T]) -> T:
            ask()
            return ask()

    http_to(Twice()).request("POST", f"{server.url}/x", json={"a": 1})
    assert [each.json() for each in site.asked] == [{"a": 1}, {"a": 1}]
