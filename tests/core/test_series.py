"""Another question begins another series: what was read before is neither compared nor shown as its answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.charts import Break, ChartPoint, build_chart
from okr_sync.core.definition import metric_question, question_of, questions_of, scope_question, work_question
from okr_sync.core.diagnosis import Cause, diagnose_key_result, diagnose_work, index_past
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import MetricFacts, Miss
from okr_sync.core.kinds import Counted, Total
from okr_sync.core.model import Change, Delivery
from okr_sync.core.report import build_report
from okr_sync.core.series import breaks
from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState, Snapshot
from tests.core.builders import (
    HALF,
    at_most,
    book,
    day,
    deliver_one,
    history,
    initiative,
    item,
    judge,
    key_result,
    metric,
    reading,
    readings,
    scope,
    source,
)
from tests.core.test_diagnosis import kr, work

NOTE = "query changed on 2026-01-04: not comparable before"


def broken(*values: float, at: float = 3) -> MetricFacts:
    """Readings of days 1, 2, 3 …, with another question from day `at` on."""
    return replace(readings(*values), breaks=(day(at),))


def test_a_level_counts_from_the_break_on_and_keeps_its_baseline() -> None:
    state = judge(Change("m", 0.0, target=10.0), broken(2.0, 3.0, 8.0))
    assert (state.value, state.baseline, state.progress) == (8.0, 0.0, 0.8)
    assert NOTE in state.reason


def test_a_level_forgets_what_was_outside_before_the_break() -> None:
    worst = judge(at_most(5.0, evaluate="worst"), broken(9.0, 9.0, 4.0, 3.0))
    assert (worst.value, worst.progress) == (4.0, 1.0)
    held = judge(at_most(5.0, evaluate="time_in_bounds"), broken(9.0, 9.0, 4.0, 3.0))
    assert held.progress == 1.0
    assert NOTE in held.reason


def test_only_breaks_after_the_start_and_by_now_are_told() -> None:
    assert "query changed" not in judge(Change("m", 0.0, target=10.0), broken(8.0, at=-5)).reason
    later = replace(readings(2.0, reading(8.0, 60)), breaks=(day(60),))
    state = judge(Change("m", 0.0, target=10.0), later)
    assert (state.value, "query changed" in state.reason) == (2.0, False)


def test_a_flow_that_spans_a_break_says_so() -> None:
    flow = (metric(type="flow"),)
    state = judge(Total((Counted(metric="m"),), 20.0), broken(2.0, 3.0, 4.0), metrics=flow)
    assert state.value == 9.0
    assert NOTE in state.reason


def test_a_counter_is_not_differenced_across_a_break() -> None:
    counter = (metric(type="counter"),)
    state = judge(Total((Counted(metric="m"),), 20.0), broken(100.0, 103.0, 5000.0, 5004.0), metrics=counter)
    assert state.value == 7.0  # 3 before and 4 after; 4897 across would be nonsense
    assert NOTE in state.reason


@pytest.mark.parametrize("kind", ["level", "flow", "counter"])
def test_a_query_without_an_answer_is_unknown_whatever_was_answered_before(kind: str) -> None:
    metrics = (metric(type=kind),)
    measure = Change("m", 0.0, target=10.0) if kind == "level" else Total((Counted(metric="m"),), 10.0)
    facts = replace(readings(2.0, 3.0), answered=False)
    state = judge(measure, facts, metrics=metrics)
    assert (state.value, state.status) == (None, "unknown")
    assert "its query changed and has no answer yet: run okr-sync sync" in state.reason
    missed = judge(measure, replace(facts, miss=Miss("denied", "no permission")), metrics=metrics)
    assert "its query changed and has no answer yet: no permission" in missed.reason
    failed = {"survey": source("survey", day(2), error="it is down")}
    assert (
        "has no answer yet: source survey failed: it is down"
        in judge(measure, facts, metrics=metrics, sources=failed).reason
    )


def test_a_scope_whose_query_changed_has_no_numbers_until_it_is_answered() -> None:
    anew = scope("i/1", resolved=False, asked_anew=True, containers=(), items={})
    assert (
        deliver_one(initiative(), anew).reason
        == "scope i/1: its query changed and has no answer yet: run okr-sync sync"
    )
    state = deliver_one(initiative(), replace(anew, miss=Miss("gone", "no epic")))
    assert (state.total, state.reason) == (None, "scope i/1: its query changed and has no answer yet: no epic")
    failed = {"tracker": source("tracker", day(2), error="it is down")}
    known = history(HALF, scopes=(anew,), sources=failed)
    told = evaluate(book(initiatives=(initiative(),)), known, HALF).initiatives[0].reason
    assert told == "scope i/1: its query changed and has no answer yet: source tracker failed: it is down"


@pytest.mark.parametrize(
    "changed", [{"source": "x"}, {"query": "x"}, {"unit": "x"}, {"type": "flow"}], ids=lambda each: next(iter(each))
)
def test_what_is_asked_is_source_query_unit_and_type(changed: dict[str, str]) -> None:
    assert metric_question(metric(**changed)) != metric_question(metric())


def test_titles_and_bounds_are_not_asked() -> None:
    other = metric(title="Another", minimum=0.0, max_age_days=3.0)
    assert metric_question(other) == metric_question(metric())
    assert work_question(initiative(title="Another", owner="ana")) == work_question(initiative())


def test_scopes_and_policies_are_what_is_asked_of_work() -> None:
    assert work_question(initiative(scopes=2)) != work_question(initiative())
    assert work_question(initiative(weight_by="points")) != work_question(initiative())
    place = initiative().scopes[0]
    assert scope_question(replace(place, query="x")) != scope_question(place)
    assert questions_of(book(initiatives=(initiative(),))) == {
        "m": metric_question(metric()),
        "i/1": scope_question(place),
    }


def test_a_key_result_is_asked_through_its_metrics_and_initiatives_and_not_by_its_target() -> None:
    metrics, works = {"m": metric()}, {"i": initiative()}
    asked = question_of(Change("m", 0.0, target=1.0), metrics, works)
    assert question_of(Change("m", 0.0, target=2.0), metrics, works) == asked
    assert question_of(Change("m", 0.0, target=1.0), {"m": metric(unit="%")}, works) != asked
    delivered = question_of(Delivery(("i",)), metrics, works)
    assert question_of(Delivery(("i",)), metrics, {"i": initiative(unit="leaf")}) != delivered
    held = book(key_result(Delivery(("i",))), initiatives=(initiative(),))
    state = evaluate(held, history(HALF, scopes=(scope("i/1", [item("1")]),)), HALF)
    assert (state.key_results[0].question, state.initiatives[0].question) == (delivered, work_question(initiative()))


QUESTIONS = st.lists(st.sampled_from(["a", "b", None]), max_size=8)


@given(QUESTIONS)
def test_a_line_breaks_where_the_known_question_changes(questions: list[str | None]) -> None:
    points = [ChartPoint(day(n), 1.0, 1.0, question=question) for n, question in enumerate(questions)]
    known = [question for question in questions if question is not None]
    assert len(breaks(points)) == sum(a != b for a, b in pairwise(known))
    assert all(point.question is not None for point in breaks(points))


def _charted(*points: tuple[float, float | None, str | None]) -> tuple[tuple[Break, ...], int]:
    made = build_chart(kr(), [ChartPoint(day(n), p, p, question=asked) for n, p, asked in points], HALF)
    assert made is not None
    for piece in made.line:
        assert not any(piece[0][0] < each.x < piece[-1][0] for each in made.breaks)
    return made.breaks, len(made.line)


def test_a_chart_breaks_its_line_at_the_date() -> None:
    assert _charted((0, 0.1, "a"), (10, 0.2, "a"), (20, 0.9, "b")) == ((Break(0.2, day(20)),), 2)
    assert _charted((0, 0.1, None), (10, 0.2, "a"), (20, 0.9, "a")) == ((), 1)
    assert _charted((0, 0.1, "a"), (10, None, "b"), (20, 0.9, "b")) == ((Break(0.1, day(10)),), 2)


def _past(*states: KeyResultState | InitiativeState, broken: dict[str, datetime]) -> Snapshot:
    results = tuple(state for state in states if isinstance(state, KeyResultState))
    return Snapshot(day(40), (), results, tuple(state for state in states if isinstance(state, InitiativeState)))


def test_a_changed_query_is_a_cause_and_its_value_is_not_compared() -> None:
    before, after = kr(0.2, question="a", definition="d1"), kr(0.9, question="b", definition="d2", target=2.0)
    past = index_past(_past(before, broken={}), broken={"kr": day(45)})
    assert diagnose_key_result(after, {}, past, HALF) == (
        Cause("query", "kr", at=day(45)),
        Cause("target", "kr", None, 1.0, 2.0),
    )
    same = diagnose_key_result(replace(after, question="", target=1.0), {}, past, HALF)
    assert [cause.kind for cause in same] == ["definition", "value"]


def test_changed_scopes_come_before_what_they_changed() -> None:
    before, after = replace(work(1, 1), question="a"), replace(work(1, 5), question="b")
    past = index_past(_past(before, broken={}))
    assert [cause.kind for cause in diagnose_work(after, past)] == ["query", "scope"]


def test_a_report_gives_no_delta_across_a_break() -> None:
    before, after = kr(0.2, question="a"), kr(0.9, question="b")
    top = ObjectiveState("o", "O", "q", "team", None, None, None, ("kr",))
    report = build_report(
        Snapshot(HALF, (top,), (after,)), Snapshot(day(40), (top,), (before,)), day(40), broken={"kr": day(45)}
    )
    row = report.objectives[0].key_results[0]
    assert (row.value_delta, row.progress_delta, row.causes[0].at) == (None, None, day(45))
    assert report.summary.moved == ()
