"""Every way to sign in to GitHub: a token, or an App whose installation gets one and renews it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import AccessError, ProtocolError, Referenced, SourceError, UnauthorizedError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_app import App
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Fault, Response, Server
from tests.contract.github_fixtures import NOW, START, connected, pull

SCOPE: dict[str, dict[str, Any]] = {"a": {"repo": "acme/app", "milestone": 1}}
APP = App()
"""Its key takes a while to make."""


@pytest.fixture
def app() -> App:
    """Return the App, without tokens."""
    APP.granted.clear()
    APP.life = timedelta(hours=1)
    return APP


@pytest.fixture
def world() -> GithubWorld:
    """Return a world with a milestone that holds one issue."""
    world = GithubWorld()
    milestone = world.add_milestone(world.add_repository("acme/app", at=START), "One", at=START)
    world.add_issue(milestone.repository, "a", at=START, milestone=milestone)
    return world


@pytest.fixture
def server(world: GithubWorld, app: App) -> Iterator[Server]:
    """Yield a server that knows the App."""
    with Server(GithubSite(world, lambda: NOW, app=app)) as server:
        yield server


def keys(app: App, **changes: Any) -> dict[str, Any]:
    """Return the settings of an App instead of a token."""
    secret = Referenced(app.private_key)
    mine = {"token": None, "app_id": app.app_id, "installation_id": app.installation_id, "private_key": secret}
    return {**mine, **changes}


def minted(server: Server) -> int:
    """Return how many requests asked for a token."""
    return sum(each.path.endswith("/access_tokens") for each in server.log)


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_an_app_reads_with_one_token(server: Server, app: App, api: str) -> None:
    """One request gets a token that serves the list, the items and the next pull.

    Red when `granted` takes the end as an instant of this machine's clock, which is weeks away from the server's.
    """
    with connected(server.url, api=api, **keys(app)) as connector:
        first = pull(connector, SCOPE)
        pull(connector, SCOPE, first.cursor, NOW + timedelta(minutes=15))
    assert len(first.items) == 1
    assert minted(server) == 1


def test_a_token_is_renewed_before_it_ends(server: Server, app: App) -> None:
    """One that ends within half a minute, by GitHub's own clock, is not used again.

    Red when `granted` takes it to be good for an hour whatever GitHub says.
    """
    app.life = timedelta(seconds=20)
    with connected(server.url, **keys(app)) as connector:
        assert len(pull(connector, SCOPE).items) == 1
    assert minted(server) == len(server.log) / 2 == 2


def test_a_token_that_was_taken_away_is_fetched_anew(server: Server, app: App) -> None:
    """After a 401 the source fails, without a further request; the next pull begins with another token.

    Red without `Tokens.refuse`: the second pull is refused, too.
    """
    with connected(server.url, **keys(app)) as connector:
        pull(connector, SCOPE)
        app.granted = {}
        server.forget()
        with pytest.raises(UnauthorizedError):
            pull(connector, SCOPE)
        assert len(server.log) == 1
        app.granted = {"other": NOW}  # so that the new one has another name
        assert len(pull(connector, SCOPE).items) == 1


def failure(server: Server, settings: dict[str, Any]) -> SourceError:
    """Return how a pull fails; the key is in no line of it."""
    with connected(server.url, **settings) as connector, pytest.raises(SourceError) as caught:
        pull(connector, SCOPE)
    told = "".join(traceback.format_exception(caught.value))
    assert APP.private_key[40:80] not in told
    return caught.value


def test_a_foreign_key_is_refused(server: Server, app: App) -> None:
    """A key of another App is GitHub's 401, once."""
    error = failure(server, keys(app, private_key=Referenced(App().private_key)))
    assert type(error) is UnauthorizedError
    assert len(server.log) == 1


def test_an_unknown_installation_is_named(server: Server, app: App) -> None:
    """404 for the installation says which one, and where its number stands."""
    error = failure(server, keys(app, installation_id=9))
    assert isinstance(error, AccessError)
    assert "no installation 9 of App 77" in str(error)
    assert "installation_id" in error.fix


@pytest.mark.parametrize("body", [{}, {"token": "ghs_x"}, {"token": "ghs_x", "expires_at": "soon"}, []])
def test_an_answer_without_a_token_is_refused(server: Server, app: App, body: Any) -> None:
    """No token, or no end of it, is a mistake of the server."""
    server.inject(Fault("response", Response.of(body, 201)))
    assert type(failure(server, keys(app))) is ProtocolError


def test_an_end_without_a_date_is_refused(server: Server, app: App) -> None:
    """Without the server's Date nobody can tell how long a token is good for."""
    body = {"token": "ghs_x", "expires_at": "2026-11-02T10:00:00Z"}
    server.inject(Fault("response", Response.of(body, 201, {"Date": "today"})))
    assert type(failure(server, keys(app))) is ProtocolError


def test_a_key_in_one_line_is_read(server: Server, app: App) -> None:
    """Environment files have line ends as backslash and n."""
    one_line = Referenced(app.private_key.replace("\n", "\\n"))
    with connected(server.url, **keys(app, private_key=one_line)) as connector:
        assert len(pull(connector, SCOPE).items) == 1


def test_an_app_signs_in_at_an_enterprise_server(world: GithubWorld, app: App) -> None:
    """Its tokens are made below /api/v3."""
    with (
        Server(GithubSite(world, lambda: NOW, enterprise=True, app=app)) as server,
        connected(f"{server.url}/api/v3", **keys(app)) as connector,
    ):
        assert len(pull(connector, SCOPE).items) == 1
        assert server.log[0].path == f"/api/v3/app/installations/{app.installation_id}/access_tokens"


def test_the_probe_of_an_app_says_how_much_it_sees(server: Server, app: App) -> None:
    """By REST an App is no user: its repositories are counted."""
    with connected(server.url, api="rest", **keys(app)) as connector:
        assert connector.probe() == f"signed in as App 77 with 1 repositories at {server.url}"


TOKEN: dict[str, Any] = {"token": Referenced("ghp_x")}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "give `token"),
        ({**TOKEN, "app_id": 1}, "not `token` and `app_id`"),
        ({"app_id": 1}, "`installation_id` and `private_key`"),
        ({"app_id": 1, "installation_id": 2}, "needs `private_key`"),
        ({"app_id": 1, "installation_id": 2, "private_key": Referenced("text")}, "no private RSA key"),
        ({"app_id": 1, "installation_id": 0, "private_key": Referenced("text")}, "greater than 0"),
        ({**TOKEN, "points_field": "Estimate", "api": "rest"}, "needs `api: graphql`"),
        ({**TOKEN, "project": 3}, "give `points_field`"),
        ({**TOKEN, "url": "https://github.com"}, "write https://api.github.com"),
        ({**TOKEN, "url": "https://acme.ghe.com"}, "write https://api.acme.ghe.com"),
        ({**TOKEN, "url": "https://api.acme.ghe.com/api/v3"}, "without /api/v3"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], said: str) -> None:
    """The message says what to write; it repeats no secret."""
    with pytest.raises(ValidationError) as caught:
        GithubMilestones.Settings(**settings)
    assert said in str(caught.value)
    assert "ghp_x" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://api.github.com", "https://api.acme.ghe.com", "https://git.acme.example/api/v3/"]
)
def test_every_flavour_has_an_address(url: str) -> None:
    """GitHub.com, GHE.com and an Enterprise server."""
    assert GithubMilestones.Settings(url=url, **TOKEN).url == url.rstrip("/")
