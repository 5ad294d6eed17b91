"""What jira_epics makes of Jira's own shapes: levels, moves, sub-tasks, queries, time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.jira_settings import JiraQuery, JiraSettings
from okr_sync.connector import ProtocolError, Referenced
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.jira_truth import truth
from tests.contract.jira_fixtures import START, Jira, JiraDeliveryWorld, serve


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest) -> Iterator[Jira]:
    yield from serve(request.param)


@pytest.fixture
def cloud() -> Iterator[Jira]:
    yield from serve("cloud")


@pytest.fixture
def dc() -> Iterator[Jira]:
    yield from serve("dc", page_limit=4)


# --- against counts made without the site ---


@pytest.mark.parametrize("flavour", ["cloud", "dc"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_made_up_site_is_counted_as_its_timelines_say(flavour: Flavour, seed: int) -> None:
    """Members, sub-tasks and states of every epic equal counts made from the timelines, pull after pull."""
    made = generate_jira(seed, 4, 12, 15, START + timedelta(days=30))
    home = JiraDeliveryWorld(flavour, page_limit=50 if flavour == "cloud" else None, world=made)
    epics = [issue for issue in made.issues.values() if issue.type.level == 1]
    scopes = {f"e{epic.id}": {"epics": [epic.key]} for epic in epics}
    with home.server:
        jira = Jira(home)
        for minutes in (0, 20, 20, 20):
            home.tick(minutes)
            pulled = jira.pull(**scopes)
            for id_, counts in truth(made, [epic.id for epic in epics], home.now).items():
                held = jira.mirror.held(id_)
                assert {each for each, item in held.items() if item.kind == "issue"} == counts.members
                assert {each for each, item in held.items() if item.kind == "subtask"} == counts.subtasks
                states = [item.state for item in held.values() if item.kind == "issue"]
                assert states.count("in_progress") == counts.in_progress
                assert states.count("open") == counts.open
                assert states.count("done") == counts.done + counts.dropped
            assert not pulled.misses
        assert jira.requests <= 6
        jira.check_mirror(**scopes)
        jira.connector.close()


# --- epics ---


def test_a_moved_epic_is_followed_by_its_old_key(jira: Jira) -> None:
    """Old keys of moved epics still name them; the container has the new key and the same id."""
    alpha, beta = (jira.home.epics[name] for name in ("alpha", "beta"))
    old = {"a": {"epics": ["ALP-1"]}, "b": {"epics": ["BET-1", "BET-404"]}, "c": {"epics": ["BET-1"]}}
    jira.world.add_project("NEW")
    for epic in (alpha, beta):
        jira.world.change_project(epic, "NEW", at=jira.home.now)
    pulled = jira.pull(**old)
    assert pulled.containers[alpha.id].key == "NEW-1"
    assert (pulled.scopes["a"], pulled.scopes["c"]) == ((alpha.id,), (beta.id,))
    assert "BET-404" in pulled.misses["b"].message


def test_a_moved_epic_beside_one_that_stayed(jira: Jira) -> None:
    """Old and new keys may be mapped together."""
    jira.world.add_project("NEW")
    jira.world.change_project(jira.home.epics["beta"], "NEW", at=jira.home.now)
    pulled = jira.pull(both={"epics": ["ALP-1", "BET-1"]})
    assert set(pulled.scopes["both"]) == {epic.id for epic in jira.home.epics.values()}


def test_what_is_no_epic_is_refused(jira: Jira) -> None:
    """A story named as an epic is a miss that says what it is."""
    story = next(iter(jira.home.truth("alpha")))
    pulled = jira.pull(bad={"epics": [jira.world.find(story).key]}, good={"epics": ["ALP-1"]})
    assert pulled.misses["bad"].why == "invalid"
    assert "Story" in pulled.misses["bad"].message
    assert set(pulled.held("good")) == set(jira.home.truth("alpha"))


def test_a_typing_slip_gets_a_hint(jira: Jira) -> None:
    """A key that isn't there is told together with the nearest one that is."""
    pulled = jira.pull(bad={"epics": ["ALP-11"]}, good={"epics": ["alp-1"]})
    assert "did you mean ALP-1?" in pulled.misses["bad"].message


