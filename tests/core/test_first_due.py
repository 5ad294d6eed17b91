"""Due dates as first seen: who moves a due date launders no lateness."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.facts import Container, DueSeen
from okr_sync.core.kinds import OnTime
from okr_sync.core.punctuality import first_due
from okr_sync.core.snapshot import KeyResultState
from tests.core.builders import HALF, START, container, day, initiative, item, judge, scope

MEASURE = OnTime(("i",), 1.0)


def milestone(due: float | None, done: float | None = None, name: str = "a") -> Container:
    state = "open" if done is None else "done"
    closed = None if done is None else day(done)
    return container(name, kind="milestone", state=state, due=date_of(due), done_at=closed)


def date_of(number: float | None) -> date | None:
    return None if number is None else day(number).date()


def seen(*pairs: tuple[float, float | None]) -> tuple[DueSeen, ...]:
    """(day on which it was seen, due day)."""
    return tuple(DueSeen(date_of(due), day(at)) for at, due in pairs)


def punctual(dues: dict[str, tuple[DueSeen, ...]], *held: Container, **more: Any) -> KeyResultState:
    places = (scope("i/1", containers=held, items={each.id: () for each in held}, dues=dues),)
    return judge(MEASURE, scopes=places, initiatives=(initiative("i"),), **more)


def test_a_due_date_that_is_moved_launders_no_lateness() -> None:
    """Due on day 10 when first seen, moved to day 60, closed on day 30: late, and said so."""
    state = punctual({"a": seen((-1, 10), (9, 60))}, milestone(60, done=30))
    assert state.value == 0
    assert "EPIC-a due 2026-01-11 when first seen, now 2026-03-02" in state.reason
    assert punctual({"a": seen((-1, 60))}, milestone(60, done=30)).status == "unknown"


def test_without_a_due_date_at_first_the_first_one_seen_counts() -> None:
    assert punctual({"a": seen((5, 10), (9, 60))}, milestone(60, done=10.5)).value == 100
    assert punctual({"a": seen((5, 10), (9, 60))}, milestone(60, done=11)).value == 0


def test_what_was_due_at_the_start_counts_and_what_was_planned_before_does_not() -> None:
    """Planned for day 5 once, for day 20 when the quarter began, for day 30 now: day 20 counts."""
    assert punctual({"a": seen((-30, 5), (-3, 20), (6, 30))}, milestone(30, done=20.5)).value == 100


def test_a_due_date_taken_away_still_counts() -> None:
    state = punctual({"a": seen((-1, 10), (9, None))}, milestone(None))
    assert state.value == 0
    assert "due 2026-01-11 when first seen, now none" in state.reason


def test_a_due_date_that_was_none_at_the_start_is_that_of_later() -> None:
    assert punctual({"a": seen((-9, 2), (-1, None), (3, 20))}, milestone(20, done=20.5)).value == 100
    assert punctual({"a": seen((-9, 2), (-1, None))}, milestone(None)).status == "unknown"


def test_only_some_of_many_moved_due_dates_are_named() -> None:
    names = ("a", "b", "c", "d", "e")
    dues = {name: seen((-1, 10), (2, 60)) for name in names}
    reason = punctual(dues, *(milestone(60, done=9, name=name) for name in names)).reason
    assert "EPIC-c due" in reason
    assert "EPIC-d" not in reason
    assert "2 more due dates were moved" in reason


def test_items_are_held_against_their_first_due_dates_too() -> None:
    held = item("1", "done", due=date_of(60), done_at=day(20))
    places = (scope("i/1", (held,), dues={"1": seen((0, 10), (9, 60))}),)
    state = judge(OnTime(("i",), 1.0, "items"), scopes=places, initiatives=(initiative("i"),))
    assert (state.value, state.progress) == (0, 0)


def test_a_thing_whose_due_dates_were_not_kept_has_its_present_one() -> None:
    assert first_due(milestone(10), (), START) == date_of(10)


@given(
    st.lists(st.tuples(st.integers(-20, 45), st.integers(1, 49)), min_size=1, max_size=4),
    st.lists(st.integers(1, 90), max_size=3),
    st.one_of(st.none(), st.floats(0, 49)),
)
def test_moving_due_dates_after_the_start_changes_nothing(
    known: list[tuple[int, int]], moves: list[int], done: float | None
) -> None:
    """However often a due date is moved after it was seen, the number stays."""
    before = seen(*sorted(known))
    moved = (*before, *seen(*((46 + place / 10, due) for place, due in enumerate(moves))))
    first, later = (
        punctual({"a": each}, container("a", kind="milestone", **_end(done), due=each[-1].due))
        for each in (before, moved)
    )
    assert (first.value, first.progress) == (later.value, later.progress)


def _end(done: float | None) -> dict[str, Any]:
    return {} if done is None else {"state": "done", "done_at": day(done)}


@pytest.mark.parametrize("since", [START, HALF])
def test_nothing_was_ever_due(since: Any) -> None:
    assert first_due(milestone(None), (), since) is None
