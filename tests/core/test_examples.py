"""The worked examples of the handbook of measures, each by its name; laws of units and mirrors for all levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from okr_sync.core.curves import expected_share
from okr_sync.core.facts import MetricFacts, Reading
from okr_sync.core.kinds import Counted, OnTime, Part, Range, Rate, Ratio, Samples, Total, Weighted, Zone
from okr_sync.core.model import Change, Curve, Delivery, Done, Measure, MissingPoints, Steps, Threshold
from okr_sync.core.numbers import at_most
from okr_sync.core.rollup import Child, roll_up
from okr_sync.core.snapshot import InitiativeState, KeyResultState
from tests.core.builders import (
    DUE,
    HALF,
    START,
    container,
    day,
    deliver_one,
    initiative,
    item,
    items,
    judge,
    metric,
    number,
    reading,
    readings,
    scope,
    steps,
)

WEEKS = (10, 12, 7, 10, 0, 11)
FLOW = (metric(type="flow"),)
MONDAY = START + timedelta(days=4)
QUARTER: dict[str, Any] = {"start": MONDAY, "due": MONDAY + timedelta(weeks=13)}


def progress(measure: Measure, value: float, **more: Any) -> float | None:
    return judge(measure, readings(value), **more).progress


def weekly(mode: Any = "capped_total") -> KeyResultState:
    """10 a week over 13 weeks, of which six have passed."""
    facts = MetricFacts(tuple(Reading(float(x), MONDAY + timedelta(weeks=n, days=1)) for n, x in enumerate(WEEKS)))
    measure = Rate(Counted("m"), 10, "week", mode)
    return judge(measure, facts, metrics=FLOW, now=MONDAY + timedelta(weeks=6), **QUARTER)


def attained() -> float:
    return float(weekly().formula.rpartition(" ")[2])


def punctual(part: str) -> float | None:
    """7 of 8 milestones closed by their due day, of 90 % wanted."""
    held = tuple(
        container(f"{n}", kind="milestone", state="done", due=day(n).date(), done_at=day(n if n < 8 else n + 1.5))
        for n in range(1, 9)
    )
    places = (scope("i/1", containers=held, items={each.id: () for each in held}),)
    state = judge(OnTime(("i",), 0.9), scopes=places, initiatives=(initiative(),))
    return state.progress if part == "progress" else (state.value or 0) / 100


def two_of_five(done: int) -> float | None:
    names = [f"s{n}" for n in range(5)]
    facts = {name: readings(1.0 if n < done else 0.0) for n, name in enumerate(names)}
    measured = Steps(steps(*(number(name) for name in names)), need=2)
    return judge(measured, facts, metrics=[metric(name) for name in names]).progress


def pointed(missing: MissingPoints) -> InitiativeState:
    """Done 3 + 5 + 8 points, open 5 and one without an estimate."""
    held = [item(f"{points}", "done", float(points)) for points in (3, 5, 8)]
    held += [item("open", "open", 5.0), item("unestimated", "open")]
    return deliver_one(initiative(weight_by="points", missing_points=missing), scope("i/1", held))


def weights(state: InitiativeState) -> tuple[float | None, float | None]:
    return state.weight_done, state.weight_total


def classes() -> tuple[float | None, float | None]:
    """6 done, 1 won't do, 1 duplicate, 2 open."""
    duplicate = item("copy", "done", resolution="Duplicate")
    return weights(deliver_one(initiative(), scope("i/1", [*items(done=6, todo=2, dropped=1), duplicate])))


def pooled() -> tuple[float | None, float | None]:
    """12 of 20, 3 of 5, 0 of 0."""
    held = {"a": items(12, todo=8, prefix="a"), "b": items(3, todo=2, prefix="b"), "c": []}
    return weights(deliver_one(initiative(), scope("i/1", held)))


def holding() -> str:
    """Zero incidents for 43 of 91 days."""
    return judge(
        Threshold("m", 0, "at_most", evaluate="total"),
        readings(0),
        metrics=FLOW,
        now=day(43),
        due=day(91),
    ).reason