def test_an_epic_is_told_by_its_level(cloud: Jira) -> None:
    """An epic type with a name in another language is an epic."""
    epic = cloud.world.add_epic("ALP", "故事", at=START, type="长篇故事")
    assert cloud.pull(a={"epics": [epic.key]}).containers[epic.id].title == "故事"


def test_an_initiative_holds_the_work_of_its_epics(cloud: Jira) -> None:
    """Above epics, all levels below are members; epics between come as containers, also those added later."""
    top = cloud.world.add_epic("ALP", "Initiative", at=START, type="Initiative")
    for epic in cloud.home.epics.values():
        cloud.world.reparent(epic, top, at=START + timedelta(days=2))
    scopes = {"top": {"epics": [top.key]}, "alpha": {"epics": ["ALP-1"]}}
    pulled = cloud.pull(**scopes)
    below = {**cloud.home.truth("alpha"), **cloud.home.truth("beta")}
    kinds = {id_: item.kind for id_, item in pulled.held("top").items()}
    assert {id_ for id_, kind in kinds.items() if kind == "issue"} == set(below)
    assert {id_ for id_, kind in kinds.items() if kind == "container"} == {e.id for e in cloud.home.epics.values()}
    cloud.home.tick(60)
    late = cloud.world.add_epic("BET", "Late", at=START)
    old = cloud.world.add_issue("BET", "Old story", at=START, parent=late)
    cloud.world.reparent(late, top, at=cloud.home.now)
    cloud.world.reparent(cloud.home.epics["beta"], None, at=cloud.home.now)
    cloud.check_mirror(**scopes)
    assert old.id in cloud.mirror.held(top.id)
    assert not set(cloud.home.truth("beta")) & set(cloud.mirror.held(top.id))
    cloud.home.tick(60)
    newer = cloud.world.add_issue("BET", "Newer story", at=cloud.home.now, parent=late)
    cloud.check_mirror(**scopes)
    assert newer.id in cloud.mirror.held(top.id)
    assert cloud.home.epics["beta"].id not in cloud.mirror.held(top.id)


# --- sub-tasks ---


def test_subtasks_come_whole_and_are_followed(jira: Jira) -> None:
    """Sub-tasks are members with resolution and parent; each change of theirs is seen though no issue changed."""
    story, other = sorted(jira.home.truth("alpha"))[:2]
    first = jira.world.add_subtask(story, "One", at=START + timedelta(days=2))
    jira.world.move(first, "Done", at=START + timedelta(days=3), resolution="Won't Do")
    second = jira.world.add_subtask(story, "Two", at=START + timedelta(days=2))
    scope = {"a": {"epics": ["ALP-1"]}}
    held = jira.pull(**scope).held("a")
    assert (held[first.id].kind, held[first.id].parent, held[first.id].resolution) == ("subtask", story, "Won't Do")
    assert held[second.id].state == "open"
    jira.home.tick(60)
    jira.world.move(second, "In Progress", at=jira.home.now)
    third = jira.world.add_subtask(other, "The first of its issue", at=jira.home.now)
    foreign = jira.world.add_issue("ALP", "Foreign", at=jira.home.now)
    stranger = jira.world.add_subtask(foreign, "Foreign", at=jira.home.now)
    jira.check_mirror(**scope)
    now = jira.mirror.held(jira.home.epics["alpha"].id)
    assert (now[second.id].state, third.id in now, stranger.id in now) == ("in_progress", True, False)
    jira.home.tick(60)
    jira.world.delete(first, at=jira.home.now)
    jira.world.reparent(second, foreign, at=jira.home.now)
    jira.pull(**scope)
    assert jira.left == {first.id, second.id}
    jira.check_mirror(**scope)


def test_a_story_takes_its_subtasks_along(jira: Jira) -> None:
    """A story that moves to another epic, or out, moves with its sub-tasks, though they did not change."""
    story, leaver = sorted(jira.home.truth("alpha"))[:2]
    parts = [jira.world.add_subtask(each, "Part", at=START + timedelta(days=2)) for each in (story, leaver)]
    scopes = {"a": {"epics": ["ALP-1"]}, "b": {"epics": ["BET-1"]}}
    jira.pull(**scopes)
    jira.home.tick(60)
    jira.world.reparent(story, jira.home.epics["beta"], at=jira.home.now)
    jira.world.reparent(leaver, None, at=jira.home.now)
    pulled = jira.pull(**scopes)
    assert {story, parts[0].id} <= set(pulled.members[jira.home.epics["beta"].id].items)
    assert jira.left == {leaver, parts[1].id}
    jira.check_mirror(**scopes)


