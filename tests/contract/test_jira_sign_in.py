"""Each way to sign in to Jira works where it belongs, is refused elsewhere, and says what to do then."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.jira_http import JiraHttp
from okr_sync.connector import (
    AccessError,
    Caller,
    ProtocolError,
    Referenced,
    TransientError,
    UnauthorizedError,
    WebSettings,
)
from okr_sync.sandbox.jira_access import WORK
from okr_sync.sandbox.server import Fault, Response, Server
from okr_sync.testing.delivery_world import TOKEN
from tests.contract.jira_fixtures import EMAIL, Jira, serve

SCOPED, OAUTH = "ATATT-scoped-3f", "eyJ-oauth-77"
ALPHA: dict[str, Any] = {"epics": ["ALP-1"]}
BASIC = base64.b64encode(f"{EMAIL}:{SCOPED}".encode()).decode()


@pytest.fixture
def cloud() -> Iterator[Jira]:
    for jira in serve("cloud"):
        accepted = jira.home.site.credentials
        jira.home.site.credentials = replace(accepted, scoped_token=SCOPED, oauth_token=OAUTH)
        yield jira


@pytest.fixture
def dc() -> Iterator[Jira]:
    yield from serve("dc")


def signed_in(jira: Jira, **settings: Any) -> Iterator[Jira]:
    """Yield another connector to the same site, closed afterwards."""
    other = Jira(jira.home, **{"gateway": jira.home.server.url, **settings})
    yield other
    other.connector.close()


WAYS: dict[str, dict[str, Any]] = {
    "API token at the site": {},
    "API token, said so": {"sign_in": "api_token"},
    "scoped token": {"sign_in": "scoped_token", "token": SCOPED},
    "OAuth 2": {"sign_in": "oauth2", "token": OAUTH, "email": None},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_into_cloud_brings_the_same_facts_with_links_to_the_site(cloud: Jira, way: dict[str, Any]) -> None:
    """Also by the gateway, whose own address stands in no link; the id of the site is asked once, without the token."""
    expected = cloud.pull(a=ALPHA)
    for other in signed_in(cloud, **{**way, "token": Referenced(way.get("token", TOKEN))}):
        assert other.connector.probe().startswith(f"signed in as Ana at {cloud.home.server.url}")
        pulled = other.pull(a=ALPHA)
        assert (pulled.items, pulled.containers) == (expected.items, expected.containers)
        assert {each.url.partition("/browse/")[0] for each in pulled.items.values()} == {cloud.home.server.url}
        asked = [each.path for each in cloud.home.server.log]
        by_gateway = other.connector.settings.sign_in in ("scoped_token", "oauth2")
        assert all(path.startswith("/ex/jira/") == by_gateway for path in asked)


def test_the_id_of_the_site_is_asked_once_and_unsigned(cloud: Jira) -> None:
    """Whoever hears the first request hears no token."""
    seen: list[dict[str, str]] = []
    plain = cloud.home.site.respond

    class _Listening:
        def respond(self, request: Any) -> Response:
            if request.path == "/_edge/tenant_info":
                seen.append(dict(request.headers))
            return plain(request)

    with Server(_Listening()) as server:
        settings = {"url": server.url, "gateway": server.url, "sign_in": "scoped_token", "token": Referenced(SCOPED)}
        for other in signed_in(cloud, **settings):
            other.pull(a=ALPHA)
            other.pull(a=ALPHA)
    assert [headers.get("authorization") for headers in seen] == [None]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"token": "wr0ng"}, "AUTHENTICATED_FAILED"),
        ({"token": SCOPED}, "AUTHENTICATED_FAILED"),
        ({"token": OAUTH, "email": None}, "AUTHENTICATED_FAILED"),
        ({"token": "wr0ng", "sign_in": "scoped_token"}, "status 401: Unauthorized"),
        ({"token": OAUTH, "sign_in": "scoped_token"}, "status 401: Unauthorized"),
        ({"token": SCOPED, "sign_in": "oauth2", "email": None}, "status 401: Unauthorized"),
    ],
)
def test_a_token_at_the_wrong_place_is_a_refused_credential(cloud: Jira, settings: dict[str, Any], said: str) -> None:
    """A scoped token at the site, a site's token as a bearer: 401, told apart from a permission that is missing.

    Seen red with 401 raised as a plain AccessError.
    """
    for other in signed_in(cloud, **{**settings, "token": Referenced(settings["token"])}):
        with pytest.raises(UnauthorizedError) as caught:
            other.connector.probe()
        assert said in str(caught.value)
        assert "sign_in" in caught.value.fix
        assert not [each for each in (SCOPED, OAUTH, BASIC) if each in str(caught.value)]


@pytest.mark.parametrize("token", ["wr0ng", TOKEN + "x"])
def test_a_site_that_answers_as_if_we_were_nobody_is_not_believed(cloud: Jira, token: str) -> None:
    """With a token that expired Cloud answers searches with 200 and no issues: that is no deletion.

    Seen red with the look at X-Seraph-LoginReason taken out of answers below 400.
    """
    cloud.home.site.lets_nobody_in = True
    for other in signed_in(cloud, token=Referenced(token)):
        with pytest.raises(UnauthorizedError, match="AUTHENTICATED_FAILED"):
            other.connector.look_up(frozenset({"10001"}), {})
        with pytest.raises(UnauthorizedError, match="AUTHENTICATED_FAILED"):
            other.pull(a={"jql": "project = ALP"})


def test_a_scope_that_a_token_lacks_is_a_permission_not_a_refused_credential(cloud: Jira) -> None:
    """The gateway says 401 for both; its words tell them apart, and the scopes to give are named.

    Seen red without the look at the gateway's word.
    """
    cloud.home.site.credentials = replace(cloud.home.site.credentials, scopes=frozenset({WORK}))
    for other in signed_in(cloud, sign_in="scoped_token", token=Referenced(SCOPED)):
        assert other.pull(a=ALPHA).items
        with pytest.raises(AccessError, match="scope does not match") as caught:
            other.connector.probe()
        assert not isinstance(caught.value, UnauthorizedError)
        assert "read:jira-user" in caught.value.fix


def test_data_center_takes_a_personal_access_token_alone(dc: Jira) -> None:
    """The token goes as a bearer; another one is refused by a page of HTML with 401."""
    for other in signed_in(dc, sign_in="access_token"):
        assert other.connector.probe().endswith("(Jira Data Center)")
    for other in signed_in(dc, token=Referenced("wr0ng")):
        with pytest.raises(UnauthorizedError):
            other.connector.probe()


def test_a_permission_that_is_missing_is_no_refused_credential(cloud: Jira) -> None:
    """403 without a word about signing in leaves the credential alone."""
    body = {"errorMessages": ["You do not have permission to browse this project."]}
    cloud.home.server.inject(Fault("response", Response.of(body, 403)))
    with pytest.raises(AccessError, match="You do not have permission") as caught:
        cloud.connector.probe()
    assert not isinstance(caught.value, UnauthorizedError)
    assert "browse" in caught.value.fix


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Response.of({"message": "not here"}, 404), ProtocolError, "tenant_info: status 404"),
        (Response(302, b"", {"Location": "https://id.atlassian.com/login"}), UnauthorizedError, "not followed"),
        (Response.of({"cloudId": "../../evil"}), ProtocolError, "no cloud id"),
        (Response.of([]), ProtocolError, "no cloud id"),
        (Response.of({}, 503), TransientError, "status 503"),
    ],
)
def test_a_site_that_does_not_tell_its_id_is_told_by_what_it_said(
    cloud: Jira, reply: Response, kind: type[Exception], said: str
) -> None:
    """Nothing is sent to the gateway then."""
    cloud.home.server.inject(Fault("response", reply, where="tenant_info"))
    for other in signed_in(cloud, sign_in="scoped_token", token=Referenced(SCOPED)):
        cloud.home.server.forget()
        with pytest.raises(kind, match=said):
            other.connector.probe()
        assert len(cloud.home.server.log) == 1


# --- limits ---


@pytest.mark.parametrize(
    ("flavour", "wait", "expected"),
    [
        ("cloud", "seconds", 60.0), ("cloud", "date", 60.0), ("cloud", "reset", 60.0),
        ("dc", "seconds", 60.0), ("dc", "date", 60.0), ("dc", "reset", 60.0),
    ],
)  # fmt: skip
def test_a_limit_is_waited_for_as_long_as_the_site_says(flavour: Any, wait: Any, expected: float) -> None:
    """Retry-After in seconds or as a date; else the reset, which Cloud tells to the minute, or the bucket's interval.

    Seen red without the dates, and without the reset.
    """
    for jira in serve(flavour):
        jira.home.site.limit_words.wait, jira.home.site.rate_limit_window = wait, timedelta(minutes=1)
        jira.home.site.rate_limit_after = 0
        with pytest.raises(TransientError) as caught:
            jira.connector.probe()
        assert caught.value.retry_after == expected


@pytest.mark.parametrize("reason", ["jira-burst-based", "jira-quota-global-based", "jira-per-issue-on-write"])
def test_which_limit_it_was_stands_in_the_message(cloud: Jira, reason: Any) -> None:
    """In Jira's own word."""
    cloud.home.site.limit_words.reason = reason
    cloud.home.site.rate_limit_after = 0
    with pytest.raises(TransientError, match=rf"status 429.*\({reason}\)"):
        cloud.connector.probe()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-RateLimit-Reset": "2026-11-02T09:31Z", "Date": "Mon, 02 Nov 2026 09:30:10 GMT"}, 50.0),
        ({"X-RateLimit-Reset": "2026-11-02T09:29Z", "Date": "Mon, 02 Nov 2026 09:30:10 GMT"}, 0.0),
        ({"X-RateLimit-Reset": "2026-11-02T09:31", "Date": "Mon, 02 Nov 2026 09:30:10"}, 50.0),
        ({"X-RateLimit-Reset": "1793611860", "Date": "Mon, 02 Nov 2026 09:30:10 GMT"}, None),
        ({"X-RateLimit-Reset": "2026-11-02T09:31Z", "Date": "today"}, None),
        (
            {
                "X-RateLimit-Reset": "2026-11-02T09:31Z",
                "Date": "Mon, 02 Nov 2026 09:30:10 GMT",
                "X-RateLimit-Remaining": "7",
            },
            None,
        ),
        ({"X-RateLimit-Interval-Seconds": "60"}, 60.0),
        ({"X-RateLimit-Interval-Seconds": "soon"}, None),
        ({"X-RateLimit-Interval-Seconds": "²"}, None),
        ({"X-RateLimit-Interval-Seconds": "9" * 400}, None),
    ],
)
def test_a_reset_counts_from_the_servers_own_clock(headers: dict[str, str], expected: float | None) -> None:
    """A skewed clock on either side changes nothing; what can't be read names no time."""
    with Server(_Limited(headers)) as server:
        reach = WebSettings(allow_hosts=("127.0.0.1",))
        http = JiraHttp(server.url, "t", email=None, reach=reach, caller=Caller())
        with pytest.raises(TransientError) as caught:
            http.get("2/thing")
        http.close()
    assert caught.value.retry_after == expected


