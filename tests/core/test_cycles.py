"""Laws of a cycle's life: its states, what stays after the grace, and what a closing freezes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from okr_sync.core.cycles import CycleStatus, Frozen, Sealed, freeze, held_after_grace, judge_cycle, sealed_off
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import History, MetricFacts, Reading, SourceState
from okr_sync.core.model import Book, Change, Cycle, KeyResult, Metric, Objective
from okr_sync.core.snapshot import KeyResultState, Snapshot
from tests.core.builders import CYCLE, DUE, START

DAY = timedelta(days=1)
GRACE = replace(CYCLE, grace=5 * DAY)
SEALED = Sealed(DUE + DAY, "ana", "as agreed")
NEXT = Cycle("next", DUE.date(), (DUE + 90 * DAY).date(), DUE, DUE + 91 * DAY)


def _key_result(name: str, start: datetime, due: datetime) -> KeyResult:
    return KeyResult(name, name, Change("nps", 0.0, 10.0), start, due)


BOOK = Book(
    "UTC",
    (CYCLE, NEXT),
    (
        Objective("old", "Old", "q", key_results=(_key_result("kr", START, DUE),), contributes_to="new"),
        Objective("new", "New", "next", key_results=(_key_result("later", DUE, DUE + 91 * DAY),)),
    ),
    (Metric("nps", "NPS", "survey", "{}"),),
)


def _history(value: float) -> History:
    reading = Reading(value, DUE - DAY)
    state = SourceState("survey", DUE, timedelta(days=365))
    return History({"nps": MetricFacts((reading,))}, {}, {"survey": state})


def _judged(value: float, now: datetime, book: Book = BOOK) -> Snapshot:
    return evaluate(book, _history(value), now)


def _frozen(snapshot: Snapshot, sealed: Sealed | None = SEALED) -> Frozen:
    return Frozen("q", "cycle q is closed", *sealed_off("q", snapshot), sealed)


def _state(snapshot: Snapshot, name: str) -> KeyResultState:
    return next(each for each in snapshot.key_results if each.id == name)


@pytest.mark.parametrize(
    ("cycle", "at", "state", "reason"),
    [
        (GRACE, START - DAY, "draft", f"starts {GRACE.first}"),
        (GRACE, START, "active", f"ends {GRACE.last}"),
        (GRACE, DUE - timedelta(microseconds=1), "active", f"ends {GRACE.last}"),
        (GRACE, DUE, "closing", "late data counts until"),
        (GRACE, DUE + 5 * DAY, "closing", "no data counts since"),
        (CYCLE, DUE + 500 * DAY, "closing", "until it is closed"),
    ],
)
def test_a_cycle_is_draft_active_and_closing_by_its_dates(
    cycle: Cycle, at: datetime, state: CycleStatus, reason: str
) -> None:
    """The start is inclusive, the end exclusive, the end of the grace exclusive."""
    judged = judge_cycle(cycle, None, at)
    assert judged.state == state
    assert reason in judged.reason
    assert judged.late_until == (DUE + 5 * DAY if cycle is GRACE else None)


def test_a_cycle_is_closed_from_its_closing_on_whatever_the_date() -> None:
    for at in (START - DAY, START, DUE + DAY):
        judged = judge_cycle(GRACE, SEALED, at)
        assert judged.state == "closed"
        assert judged.reason.endswith("by ana: as agreed")
    assert judge_cycle(GRACE, replace(SEALED, note=""), DUE).reason.endswith("by ana")


def test_a_reopened_cycle_has_no_grace() -> None:
    judged = judge_cycle(GRACE, None, DUE + 50 * DAY, reopened=True)
    assert (judged.state, judged.late_until) == ("closing", None)
    assert "until it is closed" in judged.reason


def test_nothing_frozen_changes_nothing() -> None:
    snapshot = _judged(5.0, DUE + DAY)
    assert freeze(snapshot, BOOK, (), {}) is snapshot


def test_a_closed_key_result_keeps_its_score_whatever_its_source_says_later() -> None:
    frozen = _frozen(_judged(5.0, DUE + DAY))
    state = _state(freeze(_judged(9.0, DUE + 2 * DAY), BOOK, (frozen,), {}), "kr")
    assert (state.value, state.score, state.status) == (5.0, 0.5, "closed")
    assert state.reason.startswith("closed ")
    assert "with 0.50: missed: 0.50 of 1.00 at the due date" in state.reason


def test_a_closed_key_result_never_ages_and_never_gets_younger() -> None:
    """Without any source left it isn't stale, and it stays as old as it was."""
    frozen = _frozen(_judged(5.0, DUE + DAY))
    late = DUE + 900 * DAY
    later = {"survey": SourceState("survey", late, DAY)}
    for sources in ({}, later):
        state = _state(freeze(_judged(9.0, late), BOOK, (frozen,), sources), "kr")
        assert (state.status, state.stale, state.as_of) == ("closed", False, DUE - DAY)