def test_a_story_that_enters_brings_its_old_subtasks(jira: Jira) -> None:
    """Sub-tasks that were there before their issue entered the epic come with it, whole."""
    outside = jira.world.add_issue("ALP", "Outside", at=START)
    part = jira.world.add_subtask(outside, "Old part", at=START)
    scope = {"a": {"epics": ["ALP-1"]}}
    jira.pull(**scope)
    jira.home.tick(60)
    jira.world.reparent(outside, jira.home.epics["alpha"], at=jira.home.now)
    pulled = jira.pull(**scope)
    assert {outside.id, part.id} <= set(pulled.members[jira.home.epics["alpha"].id].items)
    assert jira.mirror.held(jira.home.epics["alpha"].id)[part.id].parent == outside.id


# --- queries ---


def test_a_query_is_a_container_too(jira: Jira) -> None:
    """A query's issues are its members, with their sub-tasks; what enters or leaves it later is seen."""
    story = min(jira.home.truth("alpha"))
    part = jira.world.add_subtask(story, "Part", at=START + timedelta(days=2))
    scopes = {"q": {"jql": 'project = ALP AND issuetype = Story OR labels = "x y"'}, "a": {"epics": ["ALP-1"]}}
    pulled = jira.pull(**scopes)
    assert set(pulled.held("q")) == {*jira.home.truth("alpha"), part.id}
    container = pulled.containers[pulled.scopes["q"][0]]
    assert (container.kind, container.state) == ("query", "open")
    assert container.url.startswith(f"{jira.home.server.url}/issues/?jql=project%20%3D")
    jira.home.tick(60)
    entered = jira.world.add_issue("BET", "Labelled", at=jira.home.now, labels=("x y",))
    jira.world.change_project(story, "BET", at=jira.home.now)
    jira.check_mirror(**scopes)
    held = jira.mirror.held(container.id)
    assert (entered.id in held, story in held, part.id in held) == (True, False, False)


def test_a_bad_query_is_missed_in_the_words_of_jira(jira: Jira) -> None:
    """A query that Jira refuses is invalid for its own scope; the others are answered, now and later."""
    scopes = {"bad": {"jql": "project = NOPE"}, "good": {"jql": "project = ALP"}, "a": {"epics": ["ALP-1"]}}
    for _ in range(2):
        pulled = jira.pull(**scopes)
        assert set(pulled.misses) == {"bad"}
        assert pulled.misses["bad"].why == "invalid"
        assert "NOPE" in pulled.misses["bad"].message
        assert set(pulled.scopes) == {"good", "a"}
        jira.home.tick(30)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({}, "exactly one"),
        ({"epics": ["AA-1", "BB-2"], "jql": "project = A"}, "exactly one"),
        ({"jql": "project = A order  by key"}, "ORDER BY"),
        ({"epics": ["AA-1) OR (project = B"]}, "no issue key"),
        ({"epics": ["12"]}, "no issue key"),
    ],
)
def test_a_scope_that_makes_no_sense_is_refused(query: dict[str, Any], problem: str) -> None:
    """Scopes are refused before anything is asked; keys can't smuggle JQL."""
    with pytest.raises(ValidationError, match=problem):
        JiraQuery(**query)


def test_order_by_inside_a_text_is_no_order() -> None:
    """A quoted "order by" is a text like any other."""
    assert JiraQuery(jql='summary = "order by mail"').jql


@pytest.mark.parametrize("url", ["acme.atlassian.net", "ftp://acme", "https://ana:pw@acme.net", "https://acme/?a=b"])
def test_an_address_that_makes_no_sense_is_refused(url: str) -> None:
    """The address is http or https, and carries neither credentials nor a query."""
    with pytest.raises(ValidationError, match="write an address"):
        JiraSettings(url=url, token=Referenced("x"))


# --- time ---


def test_everything_is_read_again_once_a_day(cloud: Jira) -> None:
    """A cursor older than `full_every_hours`, or from the future, brings everything."""
    scope = {"a": {"epics": ["ALP-1"]}}
    everything = cloud.pull(**scope).items
    cloud.home.tick(23 * 60)
    assert cloud.pull(**scope).items == {}
    cloud.home.tick(60)
    assert cloud.pull(**scope).items == everything
    cloud.home.tick(-120)
    assert cloud.pull(**scope).items == everything


