"""Forecasts: straight histories go straight on, few readings say nothing, more work is never finished earlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import WorkItem
from okr_sync.core.forecast import pairwise_slopes, percentile
from okr_sync.core.model import Change, Delivery, Metric
from okr_sync.core.simulating import HORIZON, simulate_weeks
from okr_sync.core.snapshot import DeliveryForecast, Forecast
from tests.core.builders import (
    DUE,
    HALF,
    book,
    container,
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
)

QUARTER = day(91)
EIGHT_WEEKS = day(56)


def foresee(
    spots: Sequence[tuple[float, float]], measure: Change | None = None, *, now: datetime = HALF, **more: Any
) -> Forecast | None:
    """The forecast of a change from 0 to 1 with readings (day, value)."""
    facts = readings(*(reading(value, at) for at, value in spots))
    return judge(measure or Change("m", 0, target=1), facts, now=now, **more).forecast


def known(forecast: Forecast | None) -> tuple[float, float, float, float]:
    """Slope, low, value and high of a forecast that has them."""
    assert forecast is not None
    assert forecast.slope is not None
    assert forecast.low is not None
    assert forecast.value is not None
    assert forecast.high is not None
    return forecast.slope, forecast.low, forecast.value, forecast.high


def test_the_net_promoter_score_of_the_handbook() -> None:
    nps = Change("m", 31, points=20)
    forecast = foresee([(0, 31), (14, 33), (28, 36), (42, 38)], nps, now=day(42), due=QUARTER)
    slope, low, value, high = known(forecast)
    assert (round(slope, 3), round(value, 1)) == (0.173, 46.5)
    assert forecast is not None
    assert forecast.progress is not None
    assert round(forecast.progress, 2) == 0.77
    assert (forecast.readings, forecast.days, forecast.reason) == (4, 42, "")
    assert low < value < high
    assert (forecast.progress_low, forecast.progress_high) == ((low - 31) / 20, (high - 31) / 20)


@given(st.floats(-5, 5), st.floats(-100, 100))
def test_a_straight_history_goes_exactly_on(slope: float, start: float) -> None:
    forecast = foresee([(at, start + slope * at) for at in (0, 10, 20, 30, 40)])
    for value in known(forecast)[1:]:
        assert value == pytest.approx(start + slope * 100, abs=1e-6)


@given(st.floats(-1e6, 1e6))
def test_a_flat_history_lands_where_it_is(value: float) -> None:
    assert known(foresee([(at, value) for at in (0, 10, 20, 30)])) == (0, value, value, value)


@given(st.lists(st.integers(-100, 100), min_size=4, max_size=9), st.integers(-1000, 1000))
def test_shifting_all_values_shifts_the_forecast(values: list[int], shift: int) -> None:
    there = known(foresee([(5.0 * at, value + shift) for at, value in enumerate(values, 1)]))
    here = known(foresee([(5.0 * at, value) for at, value in enumerate(values, 1)]))
    assert there == pytest.approx((here[0], *(each + shift for each in here[1:])), abs=1e-6)


@given(st.lists(st.integers(-100, 100), min_size=4, max_size=9), st.integers(-1000, 1000))
def test_moving_all_dates_moves_a_forecast_by_as_much(values: list[int], days: int) -> None:
    """The value at the due date, as far away as ever, is the same."""
    there = foresee(
        [(5.0 * at + days, value) for at, value in enumerate(values, 1)],
        now=HALF + timedelta(days),
        start=day(days),
        due=DUE + timedelta(days),
    )
    assert known(there) == pytest.approx(known(foresee([(5.0 * at, value) for at, value in enumerate(values, 1)])))


@given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=7))
def test_the_range_holds_the_forecast(values: list[float]) -> None:
    _, low, value, high = known(foresee([(5.0 * at, each) for at, each in enumerate(values, 3)]))
    assert low <= value <= high


def test_one_outlier_does_not_bend_the_slope() -> None:
    spots = [(at, float(at)) for at in range(5, 50, 5)]
    spots[4] = (25, 900.0)
    assert known(foresee(spots))[0] == pytest.approx(1)


def test_a_falling_metric_keeps_low_progress_below_high() -> None:
    forecast = foresee([(10, 16.0), (20, 15.5), (30, 14.0), (40, 14.5)], Change("m", 16, target=12))
    assert forecast is not None
    assert forecast.progress_low is not None
    assert forecast.progress is not None
    assert forecast.progress_high is not None
    assert forecast.progress_low <= forecast.progress <= forecast.progress_high
    assert forecast.low is not None
    assert forecast.high is not None
    assert forecast.low <= forecast.high


def test_a_forecast_never_leaves_the_bounds_of_its_metric() -> None:
    bounded: list[Metric] = [metric(minimum=0, maximum=100)]
    rising = [(at, at * 2.0) for at in (10, 20, 30, 40)]
    assert known(foresee(rising, Change("m", 0, target=90), metrics=bounded))[1:] == (100, 100, 100)
    falling = [(at, 90.0 - at * 2) for at in (10, 20, 30, 40)]
    assert known(foresee(falling, Change("m", 90, target=10), metrics=bounded))[1:] == (0, 0, 0)


def test_below_four_readings_there_is_no_number_but_the_reason() -> None:
    assert foresee([(40, 0.1)]) == Forecast(readings=1, reason="1 reading in the last 50 days; 4 make a forecast")
    three = foresee([(20, 0.1), (30, 0.2), (40, 0.3)])
    assert three == Forecast(readings=3, days=20, reason="3 readings in the last 50 days; 4 make a forecast")


def test_before_a_fifth_of_the_time_there_is_no_number_but_the_reason() -> None:
    early = [(at, at / 100) for at in (1.0, 5.0, 10.0, 19.9)]
    forecast = foresee(early)
    assert forecast is not None
    assert (forecast.value, forecast.reason) == (
        None, "the last reading lies in the first 20% of the time: too early for a forecast"
    )  # fmt: skip
    assert known(foresee([*early, (20, 0.2)]))


def test_readings_older_than_half_the_time_are_left_out() -> None:
    old = [(at, 50.0) for at in (0.0, 5.0, 9.0)]
    recent = [(60, 0.1), (70, 0.2), (80, 0.3)]
    forecast = foresee([*old, *recent], now=day(80))
    assert forecast is not None
    assert (forecast.readings, forecast.value) == (3, None)
    edge = foresee([(30, 0.0), *recent], now=day(80))
    assert edge is not None
    assert edge.readings == 4


def test_of_one_day_only_the_last_reading_counts() -> None:
    hourly = [(at + hour / 24, at / 100) for at in (10, 20, 30, 40) for hour in range(24)]
    forecast = foresee(hourly)
    assert forecast is not None
    assert forecast.readings == 4


@pytest.mark.parametrize("now", [day(-1), DUE, day(130)])
def test_outside_its_own_time_nothing_is_forecast(now: datetime) -> None:
    assert foresee([(at - 60.0, 0.1) for at in (10, 20, 30, 40)], now=now) is None


def test_what_is_unknown_is_not_forecast() -> None:
    facts = readings(*(reading(1.0, at) for at in (10, 20, 30, 40)))
    assert judge(Change("m", 0), facts).forecast is None
    assert foresee([]) is None
    assert judge(Change("m", 0, target=1), facts, metrics=()).forecast is None


def test_numbers_too_large_to_calculate_with_are_not_forecast() -> None:
    assert foresee([(10, -1.7e308), (20, 1.7e308), (30, -1.7e308), (40, 1.0)]) is None


def test_a_forecast_of_a_metric_follows_its_readings_and_not_the_clock() -> None:
    spots = [(at, at / 100) for at in (10.0, 20.0, 30.0, 40.0)]
    assert foresee(spots, now=day(50)) == foresee(spots, now=day(99))


def test_pairs_at_one_time_have_no_slope() -> None:
    assert pairwise_slopes([(0, 1), (0, 5), (2, 5)]) == [0, 2]


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 3), (0.1, 1.4), (1, 5), (0.875, 4.5)])
def test_a_percentile_lies_between_the_two_nearest(share: float, value: float) -> None:
    assert percentile([1, 2, 3, 4, 5], share) == pytest.approx(value)


def done_on(*days: float) -> list[WorkItem]:
    return [item(f"d{n}", "done", done_at=day(at), created=day(0)) for n, at in enumerate(days)]


def work_forecast(
    done: Sequence[float], left: int, *, now: datetime = EIGHT_WEEKS, **more: Any
) -> DeliveryForecast | None:
    held = scope("i/1", [*done_on(*done), *(item(f"o{n}", created=day(0)) for n in range(left))])
    return deliver_one(initiative(**more), held, now=now).forecast


def dates(forecast: DeliveryForecast | None) -> tuple[date, date]:
    assert forecast is not None
    assert forecast.likely is not None
    assert forecast.latest is not None
    return forecast.likely, forecast.latest


EVEN = [week * 7 + at for week in range(8) for at in (1, 4)]
"""Two items a week for eight weeks."""


@given(st.lists(st.integers(1, 55), min_size=4, max_size=12), st.integers(1, 30), st.integers(-1000, 1000))
def test_moving_all_dates_moves_the_finish_of_work_by_as_much(done: list[int], left: int, days: int) -> None:
    here = work_forecast(done, left)
    held = [item(f"d{n}", "done", done_at=day(at + days), created=day(days)) for n, at in enumerate(done)]
    held += [item(f"o{n}", created=day(days)) for n in range(left)]
    there = deliver_one(initiative(), scope("i/1", held), now=EIGHT_WEEKS + timedelta(days)).forecast
    assert here is not None
    assert there is not None
    assert there.reason == here.reason
    moved = [each and each + timedelta(days) for each in (here.likely, here.latest)]
    assert [there.likely, there.latest] == moved


def test_an_even_pace_goes_exactly_on() -> None:
    forecast = work_forecast(EVEN, 6)
    assert dates(forecast) == (day(56 + 21).date(), day(56 + 21).date())
    assert forecast is not None
    assert (forecast.remaining, forecast.finished, forecast.weeks, forecast.outlook) == (6, 16, 8, "open")


@pytest.mark.parametrize(
    ("due", "outlook"), [(date(2026, 3, 18), "late"), (date(2026, 3, 19), "in_time"), (date(2026, 6, 1), "in_time")]
)
def test_the_dates_are_held_against_the_due_date(due: date, outlook: str) -> None:
    forecast = work_forecast(EVEN, 6, due=due)
    assert forecast is not None
    assert (forecast.due, forecast.outlook) == (due, outlook)


def test_a_due_date_between_the_likely_and_the_latest_date_is_tight() -> None:
    uneven = [1, 2, 3, 4, 5, 6, 30, 50]
    likely, latest = dates(work_forecast(uneven, 9))
    assert likely < latest
    forecast = work_forecast(uneven, 9, due=likely)
    assert forecast is not None
    assert forecast.outlook == "tight"


@given(st.lists(st.integers(0, 9), min_size=2, max_size=8).filter(any), st.integers(1, 40), st.integers(0, 99))
def test_more_work_is_never_finished_earlier(pace: list[int], left: int, seed: int) -> None:
    less, more = simulate_weeks(left, pace, seed), simulate_weeks(left + 1, pace, seed)
    if less is None:
        assert more is None
    else:
        assert less[0] <= less[1]
        assert more is None or (less[0] < more[0] and less[1] < more[1])


@given(st.lists(st.integers(0, 9), min_size=2, max_size=8).filter(any), st.integers(1, 40), st.integers(0, 99))
def test_equal_facts_and_seed_give_equal_dates(pace: list[int], left: int, seed: int) -> None:
    assert simulate_weeks(left, pace, seed) == simulate_weeks(left, pace, seed)


def test_finishes_are_no_sooner_than_the_best_week_allows() -> None:
    weeks = simulate_weeks(30, [0, 1, 5], 7)
    assert weeks is not None
    assert 6 <= weeks[0] <= weeks[1]


@pytest.mark.parametrize(("left", "pace"), [(5 * HORIZON + 1, [5, 5]), (HORIZON - 1, [1, 0, 0, 0])])
def test_beyond_five_years_there_is_no_date(left: int, pace: list[int]) -> None:
    assert simulate_weeks(left, pace, 1) is None


def test_a_pace_too_slow_is_said() -> None:
    forecast = work_forecast([1, 10, 20, 50], 900)
    assert forecast is not None
    assert (forecast.likely, forecast.reason) == (None, "900 items are left: at this pace more than 5 years")


def test_young_work_and_a_slow_start_are_not_forecast_but_said() -> None:
    young = work_forecast([1, 2, 3, 4, 5], 3, now=day(13))
    assert young is not None
    assert (young.latest, young.reason) == (None, "the work is younger than 2 weeks: too early for a forecast")
    slow = work_forecast([1, 2, 40], 3)
    assert slow is not None
    assert (slow.likely, slow.reason) == (None, "3 items finished in the last 8 weeks; 4 make a forecast")
    assert work_forecast([], 3) == DeliveryForecast(
        remaining=3, weeks=8, reason="0 items finished in the last 8 weeks; 4 make a forecast"
    )


def test_work_without_any_date_is_too_young() -> None:
    bare = scope("i/1", [item("a"), item("b", "done")])
    forecast = deliver_one(initiative(), bare).forecast
    assert forecast is not None
    assert forecast.reason.startswith("the work is younger than 2 weeks")


def test_what_was_done_today_is_not_left_and_no_whole_week_yet() -> None:
    forecast = work_forecast([*EVEN, 56.5], 6, now=day(56.7))
    assert forecast is not None
    assert (forecast.finished, forecast.remaining) == (16, 6)


def test_finished_empty_and_unread_work_has_no_forecast() -> None:
    assert work_forecast([1, 2], 0) is None
    assert deliver_one(initiative(), scope("i/1")).forecast is None
    assert deliver_one(initiative()).forecast is None


def test_dropped_items_are_neither_left_nor_pace() -> None:
    dropped = [item(f"x{n}", "dropped", done_at=day(50), created=day(0)) for n in range(5)]
    held = scope("i/1", [*done_on(*EVEN), *dropped, item("o", created=day(0))])
    forecast = deliver_one(initiative(), held, now=day(56)).forecast
    assert forecast is not None
    assert (forecast.finished, forecast.remaining) == (16, 1)


def test_a_childless_finished_epic_counts_with_its_date() -> None:
    epics = (container("e", state="done", done_at=day(30)), container("f"))
    held = replace(scope("i/1", {"e": (), "f": (*done_on(1, 10, 20), item("o"))}), containers=epics)
    forecast = deliver_one(initiative(), held, now=day(56)).forecast
    assert forecast is not None
    assert forecast.finished == 4


def test_without_a_due_date_the_first_key_result_that_needs_it_counts() -> None:
    early = key_result(Change("m", 0, target=1), "early", due=day(60))
    soon = key_result(Delivery(("i",)), "soon", due=day(70))
    late = key_result(Delivery(("i", "j")), "late", due=day(90))
    plans = (initiative("i", key_results=("early", "gone")), initiative("j"))
    held = [scope("i/1", [item("a")]), scope("j/1", [item("b")])]
    snapshot = evaluate(book(early, soon, late, initiatives=plans), history(HALF, scopes=held), HALF)
    dues = [state.forecast and state.forecast.due for state in snapshot.initiatives]
    assert dues == [(day(60) - timedelta(days=1)).astimezone(UTC).date(), (day(90) - timedelta(days=1)).date()]


@given(st.integers(1, 400), st.lists(st.integers(0, 9), min_size=2, max_size=8), st.integers(0, 2**32))
def test_a_hundred_times_the_work_at_a_hundred_times_the_pace_takes_as_long(
    left: int, pace: list[int], seed: int
) -> None:
    """More than 255 items in a week are drawn in another way than fewer."""
    assume(max(pace) > 2)
    assert simulate_weeks(100 * left, [100 * each for each in pace], seed) == simulate_weeks(left, pace, seed)
