"""Change and threshold: every number reproducible by hand."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from okr_sync.core.changing import resolve_target
from okr_sync.core.model import Change, Threshold
from okr_sync.core.observing import Unknown
from tests.core.builders import (
    DUE,
    HALF,
    at_least,
    at_most,
    change,
    day,
    judge,
    metric,
    reading,
    readings,
)

sane = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-3)


@pytest.mark.parametrize(
    ("measure", "value", "progress"),
    [
        (Change("m", 31, target=51), 44, 0.65),
        (Change("m", 2400, target=2040), 2200, 0.5555555),
        (Change("m", 31, points=20), 44, 0.65),
        (Change("m", 31, points=20), 28, -0.15),
        (Change("m", -12, points=20), -2, 0.50),
        (Change("m", 16, relative=-0.25), 14, 0.50),
        (Change("m", 16, relative=-0.25), 17, -0.25),
        (Change("m", 2400, relative=-0.15), 2200, 0.5555555),
        (Change("m", 2400, relative=-0.15), 1990, 1.1388888),
        (Change("m", -10, relative=0.5, relative_to_abs=True), -7.5, 0.50),
    ],
)
def test_a_change_is_the_share_of_the_way_from_baseline_to_target(
    measure: Change, value: float, progress: float
) -> None:
    state = judge(measure, readings(value))
    assert state.progress == pytest.approx(progress, abs=1e-6)
    assert (state.value, state.baseline) == (value, measure.baseline)


@pytest.mark.parametrize(
    ("measure", "target"),
    [
        (Change("m", -12, points=20), 8),
        (Change("m", 2400, relative=-0.15), 2040),
        (Change("m", 16, relative=-0.25), 12),
        (Change("m", -10, relative=-0.5, relative_to_abs=True), -15),
        (Change("m", 10, relative=0.5, relative_to_abs=True), 15),
    ],
)
def test_the_target_follows_from_points_and_shares(measure: Change, target: float) -> None:
    assert resolve_target(measure) == pytest.approx(target)


@pytest.mark.parametrize(
    ("measure", "word"),
    [
        (Change("m", 0, relative=0.25), "from 0"),
        (Change("m", -3, relative=0.25), "ambiguous"),
        (Change("m", 5, target=5), "equals the baseline"),
        (Change("m", 0.3, target=0.1 + 0.2), "equals the baseline"),
        (Change("m", 5), "no target"),
        (Change("m", math.inf, target=5), "finite"),
        (Change("m", 5, points=math.nan), "finite"),
        (Change("m", 1e308, relative=5), "finite"),
        (Change("m", -1e308, target=1e308), "too far apart"),
        (Change("m", 1e-308, target=2e-308), "too large"),
    ],
)
def test_a_target_that_says_nothing_is_unknown_with_its_reason(measure: Change, word: str) -> None:
    state = judge(measure, readings(1e300))
    assert (state.status, state.progress, state.score) == ("unknown", None, None)
    assert word in state.reason


def test_an_unread_change_still_shows_its_baseline_and_target() -> None:
    state = judge(Change("m", 31, points=20), metrics=(metric(unit="points"),))
    assert (state.value, state.baseline, state.target, state.unit) == (None, 31, 51, "points")
    assert state.reason == "metric m has not been read yet: run okr-sync sync, or check in its value if people type it"


def test_the_formula_holds_the_numbers() -> None:
    assert change(44, 31, 51).formula == "(44 - 31) / (51 - 31) = 0.65"
    assert judge(Change("m", 31, points=20), readings(44)).formula.startswith("target 31 by 20 = 51; ")
    assert judge(Change("m", 16, relative=-0.25), readings(14)).formula.startswith("target 16 by -25 % = 12; ")


@given(sane, sane)
def test_progress_is_0_at_the_start_and_1_at_the_target(baseline: float, target: float) -> None:
    assume(not isinstance(resolve_target(Change("m", baseline, target=target)), Unknown))
    assert change(baseline, baseline, target).progress == 0
    assert change(target, baseline, target).progress == 1


@given(sane, sane, st.floats(0, 1), st.floats(0, 1))
def test_a_step_towards_the_target_never_lowers_progress(
    baseline: float, target: float, here: float, further: float
) -> None:
    assume(not isinstance(resolve_target(Change("m", baseline, target=target)), Unknown))
    near, far = sorted((here, further))
    first = change(baseline + near * (target - baseline), baseline, target).progress
    second = change(baseline + far * (target - baseline), baseline, target).progress
    assert first is not None
    assert second is not None
    assert second >= first or math.isclose(first, second)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-50, 50), sane)
def test_units_do_not_matter(value: int, baseline: int, target: int, scale: int, shift: float) -> None:
    assume(baseline != target and scale != 0)
    plain = change(value, baseline, target).progress
    scaled = change(scale * value + shift, scale * baseline + shift, scale * target + shift).progress
    assert scaled == pytest.approx(plain, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("measure", "value", "progress", "status"),
    [
        (at_most(25), 25, 1, "on_track"),
        (at_most(0.3), 0.1 + 0.2, 1, "on_track"),
        (at_least(99.9), 99.95, 1, "on_track"),
        (at_most(25, tolerance=5), 27, 0.60, "at_risk"),
        (at_most(25, tolerance=5), 30, 0, "off_track"),
        (at_most(25, tolerance=5), 31, 0, "off_track"),
        (at_most(25), 25.1, 0, "off_track"),
        (at_most(25, baseline=35), 27, 0.80, "at_risk"),
        (at_most(25, baseline=20), 27, 0, "off_track"),
        (at_most(25, baseline=math.nan), 27, 0, "off_track"),
        (at_most(25, tolerance=0), 27, 0, "off_track"),
        (at_least(60, baseline=40), 50, 0.50, "at_risk"),
        (at_most(0, strict=True), 0, 0, "off_track"),
        (at_most(0, strict=True), -1, 1, "on_track"),
        (at_least(5, strict=True, baseline=5), 5, 0, "off_track"),
        (at_least(5, strict=True), 5.1, 1, "on_track"),
        (at_most(0), 0, 1, "on_track"),
        (at_most(0), 1, 0, "off_track"),
    ],
)
def test_a_threshold_is_1_inside_and_graded_outside(
    measure: Threshold, value: float, progress: float, status: str
) -> None:
    state = judge(measure, readings(value))
    assert state.progress == pytest.approx(progress)
    assert (state.status, state.expected, state.target) == (status, None, measure.bound)


def test_no_data_is_not_zero_incidents() -> None:
    state = judge(at_most(0))
    assert (state.status, state.value, state.progress) == ("unknown", None, None)


def test_a_threshold_on_no_number_is_unknown() -> None:
    state = judge(at_most(math.nan), readings(3))
    assert (state.status, state.target) == ("unknown", None)
    assert "finite" in state.reason


def test_a_threshold_that_holds_is_met_only_at_the_due_date() -> None:
    before, after = judge(at_most(0), readings(0)), judge(at_most(0), readings(0), now=DUE)
    assert (before.status, after.status) == ("on_track", "met")
    assert before.reason == "0 <= 0: inside = 1; holding (50 of 100 days)"
    assert judge(at_most(0, tolerance=5), readings(1), now=DUE).status == "missed"


def test_the_worst_reading_since_the_start_sticks() -> None:
    sticky = at_most(0, evaluate="worst")
    assert judge(sticky, readings(0, 1, 0)).value == 1
    assert judge(sticky, readings(0, 1, 0)).status == "off_track"
    assert judge(sticky, readings(reading(9, -8), reading(0, -1), reading(0, 1))).status == "on_track"
    assert judge(at_least(5, evaluate="worst"), readings(7, 4, 9)).value == 4


def test_a_level_of_before_the_start_is_in_force_at_the_start_but_a_flow_is_not() -> None:
    facts = readings(reading(3, -1))
    assert judge(at_most(0, evaluate="worst"), facts).status == "off_track"
    flow = judge(at_most(0, evaluate="worst"), facts, metrics=(metric(type="flow"),))
    at_start = judge(at_most(0, evaluate="worst"), readings(reading(0, 0)), metrics=(metric(type="flow"),))
    assert at_start.status == "on_track"
    assert (flow.status, flow.reason) == ("unknown", "metric m has no reading since the start")


def test_time_in_bounds_weighs_each_reading_by_how_long_it_held() -> None:
    timed = at_most(25, evaluate="time_in_bounds")
    state = judge(timed, readings(reading(20, -5), reading(30, 20), reading(20, 30)))
    assert state.progress == pytest.approx(0.80)  # outside for 10 of 50 days
    assert (state.status, state.value) == ("at_risk", 20)
    assert state.formula == "inside 40 d of 50 d = 0.80"
    assert judge(timed, readings(reading(20, 0))).status == "on_track"
    assert judge(timed, readings(reading(30, 0))).status == "off_track"
    assert judge(timed, readings(reading(20, 50))).progress == 1  # no time has passed since


def test_a_reading_after_now_or_after_the_due_date_is_ignored() -> None:
    facts = readings(reading(40, 10), reading(50, 60), reading(90, 100))
    measure = Change("m", 0, target=100)
    assert judge(measure, facts, now=HALF).value == 40
    assert judge(measure, facts, now=DUE + timedelta(days=9)).value == 50
    only_later = judge(measure, readings(reading(50, 60)))
    assert only_later.reason == "metric m has no reading at or before this instant"


def test_of_two_readings_of_one_time_the_later_in_the_list_counts() -> None:
    facts = readings(reading(40, 10), reading(50, 10), reading(30, 5))
    assert judge(Change("m", 0, target=100), facts).value == 50


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 101, -0.5])
def test_an_invalid_reading_is_ignored_and_the_last_good_one_stays(bad: float) -> None:
    bounded = (metric(minimum=0, maximum=100, unit="%"),)
    state = judge(Change("m", 0, target=100), readings(40, bad), metrics=bounded)
    assert (state.value, state.inputs[0].time) == (40, day(1))
    assert "the newest reading is ignored" in state.reason
    alone = judge(Change("m", 0, target=100), readings(bad), metrics=bounded)
    assert (alone.status, alone.value) == ("unknown", None)
    assert "no valid reading" in alone.reason


def test_values_on_the_bounds_of_a_metric_are_valid() -> None:
    bounded = (metric(minimum=0.3, maximum=0.3),)
    assert judge(Change("m", 0, target=1), readings(0.1 + 0.2), metrics=bounded).value == 0.1 + 0.2


def test_an_undefined_metric_is_unknown() -> None:
    state = judge(Change("x", 0, target=1), metrics=())
    assert (state.status, state.inputs) == ("unknown", ())
    assert "metric x is not defined" in state.reason


def test_a_bound_is_judged_at_any_distance() -> None:
    assert judge(at_most(-1e308, tolerance=1e-300), readings(1e308)).progress == 0
