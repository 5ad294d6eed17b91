"""How little is asked of Jira when little happened, and that nothing is missed for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from okr_sync.connector import ProtocolError
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.server import Fault, Response
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


def _another_process(jira: Jira) -> Jira:
    """Return one that knows what the store kept, and nothing else."""
    later = Jira(jira.home)
    later.mirror = later.connector.mirror = jira.mirror
    later.cursor = jira.cursor
    return later


def test_a_new_process_need_not_be_told_again_what_the_site_is(jira: Jira) -> None:
    """Two questions in all. Red when the cursor does not keep how the site speaks: it is asked, too, and its fields."""
    jira.pull(**SCOPES)
    jira.home.tick(30)
    later = _another_process(jira)
    later.pull(**SCOPES)
    assert later.requests == 2
    later.connector.close()


def test_a_full_reading_asks_anew_what_the_site_is(jira: Jira) -> None:
    """Red when what was recalled is believed for good: a points field that was pinned would never be missed."""
    jira.pull(**SCOPES)
    jira.home.tick(30)
    later = _another_process(jira)
    later.pull(**SCOPES)
    jira.home.tick(25 * 60)
    later.pull(**SCOPES)
    assert {"serverInfo", "field"} <= {each.path.rpartition("/")[2] for each in jira.home.server.log}
    later.connector.close()


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
    """One request asks whether its project can still be seen. Red when it was seen in the same pull, and that counts:
    the permission may have been lost since.
    """
    jira.pull(**SCOPES)
    known = jira.mirror.known()
    doomed = min(jira.home.truth("alpha"))
    jira.home.tick(60)
    jira.home.delete(doomed)
    jira.pull(**SCOPES)
    before = len(jira.home.server.log)
    looked = jira.connector.look_up(frozenset({doomed}), known)
    assert (looked.gone, looked.hidden) == (frozenset({doomed}), frozenset())
    asked = [each.path.rpartition("/")[2] for each in jira.home.server.log[before:]]
    assert asked == [known[doomed].key.partition("-")[0]]


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


@pytest.mark.parametrize("validates", [False, True])
def test_deleted_issues_of_data_center_do_not_hide_the_others(validates: bool) -> None:
    """They are asked for by name among others in one request, or in ever smaller parts where a server refuses the
    whole for one of them. Red when a refused query is not cut, or when the server is not asked to be lenient.
    """
    for jira in serve("dc"):
        jira.home.site.quirks.always_validates = validates
        jira.pull(**SCOPES)
        known = jira.mirror.known()
        first, *_, last = jira.home.truth("alpha")
        jira.home.delete(first)
        jira.home.delete(last)
        jira.home.server.forget()
        looked = jira.connector.look_up(frozenset(known), known)
        assert looked.gone == {first, last}
        assert {item.id for item in looked.found} == known.keys() - {first, last}
        searches = [each for each in jira.home.server.log if each.path.endswith("/search")]
        assert len(searches) > 1 if validates else len(searches) == 1


def test_more_issues_than_were_asked_for_by_name_are_an_error() -> None:
    """A server that takes unknown names for no restriction would bring all that it has. Red when nobody counts."""
    for jira in serve("dc"):
        jira.pull(**SCOPES)
        known = jira.mirror.known()
        several = [{"id": id_, "key": item.key, "fields": {}} for id_, item in known.items()]
        answer = Response.of({"issues": several, "startAt": 0, "total": len(several)})
        jira.home.server.inject(Fault("response", answer, where="/search"))
        with pytest.raises(ProtocolError, match="more issues than the 1"):
            jira.connector.look_up(frozenset(sorted(known)[:1]), known)


@pytest.mark.parametrize("page", [None, 50])
def test_sub_tasks_of_data_center_are_fetched_by_the_page_that_it_grants(page: int | None) -> None:
    """120 of them take one request, or three where pages hold 50; red when they are fetched by the hundred."""
    for jira in serve("dc", page):
        story = min(jira.home.truth("alpha"))
        parts = [jira.world.add_subtask(story, "Part", at=START + timedelta(days=1)) for _ in range(120)]
        others = [jira.world.add_issue("ALP", "More", at=START, parent=jira.home.epics["alpha"]) for _ in range(60)]
        pulled = jira.pull(**SCOPES)
        assert {each.id for each in (*parts, *others)} <= pulled.items.keys()
        by_id = [each for each in jira.home.server.log if each.body and b'"jql":"id in' in each.body]
        assert len(by_id) == (1 if page is None else 3)


@pytest.mark.parametrize("page", [7, 130])
def test_pages_of_data_center_side_by_side_hold_every_issue(page: int) -> None:
    for jira in serve("dc", page):
        made = [jira.world.add_issue("ALP", "A story", at=START, parent=jira.home.epics["beta"]) for _ in range(200)]
        pulled = jira.pull(**SCOPES)
        assert {issue.id for issue in made} <= pulled.members[jira.home.epics["beta"].id].items
