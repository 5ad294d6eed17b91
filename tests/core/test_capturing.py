"""Baselines are captured once, from before the start or else from the first value, and count like written ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.capturing import (
    Wanted,
    capture_before,
    capture_first,
    doubts,
    settle,
    wanted_baselines,
    wanted_captures,
)
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Baseline, MetricFacts, Reading
from okr_sync.core.kinds import All, Capture, Part, Range, Ratio
from okr_sync.core.model import Change, Measure
from okr_sync.core.observing import Evidence
from okr_sync.core.snapshot import KeyResultState
from tests.core.builders import (
    HALF,
    START,
    at_most,
    book,
    day,
    history,
    key_result,
    metric,
    one,
    reading,
    readings,
)

CAPTURE = Capture()
FORTNIGHT = Capture("mean", timedelta(days=14))
BY_20 = Change("m", CAPTURE, points=20)
SHARE = Ratio("part", "whole", 0.9, CAPTURE)
values = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


def near(value: float) -> Any:
    """A number equal within rounding."""
    return pytest.approx(value)


def facts_of(**series: Mapping[float, float]) -> dict[str, MetricFacts]:
    """Metric → readings: day since the start → value."""
    return {name: readings(*(reading(value, at) for at, value in each.items())) for name, each in series.items()}


def capture(
    measure: Measure, *, first: bool = False, of: str = "level", **series: Mapping[float, float]
) -> Baseline | None:
    """What is captured for the one baseline that the measure wants."""
    (wanted,) = wanted_baselines(key_result(measure))
    metrics = {name: metric(name, type=of) for name in series}
    evidence = Evidence(metrics=metrics, readings=facts_of(**series))
    return (capture_first if first else capture_before)(wanted, evidence, HALF)


def captured(measure: Measure, **series: Mapping[float, float]) -> Baseline:
    """What is captured, which must be something."""
    found = capture(measure, first=False, of="level", **series)
    assert found is not None
    return found


def judged(measure: Measure, facts: Mapping[str, MetricFacts], *baselines: Baseline, **more: Any) -> KeyResultState:
    """The state of one key result with these baselines."""
    held = book(key_result(measure), metrics=[metric(name) for name in facts], **more)
    known = replace(history(HALF, facts), baselines={(each.key_result, each.subject): each for each in baselines})
    return one(evaluate(held, known, HALF))


def baseline(value: float, **more: Any) -> Baseline:
    facts: dict[str, Any] = {
        "key_result": "kr", "subject": "m", "value": value, "how": "last", "time": day(-1), "readings": 1,
        "evidence": "survey.csv, line 2", "question": "m from survey: {} (level, in no unit)", "start": START,
        "at": START,
    }  # fmt: skip
    return Baseline(**{**facts, **more})


def test_the_last_value_by_the_start_is_the_baseline() -> None:
    """Both ends of the time before the start belong to it; what came later, or long before, does not count."""
    found = captured(BY_20, m={-91: 1, -5: 30, 0: 31, 1: 99})
    assert (found.value, found.how, found.time, found.readings) == (31, "last", START, 1)
    assert captured(BY_20, m={-90: 7, 1: 99}).value == 7
    assert capture(BY_20, m={-90.01: 7, 1: 99}) is None


def test_the_mean_of_a_time_before_the_start_is_the_baseline() -> None:
    """Of 20, 30 and 40 within 14 days it is 30; the reading before these days is left out."""
    found = captured(Change("m", FORTNIGHT, points=20), m={-15: 1000, -14: 20, -3: 30, -1: 40})
    assert (found.value, found.how, found.readings) == (near(30), "mean", 3)
    assert found.evidence == "mean of 3 readings from 2025-12-18 00:00 UTC to 2025-12-31 00:00 UTC"


def test_a_mean_of_huge_values_is_finite() -> None:
    assert captured(Change("m", FORTNIGHT, target=1), m={-2: 1.7e308, -1: 1.7e308}).value == near(1.7e308)


def test_without_a_value_before_the_start_the_first_one_since_is_the_baseline_and_says_so() -> None:
    found = capture(BY_20, first=True, m={-100: 5, 3: 33, 4: 34})
    assert found is not None
    assert (found.value, found.how, found.time) == (33, "first", day(3))
    state = judged(BY_20, facts_of(m={3: 33, 4: 43}), found)
    assert (state.baseline, state.target, state.progress) == (33, 53, near(0.5))
    assert "first value seen on 2026-01-04 00:00 UTC, not from before the start" in state.reason


def test_readings_without_a_time_of_their_own_say_nothing_about_the_past() -> None:
    (wanted,) = wanted_baselines(key_result(BY_20))
    evidence = Evidence({"m": metric()}, {"m": MetricFacts((Reading(5.0),))})
    assert capture_before(wanted, evidence, HALF) is None
    assert capture_before(wanted, Evidence({"m": metric()}), HALF) is None


def test_a_value_that_the_metric_cannot_have_is_no_baseline() -> None:
    (wanted,) = wanted_baselines(key_result(BY_20))
    evidence = Evidence({"m": metric(maximum=100)}, facts_of(m={-2: 40, -1: 900}))
    found = capture_before(wanted, evidence, HALF)
    assert found is not None
    assert found.value == 40


def test_a_ratio_of_levels_begins_with_the_share_of_the_last_values() -> None:
    """12 of 40 are 30 %; from there to 90 %, 24 of 40 are half way."""
    found = captured(SHARE, part={-5: 10, -1: 12}, whole={-3: 40})
    assert (found.subject, found.value, found.time, found.readings) == ("part/whole", 30, day(-1), 2)
    state = judged(SHARE, facts_of(part={1: 24}, whole={1: 40}), found)
    assert (state.baseline, state.value, state.progress) == (near(30), 60, near(0.5))


def test_a_ratio_of_flows_begins_with_the_share_of_what_was_added_before() -> None:
    """(1 + 2) of (5 + 10) are 20 %; what was added at the very start belongs to the key result."""
    measure = Ratio("part", "whole", 0.9, FORTNIGHT)
    found = capture(measure, of="flow", part={-15: 9, -2: 1, -1: 2, 0: 8}, whole={-2: 5, -1: 10, 0: 8})
    assert found is not None
    assert (found.value, found.evidence) == (20, "part: sum of 2; whole: sum of 2")
    assert capture(measure, of="flow", part={-2: 1}, whole={1: 5}) is None
    assert capture(measure, of="counter", part={-2: 1}, whole={-3: 5, -2: 6}) is None


@pytest.mark.parametrize("whole", [{}, {-1: 0}, {-1: 1e-300}], ids=["unknown", "nobody", "next to nobody"])
def test_a_share_of_nothing_is_no_baseline(whole: Mapping[float, float]) -> None:
    assert capture(SHARE, part={-1: 1e300}, whole=whole) is None


def test_the_first_share_seen_is_that_of_the_first_instant_with_a_population() -> None:
    found = capture(SHARE, first=True, part={1: 3, 4: 5}, whole={2: 0, 3: 10})
    assert found is not None
    assert (found.value, found.time, found.how) == (30, day(3), "first")
    assert capture(SHARE, first=True, part={1: 3}, whole={}) is None


def test_until_then_a_key_result_awaits_its_baseline_and_shows_its_value() -> None:
    """Unknown with that reason, with the target as far as it is known."""
    for measure, target in ((BY_20, None), (Change("m", CAPTURE, target=51), 51), (SHARE, 90)):
        facts = facts_of(m={1: 44}, part={1: 44}, whole={1: 100})
        state = judged(measure, facts)
        assert (state.status, state.value, state.baseline, state.target, state.progress) == ("unknown", 44, None, target, None)  # fmt: skip # noqa: E501
        assert state.reason.startswith(
            "awaiting baseline: the next sync captures the last value by 2026-01-01 00:00 UTC"
        )
        assert (state.forecast, state.captured) == (None, ())


def test_before_its_start_a_key_result_says_when_it_gets_its_baseline() -> None:
    held = book(key_result(BY_20))
    state = one(evaluate(held, history(day(-5), facts_of(m={-6: 1})), day(-5)))
    assert state.reason == "awaiting baseline: it is captured when the key result starts, 2026-01-01 00:00 UTC"


def test_without_a_value_the_reason_says_what_is_lacking() -> None:
    state = judged(BY_20, {"m": MetricFacts()})
    assert (state.value, state.status) == (None, "unknown")
    assert state.reason.startswith("awaiting baseline: metric m has not been read yet")


@pytest.mark.parametrize(
    ("measure", "value", "why"),
    [
        (Change("m", CAPTURE, relative=-0.25), 0, "a relative change from 0 says nothing"),
        (Change("m", CAPTURE, relative=-0.25), -4, "a relative change from -4 is ambiguous"),
        (Change("m", CAPTURE, target=31), 31, "the target equals the baseline 31"),
    ],
)
def test_a_captured_baseline_from_which_no_target_follows_is_unknown_with_the_reason(
    measure: Measure, value: float, why: str
) -> None:
    state = judged(measure, facts_of(m={1: 5}), baseline(value))
    assert (state.status, state.progress, state.baseline, state.target) == ("unknown", None, value, None)
    assert state.value == 5
    assert why in state.reason


def test_a_share_of_a_captured_negative_baseline_counts_by_its_size_when_that_is_said() -> None:
    """From -4 by 25 % of 4 to -3: -3.5 is half way."""
    measure = Change("m", CAPTURE, relative=0.25, relative_to_abs=True)
    assert judged(measure, facts_of(m={1: -3.5}), baseline(-4)).progress == near(0.5)


def test_a_threshold_awaits_its_baseline_only_where_that_grades_a_miss() -> None:
    """Inside it is 1 without one; 35 is 10 of the 40 between 25 and a baseline of 65 away: 0.75."""
    measure = at_most(25, baseline=CAPTURE)
    assert judged(measure, facts_of(m={1: 25})).progress == 1
    awaiting = judged(measure, facts_of(m={1: 35}))
    assert (awaiting.status, awaiting.value, awaiting.progress, awaiting.target) == ("unknown", 35, None, 25)
    assert awaiting.reason.startswith("awaiting baseline")
    assert judged(measure, facts_of(m={1: 35}), baseline(65)).progress == near(0.75)
    assert judged(replace(measure, tolerance=20.0), facts_of(m={1: 35})).progress == near(0.5)


def test_in_a_composite_each_metric_has_a_baseline_of_its_own() -> None:
    """From 31 by 20: 41 is 0.5. From 8 to 10: 9 is 0.5 too; without its baseline the part is left out and named."""
    parts = (Part("1 change", BY_20), Part("2 change", Change("n", CAPTURE, target=10)))
    facts = facts_of(m={1: 41}, n={1: 9})
    assert [each.key for each in wanted_baselines(key_result(All(parts)))] == [("kr", "m"), ("kr", "n")]
    both = judged(All(parts), facts, baseline(31), baseline(8, subject="n"))
    assert both.progress == near(0.5)
    assert [str(each) for each in both.captured] == ["m 31 (last)", "n 8 (last)"]
    assert "without 2 change: awaiting baseline" in judged(All(parts), facts, baseline(31)).reason


def test_a_captured_change_is_forecast_like_a_written_one() -> None:
    """31, 33, 36, 38 and 40 go on to the due date either way."""
    facts = facts_of(m={10: 31, 20: 33, 30: 36, 40: 38, 49: 40})
    forecast = judged(BY_20, facts, baseline(31)).forecast
    assert forecast is not None
    assert forecast.progress is not None
    assert forecast == judged(Change("m", 31, points=20), facts).forecast


def test_a_key_result_without_a_capture_wants_none_and_is_left_as_it_is() -> None:
    for measure in (Change("m", 1, target=2), at_most(3), Range("m", 1, 2)):
        assert wanted_baselines(key_result(measure)) == ()
        assert wanted_captures(measure) == ()
        assert settle(measure, "kr", {("kr", "m"): baseline(9)}) is measure
    assert wanted_captures(BY_20) == (("m", CAPTURE),)


def test_a_frozen_baseline_stays_when_the_question_or_the_start_changes_and_both_are_said() -> None:
    """It counts as it is; the reason says that it was captured otherwise."""
    state = judged(BY_20, facts_of(m={1: 41}), baseline(31, question="m from survey: old"))
    assert (state.baseline, state.progress) == (31, near(0.5))
    assert "captured with another query on 2026-01-01 00:00 UTC; `okr-sync baseline kr --recapture`" in state.reason
    moved = judged(BY_20, facts_of(m={1: 41}), baseline(31, start=day(-9)))
    assert "captured for another start, 2025-12-23 00:00 UTC" in moved.reason
    (wanted,) = wanted_baselines(key_result(BY_20))
    assert doubts(baseline(31), wanted, {"m": metric()}) == ()
    assert len(doubts(baseline(31, how="first"), wanted, {})) == 2


def test_the_window_is_named_by_the_key_result_and_its_capture() -> None:
    wanted = Wanted(key_result(BY_20), ("m",), FORTNIGHT)
    assert wanted.window == (day(-14), START)


def captured_progress(change_of: Change, before: float, now: float) -> float | None:
    """The progress of a captured change: `before` is the last value by the start, `now` the newest."""
    facts = facts_of(m={-1: before, 1: now})
    return judged(change_of, facts, captured(change_of, m={-1: before, 1: now})).progress


@given(before=values, points=values.filter(bool), now=values)
def test_mirrored_values_give_the_same_progress_with_a_captured_baseline(
    before: float, points: float, now: float
) -> None:
    """(b, t, v) → (−b, −t, −v)."""
    plain = captured_progress(Change("m", CAPTURE, points=points), before, now)
    assert captured_progress(Change("m", CAPTURE, points=-points), -before, -now) == plain


@given(before=values, target=values, now=values, scale=st.sampled_from([0.001, 0.5, 2, 1000]), shift=values)
def test_another_unit_gives_the_same_progress_as_ever(
    before: float, target: float, now: float, scale: float, shift: float
) -> None:
    """(b, t, v) → a·x + c."""
    if abs(target - before) < 0.01 or abs(target - before) < 1e-6 * abs(shift):
        return

    def other(value: float) -> float:
        return scale * value + shift

    plain = captured_progress(Change("m", CAPTURE, target=target), before, now)
    scaled = captured_progress(Change("m", CAPTURE, target=other(target)), other(before), other(now))
    assert scaled == pytest.approx(plain, rel=1e-3, abs=1e-3)


@given(series=st.dictionaries(st.integers(-95, 40), values), how=st.sampled_from([CAPTURE, FORTNIGHT]))
def test_a_captured_change_is_the_written_one(series: dict[float, float], how: Capture) -> None:
    """What is captured from before the start counts exactly like the same number in a file."""
    found = capture(Change("m", how, points=5), m=series)
    if found is None:
        assert not [at for at in series if at <= 0 and at >= -how.over.days]
        return
    facts = facts_of(m={**series, 41: 3.0})
    written = judged(Change("m", found.value, points=5), facts)
    state = judged(Change("m", how, points=5), facts, found)
    assert (state.progress, state.status, state.target) == (written.progress, written.status, written.target)