def test_an_undated_number_is_as_old_from_its_closing_on_as_it_was_then() -> None:
    undated = History({"nps": MetricFacts((Reading(5.0, DUE - DAY),), undated=True)}, {}, _history(0).sources)
    judged = evaluate(BOOK, undated, DUE + DAY)
    assert _state(judged, "kr").inputs[0].time is None
    kept = sealed_off("q", judged)[1][0]
    assert kept.inputs[0].time == kept.as_of == DUE


def test_a_closed_objective_keeps_its_score_and_says_closed() -> None:
    frozen = _frozen(_judged(5.0, DUE + DAY))
    made = freeze(_judged(9.0, DUE + 2 * DAY), BOOK, (frozen,), _history(0).sources)
    old, new = made.objectives
    assert (old.status, old.score) == ("closed", 0.5)
    assert new.status != "closed"
    assert new.score == pytest.approx((0.5 + 0.9) / 2), "what is open is rolled up with what is closed as it was"


def test_what_has_no_score_is_closed_without_one() -> None:
    judged = evaluate(BOOK, History(), DUE + DAY)
    state = _state(freeze(judged, BOOK, (_frozen(judged),), {}), "kr")
    assert (state.status, state.score) == ("closed", None)
    assert "without a score" in state.reason


def test_a_key_result_added_after_the_closing_is_unknown_and_its_objective_stays_closed() -> None:
    frozen = _frozen(_judged(5.0, DUE + DAY))
    first, second = BOOK.objectives
    more = replace(first, key_results=(*first.key_results, _key_result("added", START, DUE)))
    extra = Objective("extra", "Extra", "q", key_results=(_key_result("alone", START, DUE),))
    book = replace(BOOK, objectives=(more, second, extra))
    made = freeze(_judged(9.0, DUE + 2 * DAY, book), book, (frozen,), {})
    state = _state(made, "added")
    assert (state.value, state.score, state.status) == (None, None, "unknown")
    assert state.reason == "it was added after cycle q was closed"
    assert [each.status for each in made.objectives if each.cycle == "q"] == ["closed", "unknown"]


def test_after_the_grace_all_stays_as_it_was_judged_after_the_end() -> None:
    book = replace(BOOK, cycles=(GRACE, NEXT))
    before = _judged(5.0, DUE + DAY, book)
    (held,) = held_after_grace(book, before, DUE + 5 * DAY)
    assert (held.cycle, held.sealed) == ("q", None)
    state = _state(freeze(_judged(9.0, DUE + 6 * DAY, book), book, (held,), _history(0).sources), "kr")
    assert (state.value, state.status) == (5.0, "missed")


def test_a_key_result_added_after_the_grace_is_judged() -> None:
    book = replace(BOOK, cycles=(GRACE, NEXT))
    (held,) = held_after_grace(book, _judged(5.0, DUE + DAY, book), DUE + 5 * DAY)
    only_objectives = replace(held, key_results=())
    state = _state(freeze(_judged(9.0, DUE + 6 * DAY, book), book, (only_objectives,), _history(0).sources), "kr")
    assert state.value == 9.0


def test_nothing_is_held_within_the_grace_nor_without_one_nor_before_the_last_judgement() -> None:
    """A cycle last judged before its end is judged once more; a reopened one is not held at all."""
    book = replace(BOOK, cycles=(GRACE, NEXT))
    after, before = _judged(5.0, DUE + DAY, book), _judged(5.0, DUE - DAY, book)
    over = DUE + 5 * DAY
    assert held_after_grace(book, after, over - timedelta(microseconds=1)) == ()
    assert held_after_grace(BOOK, after, over) == ()
    assert held_after_grace(book, before, over) == ()
    assert held_after_grace(book, None, over) == ()
    assert held_after_grace(book, after, over, {"q"}) == ()


def test_a_snapshot_with_no_time_zone_trouble_is_closed_in_utc() -> None:
    local = Sealed(datetime(2027, 1, 5, 12, tzinfo=UTC), "ana")
    assert judge_cycle(CYCLE, local, DUE).reason == "closed 2027-01-05 12:00 UTC by ana"
