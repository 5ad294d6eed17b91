"""Forecasts of every kind: sums and shares go on like metrics, bounds hold or break, or a reason says why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.facts import MetricFacts
from okr_sync.core.kinds import All, Capture, Counted, Gate, OnTime, Part, Range, Rate, Ratio, Samples, Total, Weighted
from okr_sync.core.kinds import Zone as ZoneMeasure
from okr_sync.core.model import Change, Delivery, Done, Measure, Steps, Threshold
from okr_sync.core.snapshot import Forecast
from tests.core.builders import (
    HALF,
    at_least,
    at_most,
    container,
    day,
    initiative,
    item,
    judge,
    metric,
    number,
    reading,
    readings,
    scope,
    steps,
    work,
)

FLOW, COUNTER, LEVEL = metric("m", type="flow"), metric("m", type="counter"), metric("m")
TENTHS = (10.0, 20.0, 30.0, 40.0)
"""Days of four readings in the first half of 100 days."""


def facts(*values: float, at: Sequence[float] = TENTHS) -> MetricFacts:
    return readings(*(reading(value, when, author="ana") for value, when in zip(values, at, strict=True)))


def foreseen(measure: Measure, known: Any, **more: Any) -> Forecast:
    forecast = judge(measure, known, **more).forecast
    assert forecast is not None
    return forecast


def spread(forecast: Forecast) -> tuple[float | None, float | None, float | None, float | None]:
    """Low, value, high and progress."""
    return forecast.low, forecast.value, forecast.high, forecast.progress


def test_a_total_goes_on_by_the_sum_of_its_amounts() -> None:
    """2 every 10 days: 8 by day 40, so 8 + 0.2 · 60 = 20 by day 100, which is all of 20."""
    forecast = foreseen(Total((Counted("m"),), 20), facts(2, 2, 2, 2), metrics=(FLOW,))
    assert forecast.slope == pytest.approx(0.2)
    assert spread(forecast) == pytest.approx((20, 20, 20, 1))
    assert (forecast.readings, forecast.days, forecast.reason) == (4, 30, "")


def test_a_total_of_a_counter_goes_on_by_its_increases_and_its_share_counts() -> None:
    """From 100 on 4 every 10 days, half of it counted: 6 by day 40, and 0.2 · 60 more by day 100: 18 of 36."""
    counter = facts(100, 104, 108, 112, at=TENTHS)
    early = readings(reading(96, 0), *counter.readings)
    forecast = foreseen(Total((Counted("m", share=0.5),), 40), early, metrics=(COUNTER,))
    assert spread(forecast)[1::2] == pytest.approx((20, 0.5))


def test_a_total_of_several_goes_on_by_the_sum_of_all() -> None:
    known = {"m": facts(1, 1, 1, 1), "n": facts(2, 2, 2, 2, at=(12, 22, 32, 42))}
    measure = Total((Counted("m"), Counted("n")), 30)
    forecast = foreseen(measure, known, metrics=(FLOW, metric("n", type="flow")))
    assert forecast.readings == 8
    assert forecast.value == pytest.approx(12 + 0.3 * 58, rel=0.05)


def test_a_total_of_finished_items_goes_on_by_their_number() -> None:
    done = [item(f"d{at}", "done", done_at=day(at), created=day(0)) for at in TENTHS]
    held = scope("i/1", {container().id: done})
    forecast = foreseen(
        Total((Counted(initiative="i"),), 20), {}, initiatives=(initiative(),), scopes=(held,), metrics=()
    )
    assert spread(forecast) == pytest.approx((10, 10, 10, 0.5))


@given(st.lists(st.integers(0, 9), min_size=4, max_size=9))
def test_a_sum_of_amounts_never_falls(values: list[int]) -> None:
    """No amount is below 0, so that the sum at the due date is at least the sum by now."""
    times = [12.0 + 4 * at for at in range(len(values))]
    forecast = foreseen(Total((Counted("m"),), 20), facts(*values, at=times), metrics=(FLOW,))
    assert forecast.low is None or forecast.low >= sum(values) - 1e-9


def test_where_amounts_are_taken_back_the_sum_may_fall() -> None:
    forecast = foreseen(Total((Counted("m"),), 20), facts(8, -2, -2, -2), metrics=(FLOW,))
    assert forecast.value == pytest.approx(2 - 0.2 * 60)


def test_samples_go_on_by_their_number() -> None:
    forecast = foreseen(Samples("m", 20), facts(7, 3, 9, 1))
    assert spread(forecast) == pytest.approx((10, 10, 10, 0.5))


def test_a_ratio_of_levels_goes_on_in_per_cent() -> None:
    """10 %, 20 %, 30 %, 40 % of 50 people: 100 % by day 100, and no more than all of them."""
    known = {"part": facts(5, 10, 15, 20), "whole": readings(reading(50, 1))}
    both = (metric("part"), metric("whole"))
    assert spread(foreseen(Ratio("part", "whole", 0.8), known, metrics=both)) == pytest.approx((100, 100, 100, 1.25))
    falling = {"part": facts(45, 30, 15, 5), "whole": readings(reading(50, 1))}
    assert foreseen(Ratio("part", "whole", 0.8), falling, metrics=both).value == 0


def test_a_ratio_of_flows_is_of_the_sums() -> None:
    """Half of each: 50 % all the time, whatever comes."""
    known = {"part": facts(1, 2, 3, 4), "whole": facts(2, 4, 6, 8)}
    both = (metric("part", type="flow"), metric("whole", type="flow"))
    assert spread(foreseen(Ratio("part", "whole", 1.0), known, metrics=both)) == pytest.approx((50, 50, 50, 0.5))


def test_a_share_that_is_above_all_or_below_nothing_may_go_further() -> None:
    both = (metric("part"), metric("whole"))
    people = readings(reading(10, 1))
    over = foreseen(Ratio("part", "whole", 1.0), {"part": facts(10, 11, 12, 13), "whole": people}, metrics=both)
    assert over.value == pytest.approx(190)
    under = foreseen(Ratio("part", "whole", 1.0), {"part": facts(1, 0, -1, -2), "whole": people}, metrics=both)
    assert under.value == pytest.approx(-80)


def test_a_ratio_without_a_common_time_says_so() -> None:
    counter = metric("part", type="counter")
    known = {"part": readings(reading(5, 3)), "whole": readings(reading(2, 3))}
    forecast = foreseen(Ratio("part", "whole", 0.9), known, metrics=(counter, metric("whole")))
    assert forecast == Forecast(reason="both sides of the ratio were never known at one time")


@pytest.mark.parametrize(
    ("measure", "values", "end", "progress"),
    [
        (at_most(100, tolerance=50), (10, 20, 30, 40), 100, 1.0),
        (at_most(80, tolerance=50), (10, 20, 30, 40), 100, 0.6),
        (at_most(80), (10, 20, 30, 40), 100, 0.0),
        (at_most(80, baseline=120), (10, 20, 30, 40), 100, 0.5),
        (at_least(20, tolerance=20), (90, 80, 70, 60), 0, 0.0),
        (Range("m", 0, 90, tolerance=20), (10, 20, 30, 40), 100, 0.5),
        (Range("m", 0, 100), (10, 20, 30, 40), 100, 1.0),
        (Range("m", 5, 50, tolerance=10), (90, 80, 70, 60), 0, 0.5),
    ],
)
def test_a_bound_is_held_against_the_value_at_the_due_date(
    measure: Measure, values: tuple[float, ...], end: float, progress: float
) -> None:
    forecast = foreseen(measure, facts(*values))
    assert forecast.value == pytest.approx(end)
    assert forecast.progress == pytest.approx(progress)


def test_a_bound_on_a_sum_goes_on_by_the_sum() -> None:
    """Two incidents every 10 days are 20 by the end: 5 above the bound of 15, half of the tolerance."""
    forecast = foreseen(at_most(15, evaluate="total", tolerance=10), facts(2, 2, 2, 2), metrics=(FLOW,))
    assert spread(forecast)[1::2] == pytest.approx((20, 0.5))


@pytest.mark.parametrize(
    ("measure", "values", "end"),
    [
        (at_most(50, evaluate="worst"), (40, 30, 20, 10), 40),
        (at_most(50, evaluate="worst"), (10, 20, 30, 40), 100),
        (at_least(5, evaluate="worst"), (10, 20, 30, 40), 10),
        (at_least(5, evaluate="worst"), (90, 80, 70, 60), 0),
    ],
)
def test_the_worst_value_only_gets_worse(measure: Threshold, values: tuple[float, ...], end: float) -> None:
    assert foreseen(measure, facts(*values)).value == pytest.approx(end)


def test_a_bound_never_leaves_what_its_metric_can_be() -> None:
    bounded = (metric("m", minimum=0, maximum=60),)
    assert foreseen(at_most(50, tolerance=20), facts(10, 20, 30, 40), metrics=bounded).value == 60


WEEKLY = tuple(float(at) for at in range(5, 47, 7))
"""A day in each of the six ISO weeks from 5 January 2026 on."""


@pytest.mark.parametrize("mode", ["capped_total", "total", "average"])
def test_a_rate_goes_on_as_its_complete_periods_attained(mode: Any) -> None:
    """Half of the quota in every week: half of it at the end, and so does the range."""
    known = readings(reading(2, 2), *(reading(5, at) for at in WEEKLY))
    forecast = foreseen(Rate(Counted("m"), 10, "week", mode), known, metrics=(FLOW,), start=day(4), due=day(95))
    assert (forecast.progress, forecast.progress_low, forecast.progress_high) == pytest.approx((0.5, 0.5, 0.5))
    assert (forecast.slope, forecast.readings, forecast.basis) == (None, 6, "as in 6 complete weeks")


def test_the_range_of_a_rate_is_that_of_its_periods() -> None:
    """0, 10, 0, 10, 0, 10 of 10 a week: half so far; the 7 weeks that are left bring nothing or all."""
    known = facts(0, 10, 0, 10, 0, 10, at=WEEKLY)
    shown = {"metrics": (FLOW,), "start": day(4), "due": day(95)}
    for mode in ("capped_total", "hit_rate"):
        forecast = foreseen(Rate(Counted("m"), 10, "week", mode), known, **shown)
        assert forecast.progress == pytest.approx(0.5)
        assert (forecast.progress_low, forecast.progress_high) == pytest.approx((3 / 13, 10 / 13))


def test_a_rate_below_two_complete_periods_has_the_reason() -> None:
    rate = Rate(Counted("m"), 10, "week")
    young = facts(5, at=(6,))
    assert foreseen(rate, young, metrics=(FLOW,), start=day(4), now=day(6)) == Forecast(
        reason="no week is complete; 2 make a forecast"
    )
    assert foreseen(rate, young, metrics=(FLOW,), start=day(4), now=day(12)) == Forecast(
        readings=1, reason="1 week is complete; 2 make a forecast"
    )


def test_a_rate_too_large_to_calculate_with_is_not_forecast() -> None:
    known = facts(0, 1e308, at=WEEKLY[:2])
    rate = Rate(Counted("m"), 1e-9, "week", "average")
    assert judge(rate, known, metrics=(FLOW,), start=day(4), due=day(95), now=day(25)).forecast is None


PARTS = (Part("a", Change("m", 0, target=1)), Part("b", Change("m", 0, target=2)))


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        (Done(number("m")), "done or not: no value goes on"),
        (Steps(steps(number("m"))), "each step is done or not: no value goes on"),
        (Delivery(("i",)), "its initiatives have dates of their own"),
        (OnTime(("i",), 0.9, "items"), "what is due later is kept or missed then: no value goes on"),
        (ZoneMeasure("m", "ten", "five", "one"), "a person sets the zone: no value goes on"),
        (All(PARTS), "made of several measures: no single value goes on"),
        (Weighted(PARTS), "made of several measures: no single value goes on"),
        (Gate(PARTS), "made of several measures: no single value goes on"),
        (at_most(3, evaluate="time_in_bounds"), "the share of the time inside is judged: no value goes on"),
        (at_most(3, baseline=Capture()), "awaiting baseline: what a miss is worth is not known yet"),
    ],
)
def test_a_kind_that_does_not_go_on_says_why(measure: Measure, reason: str) -> None:
    due = item("d", "done", done_at=day(9), created=day(0), due=day(10).date())
    held = scope("i/1", {container().id: [due]})
    forecast = foreseen(measure, facts(1, 1, 1, 1), initiatives=(initiative(),), scopes=(held,))
    assert forecast == Forecast(reason=reason)


def test_nothing_counted_says_so() -> None:
    held = scope("i/1", {container().id: [item("o", created=day(0))]})
    forecast = foreseen(
        Total((Counted(initiative="i"),), 20), {}, initiatives=(initiative(),), scopes=(held,), metrics=()
    )
    assert forecast == Forecast(reason="nothing was counted yet")


def test_without_a_number_there_is_no_forecast_of_any_kind() -> None:
    for measure in (at_most(3), Samples("m", 3), Range("m", 1, 2), Total((Counted("m"),), 3), Done(work("i"))):
        assert judge(measure, {}, now=HALF).forecast is None


def test_too_large_shares_are_not_forecast() -> None:
    tiny = Change("m", 0.0, target=1e-300)
    assert judge(tiny, facts(1, 2, 3, 4)).forecast is not None
    assert judge(Change("m", 0.0, target=1e-308), facts(0.1, 0.2, 0.5, 1.0)).forecast is None
