"""Laws of alerts: each trouble is told once, ends once, and nothing is told when nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.alerting import DAY, Lapse, Notice, Subject, Trouble, decide, next_try
from okr_sync.core.facts import SourceState
from okr_sync.core.freshness import believed

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOST = 3


def state(age: timedelta | None = MINUTE, error: str | None = None, at: datetime = NOW) -> SourceState:
    """A source that last answered so long ago, and is fresh for an hour."""
    return SourceState("tracker", None if age is None else at - age, HOUR, error, "start it" if error else None)


def lapse(slots: int = 1) -> Lapse:
    """So many slots without a run, one an hour."""
    return Lapse(slots, NOW - slots * HOUR, NOW - HOUR, "no worker was there in time")


def told(known: dict[Subject, Trouble], *notices: Notice) -> dict[Subject, Trouble]:
    """What is open after the notices."""
    after = dict(known)
    for each in notices:
        if each.event == "raised":
            assert (each.kind, each.subject) not in after, "raised twice"
            after[each.kind, each.subject] = Trouble(each.kind, each.subject, each.at, each.reason)
        else:
            assert after.pop((each.kind, each.subject)).since == each.since
    return after


SEEN = st.tuples(
    st.sampled_from([None, MINUTE, HOUR, HOUR + MINUTE]), st.integers(0, 5), st.sampled_from([None, "it is down"])
)
MOMENTS = st.tuples(
    st.dictionaries(st.sampled_from("ab"), SEEN),
    st.dictionaries(st.sampled_from("a"), st.sampled_from([None, lapse()])),
)


@given(st.lists(MOMENTS, max_size=12))
def test_troubles_are_raised_and_resolved_in_turn_whatever_happens(moments: list[tuple[Any, Any]]) -> None:
    """Also when sources and schedules come and go; and deciding again without any change says nothing."""
    known: dict[Subject, Trouble] = {}
    for number, (seen, lapses) in enumerate(moments):
        at = NOW + number * HOUR
        sources = {name: (state(age, error, at), failures) for name, (age, failures, error) in seen.items()}
        found = decide(known, sources, lapses, at, MOST)
        assert all(each.at == at for each in found)
        known = told(known, *found)
        assert decide(known, sources, lapses, at, MOST) == ()
        named = {("source", name) for name in sources} | {("schedule", name) for name in lapses}
        assert known.keys() <= named, "nothing is open about what is gone"
        for name, (each, failures) in sources.items():
            bad = failures >= MOST or (each.last_success is not None and at - each.last_success > HOUR)
            if bad:
                assert ("source", name) in known
            elif not failures:
                assert ("source", name) not in known


@pytest.mark.parametrize(
    ("seen", "failures", "reason"),
    [
        (state(), 0, ""),
        (state(error="it is down"), 2, ""),
        (state(HOUR), 0, ""),
        (
            state(error="it is down"), 3,
            "it failed 3 times in a row; it last answered 2026-11-22 07:59 UTC: it is down; what to do: start it",
        ),
        (state(None, "down"), 4, "it failed 4 times in a row; it never answered: down; what to do: start it"),
        (state(None), 0, ""),
        (state(2 * HOUR), 0, "its numbers are stale: it last answered 2026-11-22 06:00 UTC, more than 1 h ago"),
        (
            state(2 * HOUR, "it is down"), 1,
            (
                "its numbers are stale: it last answered 2026-11-22 06:00 UTC, more than 1 h ago: it is down; "
                "what to do: start it"
            ),
        ),
    ],
)  # fmt: skip
def test_a_source_is_told_when_it_failed_too_often_or_went_stale(seen: SourceState, failures: int, reason: str) -> None:
    found = decide({}, {"tracker": (seen, failures)}, {}, NOW, MOST)
    assert [each.reason for each in found] == ([reason] if reason else [])


def test_a_source_that_answered_by_a_wrong_clock_is_told_with_what_to_do() -> None:
    """Red when only the age of what can be dated is looked at: such a source would be silent for years."""
    wrong = believed(SourceState("tracker", NOW + 10 * HOUR, HOUR), NOW)
    (raised,) = decide({}, {"tracker": (wrong, 0)}, {}, NOW, MOST)
    assert raised.reason == (
        "its numbers are stale: its last answer is of 2026-11-22 18:00 UTC, which is still to come: a clock was wrong; "
        "what to do: wait for its next answer; should that be dated wrong, too, set the clocks of the machines"
    )
    assert decide(told({}, raised), {"tracker": (wrong, 0)}, {}, NOW + HOUR, MOST) == ()


def test_one_trouble_has_one_alert_however_it_shows() -> None:
    """A stale source that then fails too often is not told again, and one failure less ends nothing."""
    (raised,) = decide({}, {"tracker": (state(2 * HOUR), 0)}, {}, NOW, MOST)
    known = told({}, raised)
    assert decide(known, {"tracker": (state(3 * HOUR, "no"), MOST)}, {}, NOW, MOST) == ()
    assert decide(known, {"tracker": (state(error="no"), 1)}, {}, NOW, MOST) == ()
    (resolved,) = decide(known, {"tracker": (state(at=NOW + HOUR), 0)}, {}, NOW + HOUR, MOST)
    assert (resolved.event, resolved.since, resolved.at) == ("resolved", NOW, NOW + HOUR)
    assert resolved.reason.startswith("it answers, and its numbers are fresh; it was: its numbers are stale")


def test_missed_slots_are_told_with_how_many_and_which_until_a_later_one_had_its_run() -> None:
    (one,) = decide({}, {}, {"": lapse()}, NOW, MOST)
    assert (one.title, one.reason) == (
        "The schedule: trouble", "1 slot had no run, 2026-11-22 07:00 UTC: no worker was there in time"
    )  # fmt: skip
    (many,) = decide({}, {}, {"survey": lapse(3)}, NOW, MOST)
    assert many.title == "Schedule survey: trouble"
    assert many.reason.startswith("3 slots had no run, 2026-11-22 05:00 UTC to 2026-11-22 07:00 UTC: ")
    known = told({}, one)
    assert decide(known, {}, {"": lapse(2)}, NOW, MOST) == ()
    (over,) = decide(known, {}, {"": None}, NOW, MOST)
    assert over.title == "The schedule: all is well again"
    assert over.reason.startswith("a later slot had its run; it was: 1 slot")


def test_housekeeping_that_failed_is_told_once_until_it_is_done() -> None:
    (one,) = decide({}, {}, {}, NOW, MOST, untidy="it failed")
    assert (one.event, one.title, one.reason) == ("raised", "The housekeeping: trouble", "it failed")
    known = told({}, one)
    assert decide(known, {}, {}, NOW, MOST, untidy="it failed again") == ()
    (over,) = decide(known, {}, {}, NOW, MOST)
    assert (over.event, over.reason) == ("resolved", "it is done, or off; it was: it failed")
    assert decide({}, {}, {}, NOW, MOST) == ()


def test_what_left_the_config_is_over() -> None:
    known = told({}, *decide({}, {"tracker": (state(2 * HOUR), 0)}, {"": lapse()}, NOW, MOST))
    gone = decide(known, {}, {}, NOW, MOST)
    assert [each.title for each in gone] == ["The schedule: all is well again", "Source tracker: all is well again"]
    assert all(each.reason.startswith("it is not in the config any more") for each in gone)


def test_a_test_says_that_it_is_one() -> None:
    assert Notice("test", "source", "", NOW, NOW, "").title == "Test of the alerts"


@given(st.integers(1, 10_000), st.timedeltas(timedelta(0), 2 * DAY))
def test_tries_come_rarer_up_to_an_hour_and_end_after_a_day(tries: int, age: timedelta) -> None:
    found = next_try(NOW, tries, NOW + age)
    waits = [1, 2, 4, 8, 16, 32]
    wait = waits[tries - 1] * MINUTE if tries <= len(waits) else HOUR
    assert found == (NOW + age + wait if age + wait < DAY else None)


def test_a_channel_that_never_answers_is_asked_about_thirty_times() -> None:
    at, tries = NOW, 0
    following: datetime | None = NOW
    while following is not None:
        at, tries = following, tries + 1
        following = next_try(NOW, tries, at)
    assert 25 <= tries <= 32
    assert at < NOW + DAY
