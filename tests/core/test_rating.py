"""Rates: so many a week or month, held against quotas by hand."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import MetricFacts, Reading
from okr_sync.core.kinds import Counted, Rate
from okr_sync.core.model import Book
from okr_sync.core.periods import Span, spans
from okr_sync.core.snapshot import KeyResultState
from tests.core.builders import CYCLE, history, initiative, item, key_result, metric, objective, one, scope

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = timedelta(days=7)
QUARTER = MONDAY + 13 * WEEK
WEEKS = (10, 12, 7, 10, 0, 11)
FLOW = metric(type="flow", unit="candidates")


def weekly(*counts: float) -> MetricFacts:
    """A reading on the Tuesday of each week."""
    return MetricFacts(tuple(Reading(float(x), MONDAY + n * WEEK + timedelta(days=1)) for n, x in enumerate(counts)))


def rate(
    facts: MetricFacts,
    now: datetime,
    measure: Rate | None = None,
    *,
    timezone: str = "UTC",
    start: datetime = MONDAY,
    due: datetime = QUARTER,
    **more: Any,
) -> KeyResultState:
    """The state of 10 a week over 13 whole weeks, or of another rate."""
    wanted = measure or Rate(Counted(metric="m"), 10, "week", **more)
    held = objective(key_result(wanted, start=start, due=due))
    return one(evaluate(Book(timezone, (CYCLE,), (held,), (FLOW,)), history(now, facts), now))


AFTER_SIX = MONDAY + 6 * WEEK


def test_six_weeks_of_thirteen_have_47_of_130_and_attain_47_of_60() -> None:
    """min(x, 10): 10 + 10 + 7 + 10 + 0 + 10 = 47; 47 / 130 = 0.362; a = 47 / 60 = 0.783."""
    state = rate(weekly(*WEEKS), AFTER_SIX)
    assert state.progress == pytest.approx(47 / 130)
    assert state.formula == "sum of min(x, 10) a week: 47 / 130 = 0.362; 6 complete: attained 0.783"
    assert (state.value, state.target, state.unit, state.kind) == (47, 130, "candidates", "rate")


def test_the_status_compares_what_is_attained_and_not_progress() -> None:
    """0.362 of 0.462 expected would be at risk by pace, too; 60 of 60 attained is on track at the same instant."""
    assert rate(weekly(*WEEKS), AFTER_SIX).status == "at_risk"  # a = 0.783: at least 0.6, below 0.9
    assert rate(weekly(10, 10, 10, 10, 10, 10), AFTER_SIX).status == "on_track"
    assert rate(weekly(5, 5, 5, 5, 5, 5), AFTER_SIX).status == "off_track"
    assert rate(weekly(*WEEKS), AFTER_SIX).expected == pytest.approx(6 / 13)


def test_the_total_counts_what_is_above_the_quota() -> None:
    """10 + 12 + 7 + 10 + 0 + 11 = 50; 50 / 130 = 0.385."""
    assert rate(weekly(*WEEKS), AFTER_SIX, mode="total").progress == pytest.approx(50 / 130)


def test_the_hit_rate_is_the_share_of_weeks_that_reach_the_quota() -> None:
    """10, 12, 10, 11 of six: 4 / 6 = 0.667."""
    state = rate(weekly(*WEEKS), AFTER_SIX, mode="hit_rate")
    assert state.progress == pytest.approx(4 / 6)
    assert (state.formula, state.unit) == ("4 of 6 weeks with at least 10 = 0.667", "%")


def test_the_average_is_the_mean_against_the_quota() -> None:
    """Mean 50 / 6 = 8.333 of 10."""
    state = rate(weekly(*WEEKS), AFTER_SIX, mode="average")
    assert state.progress == pytest.approx(50 / 60)
    assert state.value == pytest.approx(50 / 6)


def test_a_hit_rate_of_1_may_be_lost_again_and_is_met_only_at_the_due_date() -> None:
    full = weekly(*[10] * 13)
    assert rate(full, AFTER_SIX, mode="hit_rate").status == "on_track"
    assert rate(full, QUARTER, mode="hit_rate").status == "met"
    assert rate(full, AFTER_SIX, mode="hit_rate").expected == 1
    assert rate(weekly(*[10] * 13), QUARTER).status == "met"
    assert rate(weekly(*[10] * 12), QUARTER).status == "missed"


def test_the_running_week_counts_in_progress_but_not_in_what_is_attained() -> None:
    """Wednesday of week 7 with 3 so far: 50 / 130, attained still 47 / 60, hits still 4 of 6."""
    now = AFTER_SIX + timedelta(days=2)
    facts = weekly(*WEEKS, 3)
    assert rate(facts, now).formula == "sum of min(x, 10) a week: 50 / 130 = 0.385; 6 complete: attained 0.783"
    assert rate(facts, now, mode="hit_rate").progress == pytest.approx(4 / 6)


def test_before_a_week_is_complete_nothing_is_judged() -> None:
    now = MONDAY + timedelta(days=3)
    state = rate(weekly(4), now)
    assert (state.status, state.value) == ("pending", 4)
    assert "no week is complete yet" in state.reason
    assert rate(weekly(4), now, mode="hit_rate").status == "unknown"
    assert rate(weekly(4), now, mode="average").reason == "no week is complete yet"


def test_skipped_days_shrink_the_quota() -> None:
    """Week 5 (2 to 8 February) is skipped: 12 quotas; of the six weeks five are left, 47 / 50."""
    skip = tuple(date(2026, 2, 2) + timedelta(days=n) for n in range(7))
    state = rate(weekly(*WEEKS), AFTER_SIX, skip=skip)
    assert state.target == 120
    assert state.formula.endswith("47 / 120 = 0.392; 5 complete: attained 0.94")


def test_partial_first_and_last_weeks_are_prorated_by_days() -> None:
    """Thursday 1 October to Thursday 31 December: 4 days, 12 whole weeks, 4 days: 13.143 quotas of 7."""
    start, due = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    state = rate(
        MetricFacts((Reading(4.0, start),)), start + WEEK, Rate(Counted(metric="m"), 7, "week"), start=start, due=due
    )
    assert state.target == pytest.approx(4 + 12 * 7 + 4)
    assert state.formula.endswith("attained 1")  # 4 in the 4 days of the first week


def test_three_a_month_are_counted_by_calendar_months() -> None:
    """October 3, November 2, December so far 1: 6 of 9; attained 5 of 6."""
    start, due = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    days = (start.replace(day=31), start.replace(month=11), start.replace(month=12))
    facts = MetricFacts(tuple(Reading(x, at) for x, at in zip((3.0, 2.0, 1.0), days, strict=True)))
    state = rate(facts, start.replace(month=12, day=5), Rate(Counted(metric="m"), 3, "month"), start=start, due=due)
    assert state.formula == "sum of min(x, 3) a month: 6 / 9 = 0.667; 2 complete: attained 0.833"


def test_a_week_begins_on_the_local_monday() -> None:
    """Sunday 23:30 in UTC is Monday in Berlin: it counts in the second week there."""
    facts = MetricFacts((Reading(10.0, MONDAY + WEEK - timedelta(minutes=30)),))
    now = MONDAY + WEEK + timedelta(hours=1)
    hour = timedelta(hours=1)
    assert rate(facts, now).formula.endswith("attained 1")
    assert rate(facts, now, timezone="Europe/Berlin", start=MONDAY - hour, due=QUARTER - hour).formula.endswith(
        "attained 0"
    )


def test_resolved_issues_are_a_rate_of_finished_items() -> None:
    """Three ended in week 1, none in week 2: min(3, 2) + 0 of 4."""
    ends = (MONDAY + timedelta(days=n) for n in (0, 1, 6))
    held = [item(f"{n}", "done", done_at=end) for n, end in enumerate(ends)]
    measured = objective(key_result(Rate(Counted(initiative="i"), 2, "week"), start=MONDAY, due=MONDAY + 2 * WEEK))
    known = history(MONDAY + 2 * WEEK, scopes=(scope("i/1", held),))
    state = one(evaluate(Book("UTC", (CYCLE,), (measured,), (), (initiative(),)), known, MONDAY + 2 * WEEK))
    assert state.progress == 0.5


@pytest.mark.parametrize("quota", [0.0, -1.0, math.nan, math.inf])
def test_a_quota_that_says_nothing_is_unknown(quota: float) -> None:
    assert rate(weekly(1), AFTER_SIX, Rate(Counted(metric="m"), quota, "week")).status == "unknown"


def test_a_rate_without_a_day_that_counts_or_a_reading_is_unknown() -> None:
    every = tuple(MONDAY.date() + timedelta(days=n) for n in range(91))
    assert rate(weekly(1), AFTER_SIX, skip=every).reason == "every day is skipped: nothing is due"
    assert rate(MetricFacts(), AFTER_SIX).status == "unknown"


def test_weeks_and_months_cover_each_day_once() -> None:
    assert spans(date(2026, 1, 1), date(2026, 1, 12), "week") == (
        Span(date(2026, 1, 1), date(2026, 1, 4), 4 / 7),
        Span(date(2026, 1, 5), date(2026, 1, 11), 1.0),
        Span(date(2026, 1, 12), date(2026, 1, 12), 1 / 7),
    )
    assert spans(date(2026, 2, 15), date(2026, 2, 28), "month")[0].share == 0.5
    assert spans(date(2026, 1, 5), date(2026, 1, 11), "week", (date(2026, 1, 5), date(2027, 1, 1)))[0].share == 6 / 7


@given(st.dates(date(2024, 1, 1), date(2028, 1, 1)), st.integers(0, 400), st.sampled_from(["week", "month"]))
def test_the_spans_of_a_time_follow_each_other_without_a_gap(first: date, days: int, per: Any) -> None:
    last = first + timedelta(days=days)
    found = spans(first, last, per)
    assert (found[0].first, found[-1].last) == (first, last)
    assert all(b.first - a.last == timedelta(days=1) for a, b in pairwise(found))
    assert all(0 < span.share <= 1 for span in found)
    assert all(span.share == 1 for span in found[1:-1])


counts = st.lists(st.integers(0, 30), min_size=1, max_size=13)
modes = st.sampled_from(["capped_total", "total", "hit_rate", "average"])


@given(counts, st.integers(0, 12), modes)
def test_one_more_never_lowers_a_rate(drawn: list[int], where: int, mode: Any) -> None:
    more = [x + (n == where % len(drawn)) for n, x in enumerate(drawn)]
    states = [rate(weekly(*each), QUARTER, mode=mode) for each in (drawn, more)]
    assert (states[1].progress or 0) >= (states[0].progress or 0)


@given(counts, modes)
def test_a_capped_rate_and_a_hit_rate_lie_between_0_and_1(drawn: list[int], mode: Any) -> None:
    progress = rate(weekly(*drawn), AFTER_SIX, mode=mode).progress
    assert progress is not None
    assert progress >= 0
    assert mode in {"total", "average"} or progress <= 1


@given(counts)
def test_a_rate_in_another_unit_is_the_same_rate(drawn: list[int]) -> None:
    dozens = rate(weekly(*(x / 12 for x in drawn)), AFTER_SIX, Rate(Counted(metric="m"), 10 / 12, "week"))
    assert dozens.progress == pytest.approx(rate(weekly(*drawn), AFTER_SIX).progress)


def test_a_forecast_beyond_all_numbers_is_none() -> None:
    """One week attains 1e308 / 0.5, which is no number any more; the mean of both weeks still is one."""
    state = rate(
        weekly(1e308, 1), MONDAY + 2 * WEEK + timedelta(days=1), Rate(Counted(metric="m"), 0.5, "week", mode="average")
    )
    assert state.value is not None
    assert state.forecast is None
