"""A report says what the snapshot says, compares without guessing, and counts what can be trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from okr_sync.core.facts import SourceState
from okr_sync.core.report import MOVES, build_report
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState, ObjectiveState, Snapshot, Status

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SINCE = datetime(2026, 11, 15, tzinfo=UTC)

KEY_RESULT = KeyResultState(
    id="nps",
    objective="experience",
    title="NPS",
    kind="change",
    owner=None,
    weight=1.0,
    unit="points",
    start=START,
    due=datetime(2027, 1, 1, tzinfo=UTC),
    definition="abc",
    value=44.0,
    progress=0.65,
    status="on_track",
    reason="on its way",
)
OBJECTIVE = ObjectiveState(
    "experience", "Experience", "q4", "team", None, None, None, ("nps",), 0.65, status="on_track"
)
INITIATIVE = InitiativeState("assistant", "Assistant", None, (), 6, 1, 1, 2, 8, 6.0, 8.0, 0.75, "in_progress")


def snapshot(
    *key_results: KeyResultState,
    objectives: tuple[ObjectiveState, ...] = (OBJECTIVE,),
    initiatives: tuple[InitiativeState, ...] = (),
) -> Snapshot:
    """Return a snapshot as of NOW."""
    return Snapshot(NOW, objectives, key_results, initiatives)


def test_rows_hold_the_states_themselves() -> None:
    """Every number of a report is the snapshot's own, in the snapshot's order."""
    second = replace(KEY_RESULT, id="load")
    made = build_report(snapshot(KEY_RESULT, second, initiatives=(INITIATIVE,)), run=7)
    assert [row.state for row in made.key_results()] == [KEY_RESULT, second]
    assert [row.state for row in made.objectives] == [OBJECTIVE]
    assert [row.state for row in made.initiatives] == [INITIATIVE]
    assert (made.at, made.run, made.since) == (NOW, 7, None)


def test_objectives_are_ordered_by_level_then_as_in_the_book() -> None:
    """The organisation comes first, people last, whatever the order of the files."""
    levels = [replace(OBJECTIVE, id=name, level=level) for name, level in (("me", "individual"), ("we-2", "team"), ("we-1", "team"), ("us", "organisation"))]  # type: ignore[arg-type] # fmt: skip # noqa: E501
    made = build_report(snapshot(objectives=tuple(levels)))
    assert [row.state.id for row in made.objectives] == ["us", "we-2", "we-1", "me"]


def test_a_key_result_stands_under_its_objective() -> None:
    """Rows are grouped by the objective that they name."""
    other = replace(KEY_RESULT, id="turnover", objective="skills")
    objectives = (OBJECTIVE, replace(OBJECTIVE, id="skills"))
    made = build_report(snapshot(other, KEY_RESULT, objectives=objectives))
    assert [[row.state.id for row in each.key_results] for each in made.objectives] == [["nps"], ["turnover"]]


def test_deltas_are_now_minus_then() -> None:
    """Value, progress, status and items are compared with the earlier snapshot."""
    old_kr = replace(KEY_RESULT, value=42.0, progress=0.5, status="at_risk")
    old = Snapshot(
        SINCE,
        (replace(OBJECTIVE, progress=0.5, status="at_risk"),),
        (old_kr,),
        (replace(INITIATIVE, done=4, total=9, dropped=0),),
    )
    made = build_report(snapshot(KEY_RESULT, initiatives=(INITIATIVE,)), old, SINCE)
    (row,) = made.key_results()
    assert row.progress_delta == pytest.approx(0.15)
    assert (row.value_delta, row.status_before) == (2.0, "at_risk")
    assert made.objectives[0].progress_delta == pytest.approx(0.15)
    assert made.objectives[0].status_before == "at_risk"
    initiative = made.initiatives[0]
    assert (initiative.done_delta, initiative.total_delta, initiative.dropped_delta) == (2, -1, 2)


@pytest.mark.parametrize(("then", "now"), [(None, 0.5), (0.5, None), (None, None)])
def test_a_delta_with_something_unknown_is_unknown(then: float | None, now: float | None) -> None:
    """Unknown is not taken for 0, neither then nor now."""
    old = Snapshot(
        SINCE, (OBJECTIVE,), (replace(KEY_RESULT, value=then, progress=then),), (replace(INITIATIVE, done=None),)
    )
    made = build_report(snapshot(replace(KEY_RESULT, value=now, progress=now), initiatives=(INITIATIVE,)), old, SINCE)
    (row,) = made.key_results()
    assert (row.value_delta, row.progress_delta, row.status_before) == (None, None, None)
    assert made.initiatives[0].done_delta is None
    assert made.summary.moved == ()


def test_what_was_not_there_before_has_no_delta() -> None:
    """A new key result, objective or initiative is compared with nothing."""
    made = build_report(snapshot(KEY_RESULT, initiatives=(INITIATIVE,)), Snapshot(SINCE), SINCE)
    (row,) = made.key_results()
    assert (row.value_delta, row.progress_delta, row.status_before) == (None, None, None)
    assert made.objectives[0].progress_delta is None
    assert made.initiatives[0].total_delta is None


def test_fresh_and_automatic_leaves_out_what_is_typed_stale_or_unknown() -> None:
    """Only numbers computed from fresh data count, whatever their status."""
    states = (
        KEY_RESULT,
        replace(KEY_RESULT, id="off", status="off_track"),
        replace(KEY_RESULT, id="typed", inputs=(Input("people", "mood", START, expires=NOW),)),
        replace(KEY_RESULT, id="stale", stale=True),
        replace(KEY_RESULT, id="unknown", status="unknown"),
        replace(KEY_RESULT, id="outdated", status="outdated"),
    )
    made = build_report(snapshot(*states))
    assert (made.summary.fresh, made.summary.total) == (2, 6)
    assert dict(made.summary.by_status) == {"on_track": 3, "off_track": 1, "unknown": 1, "outdated": 1}
    assert sum(made.summary.by_status.values()) == made.summary.total


def test_statuses_are_counted_in_one_order() -> None:
    """The order of counts doesn't depend on the order of key results."""
    words: tuple[Status, ...] = ("missed", "met", "stale", "at_risk")
    made = build_report(snapshot(*(replace(KEY_RESULT, id=word, status=word) for word in words)))
    assert list(made.summary.by_status) == ["met", "at_risk", "stale", "missed"]


