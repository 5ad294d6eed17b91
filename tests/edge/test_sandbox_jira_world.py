"""A Jira world is a history: what the site shows is what was so at that instant."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.sandbox.archive import load_archive
from okr_sync.sandbox.issues import take_picture
from okr_sync.sandbox.jira_generate import PAST, generate_jira
from okr_sync.sandbox.jira_truth import truth
from okr_sync.sandbox.jira_world import JiraWorld
from tests.edge.jira_sandbox import day, small_world

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ARCHIVE = Path(__file__).parents[2] / "../shared/data/jira-archive"


def fingerprint(world: JiraWorld) -> list[Any]:
    return [(issue.id, issue.type.name, issue.changes) for issue in world.issues.values()]


def test_an_issue_is_there_from_its_creation_on() -> None:
    small = small_world()
    assert take_picture(small.world, day(1) - timedelta(milliseconds=1)).get("A-3") is None
    assert take_picture(small.world, day(1)).get("A-3") is not None


def test_the_status_is_the_one_in_force() -> None:
    small = small_world()
    seen = [take_picture(small.world, day(number)).issues[small.done.id] for number in (2, 3, 4)]
    assert [view.status.name for view in seen] == ["To Do", "In Progress", "Done"]
    assert [view.resolved for view in seen] == [None, None, day(4)]
    assert [view.category_changed for view in seen] == [day(1), day(3), day(4)]
    assert [view.updated for view in seen] == [day(1), day(3), day(4)]


def test_a_move_inside_one_category_changes_no_category() -> None:
    small = small_world()
    small.world.move(small.done, "Closed", at=day(8), resolution="Done")
    view = take_picture(small.world, day(9)).issues[small.done.id]
    assert (view.status.name, view.category_changed, view.resolved, view.updated) == ("Closed", day(4), day(4), day(8))


def test_reopening_takes_the_resolution_and_its_date_away() -> None:
    small = small_world()
    small.world.move(small.done, "In Progress", at=day(8))
    view = take_picture(small.world, day(9)).issues[small.done.id]
    assert (view.resolution, view.resolved, view.category_changed) == (None, None, day(8))


def test_changes_may_be_told_in_any_order() -> None:
    early, late = small_world(), small_world()
    early.world.edit(early.moving, at=day(7), points=1.0)
    early.world.edit(early.moving, at=day(8), points=2.0)
    late.world.edit(late.moving, at=day(8), points=2.0)
    late.world.edit(late.moving, at=day(7), points=1.0)
    for number in (6, 7, 8):
        views = [take_picture(small.world, day(number)).issues[small.moving.id] for small in (early, late)]
        assert views[0] == views[1]


def test_a_moved_issue_keeps_its_id_and_answers_to_its_old_key() -> None:
    small = small_world()
    assert small.world.change_project(small.done, "B", at=day(8)) == "B-2"
    after = take_picture(small.world, day(8))
    assert after.get("a-3") == after.get("B-2") == after.issues[small.done.id]
    assert after.issues[small.task.id].key == "B-3"
    before = take_picture(small.world, day(7))
    assert (before.issues[small.done.id].key, before.get("B-2")) == ("A-3", None)


def test_a_deleted_issue_goes_with_its_sub_tasks_and_leaves_its_children_alone() -> None:
    small = small_world()
    small.world.delete(small.done, at=day(7))
    small.world.delete(small.epic, at=day(8))
    picture = take_picture(small.world, day(8))
    assert set(picture.issues) == {small.empty.id, small.moving.id, small.other.id}
    assert picture.issues[small.moving.id].parent is None
    assert take_picture(small.world, day(7)).issues[small.moving.id].parent == small.epic.id


def test_a_hidden_project_looks_like_one_that_is_not_there() -> None:
    small = small_world()
    small.world.hide_project("B", at=day(7))
    small.world.show_project("B", at=day(9))
    seen = [take_picture(small.world, day(number)) for number in (6, 7, 9)]
    assert [picture.get("B-1") is None for picture in seen] == [False, True, False]
    assert [sorted(picture.projects) for picture in seen] == [["A", "B"], ["A"], ["A", "B"]]


@given(st.lists(st.floats(0, 12), min_size=1, max_size=8))
def test_a_picture_holds_until_the_next_change(days: list[float]) -> None:
    world = small_world().world
    for number in days:
        picture = take_picture(world, day(number))
        for other in days:
            if picture.holds(world.version, day(other)):
                assert take_picture(world, day(other)).issues == picture.issues


def test_a_verb_makes_pictures_old() -> None:
    small = small_world()
    picture = take_picture(small.world, day(9))
    small.world.touch(small.done, at=day(1))
    assert not picture.holds(small.world.version, day(9))


def test_nonsense_is_refused_and_changes_nothing() -> None:
    small = small_world()
    before = fingerprint(small.world)
    with pytest.raises(ValueError, match="before the issue was created"):
        small.world.touch(small.done, at=day(0))
    with pytest.raises(ValueError, match="no time zone"):
        small.world.touch(small.done, at=datetime(2026, 1, 9))  # noqa: DTZ001 -- that is the point
    with pytest.raises(ValueError, match="no status 'Gone'"):
        small.world.move(small.done, "Gone", at=day(9))
    with pytest.raises(ValueError, match="no resolution 'Gone'"):
        small.world.move(small.done, "Done", at=day(9), resolution="Gone")
    with pytest.raises(ValueError, match="no version"):
        small.world.edit(small.done, at=day(9), fix_versions=("9.9",))
    with pytest.raises(ValueError, match="edit can't set"):
        small.world.edit(small.done, at=day(9), status="Done")
    with pytest.raises(ValueError, match="no project 'C'"):
        small.world.add_issue("C", "Lost", at=day(9))
    with pytest.raises(ValueError, match="no project 'C'"):
        small.world.change_project(small.done, "C", at=day(9))
    with pytest.raises(ValueError, match="0 projects"):
        generate_jira(1, 0, 1, 1, NOW)
    with pytest.raises(KeyError, match="A-99"):
        small.world.find("A-99")
    assert fingerprint(small.world) == before


def test_the_truth_of_the_small_world() -> None:
    small = small_world()
    counts = truth(small.world, [small.epic.id, small.empty.id], day(6))
    epic = counts[small.epic.id]
    assert (epic.done, epic.dropped, epic.in_progress, epic.open) == (1, 1, 0, 1)
    assert epic.members == {small.done.id, small.moving.id, small.other.id}
    assert epic.subtasks == {small.task.id}
    assert counts[small.empty.id].members == frozenset()
    assert truth(small.world, [small.epic.id], day(3))[small.epic.id].in_progress == 1
    small.world.delete(small.epic, at=day(7))
    assert truth(small.world, [small.epic.id], day(7))[small.epic.id].members == frozenset()


def test_the_same_seed_makes_the_same_world() -> None:
    one, same, other = (generate_jira(seed, 3, 5, 20, NOW) for seed in (7, 7, 8))
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one) != fingerprint(other)


def test_a_made_up_world_has_what_real_ones_have() -> None:
    world = generate_jira(1, 4, 20, 50, NOW)
    points = {json.dumps(issue.latest("points")) for issue in world.issues.values()}
    assert {"null", "0.0", "-1.0", '"5"', "0.5"} <= points
    fields = Counter(change.field for issue in world.issues.values() for change in issue.changes)
    moved = sum(len([c for c in issue.changes if c.field == "key"]) > 1 for issue in world.issues.values())
    assert min(fields["deleted"], moved) > 0
    assert {issue.type.level for issue in world.issues.values()} == {-1, 0, 1}
    counts = truth(world, [issue.id for issue in world.issues.values() if issue.type.level == 1], NOW)
    assert all(
        min(sum(getattr(c, name) for c in counts.values()), 1) for name in ("done", "dropped", "in_progress", "open")
    )
    assert min(issue.created for issue in world.issues.values()) >= NOW - PAST
    assert max(issue.created for issue in world.issues.values()) <= NOW


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(-150, 1))
def test_a_picture_agrees_with_the_truth_at_any_time(seed: int, days: int) -> None:
    world = generate_jira(seed, 2, 3, 15, NOW)
    at = NOW + timedelta(days=days)
    picture = take_picture(world, at)
    for epic, counts in truth(
        world, [issue.id for issue in world.issues.values() if issue.type.level == 1], at
    ).items():
        members = picture.children.get(epic, ())
        assert {view.id for view in members} == counts.members
        categories = Counter(view.status.category.key for view in members)
        assert categories["done"] == counts.done + counts.dropped
        assert categories["indeterminate"] == counts.in_progress


def test_two_hundred_epics_of_fifty_are_made_in_seconds() -> None:
    """The aim is two seconds of processor time; four leave room for a busy machine."""
    start = time.process_time()
    world = generate_jira(1, 10, 200, 50, NOW)
    assert time.process_time() - start < 4
    assert len([issue for issue in world.issues.values() if issue.type.level == 0]) == 10_000


@pytest.fixture(scope="module")
def dumps() -> list[dict[str, Any]]:
    if not ARCHIVE.is_dir():
        pytest.skip(f"the recorded issues are not at {ARCHIVE}")
    return [json.loads(file.read_text(encoding="utf-8")) for file in ARCHIVE.rglob("*.json")]


def test_an_archive_shows_every_issue_as_it_was_dumped(dumps: list[dict[str, Any]]) -> None:
    picture = take_picture(load_archive(ARCHIVE), NOW)
    assert len(picture.issues) == len(dumps) > 0
    for dump in dumps:
        view, fields = picture.issues[dump["id"]], dump["fields"]
        assert (view.key, view.summary, view.status.name) == (dump["key"], fields["summary"], fields["status"]["name"])
        assert view.status.category.key == fields["status"]["statusCategory"]["key"]
        assert view.resolution == (fields["resolution"] or {}).get("name")
        for seen, told in ((view.created, "created"), (view.updated, "updated"), (view.resolved, "resolutiondate")):
            assert (seen and seen.timestamp()) == (fields[told] and datetime.fromisoformat(fields[told]).timestamp())


def test_an_archives_epics_have_the_children_that_name_them(dumps: list[dict[str, Any]]) -> None:
    world = load_archive(ARCHIVE)
    epics = {dump["id"] for dump in dumps if dump["fields"]["issuetype"]["name"] == "Epic"}
    named = Counter(str(dump["fields"]["epic"]["id"]) for dump in dumps if dump["fields"].get("epic"))
    counts = truth(world, epics, NOW)
    assert {epic: len(each.members) for epic, each in counts.items() if each.members} == {
        epic: number for epic, number in named.items() if epic in epics
    }
    assert set(world.strangers) == set(named) - epics != set()


def test_an_empty_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no issues below"):
        load_archive(tmp_path)
