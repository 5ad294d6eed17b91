"""Odd days: the leap day, ISO week 53, and days of 23 and 25 hours, for rates, skipped days, workdays and due dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.curves import expected_share
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import MetricFacts, Reading
from okr_sync.core.kinds import Counted, OnTime, Rate
from okr_sync.core.model import Book, Change, Curve, Done, DoneSubject, Initiative, Measure
from okr_sync.core.periods import spans
from okr_sync.core.snapshot import KeyResultState, Snapshot
from tests.core.builders import CYCLE, container, history, initiative, item, key_result, metric, objective, one, scope

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
FLOW = metric(type="flow")

SHIFTS = [
    ("Europe/Berlin", date(2026, 3, 29), 23),
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("America/New_York", date(2026, 3, 8), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("America/Santiago", date(2026, 9, 6), 23),  # there is no midnight: 24:00 becomes 01:00
    ("America/Santiago", date(2026, 4, 4), 25),  # 24:00 becomes 23:00
    ("America/Havana", date(2026, 3, 8), 23),  # there is no midnight
    ("America/Havana", date(2026, 11, 1), 25),  # midnight comes twice
    ("Africa/Cairo", date(2026, 4, 24), 23),  # there is no midnight
    ("Africa/Cairo", date(2026, 10, 29), 25),
    ("UTC", date(2028, 2, 29), 24),
]
"""(time zone, the day whose clocks are changed, how many hours it has)."""

on_odd_days = pytest.mark.parametrize(("zone", "odd", "hours"), SHIFTS)


def midnight(day: date, zone: str) -> datetime:
    """The first instant of a local day."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def judged(measure: Measure, zone: str, days: tuple[date, date], now: datetime, facts: MetricFacts) -> KeyResultState:
    """The state of a key result of the local days from the first to the last of `days`."""
    held = key_result(measure, start=midnight(days[0], zone), due=midnight(days[1] + DAY, zone))
    return one(evaluate(Book(zone, (CYCLE,), (objective(held),), (FLOW,)), history(now, facts), now))


@on_odd_days
def test_a_day_has_the_hours_of_its_clocks(zone: str, odd: date, hours: int) -> None:
    assert midnight(odd + DAY, zone) - midnight(odd, zone) == timedelta(hours=hours)


@on_odd_days
def test_a_rate_counts_an_odd_day_from_its_first_to_its_last_instant(zone: str, odd: date, hours: int) -> None:
    """One amount just before the day, at its begin, at its end and after: two of the day's week, if it is a week."""
    begin, end = midnight(odd, zone), midnight(odd + DAY, zone)
    facts = MetricFacts(tuple(Reading(1.0, at) for at in (begin - MINUTE, begin, end - MINUTE, end)))
    state = judged(Rate(Counted(metric="m"), 7, "week", "total"), zone, (odd, odd), end, facts)
    assert (state.value, state.target) == (2, 1), hours  # a seventh of the quota of 7


@on_odd_days
def test_a_week_with_an_odd_day_is_complete_at_its_local_midnight(zone: str, odd: date, hours: int) -> None:
    monday = odd - timedelta(days=odd.weekday())
    end = midnight(monday + 7 * DAY, zone)
    measure = Rate(Counted(metric="m"), 1, "week", "hit_rate")
    facts = MetricFacts((Reading(1.0, midnight(odd, zone)),))
    states = [judged(measure, zone, (monday, monday + 13 * DAY), at, facts) for at in (end - MINUTE, end)]
    assert [state.progress for state in states] == [None, 1.0], hours
    assert states[0].reason == "no week is complete yet"


@on_odd_days
def test_a_skipped_odd_day_takes_one_day_of_the_quota(zone: str, odd: date, hours: int) -> None:
    monday = odd - timedelta(days=odd.weekday())
    measure = Rate(Counted(metric="m"), 7, "week", skip=(odd,))
    facts = MetricFacts((Reading(1.0, midnight(odd, zone)),))
    state = judged(measure, zone, (monday, monday + 6 * DAY), midnight(monday + 7 * DAY, zone), facts)
    assert (state.value, state.target) == (1, 6), hours


@on_odd_days
def test_what_is_due_on_an_odd_day_has_all_of_it(zone: str, odd: date, hours: int) -> None:
    """Done in its last minute is in time, done a minute later is late."""
    end = midnight(odd + DAY, zone)
    measure = Done(DoneSubject(metric="m"), deadline="hard")
    states = [
        judged(measure, zone, (odd - DAY, odd), end + DAY, MetricFacts((Reading(1.0, at),)))
        for at in (end - MINUTE, end)
    ]
    assert [(state.status, state.progress) for state in states] == [("met", 1.0), ("missed", 0.0)], hours


@on_odd_days
def test_work_that_is_due_on_an_odd_day_is_on_time_until_its_local_midnight(zone: str, odd: date, hours: int) -> None:
    end = midnight(odd + DAY, zone)
    states = [_milestone(zone, odd, end, done).key_results[0] for done in (end - MINUTE, end)]
    assert [state.value for state in states] == [100, 0], hours


def _milestone(zone: str, due: date, now: datetime, done: datetime) -> Snapshot:
    first = due - 3 * DAY
    held = container("a", kind="milestone", state="done", due=due, done_at=done)
    measured = key_result(OnTime(("i",), 1.0), start=midnight(first, zone), due=midnight(due + 3 * DAY, zone))
    book = Book(zone, (CYCLE,), (objective(measured),), (), (initiative(),))
    return evaluate(book, history(now, scopes=(scope("i/1", containers=(held,), items={"a": ()}),)), now)


