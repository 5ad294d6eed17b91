"""Diagnosis: each thing that moved a number is named with its size; nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.diagnosis import Cause, Past, diagnose_key_result, diagnose_work, index_past, reopened_items
from okr_sync.core.explain import Evidence as ExplainedWork
from okr_sync.core.explain import ItemChange, explain_initiative, explain_key_result
from okr_sync.core.report import build_report
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState, ObjectiveState, Snapshot, Status
from tests.core.builders import DUE, HALF, START, day

THEN = day(40)


def kr(value: float | None = 0.5, **more: object) -> KeyResultState:
    """A change from 0 to 1, so that the value is the progress."""
    state = KeyResultState(
        id="kr", objective="o", title="Title of kr", kind="change", owner=None, weight=1.0, unit="", start=START,
        due=DUE, definition="d1", value=value, baseline=0.0, target=1.0, progress=value, score=value,
        status="on_track", inputs=(Input("survey", "m"),),
    )  # fmt: skip
    return replace(state, **more)  # type: ignore[arg-type]


def work(done: int, todo: int, dropped: int = 0, *, name: str = "i", serves: tuple[str, ...] = ()) -> InitiativeState:
    total = done + todo
    return InitiativeState(
        name, f"Title of {name}", None, serves, done, 0, todo, dropped, total, progress=done / total if total else None
    )


def past(*states: KeyResultState | InitiativeState, at: datetime = THEN, **reopened: int) -> Past:
    key_results = tuple(state for state in states if isinstance(state, KeyResultState))
    initiatives = tuple(state for state in states if isinstance(state, InitiativeState))
    return index_past(Snapshot(at, (), key_results, initiatives), reopened)


def sizes(causes: tuple[Cause, ...]) -> dict[str, float | None]:
    return {cause.kind: cause.amount for cause in causes}


def diagnose(before: KeyResultState, after: KeyResultState, *states: InitiativeState) -> dict[str, float | None]:
    """What moved from `before` to `after` with this work now and no other work then."""
    return sizes(diagnose_key_result(after, {state.id: state for state in states}, past(before), HALF))


def test_items_that_came_were_done_dropped_and_reopened_are_told_apart() -> None:
    causes = diagnose_work(work(12, 9, 3), past(work(10, 6, 2), i=1))
    assert causes == (
        Cause("scope", "i", 6, 18, 24),
        Cause("done", "i", 3, 10, 12),
        Cause("dropped", "i", 1, 2, 3),
        Cause("reopened", "i", 1),
    )


COUNTS = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))


@given(COUNTS, COUNTS)
def test_scope_is_what_came_less_what_left_and_no_move_is_no_cause(
    then: tuple[int, int, int], now: tuple[int, int, int]
) -> None:
    before, after = work(*then), work(*now)
    found = sizes(diagnose_work(after, past(before)))
    assert found.get("scope", 0) == sum(now) - sum(then)
    assert (not found) == (then == now)


@pytest.mark.parametrize("unknown", [InitiativeState("i", "", None, ())])
def test_unknown_work_is_no_cause(unknown: InitiativeState) -> None:
    assert diagnose_work(unknown, past(work(1, 1))) == ()
    assert diagnose_work(work(1, 1), past(unknown)) == ()
    assert diagnose_work(work(1, 1), Past()) == ()
    assert diagnose_work(work(1, 1), index_past(None, {"i": 3})) == ()


def move(field: str, before: str | None, after: str | None, key: str = "A-1") -> ItemChange:
    return ItemChange(key, "", field, before, after, THEN)


@pytest.mark.parametrize(
    ("moves", "number"),
    [
        ([move("state", "done", "open")], 1),
        ([move("state", "done", "open"), move("state", "open", "done")], 0),
        ([move("state", "open", "done"), move("state", "done", "in_progress")], 1),
        ([move("state", "done", "open"), move("state", "open", "in_progress")], 1),
        ([move("state", "open", "in_progress")], 0),
        ([move("state", "done", "open"), move("resolution", "Won't Do", None)], 0),
        ([move("state", "done", "open"), move("resolution", "Done", None)], 1),
        ([move("state", "done", "open"), move("resolution", None, "Done"), move("points", "3", "5")], 1),
        ([move("state", "done", "open"), move("state", "done", "open", "A-2")], 2),
    ],
)
def test_reopened_is_what_was_done_and_is_not_any_more(moves: list[ItemChange], number: int) -> None:
    assert reopened_items(moves, frozenset({"won't do"})) == number


def test_a_moved_value_is_told_with_its_size() -> None:
    found = diagnose_key_result(kr(0.25), {}, past(kr(0.5)), HALF)
    assert found == (Cause("value", "kr", -0.25, 0.5, 0.25),)


def test_nothing_moved_has_no_cause() -> None:
    assert diagnose(kr(), kr()) == {}
    assert diagnose(kr(), kr(None, status="unknown")) == {}
    assert diagnose_key_result(kr(), {}, Past(), HALF) == ()


def test_a_moved_yardstick_is_told_as_such_and_hides_the_hash_that_follows_from_it() -> None:
    found = diagnose_key_result(kr(target=40.0, definition="d2"), {}, past(kr(target=50.0)), HALF)
    assert found == (Cause("target", "kr", None, 50, 40),)
    assert diagnose(kr(baseline=1.0), kr()) == {"baseline": None}
    assert diagnose(kr(), kr(definition="d2")) == {"definition": None}
    assert diagnose(kr(definition=""), kr()) == {}
    assert diagnose(kr(target=None), kr()) == {}
    assert diagnose(kr(), kr(baseline=None)) == {}


def test_a_number_that_rests_on_work_moves_by_its_work_and_not_by_its_value() -> None:
    after = kr(62.5, kind="delivery", inputs=(Input("tracker", "i"), Input("code", "i")))
    found = diagnose_key_result(after, {"i": work(5, 3)}, past(kr(50.0), work(4, 4)), HALF)
    assert sizes(found) == {"done": 1}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (kr(), kr(status="stale", stale=True), "stale"),
        (kr(), kr(status="outdated", stale=True), "outdated"),
        (kr(), kr(status="suspect", stale=True), "suspect"),
        (kr(status="suspect", stale=True), kr(), "fresh"),
        (kr(status="stale"), kr(status="stale", stale=True), None),
        (kr(stale=True), kr(), "fresh"),
        (kr(status="outdated"), kr(), "fresh"),
        (kr(status="stale"), kr(None, progress=0.5), None),
    ],
)
def test_freshness_that_came_or_went_is_told(before: KeyResultState, after: KeyResultState, kind: str | None) -> None:
    assert diagnose(before, after) == ({kind: None} if kind else {})


SERVING = work(9, 1, serves=("kr",))


@pytest.mark.parametrize("p", [0.0, 0.05, 0.0999, -0.3])
def test_delivered_but_not_moved_is_done_work_under_a_number_that_never_moved(p: float) -> None:
    assert diagnose_key_result(kr(p), {"i": SERVING}, Past(), HALF) == (Cause("delivered_not_moved", "i", 0.9),)


def test_delivered_but_not_moved_is_done_work_under_a_number_that_stood_still_for_a_week() -> None:
    week_ago = past(kr(0.49), at=HALF - timedelta(days=6))
    assert diagnose_key_result(kr(0.5), {"i": SERVING}, week_ago, HALF)[-1].kind == "delivered_not_moved"
    yesterday = past(kr(0.49), at=HALF - timedelta(days=5.9))
    assert sizes(diagnose_key_result(kr(0.5), {"i": SERVING}, yesterday, HALF)).keys() == {"value"}
    moved = past(kr(0.47), at=HALF - timedelta(days=6))
    assert sizes(diagnose_key_result(kr(0.5), {"i": SERVING}, moved, HALF)).keys() == {"value"}
    unknown = past(kr(None), at=HALF - timedelta(days=6))
    assert diagnose_key_result(kr(0.5), {"i": SERVING}, unknown, HALF) == ()
    met = past(kr(1.0), at=HALF - timedelta(days=6))
    assert diagnose_key_result(kr(1.0), {"i": SERVING}, met, HALF) == ()


@pytest.mark.parametrize(
    ("state", "under"),
    [
        (kr(0.0), work(8, 1, serves=("kr",))),
        (kr(0.0), work(9, 1, serves=("other",))),
        (kr(0.0), InitiativeState("i", "", None, ("kr",))),
        (kr(0.0, kind="delivery"), SERVING),
        (kr(0.0, stale=True), SERVING),
        (kr(None), SERVING),
    ],
)
def test_undelivered_unlinked_or_doubtful_is_not_named(state: KeyResultState, under: InitiativeState) -> None:
    assert diagnose_key_result(state, {"i": under}, Past(), HALF) == ()


@pytest.mark.parametrize("status", ["on_track", "unknown"])
def test_a_report_names_the_causes_of_each_key_result_and_initiative(status: Status) -> None:
    objective = ObjectiveState("o", "", "q", "team", None, None, None, ("kr",))
    then = Snapshot(THEN, (objective,), (kr(0.4),), (work(4, 4),))
    now = Snapshot(HALF, (objective,), (kr(0.5, status=status),), (work(6, 4),))
    report = build_report(now, then, THEN, reopened={"i": 2})
    assert sizes(report.key_results()[0].causes) == {"value": pytest.approx(0.1)}
    assert sizes(report.initiatives[0].causes) == {"scope": 2, "done": 4, "reopened": 2}
    assert build_report(now).initiatives[0].causes == ()


def test_an_explanation_carries_its_causes() -> None:
    cause = Cause("value", "kr", 1.0)
    assert explain_key_result(kr(), causes=[cause]).causes == (cause,)
    assert explain_initiative(ExplainedWork(work(1, 1)), causes=[cause]).causes == (cause,)
