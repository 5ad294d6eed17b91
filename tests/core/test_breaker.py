"""When a source in trouble is asked again, whatever happened before."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.breaker import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_WISH,
    PATIENCE,
    REFUSED_PAUSE,
    Breaker,
    Ended,
    How,
    advice,
    holds_back,
    may_ask,
    sentence,
    settle,
)

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OLD, NEW = "settings", "other settings"

hows = st.sampled_from(("answered", "refused", "failed"))
FAILED: tuple[How, ...] = ("failed",) * 9
wishes = st.none() | st.floats(-1e9, 1e9) | st.just(math.inf) | st.just(math.nan)
endings = st.builds(Ended, hows, st.just(NOW), st.text(max_size=9), st.text(max_size=9), wishes)
histories = st.lists(st.tuples(endings, st.timedeltas(timedelta(0), timedelta(days=2))), max_size=12)


def lived(history: list[tuple[Ended, timedelta]]) -> tuple[Breaker | None, datetime]:
    """Return the state after these endings, each so long after the one before, and the instant of the last."""
    breaker, now = None, NOW
    for ended, later in history:
        now += later
        breaker = settle(breaker, OLD, Ended(ended.how, now, ended.error, ended.fix, ended.wish))
    return breaker, now


def after(*hows: How, wish: float | None = None) -> Breaker | None:
    """Return the state after these endings, a minute apart, the last of them with a wish."""
    breaker = None
    for number, how in enumerate(hows):
        told = wish if number == len(hows) - 1 else None
        breaker = settle(breaker, OLD, Ended(how, NOW + number * MINUTE, "status 500", "wait", told))
    return breaker


@given(histories)
def test_an_answer_without_a_wish_ends_all_trouble(history: list[tuple[Ended, timedelta]]) -> None:
    breaker, now = lived(history)
    assert settle(breaker, OLD, Ended("answered", now)) is None


@given(histories, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_other_settings_are_always_asked_as_usual(history: list[tuple[Ended, timedelta]], later: timedelta) -> None:
    breaker, now = lived(history)
    assert may_ask(breaker, NEW, now + later) == "ask"


@given(histories, endings)
def test_other_settings_begin_anew(history: list[tuple[Ended, timedelta]], ended: Ended) -> None:
    breaker, _ = lived(history)
    assert settle(breaker, NEW, ended) == settle(None, NEW, ended)


@given(histories)
def test_after_a_refusal_nothing_is_sent_for_an_hour_and_then_one_probe(
    history: list[tuple[Ended, timedelta]],
) -> None:
    before, now = lived(history)
    breaker = settle(before, OLD, Ended("refused", now))
    assert may_ask(breaker, OLD, now) == "wait"
    assert may_ask(breaker, OLD, now + REFUSED_PAUSE - timedelta.resolution) == "wait"
    assert may_ask(breaker, OLD, now + REFUSED_PAUSE) == "probe"


@given(histories, st.integers(1, int(LONGEST_WISH.total_seconds())), hows)
def test_the_wish_of_a_source_is_kept_to_the_second(
    history: list[tuple[Ended, timedelta]], wish: int, how: How
) -> None:
    before, now = lived(history)
    breaker = settle(before, OLD, Ended(how, now, wish=wish))
    assert breaker is not None
    assert breaker.next_try is not None
    assert breaker.next_try >= now + timedelta(seconds=wish)
    assert may_ask(breaker, OLD, now + timedelta(seconds=wish) - timedelta.resolution) == "wait"


@given(histories)
def test_no_trouble_holds_back_for_longer_than_a_day(history: list[tuple[Ended, timedelta]]) -> None:
    breaker, now = lived(history)
    assert not holds_back(breaker, now + LONGEST_WISH)


@given(histories, st.timedeltas(timedelta.resolution, timedelta(days=4000)))
def test_a_clock_that_went_back_holds_nothing_back(history: list[tuple[Ended, timedelta]], back: timedelta) -> None:
    breaker, now = lived(history)
    assert not holds_back(breaker, now - back)


@pytest.mark.parametrize("wish", [math.inf, math.nan, 1e300])
def test_a_wish_without_end_is_a_day(wish: float) -> None:
    breaker = after("failed", wish=wish)
    assert breaker is not None
    assert breaker.next_try == NOW + LONGEST_WISH


def test_a_wish_below_zero_is_none() -> None:
    breaker = after("answered", wish=-5.0)
    assert breaker is not None
    assert (breaker.next_try, may_ask(breaker, OLD, NOW)) == (NOW, "ask")


def test_the_first_failures_are_followed_by_usual_runs_and_the_next_by_probes() -> None:
    assert PATIENCE == 3
    assert may_ask(None, OLD, NOW) == "ask"
    assert may_ask(after("failed"), OLD, NOW) == "ask"
    assert may_ask(after("failed", "failed"), OLD, NOW + MINUTE) == "ask"
    assert may_ask(after("failed", "failed", "failed"), OLD, NOW + 2 * MINUTE) == "wait"
    assert may_ask(after("failed", "failed", "failed"), OLD, NOW + 2 * MINUTE + FIRST_PAUSE) == "probe"


def test_pauses_double_up_to_the_longest() -> None:
    pauses = []
    for failures in range(PATIENCE, PATIENCE + 6):
        breaker = after(*FAILED[:failures])
        assert breaker is not None
        assert breaker.next_try is not None
        pauses.append((breaker.next_try - breaker.at) / MINUTE)
    assert pauses == [1, 2, 4, 8, 10, 10]
    assert LONGEST_PAUSE == 10 * MINUTE


def test_failures_count_on_through_refusals_and_the_trouble_begins_with_its_kind() -> None:
    breaker = after("failed", "failed", "refused", "refused")
    assert breaker is not None
    assert (breaker.failures, breaker.trouble, breaker.since) == (4, "refused", NOW + 2 * MINUTE)
    breaker = after("refused", "failed", "failed")
    assert breaker is not None
    assert (breaker.trouble, breaker.since) == ("failing", NOW + MINUTE)


@pytest.mark.parametrize(
    ("breaker", "said"),
    [
        (after("refused"), "credential refused since 2026-10-05 09:00 UTC; next try 2026-10-05 10:00 UTC"),
        (after("failed"), "1 failed run in a row since 2026-10-05 09:00 UTC"),
        (
            after("failed", "failed", "failed"),
            "3 failed runs in a row since 2026-10-05 09:00 UTC; next try 2026-10-05 09:03 UTC",
        ),
        (
            after("answered", wish=7200),
            "asked since 2026-10-05 09:00 UTC to be left alone; next try 2026-10-05 11:00 UTC",
        ),
    ],
)
def test_a_trouble_says_since_when_and_until_when(breaker: Breaker, said: str) -> None:
    assert sentence(breaker) == said


def test_the_advice_is_that_of_the_failure_and_how_to_be_sooner() -> None:
    sooner = "changed settings are tried at once, and so is everything by `okr-sync sync --retry`"
    assert advice(Breaker(OLD, "refused", NOW, NOW, fix="renew the token.")) == f"renew the token; {sooner}"
    assert advice(Breaker(OLD, "refused", NOW, NOW)) == sooner
