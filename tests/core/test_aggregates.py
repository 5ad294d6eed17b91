"""Laws of aggregates: what is made of the readings in a window, whatever source they came from."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.aggregates import OF_ANOTHER_RANGE, Aggregated, Frame, Sample, aggregate
from okr_sync.core.facts import MetricFacts, Reading
from okr_sync.core.kinds import Aggregate, Counted, Ratio, Take, Total
from okr_sync.core.model import Change
from tests.core.builders import HALF, START, at_least, at_most, day, judge, metric, reading, readings

TAKES: tuple[Take, ...] = get_args(Take)
WEEK, MONTH = timedelta(days=7), timedelta(days=28)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3))
SERIES = st.lists(st.tuples(st.integers(0, 60 * 24), NUMBERS), min_size=1, max_size=20, unique_by=lambda pair: pair[0])


def samples(series: Sequence[tuple[int, float]]) -> list[Sample]:
    """(hours after the start, value), in order of time."""
    return [(START + timedelta(hours=hours), value) for hours, value in sorted(series)]


def daily(*values: float) -> list[Sample]:
    """One a day, from day 1 on."""
    return [(day(at), value) for at, value in enumerate(values, 1)]


def at(number: float, **more: Any) -> Frame:
    """The frame of a key result since the start, `number` days later."""
    return Frame(day(number), **{"since": START, **more})


def last(wanted: Aggregate, given: Sequence[Sample], frame: Frame) -> float | str:
    """The newest value, or why there is none."""
    found = aggregate(wanted, given, frame)
    return found if isinstance(found, str) else found[-1].value


def made(wanted: Aggregate, given: Sequence[Sample], frame: Frame) -> tuple[Aggregated, ...]:
    """The values; there are some."""
    found = aggregate(wanted, given, frame)
    assert not isinstance(found, str), found
    return found


@pytest.mark.parametrize(
    ("take", "value"),
    [
        ("last", 3), ("first", 4), ("sum", 19), ("mean", 3.8), ("min", 1), ("max", 8), ("median", 3),
        ("percentile", 6.4), ("count", 5), ("distinct", 4), ("difference", -1), ("rate", -0.25),
    ],
)  # fmt: skip
def test_each_aggregate_of_five_daily_readings_by_hand(take: Take, value: float) -> None:
    assert last(Aggregate(take, p=90), daily(4, 8, 3, 1, 3), at(5)) == pytest.approx(value)


@pytest.mark.parametrize("p", [0.5, 10, 25, 50, 75, 90, 99])
@given(series=SERIES)
def test_a_percentile_has_its_share_below(p: float, series: list[tuple[int, float]]) -> None:
    """Nearest ranks enclose it: at least p % of the readings lie at or below the one above it, and so from above."""
    values = sorted(value for _, value in series)
    found = last(Aggregate("percentile", p=p), samples(series), at(60))
    place = p / 100 * (len(values) - 1)
    assert isinstance(found, float)
    assert values[math.floor(place)] - 1e-6 <= found <= values[math.ceil(place)] + 1e-6


@given(series=SERIES)
def test_they_agree_with_the_standard_library(series: list[tuple[int, float]]) -> None:
    values = [value for _, value in samples(series)]
    expected: dict[Take, float] = {
        "last": values[-1], "first": values[0], "min": min(values), "max": max(values), "sum": math.fsum(values),
        "mean": statistics.fmean(values), "median": statistics.median(values), "count": len(values),
        "distinct": len(set(values)),
    }  # fmt: skip
    for take in TAKES:
        if take in expected:
            assert last(Aggregate(take), samples(series), at(60)) == pytest.approx(expected[take], abs=1e-6), take


@given(series=SERIES, take=st.sampled_from([take for take in TAKES if take not in OF_ANOTHER_RANGE]))
def test_what_keeps_the_range_lies_between_the_smallest_and_the_largest(series: Any, take: Take) -> None:
    values = [value for _, value in series]
    found = last(Aggregate(take, p=90), samples(series), at(60))
    assert isinstance(found, float)
    assert min(values) <= found <= max(values)


@given(series=SERIES, take=st.sampled_from(["last", "first", "mean", "min", "max", "median"]), by=NUMBERS)
def test_moving_all_readings_moves_the_aggregate(series: Any, take: Take, by: float) -> None:
    before = last(Aggregate(take), samples(series), at(60))
    after = last(Aggregate(take), samples([(hours, value + by) for hours, value in series]), at(60))
    assert isinstance(before, float)
    assert after == pytest.approx(before + by, abs=1e-5)


@given(series=SERIES, take=st.sampled_from(TAKES), over=st.sampled_from([None, WEEK, MONTH]))
def test_every_value_over_time_is_the_one_that_was_last_then(series: Any, take: Take, over: timedelta | None) -> None:
    """Asked as of the time of a reading, with what was known by then, the same value comes out."""
    wanted, whole = Aggregate(take, over), samples(series)
    found = aggregate(wanted, whole, Frame(whole[-1][0], START))
    for each in found if isinstance(found, tuple) else ():
        known = [sample for sample in whole if sample[0] <= each.time]
        assert last(wanted, known, Frame(each.time, START)) == pytest.approx(each.value)
    assert isinstance(found, tuple) or take in {"difference", "rate"}


@given(
    series=SERIES, take=st.sampled_from(TAKES), by=st.sampled_from(["day", "week", "month"]), more=st.integers(1, 30)
)
def test_a_bucket_that_has_ended_keeps_its_value(series: Any, take: Take, by: Any, more: int) -> None:
    """Later instants add buckets; they change none."""
    wanted, whole = Aggregate(take, by=by), samples(series)
    now = aggregate(wanted, whole, at(70))
    later = aggregate(wanted, whole, at(70 + more))
    assert isinstance(now, str) or later[: len(now)] == now


@given(series=SERIES, by=st.sampled_from(["day", "week", "month"]))
def test_buckets_share_out_all_readings(series: Any, by: Any) -> None:
    """Each reading counts in exactly one bucket."""
    found = made(Aggregate("count", by=by), samples(series), at(120))
    assert sum(each.value for each in found) == len(series)
    assert [each.time for each in found] == sorted({each.time for each in found})


def test_a_window_holds_what_is_younger_than_it() -> None:
    """Of daily readings the last 7 days hold 7: the one that is 7 days old is out."""
    week = Aggregate("sum", over=WEEK)
    assert last(week, daily(*range(1, 11)), at(10)) == 4 + 5 + 6 + 7 + 8 + 9 + 10
    assert last(week, daily(*range(1, 11)), at(14)) == 8 + 9 + 10
    assert last(Aggregate("mean", over=WEEK), daily(1, 2), at(9)) == "no reading in the last 7 d"
    assert last(Aggregate("count", over=WEEK), daily(1, 2), at(9)) == 0


def test_a_whole_cycle_begins_with_the_key_result() -> None:
    before = [(day(-1), 100.0), *daily(1, 2)]
    assert last(Aggregate("sum"), before, at(5)) == 3
    assert last(Aggregate("sum"), before, Frame(day(5))) == 103
    assert last(Aggregate("mean"), before[:1], at(5)) == "no reading since the start"


def test_only_weeks_that_have_ended_count() -> None:
    """2026-01-01 is a Thursday: its week ends after Sunday the 4th, the next one after the 11th."""
    weekly = Aggregate("sum", by="week")
    numbers = daily(1, 2, 4, 8, 16, 32)
    assert last(weekly, numbers, at(3.99)) == "no week with a reading has ended yet"
    assert last(weekly, numbers, at(4)) == 1 + 2 + 4
    assert [each.value for each in made(weekly, numbers, at(11))] == [1 + 2 + 4, 8 + 16 + 32]


def test_a_bucket_without_readings_is_passed_over_and_counts_nothing() -> None:
    gap = [(day(1), 5.0), (day(20), 7.0)]
    assert [each.value for each in made(Aggregate("mean", by="week"), gap, at(30))] == [5, 7]
    counted = made(Aggregate("count", by="week"), gap, at(30))
    assert [each.value for each in counted] == [1, 0, 0, 1]
    assert counted[1].time == datetime(2026, 1, 12, tzinfo=UTC), "what a week holds is known when it ends"
    assert counted[1].basis == "count of 0 readings, 2026-01-05…2026-01-12"


def test_days_are_those_of_the_time_zone() -> None:
    """23:30 in London is the next day in Berlin."""
    late = [(datetime(2026, 1, 1, 23, 30, tzinfo=UTC), 1.0), (datetime(2026, 1, 2, 12, tzinfo=UTC), 2.0)]
    assert [each.value for each in made(Aggregate("sum", by="day"), late, at(5))] == [1, 2]
    assert [each.value for each in made(Aggregate("sum", by="day"), late, at(5, timezone="Europe/Berlin"))] == [3]


def test_months_have_their_own_lengths() -> None:
    found = made(Aggregate("count", by="month"), [(day(n), 1.0) for n in range(95)], at(95))
    assert [each.value for each in found] == [31, 28, 31]


def test_a_difference_starts_at_the_value_in_force_when_the_window_begins() -> None:
    assert last(Aggregate("difference", over=WEEK), daily(1, 2, 4, 8, 16, 32, 64, 128, 256), at(9)) == 256 - 2
    assert last(Aggregate("difference"), daily(3, 5), at(9)) == 2
    assert last(Aggregate("difference"), daily(3), at(9)) == "a difference needs two readings, there is one"
    assert last(Aggregate("difference", over=WEEK), daily(3), at(9)) == "no reading in the last 7 d"


def test_a_counter_that_was_reset_still_adds_up() -> None:
    counter = at(9, type="counter")
    assert last(Aggregate("difference"), daily(10, 14, 3, 5), counter) == 4 + 3 + 2
    assert last(Aggregate("rate", per=WEEK), daily(10, 14, 3, 5), counter) == pytest.approx(9 / 3 * 7)


def test_a_rate_of_a_flow_is_its_sum_over_the_window() -> None:
    flow = at(10, type="flow")
    assert last(Aggregate("rate"), daily(5, 5, 10), flow) == pytest.approx(20 / 10)
    assert last(Aggregate("rate", over=WEEK, per=WEEK), daily(5, 5, 10), at(8, type="flow")) == pytest.approx(15)
    assert last(Aggregate("rate"), [(START, 5.0)], Frame(START, START, type="flow")) == (
        "a rate needs readings at two times"
    )
    assert last(Aggregate("rate", over=WEEK), daily(5), at(30, type="flow")) == "no reading in the last 7 d"
    assert last(Aggregate("rate"), daily(6), Frame(day(4), type="flow")) == pytest.approx(2)


def test_a_rate_between_two_readings_of_one_time_is_unknown() -> None:
    double = [(day(1), 1.0), (day(1), 2.0)]
    assert last(Aggregate("rate"), double, at(1)) == "a rate needs readings at two times"


def test_a_value_that_is_kept_only_when_it_changes_stands_until_then() -> None:
    """An undated value read 20 days ago and not changed since is the value of the last week."""
    kept = [(day(1), 5.0), (day(10), 9.0)]
    expected: dict[Take, float] = {"mean": 9, "distinct": 1, "difference": 0, "rate": 0, "median": 9, "count": 0}
    for take, value in expected.items():
        assert last(Aggregate(take, over=WEEK), kept, at(30, holds=True)) == value, take
    assert last(Aggregate("mean", over=WEEK), kept, at(12, holds=True)) == 7
    assert last(Aggregate("difference", over=WEEK), kept, at(12, holds=True)) == 4
    assert last(Aggregate("difference", over=WEEK), kept[:1], at(0.5, since=None, holds=True)) == (
        "no reading in the last 7 d"
    )


def test_numbers_too_large_are_unknown_not_infinite() -> None:
    large = "the readings are too large to compute with"
    assert [last(Aggregate(take), daily(1.7e308, 1.7e308), at(5)) for take in ("sum", "mean")] == [large, large]
    assert [last(Aggregate(take), daily(-1.7e308, 1.7e308), at(5)) for take in ("difference", "median")] == [large] * 2


def test_the_basis_says_how_many_readings_of_which_days() -> None:
    (*_, found) = made(Aggregate("median", over=MONTH), daily(*range(40)), at(40))
    assert found.basis == "median of 28 readings, 2026-01-14…2026-02-10"
    (*_, found) = made(Aggregate("percentile", p=99.5), daily(1), at(40))
    assert found.basis == "percentile 99.5 of 1 reading, 2026-01-02…2026-01-02"


MEDIAN = metric(unit="ms", maximum=1000, readings=Aggregate("median"))


def test_a_key_result_is_judged_by_what_is_made_of_its_readings() -> None:
    """Values out of bounds are left out first; the input says what it was made of."""
    facts = readings(100, 900, 5000, 110, 120)
    state = judge(at_most(200), facts, metrics=(MEDIAN,))
    assert (state.value, state.progress) == (115, 1)
    assert state.inputs[0].basis == "median of 4 readings, 2026-01-02…2026-01-06"
    assert state.inputs[0].time == day(5)


def test_readings_after_the_due_date_do_not_count() -> None:
    facts = MetricFacts((reading(1, 99), reading(100, 101)))
    state = judge(at_most(5), facts, metrics=(metric(readings=Aggregate("max", over=WEEK)),), now=day(150))
    assert state.value == 1
    assert state.status == "met"


def test_an_empty_window_is_unknown_with_its_reason() -> None:
    state = judge(at_most(5), readings(1), metrics=(metric(readings=Aggregate("mean", over=WEEK)),), now=HALF)
    assert (state.value, state.status) == (None, "unknown")
    assert state.reason == "metric m: no reading in the last 7 d"


def test_the_worst_of_a_rolling_median_is_not_the_worst_reading() -> None:
    state = judge(at_most(200, evaluate="worst"), readings(100, 100, 900, 100), metrics=(MEDIAN,), now=HALF)
    assert state.value == 100


def test_the_result_is_a_level_of_its_own_range() -> None:
    """A sum may exceed the bound of one reading, is never summed again, and may be a part of a ratio."""
    summed = metric(type="flow", maximum=10, readings=Aggregate("sum"))
    assert judge(at_least(25), readings(9, 9, 9), metrics=(summed,)).value == 27
    again = judge(Total((Counted(metric="m"),), 5), readings(9, 9), metrics=(summed,))
    assert "is a level" in again.reason
    whole = metric("w", type="flow", readings=Aggregate("sum", over=WEEK))
    both = {"m": readings(1, 2), "w": MetricFacts((reading(30, 48),))}
    assert judge(Ratio("m", "w", 0.5), both, metrics=(summed, whole)).value == pytest.approx(10)


def test_an_undated_value_stays_as_fresh_as_its_source() -> None:
    facts = MetricFacts((Reading(4, day(1)),), undated=True)
    state = judge(Change("m", 0, target=8), facts, metrics=(metric(readings=Aggregate("mean", over=WEEK)),))
    assert state.value == 4
    assert state.inputs[0].time is None