def joined() -> float | None:
    parts = (Part("a", Change("a", 0, target=1), 0.7), Part("b", Change("b", 0, target=1), 0.3))
    facts = {"a": readings(0.5), "b": readings(0.2)}
    return judge(Weighted(parts), facts, metrics=(metric("a"), metric("b"))).progress


def forecast(part: str, digits: int) -> float:
    """Net Promoter Score 31, 33, 36, 38 on the days 0, 14, 28, 42 of 91, from 31 to 51."""
    spots = ((0, 31), (14, 33), (28, 36), (42, 38))
    facts = readings(*(reading(value, at) for at, value in spots))
    found = judge(Change("m", 31, points=20), facts, now=day(42), due=day(91)).forecast
    assert found is not None
    return round({"slope": found.slope, "value": found.value, "progress": found.progress}[part] or 0.0, digits)


PHASES = Curve("phased", ((0, 0), (30, 0.1), (60, 0.4), (91, 1)))
MONEY = Total((Counted("a", share=0.3), Counted("b", rates=((None, 1.1),))), 10.0, unit="USD")

EXAMPLES: dict[str, tuple[Callable[[], object], object]] = {
    "31 to 51 at 44": (lambda: progress(Change("m", 31, target=51), 44), 0.65),
    "2400 ms to 2040 ms at 2200": (lambda: progress(Change("m", 2400, target=2040), 2200), 0.556),
    "NPS +20 from 31 at 44": (lambda: progress(Change("m", 31, points=20), 44), 0.65),
    "NPS +20 from 31 at 28": (lambda: progress(Change("m", 31, points=20), 28), -0.15),
    "NPS +20 from -12 at -2": (lambda: progress(Change("m", -12, points=20), -2), 0.5),
    "NPS +20 from -12 leads to 8": (lambda: judge(Change("m", -12, points=20), readings(0)).target, 8),
    "turnover 16 by -25 % leads to 12": (lambda: judge(Change("m", 16, relative=-0.25), readings(9)).target, 12),
    "turnover 16 by -25 % at 14": (lambda: progress(Change("m", 16, relative=-0.25), 14), 0.5),
    "turnover 16 by -25 % at 17": (lambda: progress(Change("m", 16, relative=-0.25), 17), -0.25),
    "2400 by -15 % leads to 2040": (lambda: judge(Change("m", 2400, relative=-0.15), readings(9)).target, 2040),
    "2400 by -15 % at 2200": (lambda: progress(Change("m", 2400, relative=-0.15), 2200), 0.556),
    "2400 by -15 % at 1990": (lambda: progress(Change("m", 2400, relative=-0.15), 1990), 1.139),
    "7 of 8 on time": (lambda: punctual("value"), 0.875),
    "7 of 8 on time, of 0.9": (lambda: punctual("progress"), 0.972),
    "ten a week, capped": (lambda: weekly().progress, 0.362),
    "ten a week, attained": (attained, 0.783),
    "ten a week, in total": (lambda: weekly("total").progress, 0.385),
    "ten a week, hit rate": (lambda: weekly("hit_rate").progress, 0.667),
    "one of two steps of five": (lambda: two_of_five(1), 0.5),
    "two of two steps of five": (lambda: two_of_five(2), 1),
    "three of two steps of five": (lambda: two_of_five(3), 1),
    "at most 25 %, w = 5, at 27": (lambda: progress(Threshold("m", 25, "at_most", tolerance=5), 27), 0.6),
    "a zero count holds": (lambda: "holding (43 of 91 days)" in holding(), True),
    "40 to 60, w = 10, at 65": (lambda: progress(Range("m", 40, 60, 10), 65), 0.5),
    "40 to 60, w = 10, at 72": (lambda: progress(Range("m", 40, 60, 10), 72), 0),
    "0.7·0.5 + 0.3·0.2": (joined, 0.41),
    "10 items: 6/8": (classes, (6, 8)),
    "points, exclude: 16/21": (lambda: weights(pointed("exclude")), (16, 21)),
    "points, one: 16/22": (lambda: weights(pointed("one")), (16, 22)),
    "points, median: 16/26": (lambda: weights(pointed("median")), (16, 26)),
    "12/20, 3/5, 0/0: 15/25": (pooled, (15, 25)),
    "4 of 5 key results, 80 % of weight": (
        lambda: roll_up([Child(f"{n}", 1, 0.5 if n else None) for n in range(5)]).coverage,
        0.8,
    ),
    "phases expect 0.25 on day 45": (lambda: expected_share(PHASES, START, day(91), day(45)), 0.25),
    "NPS forecast, a day": (lambda: forecast("slope", 3), 0.173),
    "NPS forecast, at the end": (lambda: forecast("value", 1), 46.5),
    "NPS forecast, progress": (lambda: forecast("progress", 2), 0.77),
    "0.1 + 0.2 <= 0.3": (lambda: at_most(0.1 + 0.2, 0.3), True),
    "90 % enrolled, 58 %": (
        lambda: (
            judge(Ratio("m", "n", 0.9), {"m": readings(174), "n": readings(300)}, metrics=(metric(), metric("n"))).value
        ),
        58,
    ),
    "money of two tools": (
        lambda: (
            judge(
                MONEY,
                {"a": readings(10), "b": readings(2)},
                metrics=(metric("a", type="flow"), metric("b", type="flow")),
            ).value
        ),
        5.2,
    ),
    "done": (lambda: progress(Done(number("m")), 1), 1),
    "reopened falls back to 0": (lambda: judge(Done(number("m")), readings(1, 0)).progress, 0),
    "6 of 8 samples": (lambda: judge(Samples("m", 8), readings(*range(6))).progress, 0.75),
    "zone commit": (lambda: judge(Zone("m", "a", "b", "c"), readings(reading(1, author="ana"))).progress, 0.3),
    "zone target": (lambda: judge(Zone("m", "a", "b", "c"), readings(reading(2, author="ana"))).progress, 0.7),
    "zone stretch": (lambda: judge(Zone("m", "a", "b", "c"), readings(reading(3, author="ana"))).progress, 1.0),
    "delivery in two initiatives, 6/8 and 1/2": (
        lambda: (
            judge(
                Delivery(("i", "j")),
                scopes=(
                    scope("i/1", items(done=6, todo=2, prefix="i")),
                    scope("j/1", items(done=1, todo=1, prefix="j")),
                ),
                initiatives=(initiative(), initiative("j")),
            ).progress
        ),
        0.625,
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_handbook_and_the_program_have_the_same_number(name: str) -> None:
    compute, expected = EXAMPLES[name]
    assert compute() == pytest.approx(expected, abs=0.0005)


def test_forty_percent_at_half_time_is_what_each_preset_says() -> None:
    """0.40 / 0.50 = 0.8: at risk by pace, behind by viva, at risk by upraise, on track by oboard and by gap (0.1)."""
    told = {
        preset: judge(Change("m", 0, target=10), readings(4), now=HALF, preset=preset).status
        for preset in ("pace", "viva", "upraise", "oboard", "gap")
    }
    assert told == {
        "pace": "at_risk",
        "viva": "off_track",
        "upraise": "at_risk",
        "oboard": "on_track",
        "gap": "on_track",
    }


def test_a_zero_count_is_met_only_at_the_due_date_and_one_incident_stays_one() -> None:
    measure = Threshold("m", 0, "at_most", evaluate="total")
    assert judge(measure, readings(0), metrics=FLOW, now=DUE).status == "met"
    assert judge(measure, readings(1, 0, 0), metrics=FLOW).value == 1


def scaled(measure: Measure, a: int, c: int) -> Measure:
    """The measure in another unit: every x becomes a·x + c, every distance |a| times as long."""
    match measure:
        case Change(baseline=float() as start):
            points = None if measure.points is None else a * measure.points
            target = None if measure.target is None else a * measure.target + c
            return replace(measure, baseline=a * start + c, target=target, points=points)
        case Threshold(baseline=float() | None as start):
            side = measure.side if a > 0 else ("at_least" if measure.side == "at_most" else "at_most")
            baseline = None if start is None else a * start + c
            tolerance = None if measure.tolerance is None else abs(a) * measure.tolerance
            return replace(measure, bound=a * measure.bound + c, side=side, baseline=baseline, tolerance=tolerance)
        case Range():
            low, high = sorted((a * measure.low + c, a * measure.high + c))
            tolerance = None if measure.tolerance is None else abs(a) * measure.tolerance
            return replace(measure, low=low, high=high, tolerance=tolerance)
        case _:
            return measure


numbers = st.integers(-1000, 1000).map(float)
widths = st.none() | st.integers(1, 500).map(float)
LEVELS: dict[str, st.SearchStrategy[Any]] = {
    "change to a target": st.builds(Change, st.just("m"), numbers, numbers),
    "change by points": st.builds(Change, st.just("m"), numbers, st.none(), numbers),
    "threshold": st.builds(
        Threshold,
        st.just("m"),
        numbers,
        st.sampled_from(["at_most", "at_least"]),
        st.booleans(),
        st.none() | numbers,
        widths,
        st.sampled_from(["latest", "worst", "time_in_bounds"]),
    ),
    "range": st.tuples(numbers, st.integers(1, 500), widths).map(lambda d: Range("m", d[0], d[0] + d[1], d[2])),
    "baseline": st.builds(Samples, st.just("m"), st.integers(1, 9)),
}
values = st.lists(numbers, min_size=1, max_size=4)


def judged(measure: Measure, drawn: list[float]) -> KeyResultState:
    return judge(measure, readings(*drawn))


@pytest.mark.parametrize("kind", LEVELS)
@given(data=st.data(), drawn=values)
def test_a_mirrored_level_has_the_same_progress_and_status(kind: str, data: st.DataObject, drawn: list[float]) -> None:
    """Baseline, target and value become their negatives, and at most becomes at least."""
    measure = data.draw(LEVELS[kind])
    plain, mirrored = judged(measure, drawn), judged(scaled(measure, -1, 0), [-value for value in drawn])
    assert mirrored.progress == plain.progress
    assert mirrored.status == plain.status


@pytest.mark.parametrize("kind", LEVELS)
@given(data=st.data(), drawn=values, a=st.integers(-50, 50).filter(lambda each: each != 0), c=st.integers(-1000, 1000))
def test_a_level_in_another_unit_has_the_same_progress_and_status(
    kind: str, data: st.DataObject, drawn: list[float], a: int, c: int
) -> None:
    """Every number x becomes a·x + c."""
    measure = data.draw(LEVELS[kind])
    plain, other = judged(measure, drawn), judged(scaled(measure, a, c), [a * value + c for value in drawn])
    assert other.progress == (None if plain.progress is None else pytest.approx(plain.progress, rel=1e-9, abs=1e-12))
    assert other.status == plain.status


@given(numbers, st.integers(-90, 90).filter(lambda each: each != 0), numbers, st.integers(-50, 50))
def test_a_relative_change_has_no_unit(baseline: float, percent: int, value: float, a: int) -> None:
    """Milliseconds or seconds: only the scale can change, and the sign where shares are of the amount."""
    assume(baseline != 0 and a != 0)
    measure = Change("m", baseline, relative=percent / 100, relative_to_abs=True)
    mirrored = replace(measure, baseline=a * baseline, relative=(percent if a > 0 else -percent) / 100)
    plain, other = judged(measure, [value]), judged(mirrored, [a * value])
    assert other.progress == pytest.approx(plain.progress, rel=1e-9, abs=1e-9)
    assert other.status == plain.status
