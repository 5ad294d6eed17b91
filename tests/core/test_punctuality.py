"""On time: what was due, and what of it was closed by the end of its day."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.facts import Container, Miss, ScopeFacts
from okr_sync.core.kinds import OnTime
from okr_sync.core.snapshot import KeyResultState
from tests.core.builders import DUE, HALF, container, day, deliver_one, initiative, item, judge, scope

PLAN = initiative("i")


def milestone(name: str, due: float | None, done: float | None = None, resolution: str | None = None) -> Container:
    """A milestone due on a day of the quarter, closed at a time of it."""
    state = "open" if done is None else "done"
    day_due = None if due is None else day(due).date()
    closed = None if done is None else day(done)
    return container(name, kind="milestone", state=state, due=day_due, done_at=closed, resolution=resolution)


def held(*milestones: Container, ref: str = "i/1") -> ScopeFacts:
    return scope(ref, containers=milestones, items={each.id: () for each in milestones})


def punctual(*milestones: Container, now: datetime = HALF, target: float = 0.9) -> KeyResultState:
    return judge(OnTime(("i",), target), scopes=(held(*milestones),), initiatives=(PLAN,), now=now)


def test_7_of_8_on_time_are_972_of_1000_where_90_percent_are_wanted() -> None:
    """7 / 8 = 0.875; 0.875 / 0.9 = 0.972: on track, its attainment is at least 0.9."""
    state = punctual(*(milestone(f"{n}", n, n + 0.5) for n in range(1, 8)), milestone("late", 8, 9.5))
    assert state.value == 87.5
    assert state.progress == pytest.approx(0.9722222)
    assert (state.status, state.expected, state.kind) == ("on_track", 1, "on_time")
    assert state.formula == (
        "7 of 8 due were closed in time = 0.875; 0.875 / 0.9 = 0.972 (by the due dates as first seen)"
    )


def test_open_and_overdue_is_late() -> None:
    assert punctual(milestone("a", 10, 9), milestone("b", 10)).value == 50


def test_the_due_day_belongs_to_the_time() -> None:
    assert punctual(milestone("a", 10, 10.99)).value == 100
    assert punctual(milestone("a", 10, 11)).value == 0


def test_only_what_has_been_due_since_the_start_counts() -> None:
    """Before the start, today, later, without a day, and dropped: none of them counts."""
    others = (
        milestone("before", -1, 5),
        milestone("today", 50, 20),
        milestone("later", 60, 20),
        milestone("never", None, 20),
        milestone("dropped", 20, 21, resolution="Won't Do"),
    )
    assert punctual(milestone("a", 10, 9), *others).formula.startswith("1 of 1 due")
    state = punctual(*others)
    assert (state.status, state.reason) == ("unknown", "not started: nothing has been due yet")


def test_what_is_closed_without_a_known_time_counts_as_in_time() -> None:
    closed = container("a", kind="milestone", state="done", due=day(10).date())
    assert punctual(closed).value == 100


def test_a_query_is_no_milestone() -> None:
    query = container("q", kind="query", due=day(10).date())
    assert punctual(query).status == "unknown"


def test_a_milestone_of_two_initiatives_counts_once() -> None:
    same = milestone("a", 10, 9)
    late = milestone("b", 10)
    state = judge(
        OnTime(("i", "j"), 1.0),
        scopes=(held(same), held(same, late, ref="j/1")),
        initiatives=(PLAN, initiative("j")),
    )
    assert state.formula.startswith("1 of 2 due")


def test_items_can_be_on_time_too() -> None:
    """Two due issues, one closed in time; a pull request is none of the items that count."""
    due = day(10).date()
    items = (
        item("1", "done", due=due, done_at=day(9)),
        item("2", due=due),
        item("3", "done", due=due, done_at=day(9), kind="pull_request"),
    )
    state = judge(OnTime(("i",), 0.5, "items"), scopes=(scope("i/1", items),), initiatives=(PLAN,))
    assert (state.value, state.progress) == (50, 1)


def test_what_is_on_time_so_far_is_met_only_at_the_due_date() -> None:
    assert punctual(milestone("a", 10, 9)).status == "on_track"
    assert punctual(milestone("a", 10, 9), now=DUE).status == "met"
    assert punctual(milestone("a", 10, 9), milestone("b", 11), now=DUE).status == "missed"


@pytest.mark.parametrize("target", [0, -1, math.nan])
def test_a_target_that_says_nothing_is_unknown(target: float) -> None:
    assert punctual(milestone("a", 10, 9), target=target).status == "unknown"


def test_work_that_was_never_read_or_defined_is_unknown() -> None:
    assert "scope i/1" in judge(OnTime(("i",), 0.9), initiatives=(PLAN,)).reason
    assert "initiative x is not defined" in judge(OnTime(("x",), 0.9)).reason


def test_an_unreadable_scope_makes_it_stale() -> None:
    missed = scope("i/1", containers=(milestone("a", 10, 9),), items={"a": ()}, miss=Miss("denied", "no"))
    assert judge(OnTime(("i",), 0.9), scopes=(missed,), initiatives=(PLAN,)).status == "stale"
    assert deliver_one(PLAN, missed).stale


@given(st.lists(st.tuples(st.integers(0, 99), st.one_of(st.none(), st.floats(0, 99))), max_size=8), st.integers(0, 99))
def test_closing_one_more_in_time_never_lowers_it(drawn: list[tuple[int, float | None]], due: int) -> None:
    before = [milestone(f"{n}", *each) for n, each in enumerate(drawn)]
    open_one, closed_one = milestone("x", due), milestone("x", due, due)
    late, punctual_one = (punctual(*before, each, now=DUE).progress for each in (open_one, closed_one))
    assert late is not None
    assert punctual_one is not None
    assert 0 <= late <= punctual_one <= 1 / 0.9 + 1e-9


@given(st.lists(st.tuples(st.integers(0, 90), st.floats(0, 90)), min_size=1, max_size=6), st.integers(0, 9))
def test_due_days_and_ends_moved_together_change_nothing(drawn: list[tuple[int, float]], days: int) -> None:
    first = punctual(*(milestone(f"{n}", due, end) for n, (due, end) in enumerate(drawn)), now=DUE)
    moved = punctual(
        *(milestone(f"{n}", due + days, end + days) for n, (due, end) in enumerate(drawn)),
        now=DUE + timedelta(days=days),
    )
    assert moved.value == first.value