@on_odd_days
def test_an_odd_workday_is_one_workday(zone: str, odd: date, hours: int) -> None:
    """At each local midnight of two weeks exactly the workdays before it are expected, of ten."""
    monday = odd - timedelta(days=odd.weekday())
    curve = Curve("workdays", (), monday, zone)
    start, due = midnight(monday, zone), midnight(monday + 14 * DAY, zone)
    shares = [expected_share(curve, start, due, midnight(monday + n * DAY, zone)) for n in range(15)]
    assert shares == [pytest.approx(n / 10) for n in (0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9, 10, 10, 10)], hours


@on_odd_days
def test_phases_are_told_in_local_days(zone: str, odd: date, hours: int) -> None:
    first = odd - 4 * DAY
    curve = Curve("phased", ((10, 0.5), (20, 1.0)), first, zone)
    start, due = midnight(first, zone), midnight(first + 20 * DAY, zone)
    assert expected_share(curve, start, due, midnight(first + 10 * DAY, zone)) == pytest.approx(0.5), hours


@given(
    st.sampled_from([zone for zone, _, _ in SHIFTS]),
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    st.floats(0, 30 * 24),
    st.floats(0, 30 * 24),
    st.sampled_from(["workdays", "phased"]),
)
def test_what_is_expected_never_falls_when_clocks_go_back(
    zone: str, first: date, one_hour: float, other_hour: float, kind: str
) -> None:
    start, due = midnight(first, zone), midnight(first + 30 * DAY, zone)
    curve = Curve("workdays", (), first, zone)
    if kind == "phased":
        curve = Curve("phased", ((10, 0.2), (30, 1.0)), first, zone)
    early, late = (
        expected_share(curve, start, due, start + timedelta(hours=each)) for each in sorted((one_hour, other_hour))
    )
    assert early is not None
    assert late is not None
    assert 0 <= early <= late + 1e-12 <= 1 + 1e-12


def test_the_week_53_of_2026_is_one_week_over_the_turn_of_the_year() -> None:
    """28 December 2026 to 3 January 2027: three amounts in it are one week's, and complete on the fourth of January."""
    first, last = date(2026, 12, 28), date(2027, 1, 3)
    assert {day.isocalendar()[:2] for day in (first, last)} == {(2026, 53)}
    assert [(span.first, span.last, span.share) for span in spans(date(2026, 12, 21), date(2027, 1, 10), "week")] == [
        (date(2026, 12, 21), date(2026, 12, 27), 1.0),
        (first, last, 1.0),
        (date(2027, 1, 4), date(2027, 1, 10), 1.0),
    ]
    facts = MetricFacts(
        tuple(Reading(1.0, midnight(day, "UTC")) for day in (first, date(2026, 12, 31), date(2027, 1, 1)))
    )
    measure = Rate(Counted(metric="m"), 3, "week", "hit_rate")
    state = judged(measure, "UTC", (date(2026, 12, 21), date(2027, 1, 10)), midnight(last + DAY, "UTC"), facts)
    assert state.formula == "1 of 2 weeks with at least 3 = 0.5"


def test_a_cycle_that_ends_in_week_53_has_four_sevenths_of_its_quota() -> None:
    assert spans(date(2026, 12, 28), date(2026, 12, 31), "week")[0].share == 4 / 7


def test_the_leap_day_counts_in_its_month_and_can_be_skipped() -> None:
    first, leap = date(2028, 2, 1), date(2028, 2, 29)
    (span,) = spans(first, leap, "month")
    assert (span.last, span.share) == (leap, 1.0)
    assert spans(first, leap, "month", (leap,))[0].share == 28 / 29
    facts = MetricFacts((Reading(3.0, midnight(leap, "UTC")),))
    state = judged(Rate(Counted(metric="m"), 29, "month"), "UTC", (first, leap), midnight(leap + DAY, "UTC"), facts)
    assert (state.value, state.target) == (3, 29)


def test_a_reading_in_another_zone_counts_on_the_local_day_of_the_cycle() -> None:
    """23:30 in New York on 31 December is 05:30 in Berlin on 1 January: too late for a cycle that ends there."""
    at = datetime(2026, 12, 31, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    facts = MetricFacts((Reading(1.0, at - DAY), Reading(5.0, at)))
    now = datetime(2027, 1, 10, tzinfo=UTC)
    states = [
        judged(Change("m", 0, target=10), zone, (date(2026, 10, 1), date(2026, 12, 31)), now, facts)
        for zone in ("Europe/Berlin", "America/New_York")
    ]
    assert [state.value for state in states] == [1, 5]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "UTC", "Asia/Kathmandu"])
def test_work_is_held_against_the_last_local_day_wherever_that_is(zone: str) -> None:
    """From UTC+14 to UTC-11 the forecast names the last day of the key result that needs the work."""
    last, now = date(2026, 12, 31), midnight(date(2026, 11, 30), "UTC")
    work = Initiative("i", "I", scopes=initiative().scopes)
    created = now - 30 * DAY
    items = [item(f"{n}", "done", created=created, done_at=now - n * 7 * DAY - DAY) for n in range(4)]
    places = (scope("i/1", [*items, item("x", created=created)]),)
    measured = key_result(
        Done(DoneSubject(initiative="i")), start=midnight(date(2026, 10, 1), zone), due=midnight(last + DAY, zone)
    )
    snapshot = evaluate(Book(zone, (CYCLE,), (objective(measured),), (), (work,)), history(now, scopes=places), now)
    forecast = snapshot.initiatives[0].forecast
    assert forecast is not None
    assert forecast.due == last
