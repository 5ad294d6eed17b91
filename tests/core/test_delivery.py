"""Initiatives: which items count, what each weighs, what is done."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.delivery import classify, deliver, deliver_all
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Miss, ScopeFacts, WorkItem
from okr_sync.core.model import DROPPED_RESOLUTIONS, Initiative
from tests.core.builders import (
    DUE,
    HALF,
    book,
    container,
    day,
    deliver_one,
    history,
    initiative,
    item,
    items,
    scope,
)


def test_of_10_items_2_dropped_ones_count_neither_as_done_nor_as_work() -> None:
    held = [*items(done=6, todo=2), item("w", "dropped"), item("d", "done", resolution="Duplicate")]
    state = deliver_one(initiative(), scope("i/1", held))
    assert (state.done, state.total, state.dropped, state.progress) == (6, 8, 2, 0.75)
    assert (state.weight_done, state.weight_total, state.state) == (6, 8, "in_progress")
    assert state.policy == "count of items"


@pytest.mark.parametrize(
    "resolution", ["Won't Do", "WON'T FIX", "Won’t Do", "duplicate", "not_planned", "Obsolete", "Cannot Reproduce"]
)
def test_a_dropped_resolution_is_known_in_any_letter_case(resolution: str) -> None:
    assert classify(item("1", "done", resolution=resolution), DROPPED_RESOLUTIONS) == "dropped"


def test_a_resolution_is_never_required_and_drops_only_what_is_done() -> None:
    assert classify(item("1", "done"), DROPPED_RESOLUTIONS) == "done"
    assert classify(item("1", "done", resolution="Fixed"), DROPPED_RESOLUTIONS) == "done"
    assert classify(item("1", "open", resolution="Duplicate"), DROPPED_RESOLUTIONS) == "open"
    assert classify(item("1", "in_progress"), DROPPED_RESOLUTIONS) == "in_progress"


def test_what_counts_as_dropped_is_configurable() -> None:
    strict = initiative(dropped=frozenset({"Rejected"}))
    held = [item("1", "done", resolution="rejected"), item("2", "done", resolution="Duplicate")]
    state = deliver_one(strict, scope("i/1", held))
    assert (state.done, state.dropped) == (1, 1)


POINTED = [
    item("1", "done", 3),
    item("2", "done", 5),
    item("3", "done", 8),
    item("4", "open", 5),
    item("5", "open", None),
]


@pytest.mark.parametrize(
    ("missing", "total", "policy"),
    [
        ("exclude", 21, "points; 1 item without points left out"),
        ("one", 22, "points; 1 item without points counted as 1"),
        ("median", 26, "points; 1 item without points counted as median 5"),
    ],
)
def test_missing_points_follow_the_policy(missing: str, total: float, policy: str) -> None:
    state = deliver_one(initiative(weight_by="points", missing_points=missing), scope("i/1", POINTED))
    assert (state.weight_done, state.weight_total, state.policy) == (16, total, policy)
    assert state.progress == pytest.approx(16 / total)
    assert (state.done, state.total) == (3, 5)


def test_missing_points_can_be_refused_and_the_items_are_named() -> None:
    failing = initiative(weight_by="points", missing_points="fail")
    state = deliver_one(failing, scope("i/1", [*POINTED, *items(todo=7)]))
    assert (state.progress, state.weight_total, state.total, state.state) == (None, None, 12, "in_progress")
    assert "without points: APP-5, APP-open0" in state.reason
    assert "and 3 more" in state.reason
    assert state.policy == "points; 8 items without points not allowed"
    assert deliver_one(failing, scope("i/1", POINTED[:4])).progress == pytest.approx(16 / 21)


def test_0_points_are_not_missing_and_impossible_points_are() -> None:
    one = initiative(weight_by="points", missing_points="one")
    state = deliver_one(one, scope("i/1", [item("1", "done", 0), item("2", "open", 3), item("3", "open", -1)]))
    assert (state.weight_done, state.weight_total) == (0, 4)
    for slip in (math.nan, math.inf, 1e300):
        odd = deliver_one(one, scope("i/1", [item("1", "done", 1), item("2", "open", slip)]))
        assert odd.progress == 0.5


def test_without_any_points_every_item_weighs_the_same() -> None:
    state = deliver_one(initiative(weight_by="points"), scope("i/1", items(done=1, todo=3)))
    assert (state.progress, state.policy) == (0.25, "points; 4 items without points counted as 1")


def test_items_that_weigh_nothing_give_no_progress() -> None:
    state = deliver_one(initiative(weight_by="points"), scope("i/1", [item("1", "done", 0), item("2", "open", 0)]))
    assert (state.progress, state.state, state.reason) == (None, "in_progress", "none of the items has any weight")


def test_containers_are_pooled_or_averaged() -> None:
    held = scope(
        "i/1",
        {"a": items(done=12, todo=8, prefix="a"), "b": items(done=3, todo=2, prefix="b"), "c": []},
    )
    assert deliver_one(initiative(), held).progress == pytest.approx(15 / 25)
    uneven = scope("i/1", {"a": items(done=12, todo=8, prefix="a"), "b": items(done=1, prefix="b"), "c": []})
    mean = deliver_one(initiative(containers="mean"), uneven)
    assert mean.progress == pytest.approx((0.6 + 1) / 2)
    assert mean.policy == "count of items; mean of containers"


def test_an_item_in_two_containers_or_scopes_counts_once() -> None:
    both = initiative(scopes=2)
    first = scope("i/1", {"a": [item("1", "done"), item("2")], "b": [item("1", "done")]})
    second = scope("i/2", {"a": [item("1", "done"), item("2")]})
    assert deliver_one(both, first, second).total == 2


def test_ids_of_different_sources_are_different_items() -> None:
    both = initiative(scopes=2)
    other = scope("i/2", [item("1", "open")], source="code")
    assert deliver_one(both, scope("i/1", [item("1", "done")]), other).progress == 0.5


def test_items_of_two_initiatives_count_in_each_and_are_reported_as_shared() -> None:
    plans = (initiative("a"), initiative("b"), initiative("c"))
    scopes = {
        "a/1": scope("a/1", [item("1"), item("2")]),
        "b/1": scope("b/1", [item("2", "open"), item("3")]),
        "c/1": scope("c/1", [item("4")]),
    }
    states = deliver_all(plans, scopes)
    assert {name: (state.total, state.shared) for name, state in states.items()} == {
        "a": (2, ("APP-2",)),
        "b": (2, ("APP-2",)),
        "c": (1, ()),
    }


def test_sub_tasks_and_containers_do_not_count() -> None:
    held = [item("1"), item("s", "done", kind="subtask", parent="1"), item("e", "done", kind="container")]
    assert deliver_one(initiative(), scope("i/1", held)).total == 1


def test_with_leaves_the_parents_are_not_counted() -> None:
    held = [
        item("1", "done"),
        item("s", "open", kind="subtask", parent="1"),
        item("t", "done", kind="subtask", parent="1"),
        item("2", "done", parent="not in scope"),
        item("e", "done", kind="container"),
    ]
    state = deliver_one(initiative(unit="leaf"), scope("i/1", held))
    assert (state.done, state.total) == (2, 3)


@pytest.mark.parametrize(
    ("include", "unit", "total"),
    [("issues", "issue", 1), ("prs", "issue", 2), ("both", "issue", 3), ("prs", "leaf", 2)],
)
def test_issues_pull_requests_or_both_count(include: str, unit: str, total: int) -> None:
    requests = [item("p", kind="pull_request"), item("q", kind="pull_request")]
    held = [item("1"), *requests, item("s", kind="subtask")]
    assert deliver_one(initiative(include=include, unit=unit), scope("i/1", held)).total == total


def test_an_empty_scope_is_neither_0_nor_100_percent() -> None:
    states = [
        deliver_one(initiative(), scope("i/1")),
        deliver_one(initiative(), scope("i/1", items(dropped=2))),
        deliver_one(initiative(scopes=0)),
    ]
    assert {(state.state, state.progress, state.total) for state in states} == {("empty", None, 0)}
    assert [state.reason for state in states] == [
        "the scope holds no items that count",
        "nothing left: all 2 items were dropped",
        "no work is mapped to i: give it delivery scopes",
    ]


def empty_containers(*containers: Any) -> ScopeFacts:
    return scope("i/1", {}, containers=containers)


def test_a_childless_container_that_is_done_counts_as_1_of_1() -> None:
    done, open_ = container("a", state="done"), container("b")
    alone = deliver_one(initiative(), empty_containers(done, open_))
    assert (alone.done, alone.total, alone.progress, alone.state) == (1, 1, 1, "done")
    assert deliver_one(initiative(), empty_containers(open_)).state == "empty"
    beside = scope("i/1", {"x": items(todo=1)}, containers=(container("x", state="done"), done))
    assert deliver_one(initiative(), beside).progress == 0.5
    pointed = deliver_one(initiative(weight_by="points"), empty_containers(done))
    assert (pointed.progress, pointed.policy) == (1, "points")


def test_a_container_that_holds_items_in_one_of_its_scopes_is_not_childless() -> None:
    finished = (container("e", state="done"),)
    first = scope("i/1", {"e": items(todo=1)}, containers=finished)
    second = scope("i/2", {}, containers=finished)
    assert deliver_one(initiative(scopes=2), first, second).total == 1


def test_a_childless_container_that_is_dropped_or_a_query_is_no_work_done() -> None:
    dropped = deliver_one(initiative(), empty_containers(container("a", state="done", resolution="Won't Do")))
    query = deliver_one(initiative(), empty_containers(container("a", state="done", kind="query")))
    assert (dropped.state, dropped.dropped, query.state, query.dropped) == ("empty", 1, "empty", 0)


@pytest.mark.parametrize(
    ("held", "state"),
    [
        (items(done=2), "done"),
        (items(done=2, dropped=1), "done"),
        (items(done=1, todo=1), "in_progress"),
        (items(in_progress=1, todo=1), "in_progress"),
        (items(todo=2), "not_started"),
    ],
)
def test_the_state_follows_from_the_counts(held: list[WorkItem], state: str) -> None:
    assert deliver_one(initiative(), scope("i/1", held)).state == state


MISS = Miss("denied", "no permission to see APP; grant Browse")


def test_a_scope_never_answered_makes_all_of_it_unknown() -> None:
    both = initiative(scopes=2)
    good = scope("i/1", items(done=3))
    refused = deliver_one(both, good, scope("i/2", miss=MISS, resolved=False))
    silent = deliver_one(both, good, scope("i/2", resolved=False))
    unasked = deliver_one(both, good)
    assert {(state.state, state.total, state.progress) for state in (refused, silent, unasked)} == {
        ("unknown", None, None)
    }
    assert refused.reason == "scope i/2: no permission to see APP; grant Browse"
    assert silent.reason == unasked.reason == "scope i/2 has not been read yet: run okr-sync sync"


def test_lost_permission_makes_an_initiative_stale_never_smaller() -> None:
    good = deliver_one(initiative(), scope("i/1", items(done=3, todo=1)))
    lost = deliver_one(initiative(), scope("i/1", items(done=3, todo=1), miss=MISS))
    assert (lost.done, lost.total, lost.progress) == (good.done, good.total, good.progress)
    assert (good.stale, lost.stale) == (False, True)
    assert "no permission to see APP" in lost.reason


def test_work_can_be_counted_as_it_was_done_by_an_instant() -> None:
    held = scope("i/1", [item("1", "done", done_at=DUE), item("2", "done", done_at=day(3)), item("3", "done")])
    state = deliver(initiative(), {"i/1": held}, until=DUE).state
    assert (state.done, state.open) == (2, 1)


plans = st.builds(
    initiative,
    weight_by=st.sampled_from(["count", "points"]),
    missing_points=st.sampled_from(["exclude", "one", "median"]),
    containers=st.sampled_from(["pooled", "mean"]),
)
pieces = st.tuples(st.sampled_from(["done", "in_progress", "open", "dropped"]), st.one_of(st.none(), st.floats(0, 1e6)))


@given(st.lists(pieces, max_size=20), plans, st.randoms())
def test_progress_is_a_share_and_the_order_of_items_does_not_matter(
    parts: list[tuple[Any, float | None]], plan: Initiative, random: Random
) -> None:
    held = [item(str(place), state, points) for place, (state, points) in enumerate(parts)]
    state = deliver_one(plan, scope("i/1", held))
    again = deliver_one(plan, scope("i/1", random.sample(held, len(held))))
    assert state.progress is None or 0 <= state.progress <= 1
    assert state.total == (state.done or 0) + (state.in_progress or 0) + (state.open or 0)
    assert (again.progress, again.weight_total, again.state) == (state.progress, state.weight_total, state.state)


def test_states_come_in_the_order_of_the_book() -> None:
    plans = (initiative("b"), initiative("a"))
    assert [state.id for state in evaluate(book(initiatives=plans), history(HALF), HALF).initiatives] == ["b", "a"]
