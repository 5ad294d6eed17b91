"""Totals, ratios and samples: every number worked out by hand."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from okr_sync.core.facts import MetricFacts, Miss
from okr_sync.core.kinds import Counted, Ratio, Samples, Total
from okr_sync.core.snapshot import KeyResultState
from tests.core.builders import (
    DUE,
    HALF,
    at_most,
    day,
    initiative,
    item,
    judge,
    metric,
    reading,
    readings,
    scope,
)

FLOW = metric(type="flow", unit="users")
COUNTER = metric(type="counter")


def total(target: float, facts: MetricFacts, baseline: float = 0.0) -> KeyResultState:
    """A total of the flow "m"."""
    return judge(Total((Counted(metric="m"),), target, baseline), facts, metrics=(FLOW,))


def test_20_users_from_4_and_5_and_7_are_16_of_20() -> None:
    state = total(20, readings(4, 5, 7))
    assert (state.value, state.target, state.baseline, state.unit) == (16, 20, 0, "users")
    assert state.progress == 0.8
    assert state.formula == "m: sum of 3 = 16; (16 - 0) / (20 - 0) = 0.8"
    assert state.kind == "total"


def test_a_total_counts_from_its_start_to_now_and_not_after_the_due_date() -> None:
    facts = readings(reading(100, -1), reading(3, 0), reading(4, 50), reading(5, 51), reading(6, 100))
    counted = Total((Counted(metric="m"),), 20)
    assert judge(counted, facts, metrics=(FLOW,)).value == 7  # day 0 and day 50 are inside
    assert judge(counted, facts, metrics=(FLOW,), now=day(200)).value == 12  # day 100 is the first after the due date


def test_a_total_from_a_baseline_is_the_share_of_the_way() -> None:
    assert total(20, readings(13), baseline=10).progress == pytest.approx(0.3)  # (13 - 10) / (20 - 10)


def test_a_total_is_overshot_above_its_target_and_paced_before() -> None:
    assert total(10, readings(14)).progress == 1.4
    assert total(10, readings(14)).score == 1
    assert (total(10, readings(14)).status, total(10, readings(5)).status) == ("met", "on_track")
    assert total(10, readings(5)).expected == 0.5


def test_a_counter_is_differenced_and_a_drop_is_a_reset() -> None:
    """Base 90 before the start; +10 to 100; reset, 4 since; +6 to 10: 20 in all."""
    facts = readings(reading(90, -1), reading(100, 5), reading(4, 9), reading(10, 20))
    assert judge(Total((Counted(metric="m"),), 40), facts, metrics=(COUNTER,)).value == 20
    without_base = readings(reading(100, 5), reading(104, 9))
    assert judge(Total((Counted(metric="m"),), 40), without_base, metrics=(COUNTER,)).value == 4


def test_a_level_is_never_summed() -> None:
    state = judge(Total((Counted(metric="m"),), 40), readings(1, 2))
    assert (state.status, state.value) == ("unknown", None)
    assert "levels are never summed" in state.reason


def test_no_reading_since_the_start_is_unknown_and_not_zero() -> None:
    state = total(20, readings(reading(5, -3)))
    assert (state.value, state.progress, state.reason) == (None, None, "metric m has no reading since the start")
    assert total(20, MetricFacts()).status == "unknown"


def test_what_counts_nothing_or_something_undefined_is_unknown() -> None:
    assert "neither a metric nor an initiative" in judge(Total((Counted(),), 4)).reason
    assert "initiative x is not defined" in judge(Total((Counted(initiative="x"),), 4)).reason
    assert (
        "scope i/1 has not been read yet"
        in judge(Total((Counted(initiative="i"),), 4), initiatives=(initiative(),)).reason
    )
    assert "nothing is counted" in judge(Total((), 4)).reason


def test_finished_items_are_counted_by_the_instant_of_their_end() -> None:
    """Of five: one ended before the start, one is dropped, one is open, one has no end: one counts."""
    held = [
        item("early", "done", done_at=day(-1)),
        item("inside", "done", done_at=day(7)),
        item("out", "dropped", done_at=day(8)),
        item("todo", "open"),
        item("when", "done"),
    ]
    state = judge(Total((Counted(initiative="i"),), 2), scopes=(scope("i/1", held),), initiatives=(initiative(),))
    assert (state.value, state.progress, state.unit) == (1, 0.5, "items")
    assert [each.subject for each in state.inputs] == ["i"]


def test_10_million_from_several_tools_is_a_sum_in_one_currency() -> None:
    """Shop 4 M$, of which 25 % are this product: 1 M; store 2 M€ at 1.1: 2.2 M; in all 3.2 of 10 M$."""
    shop, store = metric("shop", type="flow", unit="USD"), metric("store", type="flow", unit="EUR")
    measure = Total(
        (Counted(metric="shop", share=0.25), Counted(metric="store", rates=((None, 1.1),))), 10e6, unit="USD"
    )
    state = judge(measure, {"shop": readings(1e6, 3e6), "store": readings(2e6)}, metrics=(shop, store))
    assert state.value == pytest.approx(3.2e6)
    assert state.progress == pytest.approx(0.32)
    assert state.unit == "USD"
    assert state.formula.startswith(
        "shop, 25 % of it: sum of 2 = 1,000,000 + store at 1.1: sum of 1 = 2,200,000 = 3,200,000; "
    )


def test_a_dated_rate_holds_from_its_day_until_the_next() -> None:
    """100 on day 1 at 1.1 and 100 on day 20 at 1.2: 230."""
    rates = ((date(2026, 1, 1), 1.1), (date(2026, 1, 21), 1.2))
    measure = Total((Counted(metric="m", rates=rates),), 460, unit="USD")
    state = judge(measure, readings(reading(100, 1), reading(100, 20)), metrics=(FLOW,))
    assert state.value == pytest.approx(230)
    assert state.progress == pytest.approx(0.5)
    assert "m at dated rates" in state.formula


def test_an_amount_of_before_the_first_rate_makes_the_total_unknown() -> None:
    measure = Total((Counted(metric="m", rates=((date(2026, 1, 5), 1.1),)),), 460, unit="USD")
    state = judge(measure, readings(reading(100, 1)), metrics=(FLOW,))
    assert (state.value, state.reason) == (
        None,
        "no rate for users holds on 2026-01-02: add one from that day",
    )


@pytest.mark.parametrize("target", [0.0, math.nan, math.inf])
def test_a_total_needs_a_finite_target_that_is_not_its_baseline(target: float) -> None:
    assert total(target, readings(4)).status == "unknown"


def test_a_total_that_is_too_large_to_compute_with_is_unknown() -> None:
    assert "too large" in total(1e-300, readings(1e300)).reason


def ratio(part: float, whole: float, target: float = 0.9, baseline: float = 0.0) -> KeyResultState:
    """A ratio of two levels."""
    metrics = (metric("part"), metric("whole"))
    return judge(
        Ratio("part", "whole", target, baseline), {"part": readings(part), "whole": readings(whole)}, metrics=metrics
    )


def test_174_of_300_enrolled_is_58_of_90_percent() -> None:
    state = ratio(174, 300)
    assert state.value == pytest.approx(58)
    assert (state.target, state.unit) == (90, "%")
    assert state.progress == pytest.approx(58 / 90)
    assert state.formula == "174 / 300 = 58 %; (58 - 0) / (90 - 0) = 0.644"
    assert [each.subject for each in state.inputs] == ["part", "whole"]


def test_an_overshot_ratio_shows_its_overshoot() -> None:
    assert ratio(25, 100, target=0.2).progress == pytest.approx(1.25)  # 25 % of revenue where 20 % was the target


def test_a_ratio_from_a_baseline_is_the_share_of_the_way() -> None:
    assert ratio(30, 100, target=0.5, baseline=0.1).progress == pytest.approx(0.5)  # (30 - 10) / (50 - 10)


def test_a_denominator_of_0_is_no_population_yet() -> None:
    state = ratio(0, 0)
    assert (state.status, state.value) == ("unknown", None)
    assert state.reason == "no population yet: part is 0, whole is 0"
    assert "no share can be computed" in ratio(1, -5).reason


def test_a_ratio_is_of_sums_and_not_a_mean_of_ratios() -> None:
    """1 of 10 and 90 of 90: 91 %, while the mean of 10 % and 100 % would be 55 %."""
    metrics = (metric("part", type="flow"), metric("whole", type="flow"))
    state = judge(Ratio("part", "whole", 1.0), {"part": readings(1, 90), "whole": readings(10, 90)}, metrics=metrics)
    assert state.value == pytest.approx(91)


def test_a_growing_denominator_lowers_the_ratio() -> None:
    metrics = (metric("part", type="flow"), metric("whole"))
    facts = {"part": readings(20, 20), "whole": readings(40, 80)}
    assert judge(Ratio("part", "whole", 1.0), facts, metrics=metrics).value == pytest.approx(50)  # 40 of now 80


def test_an_unknown_side_makes_the_ratio_unknown_with_its_reason() -> None:
    state = judge(Ratio("part", "whole", 1.0), {"part": readings(1)}, metrics=(metric("part"), metric("whole")))
    assert "metric whole has not been read yet" in state.reason
    assert judge(Ratio("part", "whole", 0.0)).status == "unknown"


def test_a_failed_question_makes_a_total_and_a_ratio_stale_with_their_last_numbers() -> None:
    missed = readings(4, miss=Miss("unreachable", "down"))
    state = total(20, missed)
    assert (state.status, state.value) == ("stale", 4)
    assert "survey: down" in state.reason


def test_an_ignored_reading_is_told() -> None:
    bounded = (metric(type="flow", minimum=0),)
    state = judge(Total((Counted(metric="m"),), 20), readings(4, -1), metrics=bounded)
    assert state.value == 4
    assert "the newest reading is ignored" in state.reason
    assert "ignored" in judge(Samples("m", 4), readings(4, -1), metrics=bounded).reason


def test_6_of_8_samples_are_three_quarters_of_a_baseline() -> None:
    """One of before the start, one twice at one time: neither is a further sample."""
    facts = readings(reading(1, -2), *(reading(5, at) for at in (1, 2, 3, 4, 5, 6, 6)))
    state = judge(Samples("m", 8), facts)
    assert (state.value, state.target, state.progress, state.kind) == (6, 8, 0.75, "baseline")
    assert state.formula == "6 of 8 samples = 0.75"


def test_samples_that_were_never_taken_or_needed_are_unknown() -> None:
    assert judge(Samples("m", 8)).status == "unknown"
    assert judge(Samples("m", 0), readings(1)).status == "unknown"
    assert judge(Samples("m", 8), readings(reading(1, -2))).progress == 0


def test_a_zero_count_over_the_cycle_is_sticky() -> None:
    """One incident on day 2 stays one, whatever comes after; unbroken it holds, and is met only at the due date."""
    never = at_most(0, evaluate="total")
    flow = (metric(type="flow"),)
    broken = judge(never, readings(0, 1, 0, 0), metrics=flow)
    assert (broken.value, broken.progress, broken.status) == (1, 0, "off_track")
    holding = judge(never, readings(0, 0), metrics=flow, now=day(43))
    assert (holding.status, holding.reason) == ("on_track", "0 <= 0: inside = 1; holding (43 of 100 days)")
    assert judge(never, readings(0, 0), metrics=flow, now=DUE).status == "met"
    assert judge(never, metrics=flow).status == "unknown"  # no data is not zero incidents


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8), st.floats(0, 1e6))
def test_an_amount_more_never_lowers_a_total_nor_betters_a_bound_on_it(amounts: list[float], more: float) -> None:
    less, greater = (total(1e6, readings(*each)).progress for each in (amounts, [*amounts, more]))
    assert less is not None
    assert greater is not None
    assert greater >= less
    held = [
        judge(at_most(100, evaluate="total", tolerance=50), readings(*each), metrics=(FLOW,)).progress or 0.0
        for each in (amounts, [*amounts, more])
    ]
    assert held[1] <= held[0]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6), st.integers(1, 1000), st.integers(1, 50))
def test_the_unit_of_a_total_does_not_matter(amounts: list[int], target: int, scale: int) -> None:
    plain = total(target, readings(*amounts)).progress
    assert total(scale * target, readings(*(scale * each for each in amounts))).progress == pytest.approx(plain)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8))
def test_a_counter_that_only_grows_counts_the_same_as_the_flow_of_its_increases(steps: list[int]) -> None:
    counted = [sum(steps[:n]) for n in range(1, len(steps) + 1)]
    by_counter = judge(Total((Counted(metric="m"),), 10), readings(*counted), metrics=(COUNTER,)).value
    assert by_counter == sum(steps[1:])


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.floats(0.01, 1), st.integers(1, 50))
def test_a_ratio_is_1_at_its_target_and_has_no_unit(part: float, whole: float, target: float, scale: int) -> None:
    assume(whole * target > 1e-6)
    assert ratio(whole * target, whole, target).progress == pytest.approx(1)
    assert ratio(scale * part, scale * whole, target).progress == pytest.approx(ratio(part, whole, target).progress)


def test_a_total_is_as_of_its_newest_amount() -> None:
    assert total(20, readings(reading(4, 3), reading(5, 9))).inputs[0].time == day(9)
    assert total(20, readings(reading(4, 3))).as_of == min(day(3), HALF)
