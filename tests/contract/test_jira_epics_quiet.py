"""How little is asked of Jira when little happened, and that nothing is missed for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from okr_sync.sandbox.jira_catalogue import Flavour
from tests.contract.jira_fixtures import START, Jira, serve

SCOPES = {"a": {"epics": ["ALP-1"]}, "b": {"epics": ["BET-1"]}}


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest) -> Iterator[Jira]:
    flavour: Flavour = request.param
    yield from serve(flavour)


def counted(jira: Jira) -> int:
    """Return how many questions of the last pull were about ids only."""
    asked = [json.loads(each.body) for each in jira.home.server.log if each.body]
    return sum(each.get("fields") == ["id"] and each.get("maxResults") != 0 for each in asked)


def test_a_quiet_pull_asks_what_changed_and_how_many_there_are(jira: Jira) -> None:
    """Two questions, and nothing is told but where the next pull starts."""
    jira.pull(**SCOPES)
    jira.home.tick(60)
    pulled = jira.pull(**SCOPES)
    assert (jira.requests, pulled.items, pulled.placed) == (2, {}, {})


def test_only_a_deletion_makes_all_ids_be_asked_for(jira: Jira) -> None:
    """Red when the count is not compared: the item stays. The next pull is a quiet one again."""
    jira.pull(**SCOPES)
    doomed = min(jira.home.truth("alpha"))
    jira.home.tick(60)
    jira.world.edit(max(jira.home.truth("alpha")), at=jira.home.now, points=8)
    jira.pull(**SCOPES)
    assert counted(jira) == 0
    jira.home.tick(60)
    jira.home.delete(doomed)
    pulled = jira.pull(**SCOPES)
    assert (counted(jira), pulled.placed[doomed]) == (1, frozenset())
    jira.home.tick(60)
    jira.pull(**SCOPES)
    assert jira.requests == 2


def test_what_was_missed_in_the_list_of_ids_is_not_asked_for_again(jira: Jira) -> None:
    """Its project was seen in the same pull: it is gone, without one request more."""
    jira.pull(**SCOPES)
    known = jira.mirror.known()
    doomed = min(jira.home.truth("alpha"))
    jira.home.tick(60)
    jira.home.delete(doomed)
    jira.pull(**SCOPES)
    before = len(jira.home.server.log)
    looked = jira.connector.look_up(frozenset({doomed}), known)
    assert (looked.gone, looked.hidden) == (frozenset({doomed}), frozenset())
    assert len(jira.home.server.log) == before


def test_issues_made_since_do_not_hide_a_deletion(jira: Jira) -> None:
    """As many are new as are deleted: only those that are old are counted. Red when all are counted."""
    jira.pull(**SCOPES)
    jira.home.tick(60)
    jira.pull(**SCOPES)
    doomed = min(jira.home.truth("beta"))
    jira.home.tick(60)
    jira.home.delete(doomed)
    jira.home.add("beta", "open")
    jira.check_mirror(**SCOPES)
    assert doomed not in jira.mirror.held(jira.home.epics["beta"].id)


@pytest.mark.parametrize("minutes", [1, 60])
def test_a_deletion_of_what_was_made_just_before_the_last_pull_is_noticed(jira: Jira, minutes: float) -> None:
    """It is younger than those that are counted. Red when nobody looks for the young ones of the mirror."""
    jira.home.tick(60)
    young = jira.home.add("alpha", "open")
    jira.home.tick(1)
    jira.pull(**SCOPES)
    assert young in jira.mirror.held(jira.home.epics["alpha"].id)
    jira.home.tick(minutes)
    jira.home.delete(young)
    jira.check_mirror(**SCOPES)
    assert young not in jira.mirror.held(jira.home.epics["alpha"].id)


def test_a_deleted_subtask_is_noticed(jira: Jira) -> None:
    """It stands in no list of an epic's issues, and its issue does not change by it."""
    part = jira.world.add_subtask(min(jira.home.truth("alpha")), "Part", at=START + timedelta(days=1))
    scopes = {**SCOPES, "q": {"jql": "project = ALP"}}
    jira.pull(**scopes)
    assert part.id in jira.mirror.held(jira.home.epics["alpha"].id)
    jira.home.tick(60)
    jira.world.delete(part, at=jira.home.now)
    jira.check_mirror(**scopes)
    assert part.id not in jira.mirror.known() or not jira.mirror.holders([part.id])


def test_a_child_in_a_project_that_no_epic_is_in_is_seen(jira: Jira) -> None:
    """What stands below an epic is asked for wherever it is; red when only the epics' projects are."""
    jira.world.add_project("FAR")
    jira.pull(**SCOPES)
    far = jira.world.add_issue("FAR", "Far", at=START)
    jira.home.tick(60)
    jira.pull(**SCOPES)
    jira.home.tick(60)
    jira.world.reparent(far, jira.home.epics["alpha"], at=jira.home.now)
    jira.check_mirror(**SCOPES)
    assert far.id in jira.mirror.held(jira.home.epics["alpha"].id)


@pytest.mark.parametrize("page", [7, 130])
def test_lists_side_by_side_hold_every_issue(page: int) -> None:
    """With sixty epics there are two lists, with more issues than one page or one bulkfetch holds."""
    for jira in serve("cloud", page):
        epics = [jira.world.add_epic("BET", f"Epic {number}", at=START) for number in range(60)]
        made = [jira.world.add_issue("ALP", "A story", at=START, parent=epic) for epic in epics for _ in range(5)]
        pulled = jira.pull(**{epic.id: {"epics": [epic.key]} for epic in epics})
        assert set(pulled.items) == {issue.id for issue in made}
        assert all(len(pulled.members[epic.id].items) == 5 for epic in epics)


@pytest.mark.parametrize("page", [7, 130])
def test_pages_of_data_center_side_by_side_hold_every_issue(page: int) -> None:
    for jira in serve("dc", page):
        made = [jira.world.add_issue("ALP", "A story", at=START, parent=jira.home.epics["beta"]) for _ in range(200)]
        pulled = jira.pull(**SCOPES)
        assert {issue.id for issue in made} <= pulled.members[jira.home.epics["beta"].id].items
