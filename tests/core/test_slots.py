"""Laws of slots: what a cron expression and an interval mean, in summer and in winter."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.cron import parse_cron
from okr_sync.core.slots import Interval, latest_slot, longest_gap, slots_after, slots_until

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPAN = 28  # days that one example looks at

times = st.times().map(lambda found: found.replace(second=0, microsecond=0))
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.integers(0, 3_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
in_the_year = st.integers(0, 364 * 86_400).map(lambda seconds: BEGIN + timedelta(seconds=seconds))


def _cron(text: str, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    return list(slots_until(parse_cron(text), zone, begin, end))


def _walls(text: str, begin: str, days: int = 7) -> list[str]:
    """Return the first slots in UTC's days after `begin`, as weekday and time."""
    start = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    return [f"{slot:%a %H:%M}" for slot in _cron(text, UTC_ZONE, start, start + days * DAY)]


@given(times, zones, in_the_year)
def test_a_daily_slot_comes_once_a_local_date_all_year_in_every_zone(at: time, zone: ZoneInfo, begin: datetime) -> None:
    slots = _cron(f"{at.minute} {at.hour} * * *", zone, begin - 2 * DAY, begin + (SPAN + 2) * DAY)
    dates = Counter(slot.astimezone(zone).date() for slot in slots)
    days = [begin.date() + number * DAY for number in range(SPAN)]
    assert [day for day in days if dates[day] != 1] == []


@given(times, zones, in_the_year)
def test_a_slot_is_the_first_instant_at_which_the_wall_shows_its_time_or_later(
    at: time, zone: ZoneInfo, begin: datetime
) -> None:
    for slot in _cron(f"{at.minute} {at.hour} * * *", zone, begin, begin + SPAN * DAY):
        shown, before = (each.astimezone(zone).replace(tzinfo=None) for each in (slot, slot - timedelta(minutes=1)))
        wanted = datetime.combine(shown.date(), at)
        assert shown >= wanted > before
        assert shown == wanted or slot.astimezone(zone).utcoffset() != (slot - HOUR).astimezone(zone).utcoffset()


@given(st.integers(1, 59), zones, in_the_year)
def test_slots_follow_each_other_and_asking_later_gives_the_same_ones(step: int, zone: ZoneInfo, at: datetime) -> None:
    cron = parse_cron(f"*/{step} * * * *")
    end = at + 6 * timedelta(minutes=step)
    whole = list(slots_until(cron, zone, at, end))
    assert all(earlier < later for earlier, later in pairwise(whole))
    middle = at + 3 * timedelta(minutes=step)
    rest = list(slots_until(cron, zone, middle, end))
    assert [slot for slot in whole if slot > middle] == rest
    assert latest_slot(cron, zone, end) == whole[-1]


@given(st.integers(1, 100_000), instants)
def test_an_interval_counts_from_the_epoch_whenever_one_asks(seconds: int, at: datetime) -> None:
    schedule = Interval(timedelta(seconds=seconds))
    first, second = islice(slots_after(schedule, BERLIN, at), 2)
    assert (second - first, first.timestamp() % seconds) == (schedule.every, 0)
    assert at < first <= at + schedule.every
    assert latest_slot(schedule, BERLIN, at) == first - schedule.every


def test_a_time_in_the_gap_is_due_at_the_first_instant_behind_it_and_only_once() -> None:
    night = datetime(2026, 3, 29, tzinfo=UTC)  # 02:00 becomes 03:00 at 01:00 UTC
    assert _cron("30 2 * * *", BERLIN, night, night + 12 * HOUR) == [night + HOUR]
    assert _cron("*/15 2 * * *", BERLIN, night, night + 12 * HOUR) == [night + HOUR]
    assert _cron("0 2,3 * * *", BERLIN, night, night + 12 * HOUR) == [night + HOUR]


def test_a_time_that_comes_twice_is_due_the_first_time_only() -> None:
    night = datetime(2026, 10, 25, tzinfo=UTC)  # 03:00 becomes 02:00 at 01:00 UTC
    assert _cron("30 2 * * *", BERLIN, night - HOUR, night + 12 * HOUR) == [night + HOUR / 2]