class _Limited:
    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def respond(self, _: Any) -> Response:
        return Response(429, b"", self._headers)


# --- JSON ---


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b'{"summary": "half a smile \\ud83d"}', {"summary": "half a smile \ud83d"}),
        (b'{"points": 5.0, "n": 12345678901234567890}', {"points": 5.0, "n": 12345678901234567890}),
        ('{"summary": "进行中"}'.encode(), {"summary": "进行中"}),
    ],
)
def test_answers_are_read_as_they_were_written(cloud: Jira, body: bytes, payload: Any) -> None:
    """Also a title that Jira cut in the middle of a sign, which the fast reader refuses.

    Seen red with the fast reader alone.
    """
    cloud.home.server.inject(Fault("response", Response(200, body)))
    assert cloud.connector._http.get("2/thing") == payload == json.loads(body)


@pytest.mark.parametrize("body", [b'{"n": NaN}', b'{"n": Infinity}', b"[" * 3000 + b"]" * 3000, b"\xff", b"", b"{"])
def test_what_is_no_json_is_refused(cloud: Jira, body: bytes) -> None:
    """By both readers."""
    cloud.home.server.inject(Fault("response", Response(200, body)))
    with pytest.raises(ProtocolError, match="no JSON"):
        cloud.connector._http.get("2/thing")
