"""Ranges, zones, and the commit and stretch values of a change."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.facts import MetricFacts
from okr_sync.core.kinds import Range, Zone
from okr_sync.core.model import Change
from okr_sync.core.snapshot import KeyResultState
from tests.core.builders import DUE, HALF, day, judge, metric, reading, readings

LEVELS = Zone("m", commit="in the top ten", target="in the top three", stretch="number one")


@pytest.mark.parametrize(
    ("value", "progress", "status"),
    [
        (40, 1, "on_track"),
        (60, 1, "on_track"),
        (52, 1, "on_track"),
        (65, 0.5, "at_risk"),
        (72, 0, "off_track"),
        (35, 0.5, "at_risk"),
        (28, 0, "off_track"),
    ],
)
def test_between_40_and_60_is_1_and_a_miss_is_graded_by_its_distance(
    value: float, progress: float, status: str
) -> None:
    """W = 10: 65 is 5 outside, 1 - 5 / 10 = 0.5; 72 is 12 outside: 0."""
    state = judge(Range("m", 40, 60, tolerance=10), readings(value))
    assert (state.progress, state.status, state.kind) == (progress, status, "range")
    assert (state.value, state.expected) == (value, None)


def test_a_range_says_its_numbers() -> None:
    assert judge(Range("m", 40, 60), readings(52)).formula == "40 <= 52 <= 60: inside = 1"
    assert judge(Range("m", 40, 60, 10), readings(65)).formula == "65 is outside 40 to 60: max(0, 1 - 5 / 10) = 0.5"
    assert judge(Range("m", 40, 60), readings(65)).formula == "65 is outside 40 to 60: outside = 0"


def test_a_range_that_holds_is_met_only_at_the_due_date() -> None:
    assert judge(Range("m", 40, 60), readings(50), now=HALF).status == "on_track"
    assert judge(Range("m", 40, 60), readings(50), now=DUE).status == "met"
    assert judge(Range("m", 40, 60, 10), readings(61), now=DUE).status == "missed"


@pytest.mark.parametrize(("low", "high"), [(60, 40), (40, 40), (math.nan, 4), (-1e308, 1e308), (0, math.inf)])
def test_a_range_that_says_nothing_is_unknown(low: float, high: float) -> None:
    assert judge(Range("m", low, high), readings(50)).status == "unknown"


def test_a_range_without_a_reading_or_a_metric_is_unknown() -> None:
    assert judge(Range("m", 40, 60)).status == "unknown"
    assert judge(Range("x", 40, 60), metrics=()).status == "unknown"
    assert "ignored" in judge(Range("m", 4, 6), readings(5, 99), metrics=(metric(maximum=10),)).reason


@given(st.floats(-1000, 1000), st.floats(-100, 100), st.floats(0.1, 100), st.floats(0.1, 100))
def test_the_mirror_image_of_a_range_scores_the_same(v: float, low: float, width: float, w: float) -> None:
    here = judge(Range("m", low, low + width, w), readings(v)).progress
    mirrored = judge(Range("m", -low - width, -low, w), readings(-v)).progress
    assert here is not None
    assert 0 <= here <= 1
    assert mirrored == pytest.approx(here)


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0.1, 100))
def test_farther_outside_a_range_is_never_better(near: float, far: float, w: float) -> None:
    near, far = sorted((near, far))
    closer, farther = (judge(Range("m", 0, 10, w), readings(10 + d)).progress for d in (near, far))
    assert closer is not None
    assert farther is not None
    assert farther <= closer


def zone(value: float, author: str | None = "ana", days: float = 60) -> KeyResultState:
    typed = reading(value, 10, author=author, evidence="analyst report", expires=day(10) + timedelta(days=days))
    return judge(LEVELS, MetricFacts((typed,)))


@pytest.mark.parametrize(("value", "progress"), [(0, 0), (1, 0.3), (2, 0.7), (3, 1)])
def test_the_levels_of_a_zone_are_0_and_30_and_70_and_100_percent(value: float, progress: float) -> None:
    state = zone(value)
    assert (state.progress, state.value, state.kind) == (progress, value, "zone")


def test_a_zone_says_who_set_it_and_on_what_evidence() -> None:
    assert zone(2).formula == "target (in the top three) = 0.7, set by ana: analyst report"


def test_an_expired_zone_is_outdated() -> None:
    assert zone(2, days=30).status == "outdated"
    assert zone(2, days=60).status == "on_track"


def test_a_zone_is_met_from_its_target_on_and_only_when_due() -> None:
    typed = MetricFacts((reading(2, 99, author="ana"),))
    assert judge(LEVELS, typed, now=DUE).status == "met"
    assert judge(LEVELS, typed, now=day(99)).status == "on_track"
    lower = judge(LEVELS, MetricFacts((reading(1, 99, author="ana"),)), now=DUE)
    assert (lower.status, lower.reason) == ("missed", "0.30 of 0.70 at the due date")


def test_only_a_person_sets_a_zone_and_only_to_a_level() -> None:
    assert "was not set by a person" in zone(2, author=None).reason
    assert zone(2.5).reason.startswith("2.5 is no level: check in 0 (fail)")
    assert (zone(2.5).status, zone(2.5).progress) == ("unknown", None)
    assert judge(LEVELS).status == "unknown"


@given(st.integers(0, 3), st.integers(0, 3))
def test_a_higher_zone_is_never_worse(one: int, other: int) -> None:
    lower, higher = sorted((one, other))
    assert (zone(higher).progress or 0) >= (zone(lower).progress or 0)


def test_commit_and_stretch_are_told_and_change_no_number() -> None:
    plain = judge(Change("m", 31, target=51), readings(46))
    marked = judge(Change("m", 31, target=51, commit=45, stretch=60), readings(46))
    assert marked.progress == plain.progress == 0.75
    assert marked.reason == f"{plain.reason}; commit 45 reached; stretch 60 not reached"


def test_commit_and_stretch_of_a_falling_number_are_reached_from_above() -> None:
    falling = Change("m", 2400, target=2040, commit=2200, stretch=1800)
    assert judge(falling, readings(2100)).reason.endswith("commit 2,200 reached; stretch 1,800 not reached")
    assert judge(falling, readings(1700)).reason.endswith("commit 2,200 reached; stretch 1,800 reached")
