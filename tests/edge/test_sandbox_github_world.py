"""The laws of the played GitHub world: timelines, generated worlds, and their truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.sandbox.github_generate import Counts, generate_github, truth
from okr_sync.sandbox.repositories import Event, GithubWorld, global_id
from okr_sync.sandbox.repositories_state import ItemState, MilestoneState, Pictures, replay

BIRTH = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def day(number: int) -> datetime:
    return BIRTH + timedelta(days=number)


def counted(world: GithubWorld, milestone_ids: list[str], at: datetime) -> Counts:
    """The counts as the replayed state shows them: another way to `truth`."""
    places = {"OPEN": "open", "CLOSED": "dropped", "MERGED": "done"}
    found = dict.fromkeys(Counts.__dataclass_fields__, 0)
    nodes = replay(world, at).nodes
    for node in (nodes.get(one) for one in milestone_ids):
        assert node is None or isinstance(node, MilestoneState)
        for item in node.items if node else ():
            place = "done" if item.reason == "COMPLETED" and item.state == "CLOSED" else places[item.state]
            found[f"pulls_{place}" if item.item.pull_request else place] += 1
    return Counts(**found)


def test_a_node_id_has_the_form_that_github_gives() -> None:
    """Repository 384111310 and milestone 7856149 have this public id on github.com."""
    assert global_id("MI", 384111310, 7856149) == "MI_kwDOFuUSzs4Ad-AV"
    assert global_id("R", 539903172) == "R_kgDOIC5ExA"


def test_the_state_is_that_of_the_instant_asked_for() -> None:
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    milestone = world.add_milestone(home, "One", at=day(1))
    issue = world.add_issue(home, "Write", at=day(2), milestone=milestone)
    world.close(issue, "not_planned", at=day(3))
    world.reopen(issue, at=day(4))
    world.set_milestone(issue, None, at=day(5))
    counts = [truth(world, [milestone.node_id], day(number)) for number in range(1, 6)]
    assert counts == [Counts(), Counts(open=1), Counts(dropped=1), Counts(open=1), Counts()]
    assert [counted(world, [milestone.node_id], day(number)) for number in range(1, 6)] == counts


def test_adding_removing_closing_and_reopening_items_move_a_milestones_updated_at() -> None:
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    first, second = (world.add_milestone(home, title, at=day(1)) for title in ("One", "Two"))
    issue = world.add_issue(home, "Write", at=day(2), milestone=first)
    world.close(issue, at=day(3))
    world.reopen(issue, at=day(4))
    world.label(issue, "bug", at=day(5))
    world.set_milestone(issue, second, at=day(6))
    world.delete(issue, at=day(7))

    def updated(node_id: str, at: datetime) -> datetime:
        node = replay(world, at).nodes[node_id]
        assert isinstance(node, MilestoneState)
        return node.updated_at

    assert [updated(first.node_id, day(number)) for number in range(1, 8)] == [
        *(day(number) for number in (1, 2, 3, 4)),
        day(4),  # a label is none of the milestone's business
        day(6),
        day(6),
    ]
    assert [updated(second.node_id, day(number)) for number in (5, 6, 7)] == [day(1), day(6), day(7)]


def test_a_milestone_can_be_closed_reopened_renamed_and_postponed() -> None:
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    milestone = world.add_milestone(home, "One", at=day(0), due_on=day(30))
    world.close_milestone(milestone, at=day(1))
    world.reopen_milestone(milestone, at=day(2))
    world.retitle_milestone(milestone, "Uno", at=day(3))
    world.move_due(milestone, day(60), at=day(4))
    world.move_due(milestone, None, at=day(5))

    def told(at: datetime) -> tuple[str, str, datetime | None, datetime]:
        node = replay(world, at).nodes[milestone.node_id]
        assert isinstance(node, MilestoneState)
        return node.state, node.title, node.due_on, node.updated_at

    assert [told(day(number)) for number in range(6)] == [
        ("OPEN", "One", day(30), day(0)),
        ("CLOSED", "One", day(30), day(1)),
        ("OPEN", "One", day(30), day(2)),
        ("OPEN", "Uno", day(30), day(3)),
        ("OPEN", "Uno", day(60), day(4)),
        ("OPEN", "Uno", None, day(5)),
    ]


def test_labels_come_and_go() -> None:
    world = GithubWorld()
    issue = world.add_issue(world.add_repository("acme/app", at=day(0)), "Write", at=day(0), labels=["bug"])
    world.label(issue, "ux", at=day(1))
    world.unlabel(issue, "bug", at=day(2))
    nodes = [replay(world, day(number)).nodes[issue.node_id] for number in range(3)]
    assert [one.labels for one in nodes if isinstance(one, ItemState)] == [("bug",), ("bug", "ux"), ("ux",)]


def test_deleting_a_milestone_frees_its_items() -> None:
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    milestone = world.add_milestone(home, "One", at=day(0))
    issue = world.add_issue(home, "Write", at=day(1), milestone=milestone)
    world.delete(milestone, at=day(2))
    state = replay(world, day(2))
    left = state.nodes[issue.node_id]
    assert isinstance(left, ItemState)
    assert (left.milestone, milestone.node_id in state.nodes) == (None, False)
    assert truth(world, [milestone.node_id], day(2)) == Counts()


def test_a_transferred_issue_keeps_its_state_but_not_its_number_or_milestone() -> None:
    world = GithubWorld()
    old, new = (world.add_repository(f"acme/{name}", at=day(0)) for name in ("app", "web"))
    world.add_issue(new, "Already here", at=day(1))
    issue = world.add_issue(old, "Write", at=day(1), milestone=world.add_milestone(old, "One", at=day(0)))
    world.close(issue, "duplicate", at=day(2))
    moved = world.transfer(issue, new, at=day(3))
    before, after = replay(world, day(2)), replay(world, day(3))
    assert (issue.node_id in before.nodes, moved.node_id in before.nodes) == (True, False)
    assert (issue.node_id in after.nodes, moved.number) == (False, 2)
    state = after.nodes[moved.node_id]
    assert isinstance(state, ItemState)
    assert (state.state, state.reason, state.milestone, state.item.created_at) == ("CLOSED", "DUPLICATE", None, day(1))


def test_a_hidden_repository_takes_everything_in_it_along_and_brings_it_back() -> None:
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    milestone = world.add_milestone(home, "One", at=day(0))
    world.hide(home, at=day(1))
    world.show(home, at=day(2))
    assert [milestone.node_id in replay(world, day(number)).nodes for number in range(3)] == [True, False, True]


def test_a_new_repository_may_take_the_name_that_another_gave_up() -> None:
    world = GithubWorld()
    old = world.add_repository("acme/app", at=day(0))
    world.rename(old, "acme/legacy", at=day(1))
    assert replay(world, day(1)).former_names["acme/app"].repository is old
    new = world.add_repository("Acme/App", at=day(2))
    assert replay(world, day(2)).names["acme/app"].repository is new


def test_a_picture_is_kept_until_something_happens_or_is_told() -> None:
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    world.add_issue(home, "Later", at=day(9))
    pictures = Pictures(world)
    first = pictures.at(day(1))
    assert pictures.at(day(2)) is first
    assert pictures.at(day(9)) is not first
    world.add_issue(home, "Told afterwards", at=day(1))
    assert len(pictures.at(day(9)).ids[home.id].items) == 2


def test_what_cannot_happen_is_refused() -> None:
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(5))
    away = world.add_repository("acme/web", at=day(5))
    issue = world.add_issue(home, "Write", at=day(5))
    with pytest.raises(ValueError, match="too early"):
        world.close(issue, at=day(4))
    with pytest.raises(ValueError, match="another repository"):
        world.set_milestone(issue, world.add_milestone(away, "One", at=day(5)), at=day(6))
    with pytest.raises(ValueError, match="only a pull request"):
        world.merge(issue, at=day(6))
    with pytest.raises(ValueError, match="only an issue"):
        world.transfer(world.add_pull_request(home, "Fix", at=day(5)), away, at=day(6))
    with pytest.raises(ValueError, match="at least one"):
        generate_github(1, repositories=0, milestones=1, items_per_milestone=1, now=NOW)
    with pytest.raises(ValueError, match="owner/name"):
        world.add_repository("app", at=day(5))
    with pytest.raises(ValueError, match="no time zone"):
        world.add_repository("acme/naive", at=datetime(2026, 1, 1))  # noqa: DTZ001 -- the mistake under test


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 130))
def test_truth_and_the_played_state_agree_at_every_instant(seed: int, age: int) -> None:
    world = generate_github(seed, repositories=3, milestones=5, items_per_milestone=6, now=NOW)
    at = NOW - timedelta(days=age)
    ids = [one.node_id for one in world.milestones]
    assert truth(world, ids, at) == counted(world, ids, at)
    for one in ids:
        assert truth(world, [one], at) == counted(world, [one], at)


def test_the_same_seed_makes_the_same_world_and_another_seed_another() -> None:
    def told(seed: int) -> list[tuple[str, str, list[Event]]]:
        world = generate_github(seed, repositories=2, milestones=4, items_per_milestone=5, now=NOW)
        return [
            *((one.node_id, one.title, list(one.events)) for one in world.milestones),
            *((one.node_id, one.title, list(one.events)) for one in world.items),
        ]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_a_generated_world_has_every_case_that_a_reader_must_tell_apart() -> None:
    world = generate_github(1, repositories=20, milestones=100, items_per_milestone=30, now=NOW)
    titles = [(one.title, one.repository.full_name) for one in world.milestones]
    assert len(titles) == 100
    assert len({name for title, name in titles if title == "Reminder feature"}) > 1
    everything = truth(world, [one.node_id for one in world.milestones], NOW)
    assert min(everything.__getattribute__(name) for name in Counts.__dataclass_fields__) > 10
    kinds = {event.kind for one in world.items for event in one.events}
    assert {"closed", "demilestoned", "merged", "milestoned", "reopened"} <= kinds
    assert all(event.at <= NOW for one in world.items for event in one.events)


def test_a_hundred_milestones_are_made_and_replayed_within_two_seconds_of_cpu() -> None:
    start = process_time()
    world = generate_github(1, repositories=20, milestones=100, items_per_milestone=30, now=NOW)
    assert len(replay(world, NOW).nodes) == 20 + 100 + 3000
    assert process_time() - start < 2.0