def test_an_index_that_lags_loses_nothing(jira: Jira) -> None:
    """What the index shows late is found by the overlap; what it shows too early stays where it is."""
    scopes = {"a": {"epics": ["ALP-1"]}, "b": {"epics": ["BET-1"]}}
    jira.pull(**scopes)
    jira.home.site.index_lag = timedelta(minutes=10)
    jira.home.tick(60)
    new = jira.home.add("alpha", "open")
    jira.home.take_out(min(jira.home.truth("beta")))
    jira.home.finish(sorted(jira.home.truth("alpha"))[3])
    jira.pull(**scopes)
    jira.home.tick(11)
    jira.check_mirror(**scopes)
    assert new in jira.mirror.held(jira.home.epics["alpha"].id)


def test_lost_and_regained_permission_is_followed(jira: Jira) -> None:
    """Issues of a hidden project leave their epic as hidden, not gone, and come back unchanged."""
    jira.world.add_project("FAR")
    far = jira.world.add_issue("FAR", "Far away", at=START, parent=jira.home.epics["alpha"])
    part = jira.world.add_subtask(far, "Far part", at=START)
    scope = {"a": {"epics": ["ALP-1"]}, "q": {"jql": 'project = ALP OR status = "To Do"'}}
    before = jira.pull(**scope)
    jira.home.tick(60)
    jira.world.hide_project("FAR", at=jira.home.now)
    jira.pull(**scope)
    assert jira.left == {far.id, part.id}
    looked = jira.connector.look_up(frozenset({far.id, "99999"}), before.items)
    assert looked.hidden == {far.id, "99999"}
    jira.home.tick(60)
    jira.world.show_project("FAR", at=jira.home.now)
    jira.check_mirror(**scope)
    assert {far.id, part.id} <= set(jira.mirror.held(jira.home.epics["alpha"].id))


def test_an_issue_that_a_query_may_see_again_is_found(jira: Jira) -> None:
    """Issues that become visible without having changed come back into a query's members."""
    jira.world.add_project("FAR")
    far = jira.world.add_issue("FAR", "Far away", at=START)
    jira.world.hide_project("FAR", at=START + timedelta(days=1))
    scope = {"q": {"jql": 'status = "To Do"'}}
    jira.pull(**scope)
    jira.home.tick(60)
    jira.world.show_project("FAR", at=jira.home.now)
    pulled = jira.pull(**scope)
    assert far.id in pulled.items
    assert far.id in pulled.members[pulled.scopes["q"][0]].items


# --- requests ---


def test_requests_for_hundreds_of_epics(cloud: Jira) -> None:
    """400 epics: 4 bulkfetches, a count, 4 lists side by side, a look at the project; then what changed and a count."""
    epics = [cloud.world.add_epic("BET", f"Epic {number}", at=START) for number in range(400)]
    for epic in epics[::100]:
        cloud.world.add_issue("ALP", "A story", at=START, parent=epic)
    scopes = {f"s{epic.id}": {"epics": [epic.key]} for epic in epics}
    cloud.pull(**scopes)
    assert cloud.requests == 2 + 4 + 1 + 4 + 1
    cloud.home.tick(60)
    cloud.pull(**scopes)
    assert cloud.requests == 2


def test_the_gateway_of_scoped_tokens_is_spoken_to(cloud: Jira) -> None:
    """Behind api.atlassian.com the paths keep their prefix, and links lead to the site itself."""
    gateway = f"{cloud.home.server.url}/ex/jira/{Credentials().cloud_id}"
    jira = Jira(cloud.home, url=gateway)
    pulled = jira.pull(a={"epics": ["ALP-1"]})
    assert all(each.path.startswith("/ex/jira/") for each in cloud.home.server.log)
    assert pulled.containers[cloud.home.epics["alpha"].id].url == f"{cloud.home.server.url}/browse/ALP-1"
    jira.connector.close()


def test_a_deployment_may_be_named(dc: Jira) -> None:
    """`deployment` overrides what the site says of itself."""
    jira = Jira(dc.home, deployment="cloud")
    with pytest.raises(ProtocolError, match="bulkfetch: status 404"):
        jira.pull(a={"epics": ["ALP-1"]})
    jira.connector.close()
