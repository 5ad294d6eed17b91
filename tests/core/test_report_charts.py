"""Charts are step lines inside the unit square, and draw only what was known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.charts import Chart, ChartPoint, build_chart
from okr_sync.core.snapshot import KeyResultState

START = datetime(2026, 10, 1, tzinfo=UTC)
DUE = START + timedelta(days=100)
NOW = START + timedelta(days=50)

PACED = KeyResultState(
    id="nps", objective="o", title="NPS", kind="change", owner=None, weight=1.0, unit="points", start=START, due=DUE,
    definition="", baseline=0.0, target=50.0,
)  # fmt: skip
BOUND = replace(PACED, kind="threshold", baseline=None, target=2.0, unit="incidents")


def at(day: float, progress: float | None, value: float | None = None, *, stale: bool = False) -> ChartPoint:
    """Return a point on a day of the cycle."""
    return ChartPoint(START + timedelta(days=day), value if value is not None else progress, progress, stale)


def chart(state: KeyResultState, *points: ChartPoint, now: datetime = NOW) -> Chart:
    """Return the chart; fails where there is none."""
    made = build_chart(state, points, now)
    assert made is not None
    return made


def test_a_value_holds_until_the_next_point() -> None:
    """Progress is a step function, the last step reaches to now."""
    made = chart(PACED, at(0, 0.0), at(10, 0.5), at(20, 1.0))
    assert made.line == (((0.0, 0.0), (0.1, 0.0), (0.1, 0.5), (0.2, 0.5), (0.2, 1.0), (0.5, 1.0)),)
    assert (made.low, made.high, made.unit) == (0.0, 100.0, "%")


def test_paced_kinds_have_a_line_of_expected_progress() -> None:
    """It runs from 0 at the start to 100 % when due, whatever the range of the axis."""
    made = chart(PACED, at(0, -1.0))
    assert made.expected == ((0.0, 0.5), (1.0, 1.0))
    assert made.target == 1.0
    assert chart(replace(PACED, kind="done"), at(0, 0.0)).expected is None


def test_a_range_is_drawn_by_value_between_its_bounds() -> None:
    made = chart(replace(PACED, kind="range", baseline=None, target=None, bounds=(40.0, 60.0)), at(0, 0.5, 80.0))
    assert (made.low, made.high, made.unit, made.bounds) == (40, 80, "points", (0, 0.5))
    assert (made.expected, made.target) == (None, None)


def test_a_threshold_is_drawn_by_value_against_its_bound() -> None:
    """Its unit is the metric's, it has no pace, its target line is the bound."""
    made = chart(BOUND, at(0, 1.0, 1.0), at(10, 0.5, 3.0))
    assert (made.low, made.high, made.unit) == (1.0, 3.0, "incidents")
    assert (made.target, made.expected) == (0.5, None)
    assert chart(replace(BOUND, target=None), at(0, 1.0, 1.0), at(1, 1.0, 2.0)).target is None


def test_overshoot_and_falls_below_the_baseline_widen_the_axis() -> None:
    """Nothing is cut off: 150 % and −50 % are inside."""
    made = chart(PACED, at(0, -0.5), at(10, 1.5))
    assert (made.low, made.high) == (-50.0, 150.0)
    assert made.target == 0.75


@pytest.mark.parametrize(("value", "low", "high"), [(2.0, 1.0, 3.0), (200.0, 180.0, 220.0)])
def test_an_axis_is_never_flat(value: float, low: float, high: float) -> None:
    """All numbers equal still make a range."""
    made = chart(replace(BOUND, target=value), at(0, 1.0, value))
    assert (made.low, made.high, made.target) == (low, high, 0.5)


def test_an_unknown_point_ends_the_line() -> None:
    """A gap stays a gap: no value is carried over it, and none is drawn as 0."""
    made = chart(PACED, at(0, 0.2), at(10, None), at(20, None), at(30, 0.4))
    assert made.line == (((0.0, 0.2), (0.1, 0.2)), ((0.3, 0.4), (0.5, 0.4)))


def test_the_last_point_before_the_start_counts_as_the_first() -> None:
    """What was measured before the cycle holds at its start; older points are left out."""
    made = chart(PACED, at(-20, 0.9), at(-1, 0.1), at(10, 0.3))
    assert made.line == (((0.0, 0.1), (0.1, 0.1), (0.1, 0.3), (0.5, 0.3)),)


def test_nothing_is_drawn_after_now_or_after_the_due_date() -> None:
    """Points beyond the end are left out; the line ends there."""
    assert chart(PACED, at(0, 0.1), at(51, 0.9)).line == (((0.0, 0.1), (0.5, 0.1)),)
    late = chart(PACED, at(0, 0.1), at(100, 0.2), at(101, 0.9), now=DUE + timedelta(days=9))
    assert late.line == (((0.0, 0.1), (1.0, 0.1), (1.0, 0.2), (1.0, 0.2)),)
    assert late.now == 1.0


def test_stale_points_are_marked_where_they_lie() -> None:
    """A stale unknown has no place, so no mark."""
    made = chart(PACED, at(0, 0.1), at(10, 0.2, stale=True), at(20, None, stale=True))
    assert made.stale == ((0.1, 0.2),)


@pytest.mark.parametrize("points", [(), (at(1, None),), (at(60, 0.5),)])
def test_without_a_known_point_there_is_no_chart(points: tuple[ChartPoint, ...]) -> None:
    """No empty picture pretends that there was something."""
    assert build_chart(PACED, points, NOW) is None


def test_there_is_no_chart_before_the_start_nor_of_an_empty_time() -> None:
    """A key result that has not begun, or ends where it begins, has no line."""
    assert build_chart(PACED, (at(-5, 0.5),), START - timedelta(days=1)) is None
    assert build_chart(replace(PACED, due=START), (at(-5, 0.5),), NOW) is None


@given(
    st.lists(st.tuples(st.floats(-50, 150), st.none() | st.floats(-3, 3), st.booleans()), max_size=20),
    st.floats(-10, 120),
    st.sampled_from([PACED, BOUND]),
)
def test_everything_lies_inside_the_unit_square(
    raw: list[tuple[float, float | None, bool]], now: float, state: KeyResultState
) -> None:
    """Whatever the history, no coordinate leaves the picture, and time runs forward."""
    points = tuple(at(day, progress, stale=stale) for day, progress, stale in raw)
    made = build_chart(state, points, START + timedelta(days=now))
    if made is None:
        return
    spots = [spot for piece in made.line for spot in piece]
    assert all(-1e-9 <= number <= 1 + 1e-9 for spot in (*spots, *made.stale) for number in spot)
    assert [x for x, _ in spots] == sorted(x for x, _ in spots)
    assert spots[-1][0] <= made.now
