"""Presets and curves: the same numbers judged by every tool's rule, and laws that hold for each of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.charts import ChartPoint, build_chart
from okr_sync.core.curves import curve_line, expected_share
from okr_sync.core.evaluate import evaluate
from okr_sync.core.model import Change, Curve, Preset
from okr_sync.core.presets import Grade, grade
from okr_sync.core.snapshot import KeyResultState, Status
from tests.core.builders import DUE, HALF, START, book, day, history, judge, key_result, objective, reading, readings
from tests.core.test_status import RANK

PRESETS: tuple[Preset, ...] = get_args(Preset)
CURVES = (
    Curve(),
    Curve("workdays", first=START.date()),
    Curve("phased", ((0, 0), (30, 0.1), (60, 0.4), (91, 1))),
    Curve("none"),
)
GRADES: dict[Grade, int] = {"on_track": 3, "at_risk": 2, "off_track": 1}


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("pace", "at_risk"),
        ("viva", "off_track"),
        ("upraise", "at_risk"),
        ("oboard", "on_track"),
        ("gap", "on_track"),
        ("score", "on_track"),
    ],
)
def test_forty_percent_at_half_time_is_judged_by_each_preset(preset: Preset, expected: Status) -> None:
    state = judge(Change("m", 0, target=1), readings(reading(0.4)), preset=preset)
    assert (state.status, state.expected) == (expected, 0.5)


@pytest.mark.parametrize(
    ("preset", "edges"),
    [
        ("pace", {0.45: "on_track", 0.4499: "at_risk", 0.30: "at_risk", 0.2999: "off_track"}),
        ("viva", {0.50: "on_track", 0.4999: "off_track"}),
        ("upraise", {0.475: "on_track", 0.4749: "at_risk", 0.375: "at_risk", 0.3749: "off_track"}),
        ("oboard", {0.35: "on_track", 0.3499: "at_risk", 0.20: "at_risk", 0.1999: "off_track"}),
        ("gap", {0.336: "on_track", 0.335: "at_risk", 0.17: "at_risk", 0.1699: "off_track"}),
        ("score", {0.35: "on_track", 0.3499: "at_risk", 0.20: "at_risk", 0.1999: "off_track"}),
    ],
)
def test_each_preset_grades_at_its_edges(preset: Preset, edges: dict[float, Grade]) -> None:
    assert {a: grade(preset, a, 0.5)[0] for a in edges} == edges


@pytest.mark.parametrize(("projected", "expected"), [(0.7, "on_track"), (0.69, "at_risk"), (0.39, "off_track")])
def test_the_score_preset_grades_the_forecast_where_there_is_one(projected: float, expected: Grade) -> None:
    assert grade("score", 0.1, 0.9, projected)[0] == expected
    assert grade("pace", 0.1, 0.9, projected) == grade("pace", 0.1, 0.9)


def test_a_score_rests_on_the_forecast_of_the_metric() -> None:
    straight = readings(*(reading(at / 125, at) for at in (10, 20, 30, 40)))
    state = judge(Change("m", 0, target=1), straight, now=day(99), preset="score")
    assert (state.status, state.reason) == ("on_track", "projected 0.80 at the due date (score)")


def test_the_reason_names_every_preset_but_the_usual() -> None:
    assert grade("pace", 0.4, 0.5)[1] == "0.40 of 0.50 expected by now"
    assert grade("viva", 0.4, 0.5)[1] == "0.40 of 0.50 expected by now (viva)"
    assert grade("gap", 0.4, 0.5)[1] == "0.40 of 0.50 expected by now (gap)"


any_preset, any_curve = st.sampled_from(PRESETS), st.sampled_from(CURVES)


def state_of(p: float, now: datetime, preset: Preset, curve: Curve) -> KeyResultState:
    return judge(Change("m", 0, target=1), readings(reading(p, -9)), now=now, preset=preset, curve=curve)


@given(any_preset, any_curve, st.floats(-2, 2), st.floats(-2, 2), st.floats(1, 200))
def test_more_progress_never_worsens_any_preset(
    preset: Preset, curve: Curve, one: float, other: float, at: float
) -> None:
    less, more = (state_of(p, day(at), preset, curve).status for p in sorted((one, other)))
    assert RANK[more] >= RANK[less]


@given(any_preset, any_curve, st.floats(-2, 2), st.floats(1, 200), st.floats(1, 200))
def test_a_later_instant_never_betters_any_preset(
    preset: Preset, curve: Curve, p: float, one: float, other: float
) -> None:
    sooner, later = (state_of(p, day(at), preset, curve).status for at in sorted((one, other)))
    assert RANK[later] <= RANK[sooner]


@given(any_preset, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_expected_never_betters_a_grade(preset: Preset, a: float, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert GRADES[grade(preset, a, more)[0]] <= GRADES[grade(preset, a, less)[0]]


@pytest.mark.parametrize("preset", PRESETS)
def test_below_a_tenth_of_the_time_no_preset_judges(preset: Preset) -> None:
    assert state_of(0.0, day(9.9), preset, CURVES[2]).status == "pending"
    assert state_of(-0.1, day(9.9), preset, Curve()).status == "at_risk"
    assert state_of(0.0, day(20), preset, Curve()).status in {"at_risk", "off_track"}


@pytest.mark.parametrize("preset", PRESETS)
def test_worse_than_at_the_start_is_on_track_for_no_preset(preset: Preset) -> None:
    assert state_of(-0.01, day(11), preset, Curve()).status == "off_track"


def test_the_phased_curve_of_the_handbook_expects_a_quarter_on_day_45() -> None:
    assert expected_share(CURVES[2], START, day(91), day(45)) == pytest.approx(0.25)


@pytest.mark.parametrize(("at", "share"), [(0, 0), (10, 0.2), (20, 0.4), (30, 0.4), (99, 0.4), (100, 1)])
def test_a_phased_curve_starts_at_nothing_and_holds_its_last_share_until_the_due_date(at: float, share: float) -> None:
    assert expected_share(Curve("phased", ((20, 0.4),)), START, DUE, day(at)) == pytest.approx(share)


def test_workdays_leave_weekends_flat() -> None:
    curve = Curve("workdays", first=date(2026, 1, 1))  # a Thursday
    shares = [expected_share(curve, START, day(14), day(at)) for at in (0, 0.5, 1, 2, 3, 4, 5, 9, 11, 12, 14)]
    assert shares == [pytest.approx(each / 10) for each in (0, 0.5, 1, 2, 2, 2, 3, 7, 7, 8, 10)]


def test_a_span_without_workdays_grows_evenly() -> None:
    weekend = Curve("workdays", first=date(2026, 1, 3))
    assert expected_share(weekend, day(2), day(4), day(3)) == 0.5
    assert expected_share(Curve("workdays"), START, DUE, HALF) == 0.5


@given(any_curve, st.floats(-10, 150), st.floats(-10, 150))
def test_what_is_expected_never_falls_and_stays_a_share(curve: Curve, one: float, other: float) -> None:
    sooner, later = (expected_share(curve, START, DUE, day(at)) for at in sorted((one, other)))
    if curve.kind == "none":
        assert (sooner, later) == (None, None)
    else:
        assert sooner is not None
        assert later is not None
        assert 0 <= sooner <= later + 1e-12 <= 1 + 1e-9


@pytest.mark.parametrize(
    ("p", "at", "status", "reason"),
    [
        (0.2, 50, "pending", "0.20 so far; due 2026-04-11 00:00 UTC"),
        (-0.2, 50, "at_risk", "-0.20: worse than at the start"),
        (1.0, 50, "met", "done before the due date"),
        (0.2, 100, "missed", "0.20 of 1.00 at the due date"),
    ],
)
def test_without_a_curve_nothing_is_expected_before_the_due_date(
    p: float, at: float, status: Status, reason: str
) -> None:
    state = state_of(p, day(at), "pace", Curve("none"))
    assert (state.status, state.reason, state.expected) == (status, reason, None)


def test_an_objective_is_judged_by_its_own_preset() -> None:
    part = key_result(Change("m", 0, target=1))
    strict = objective(part, preset="viva")
    snapshot = evaluate(book(objectives=[strict]), history(HALF, readings(reading(0.4))), HALF)
    assert (snapshot.objectives[0].status, snapshot.key_results[0].status) == ("off_track", "at_risk")


def test_every_curve_is_drawn_and_none_for_what_expects_nothing() -> None:
    """A straight line, two steep ends of each weekend, and the corners of the phases: day 30 of 100 expects a tenth."""
    drawn: dict[str, object] = {}
    for curve in CURVES:
        state = state_of(0.4, HALF, "pace", curve)
        chart = build_chart(state, [ChartPoint(START + timedelta(days=9), 0.4, 0.4)], HALF)
        assert chart is not None
        drawn[curve.kind] = chart.expected
    assert drawn["linear"] == ((0, 0), (1, 1))
    assert drawn["none"] is None
    assert drawn["phased"] == (
        (0, 0), (0.3, pytest.approx(0.1)), (0.6, pytest.approx(0.4)), (0.91, 1), (1, 1)
    )  # fmt: skip
    weekend = drawn["workdays"]
    assert isinstance(weekend, tuple)
    assert weekend[1:3] == ((0.02, pytest.approx(2 / 72)), (0.04, pytest.approx(2 / 72)))  # Saturday and Sunday


def test_a_drawn_curve_goes_through_what_is_expected_each_day() -> None:
    for curve in CURVES[1:3]:
        line = curve_line(curve, START, DUE)
        for number in range(100):
            x = number / 100
            (a, low), (b, high) = next(pair for pair in pairwise(line) if pair[0][0] <= x <= pair[1][0])
            between = low + (high - low) * (x - a) / (b - a)
            assert between == pytest.approx(expected_share(curve, START, DUE, day(number)), abs=0.01)
    assert curve_line(Curve("none"), START, DUE) == ()
