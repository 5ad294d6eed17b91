"""Status: progress against the calendar, with the reason."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.model import Change
from okr_sync.core.numbers import close
from okr_sync.core.snapshot import Status
from okr_sync.core.status import elapsed_share, judge_pace
from tests.core.builders import DUE, HALF, START, change, day, judge, reading, readings

RANK: dict[Status, int] = {"met": 5, "pending": 4, "on_track": 4, "at_risk": 3, "off_track": 2, "missed": 1}
"""How good a status is; pending makes no claim, so that nothing but met betters it."""


def status(p: float, now: datetime = HALF) -> Status:
    return change(p, 0, 1, now).status


@pytest.mark.parametrize(
    ("p", "at", "expected"),
    [
        (0.45, 50, "on_track"),
        (0.44, 50, "at_risk"),
        (0.40, 50, "at_risk"),
        (0.30, 50, "at_risk"),
        (0.29, 50, "off_track"),
        (0.0, 50, "off_track"),
        (-0.2, 50, "off_track"),
        (1.0, 50, "met"),
        (1.2, 50, "met"),
        (0.1 * 3 + 0.7, 50, "met"),
        (0.0, 5, "pending"),
        (-0.1, 5, "at_risk"),
        (1.0, 5, "met"),
        (0.09, 10, "on_track"),
        (1.0, 100, "met"),
        (0.99, 100, "missed"),
        (-1.0, 100, "missed"),
        (0.99, 150, "missed"),
        (5.0, -1, "pending"),
    ],
)
def test_the_pace_preset(p: float, at: float, expected: Status) -> None:
    held = readings(reading(p, -9))
    assert judge(Change("m", 0, target=1), held, now=day(at)).status == expected


def test_the_reason_says_the_numbers() -> None:
    assert change(0.4, 0, 1).reason == "0.40 of 0.50 expected by now"
    assert change(-0.15, 0, 1).reason == "-0.15 of 0.50 expected by now: worse than at the start"
    assert change(0.2, 0, 1, day(5)).reason == "0.20 so far; the pace is judged from 10% of the time on"
    assert change(-0.2, 0, 1, day(5)).reason == "-0.20: worse than at the start"
    assert change(1.14, 0, 1).reason == "1.14 of 1.00 reached before the due date"
    assert change(0.999, 0, 1, DUE).reason == "0.99 of 1.00 at the due date"


@pytest.mark.parametrize(("at", "share"), [(-5, 0), (0, 0), (25, 0.25), (50, 0.5), (100, 1), (130, 1)])
def test_the_elapsed_share_is_clamped_to_the_key_results_own_time(at: float, share: float) -> None:
    assert elapsed_share(START, DUE, day(at)) == share


def test_a_span_of_no_length_has_passed_at_its_instant() -> None:
    assert (elapsed_share(START, START, START), elapsed_share(START, START, day(-1))) == (1, 0)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(1, 200))
def test_more_progress_never_worsens_the_status(one: float, other: float, at: float) -> None:
    less, more = sorted((one, other))
    assert RANK[status(more, day(at))] >= RANK[status(less, day(at))]


@given(st.floats(-2, 2), st.floats(1, 200), st.floats(1, 200))
def test_with_equal_data_a_later_instant_never_betters_the_status(p: float, one: float, other: float) -> None:
    sooner, later = sorted((one, other))
    assert RANK[status(p, day(later))] <= RANK[status(p, day(sooner))]


@given(st.floats(-1, 1.5), st.floats(0, 1))
def test_the_attainment_is_paced_but_only_progress_is_met(attainment: float, expected: float) -> None:
    verdict, reason = judge_pace(0.0, attainment, expected)
    assert verdict != "met"
    assert reason


def test_moving_start_and_due_and_now_together_changes_nothing() -> None:
    shift = timedelta(days=400)
    assert close(elapsed_share(START + shift, DUE + shift, HALF + shift), elapsed_share(START, DUE, HALF))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_judgement_never_holds_what_is_no_number(bad: float) -> None:
    with pytest.raises(OverflowError, match="finite"):
        Judgement(pace="linear", progress=bad)


def test_unknown_is_none_with_a_reason() -> None:
    judged = unknown("no answer")
    assert (judged.progress, judged.value, judged.reason) == (None, None, "no answer")
