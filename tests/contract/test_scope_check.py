"""What a source says of the names that are mapped to it: found, missing with the nearest name, or not permitted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from connectors.github_grants import read_grant
from connectors.gitlab import Gitlab
from connectors.jira_scopes import CLASSIC, GRANULAR, lacking
from okr_sync.connector import (
    AccessError,
    DeliverySource,
    Grant,
    Named,
    ProtocolError,
    Referenced,
    UnauthorizedError,
)
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_permissions import PermittedGithub
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Fault, Response, Server
from okr_sync.testing.delivery_world import TOKEN
from tests.contract.github_fixtures import NOW, START, connected
from tests.contract.gitlab_fixtures import GitlabWork
from tests.contract.jira_fixtures import Jira, serve

OAUTH = "eyJ-oauth-77"


def told(connector: DeliverySource, **raw: Mapping[str, Any]) -> list[Named]:
    """Return what the connector says of questions, as they stand in a config file."""
    found = connector.resolve({ref: connector.Query(**query) for ref, query in raw.items()}, NOW)
    assert found is not None
    return list(found)


def by_path(found: list[Named]) -> dict[tuple[str, tuple[str | int, ...]], tuple[str, str | None]]:
    return {(each.ref, each.path): (each.said, each.miss) for each in found}


# --- Jira ---


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest) -> Iterator[Jira]:
    yield from serve(request.param)


@pytest.fixture
def cloud() -> Iterator[Jira]:
    yield from serve("cloud")


@contextmanager
def signed_in(jira: Jira, **settings: Any) -> Iterator[Jira]:
    other = Jira(jira.home, **settings)
    yield other
    other.connector.close()


def test_epics_that_are_there_are_told_with_their_titles_also_by_an_old_key(jira: Jira) -> None:
    jira.world.change_project(jira.home.epics["beta"], "ALP", at=START)
    now = jira.home.epics["beta"].key
    found = by_path(told(jira.connector, a={"epics": ["ALP-1", "BET-1"]}))
    assert found["a", ("epics", 0)] == ("ALP-1: Epic 'Epic alpha'", None)
    assert found["a", ("epics", 1)] == (f"BET-1, which is {now} now: Epic 'Epic beta'", None)


def test_names_of_jira_that_lead_nowhere_are_told_each_at_its_own_place(jira: Jira) -> None:
    """A key that is not there, one in a project out of sight, a story, queries for what is not there; all at once.

    Seen red with the nearest names taken out.
    """
    jira.world.add_project("GAM", "Gamma")
    jira.world.add_epic("GAM", "Hidden", at=START)
    jira.world.hide_project("GAM", at=START)
    found = by_path(
        told(
            jira.connector,
            a={"epics": ["ALP-1", "ALP-999", "BTE-1", "GAM-1", "ALP-2"]},
            b={"jql": "project = APL"},
            c={"jql": 'Sumary = "x"'},
            d={"jql": "project = BET"},
        )
    )
    assert found["a", ("epics", 0)][1] is None
    said = {path: each for (ref, path), each in found.items() if ref == "a"}
    assert said["epics", 1] == (
        "there is no issue ALP-999 in project ALP that the account sees: correct the key",
        "not_found",
    )
    assert said["epics", 2][1] == said["epics", 3][1] == "denied"
    assert "no project BTE; did you mean BET?" in said["epics", 2][0]
    assert "no project GAM" in said["epics", 3][0]
    assert "Browse Projects" in said["epics", 3][0]
    assert said["epics", 4][1] == "invalid"
    assert "did you mean ALP?" in found["b", ("jql",)][0]
    assert "did you mean Summary?" in found["c", ("jql",)][0]
    assert (found["b", ("jql",)][1], found["c", ("jql",)][1]) == ("invalid", "invalid")
    assert found["d", ("jql",)] == ("the query finds about 4 issues", None)


def test_the_points_field_is_told_by_id_and_a_wrong_one_with_the_nearest(jira: Jira) -> None:
    assert "customfield_10028" in by_path(told(jira.connector))["", ()][0]
    with signed_in(jira, points_field="Story Point") as pinned:
        said, miss = by_path(told(pinned.connector, a={"epics": ["ALP-1"]}))["", ("points_field",)]
    assert "did you mean 'Story Points'" in said
    assert miss == "not_found"
    with signed_in(jira, points_field="story points") as pinned:
        assert by_path(told(pinned.connector))["", ("points_field",)][1] is None


def test_where_issues_have_a_security_level_the_check_says_what_that_may_hide(jira: Jira) -> None:
    """Nothing where the site has no such levels, or none of the issues one. Seen red with the question left out."""
    assert ["level" in said for said, _ in by_path(told(jira.connector, a={"epics": ["ALP-1"]})).values()] == [
        False
    ] * 2
    jira.world.add_level("Staff", seen=True)
    assert len(told(jira.connector, a={"epics": ["ALP-1"]})) == 2
    jira.world.protect("ALP-2", "Staff", at=jira.home.now)
    jira.world.protect("BET-2", "Staff", at=jira.home.now)
    [word] = [each for each in told(jira.connector, a={"epics": ["ALP-1"]}) if "level" in each.said]
    assert (word.ref, word.path, word.miss) == ("", (), None)
    assert word.said.startswith("1 issues of ALP have a security level; give the account all levels")


def test_all_resolutions_of_jira_are_listed_page_by_page(jira: Jira) -> None:
    """Seen red with the first page alone."""
    for number in range(120):
        jira.world.add_resolution(f"Ended {number}")
    assert jira.connector.resolutions() == tuple(each.name for each in jira.world.resolutions)


@pytest.mark.parametrize(
    ("jira", "body"),
    [
        ("cloud", {"values": 7}),
        ("cloud", {}),
        ("cloud", []),
        ("cloud", {"values": [{"id": "1"}]}),
        ("dc", {}),
        ("dc", [{"id": "1"}]),
    ],
    indirect=["jira"],
)
def test_a_list_of_resolutions_that_is_none_is_refused(jira: Jira, body: Any) -> None:
    jira.home.server.inject(Fault("response", Response.of(body), where="resolution"))
    with pytest.raises(ProtocolError):
        jira.connector.resolutions()


def test_a_token_that_may_not_list_resolutions_is_no_failure(jira: Jira) -> None:
    """A granular one without read:resolution:jira, above all. Seen red with the refusal passed on."""
    assert jira.connector.resolutions()
    said = {"code": 401, "message": "Unauthorized; scope does not match"}
    jira.home.server.inject(Fault("response", Response.of(said, 401), where="resolution"))
    assert jira.connector.resolutions() is None


def test_a_check_of_jira_costs_a_handful_of_requests_and_writes_nothing(jira: Jira) -> None:
    """However many epics: serverInfo and fields, the epics in bulk, their security, one for each project out of sight.

    One unknown key spoils a query of Data Center, so there what is missing is found by halves.
    """
    jira.home.server.forget()
    told(jira.connector, a={"epics": ["ALP-1", "BET-1", "NO-1", "NO-2"]})
    log = jira.home.server.log
    assert len(log) <= (7 if jira.home.flavour == "cloud" else 12)
    assert {each.method for each in log} == {"GET", "POST"}
    assert all("search" in each.path or "bulkfetch" in each.path for each in log if each.method == "POST")


def test_an_oauth_token_is_told_with_its_scopes_against_those_needed(cloud: Jira) -> None:
    """A granular token that lacks one names just that; a classic one its own."""
    site = cloud.home.site

    def grant(*scopes: str) -> Grant:
        site.credentials = replace(site.credentials, oauth_token=OAUTH, scopes=frozenset(scopes))
        settings = {"sign_in": "oauth2", "email": None, "token": Referenced(OAUTH), "gateway": cloud.home.server.url}
        with signed_in(cloud, **settings) as other:
            found = other.connector.grant()
            assert found is not None
            return found

    assert grant(*CLASSIC) == Grant(CLASSIC, tuple(sorted(CLASSIC)), ())
    assert grant(CLASSIC[0]).missing == (CLASSIC[1],)
    assert grant(*GRANULAR).missing == ()
    assert grant(*GRANULAR[1:]).missing == GRANULAR[:1]
    assert grant().missing == CLASSIC
    assert lacking(frozenset({*CLASSIC, "write:jira-work"})) == ()


def test_an_account_that_may_browse_nothing_is_told_so(jira: Jira) -> None:
    assert jira.connector.grant() == Grant(("Browse Projects",), ("Browse Projects",))
    for project in ("ALP", "BET"):
        jira.world.hide_project(project, at=START)
    found = jira.connector.grant()
    assert found is not None
    assert found.missing == ("Browse Projects",)


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("mypermissions", {}), ("mypermissions", []), ("mypermissions", {"permissions": {"BROWSE_PROJECTS": {}}}),
        ("approximate-count", {"count": "many"}), ("approximate-count", []), ("project/search", {"values": 7}),
    ],
)  # fmt: skip
def test_answers_of_jira_that_say_nothing_are_refused(cloud: Jira, where: str, body: Any) -> None:
    cloud.home.server.inject(Fault("response", Response.of(body), where=where))
    with pytest.raises(ProtocolError):
        told(cloud.connector, a={"epics": ["NO-1"]}, b={"jql": "project = ALP"})


def test_a_site_that_lists_no_resources_is_refused(cloud: Jira) -> None:
    site, home = cloud.home.site, cloud.home.server
    site.credentials = replace(site.credentials, oauth_token=OAUTH)
    home.inject(Fault("response", Response.of({}), where="accessible-resources"))
    settings = {"sign_in": "oauth2", "email": None, "token": Referenced(OAUTH), "gateway": home.url}
    with signed_in(cloud, **settings) as other, pytest.raises(ProtocolError, match="no list of sites"):
        other.connector.grant()


# --- GitHub ---


def github_world() -> GithubWorld:
    world = GithubWorld()
    for name in ("acme/app", "acme/api"):
        world.add_milestone(world.add_repository(name, at=START), "Launch", at=START)
    return world


@contextmanager
def github(api: str, token: Callable[[GithubSite], Any]) -> Iterator[Any]:
    site = token(GithubSite(github_world(), lambda: NOW, token=TOKEN))
    with Server(site) as server, connected(server.url, api=api) as connector:
        yield connector


@pytest.fixture(params=["graphql", "rest"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_names_of_github_that_lead_nowhere_are_told_each_at_its_own_place(api: str) -> None:
    """Each repository and each milestone; what stands beside a wrong one is found.

    Seen red with the list of the owner's repositories taken out.
    """
    with github(api, lambda site: site) as connector:
        found = by_path(
            told(
                connector,
                a={"repos": ["acme/app", "acme/apq", "nobody/app"], "milestones": ["Launch", "Lunch", 7]},
                b={"repo": "acme/api", "milestone": 1},
                c={"repo": "acme/gone", "milestone": 1},
            )
        )
    assert found["a", ("repos", 0)] == ("acme/app: milestones: 1", None)
    assert "did you mean acme/app?" in found["a", ("repos", 1)][0]
    assert (found["a", ("repos", 1)][1], found["a", ("repos", 2)][1]) == ("not_found", "not_found")
    assert "did you mean" not in found["a", ("repos", 2)][0]
    assert found["a", ("milestones", 0)] == ("'Launch': acme/app", None)
    assert "did you mean 'Launch'" in found["a", ("milestones", 1)][0]
    assert "no milestone 7" in found["a", ("milestones", 2)][0]
    assert found["b", ("repo",)][1] is None
    assert found["b", ("milestone",)][1] is None
    assert [path for ref, path in found if ref == "c"] == [("repo",)]


def test_a_permission_that_a_fine_grained_token_lacks_is_named(api: str) -> None:
    """By GitHub's own header; one that has all is told nothing.

    Seen red with the header left out of the message.
    """
    asked = {"repo": "acme/app", "milestone": 1}

    def with_only(*permissions: str) -> list[Named]:
        with github(api, lambda site: PermittedGithub(site, permissions=permissions)) as connector:
            return told(connector, a=asked)

    said, miss = by_path(with_only("issues=read"))["a", ("repo",)]
    assert (miss, "needs pull_requests=read" in said) == ("denied", True)
    if api == "graphql":  # without it REST lists no milestone at all
        said, miss = by_path(with_only("pull_requests=read"))["a", ("repo",)]
        assert (miss, "needs issues=read" in said) == ("denied", True)
    assert not [each for each in with_only("issues=read", "pull_requests=read") if each.miss]


def test_a_renamed_repository_is_told_by_both_names(api: str) -> None:
    world = github_world()
    world.rename(world.repositories[0], "acme/application", at=START)
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server, connected(server.url, api=api) as connector:
        found = by_path(told(connector, a={"repo": "acme/app", "milestone": 1}))
    assert found["a", ("repo",)] == ("acme/app, which is acme/application now: milestones: 1", None)


def test_scopes_and_the_end_of_a_github_token_are_told(api: str) -> None:
    end = datetime(2026, 12, 1, 9, tzinfo=UTC)
    with github(api, lambda site: PermittedGithub(site, "read:org, repo", expires="2026-12-01 09:00:00 UTC")) as known:
        grant = known.grant()
        assert (grant.granted, grant.expires) == (("read:org", "repo"), end)
    with github(api, lambda site: PermittedGithub(site, permissions=())) as known:
        assert known.grant() == Grant(("Issues: read", "Pull requests: read"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-12-01 09:00:00 UTC", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01 09:00:00 +0200", datetime(2026, 12, 1, 7, tzinfo=UTC)),
        ("never", None),
        ("", None),
    ],
)
def test_the_end_of_a_token_is_an_instant_or_unknown(written: str, read: datetime | None) -> None:
    assert read_grant({"github-authentication-token-expiration": written}).expires == read
    assert read_grant({"x-oauth-scopes": ""}).granted == ()


def test_who_is_no_user_has_no_scopes_and_a_refused_token_is_a_failure() -> None:
    with Server(GithubSite(github_world(), lambda: NOW, token=TOKEN)) as server, connected(server.url) as connector:
        server.inject(Fault("response", Response.of({"message": "Resource not accessible by integration"}, 403)))
        assert connector.grant() is None
        for where in ("/user", "/issues"):
            server.inject(Fault("response", Response.of({"message": "Bad credentials"}, 401), where=where))
        with pytest.raises(UnauthorizedError):
            connector.grant()
        with pytest.raises(UnauthorizedError):
            told(connector, a={"repo": "acme/app", "milestone": 1})


# --- GitLab ---


@contextmanager
def gitlab(work: GitlabWork) -> Iterator[Gitlab]:
    with work.server:
        raw = {"url": work.server.url, "token": Referenced(TOKEN), "allow_hosts": ["127.0.0.1"]}
        connector = Gitlab(Gitlab.Settings(**raw))
        yield connector
        connector.close()


def test_names_of_gitlab_that_lead_nowhere_are_told_each_at_its_own_place() -> None:
    work = GitlabWork()
    with gitlab(work) as connector:
        found = by_path(
            told(
                connector,
                a={"projects": ["acme/alpha", "acme/beta"], "milestone": "Release 1"},
                b={"projects": ["acme/alpha", "acme/alfa"], "milestone": "Release 1"},
                c={"projects": ["acme/alpha"], "milestone": "Release one"},
                d={"group": "acme", "epic": 9},
                e={"projects": ["acme/beta"], "labels": ["bug"]},
            )
        )
    assert {path for (ref, path), (_, miss) in found.items() if ref == "a" and miss is None} == {
        ("projects", 0), ("projects", 1), ("milestone",),
    }  # fmt: skip
    assert found["b", ("projects", 0)][1] is None
    assert "did you mean acme/alpha?" in found["b", ("projects", 1)][0]
    assert ("b", ("milestone",)) not in found
    assert "did you mean 'Release 1'" in found["c", ("milestone",)][0]
    assert found["d", ("epic",)][1] in ("denied", "not_found")
    assert found["e", ("labels",)][1] is None


def test_a_role_that_sees_too_little_is_told() -> None:
    work = GitlabWork()
    next(each for each in work.world.projects if each.path == "acme/beta").role = 10
    with gitlab(work) as connector:
        found = by_path(told(connector, a=work.scope("alpha", "beta"), b=work.scope("beta")))
    assert [miss for (_, path), (_, miss) in found.items() if path[0] == "projects"] == [None, "denied", "denied"]
    assert "Planner" in found["a", ("projects", 1)][0]


def test_scopes_and_the_end_of_a_gitlab_token_are_told() -> None:
    work = GitlabWork()
    with gitlab(work) as connector:
        assert connector.grant() == Grant(("read_api",), ("read_api",))
        work.site.scopes, work.site.expires = ["read_user"], "2026-12-01"
        end = datetime(2026, 12, 1, tzinfo=UTC)
        assert connector.grant() == Grant(("read_api",), ("read_user",), ("read_api",), end)
        work.site.scopes = ["api"]
        assert connector.grant() == Grant(("read_api",), ("api",), (), end)
        work.server.inject(Fault("response", Response.of({"message": "404"}, 404), where="self"))
        assert connector.grant() is None
        work.server.inject(Fault("response", Response.of({"id": 1}), where="self"))
        assert connector.grant() is None
        work.server.inject(Fault("response", Response.of({}, 500), where="self"))
        with pytest.raises(Exception, match="500"):
            connector.grant()


def test_a_source_that_refuses_the_list_of_projects_is_a_failure() -> None:
    work = GitlabWork()
    with gitlab(work) as connector:
        work.server.inject(Fault("response", Response.of({}, 403), where="/api/v4/projects", skip=1))
        with pytest.raises(AccessError):
            told(connector, a={"projects": ["acme/nowhere"], "milestone": "x"})


# --- all of them ---


def test_granular_scopes_are_in_order_and_read_only() -> None:
    assert all(first < second for first, second in pairwise(GRANULAR))
    assert all(scope.startswith("read:") for scope in (*CLASSIC, *GRANULAR))


DOCUMENT = Path(__file__).parents[2] / "../shared/data/jira-cloud-openapi/swagger-v3.v3.json"
ASKED = {
    "get": ("myself", "serverInfo", "field", "status", "mypermissions", "project/search", "project/{projectIdOrKey}"),
    "post": ("search/jql", "search/approximate-count", "issue/bulkfetch", "changelog/bulkfetch"),
}


@pytest.mark.skipif(not DOCUMENT.is_file(), reason=f"Jira's OpenAPI document is not at {DOCUMENT}")
def test_the_scopes_are_those_that_jira_lists_for_what_is_asked() -> None:
    """The classic ones and the granular ones, no less and no more; the page names each.

    Seen red with one scope taken out of each list.
    """
    paths = json.loads(DOCUMENT.read_text("utf-8"))["paths"]
    asked = [paths[f"/rest/api/3/{path}"][method] for method, some in ASKED.items() for path in some]
    listed = [each for operation in asked for each in operation["x-atlassian-oauth2-scopes"]]
    assert {scope for each in listed if each["state"] == "Current" for scope in each["scopes"]} == set(CLASSIC)
    assert {scope for each in listed if each["state"] == "Beta" for scope in each["scopes"]} == set(GRANULAR)
    page = (Path(__file__).parents[2] / "docs/connectors/jira_epics.md").read_text("utf-8")
    assert [scope for scope in (*CLASSIC, *GRANULAR) if f"`{scope}`" not in page] == []