def test_a_day_that_a_zone_left_out_has_no_slot() -> None:
    apia, begin = ZoneInfo("Pacific/Apia"), datetime(2011, 12, 29, 0, tzinfo=UTC)  # there was no 30 December
    dates = [slot.astimezone(apia).day for slot in _cron("0 6 * * *", apia, begin, begin + 3 * DAY)]
    assert dates == [29, 31, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 6 * * 0", ["Sun 06:00"]),
        ("0 6 * * 7", ["Sun 06:00"]),
        ("0 6 * * SUN", ["Sun 06:00"]),
        ("0 6 * * 1", ["Mon 06:00"]),
        ("0 6 * * fri-sun", ["Fri 06:00", "Sat 06:00", "Sun 06:00"]),
        ("0 6 * * 5-7", ["Fri 06:00", "Sat 06:00", "Sun 06:00"]),
        ("0 6 * * 0-1", ["Sun 06:00", "Mon 06:00"]),
        ("0 8-18/5 * * mon", ["Mon 08:00", "Mon 13:00", "Mon 18:00"]),
        ("*/30 9 * * tue,thu", ["Tue 09:00", "Tue 09:30", "Thu 09:00", "Thu 09:30"]),
        ("5,0 9 6 nov *", ["Fri 09:00", "Fri 09:05"]),
        ("0 9 4 * fri", ["Wed 09:00", "Fri 09:00"]),  # both restricted: one is enough
        ("0 9 */3 * wed", ["Wed 09:00"]),  # beginning with *: both must fit
    ],
)
def test_a_field_means_what_cron_says(text: str, expected: list[str]) -> None:
    order = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    found = _walls(text, "2026-10-31T23:59")  # a Saturday
    assert sorted(found) == sorted(expected), order


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 6 * *", "expected five fields"),
        ("60 6 * * *", "minute: '60' is not within 0-59"),
        ("0 24 * * *", "hour: '24' is not within 0-23"),
        ("0 6 0 * *", "day: '0' is not within 1-31"),
        ("0 6 * 13 *", "month: '13' is not within 1-12 or jan, feb"),
        ("0 6 * * 8", "weekday: '8' is not within 0-7 or sun, mon"),
        ("0 6 * * mo", "weekday: 'mo' is not within"),
        ("0 6 * * fri-mon", "weekday: 'fri-mon' ends before it begins"),
        ("*/0 6 * * *", "minute: '\\*/0': a step is at least 1"),
        ("5/10 6 * * *", "minute: '5/10': a step .* stands behind"),
        ("1,, 6 * * *", "minute: '' is no number"),
        ("@ 6 * * *", "minute: '@' is no number, name, range"),
        ("0 6 30 2 *", "these days never come"),
        ("0 6 31 feb,apr *", "these days never come"),
    ],
)
def test_what_can_not_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_cron(text)


def test_the_calendar_ends_and_so_do_the_slots() -> None:
    late = datetime(9998, 12, 31, 12, tzinfo=UTC)
    for schedule in (parse_cron("0 18 * * *"), Interval(6 * HOUR)):
        assert list(slots_after(schedule, BERLIN, late))[-1] <= late + DAY / 2
        assert list(slots_until(schedule, BERLIN, late, datetime.max.replace(tzinfo=UTC)))


def test_the_leap_day_comes_every_four_years_and_its_last_one_may_be_long_ago() -> None:
    leap = parse_cron("0 0 29 2 *")
    found = [slot.year for slot in islice(slots_after(leap, UTC_ZONE, BEGIN), 2)]
    assert found == [2028, 2032]
    assert latest_slot(leap, UTC_ZONE, BEGIN) is None


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("0 6 * * *", DAY),
        ("0 6 * * mon-fri", 3 * DAY),
        ("*/15 * * * *", timedelta(minutes=15)),
        ("0 6,18 * * mon", 7 * DAY - 12 * HOUR),
        ("0 8,9 * * *", 23 * HOUR),
        ("0 0 1 1 *", 366 * DAY),
    ],
)
def test_the_longest_gap_is_the_longest_time_without_a_slot(text: str, gap: timedelta) -> None:
    assert longest_gap(parse_cron(text)) == gap
    assert longest_gap(Interval(gap)) == gap