def test_moved_most_names_the_largest_changes_first() -> None:
    """Falls count like rises, equals are ordered by id, float noise and standstill are left out."""
    moves = {"a": 0.1, "z": -0.4, "still": 0.0, "noise": 1e-12, "c": 0.2, "b": 0.2, "d": 0.05, "e": 0.01}
    now = [replace(KEY_RESULT, id=name, progress=0.5 + move) for name, move in moves.items()]
    old = Snapshot(SINCE, (OBJECTIVE,), tuple(replace(state, progress=0.5) for state in now))
    moved = build_report(snapshot(*now), old, SINCE).summary.moved
    assert [row.state.id for row in moved] == ["z", "b", "c", "a", "d"]
    assert len(moved) == MOVES


def test_newly_met_names_what_was_not_met_before() -> None:
    """What was met already is no news."""
    now = [replace(KEY_RESULT, id=name, status="met") for name in ("new", "old", "unseen")]
    old = Snapshot(SINCE, (OBJECTIVE,), (replace(now[0], status="on_track"), now[1]))
    newly = build_report(snapshot(*now), old, SINCE).summary.newly_met
    assert [row.state.id for row in newly] == ["new"]


def test_doubts_name_everything_not_to_be_trusted_with_its_reason() -> None:
    """Stale, outdated and unknown numbers, of key results and initiatives, in the order of the report."""
    key_results = (
        replace(KEY_RESULT, id="a", status="unknown", reason="never read"),
        KEY_RESULT,
        replace(KEY_RESULT, id="b", stale=True, reason="old", as_of=START),
        replace(KEY_RESULT, id="c", status="outdated", stale=True, reason="expired"),
    )
    initiatives = (
        INITIATIVE,
        replace(INITIATIVE, id="d", stale=True, reason="no access"),
        replace(INITIATIVE, id="e", state="unknown", reason="not found"),
    )
    doubts = build_report(snapshot(*key_results, initiatives=initiatives)).doubts
    assert [(doubt.id, doubt.word, doubt.reason) for doubt in doubts] == [
        ("a", "unknown", "never read"),
        ("b", "stale", "old"),
        ("c", "outdated", "expired"),
        ("d", "stale", "no access"),
        ("e", "unknown", "not found"),
    ]
    assert doubts[1].as_of == START


@pytest.mark.parametrize(
    ("age", "late"), [(timedelta(hours=2), False), (timedelta(hours=2, microseconds=1), True), (None, True)]
)
def test_a_source_is_late_beyond_its_freshness(age: timedelta | None, late: bool) -> None:
    """The limit itself is in time; without any success it is late."""
    state = SourceState("tracker", None if age is None else NOW - age, timedelta(hours=2))
    assert [row.late for row in build_report(snapshot(), sources=(state,)).sources] == [late]


def test_the_same_arguments_give_the_same_report() -> None:
    """A report is a value."""
    whole = snapshot(KEY_RESULT, initiatives=(INITIATIVE,))
    assert build_report(whole, whole, SINCE) == build_report(whole, whole, SINCE)
