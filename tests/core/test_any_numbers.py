"""Whatever numbers come: never an exception, never a number that is not finite, never an unknown without a reason."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.definition import metrics_of
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import MetricFacts, Reading
from okr_sync.core.kinds import All, Counted, Gate, OnTime, Part, Range, Rate, Ratio, Samples, Total, Weighted, Zone
from okr_sync.core.measures import KINDS, kind_of
from okr_sync.core.model import Change, Delivery, Done, DoneSubject, Measure, Step, Steps, Threshold
from okr_sync.core.snapshot import KeyResultState, Snapshot
from tests.core.builders import (
    HALF,
    at_most,
    book,
    container,
    day,
    history,
    initiative,
    item,
    judge,
    key_result,
    metric,
    readings,
    scope,
)

ANY = st.floats(width=64)
SOME = st.none() | ANY
MONEY = st.lists(st.tuples(st.none() | st.dates(date(2025, 1, 1), date(2026, 12, 31)), ANY), max_size=2).map(tuple)
COUNTED = st.builds(Counted, st.sampled_from(["m", "flow", "counter", "lost"]), st.none(), ANY, MONEY)
WHOLE = st.integers(-2, 9)
METRICS = (
    metric(),
    metric("flow", type="flow"),
    metric("counter", type="counter"),
    metric("bounded", minimum=0.0, maximum=3.0),
)
NAMES = st.sampled_from(["m", "flow", "counter", "bounded", "lost"])
SUBJECTS = st.builds(DoneSubject, st.just("i"), st.none()) | st.builds(DoneSubject, st.none(), NAMES)
MODES = st.sampled_from(["capped_total", "total", "hit_rate", "average"])
SKIPPED = st.lists(st.dates(date(2026, 1, 1), date(2026, 4, 10)), max_size=3).map(tuple)

SINGLE: dict[type[Any], st.SearchStrategy[Any]] = {
    Change: st.builds(Change, NAMES, ANY, SOME, SOME, SOME, st.booleans(), SOME, SOME),
    Threshold: st.builds(
        Threshold,
        NAMES,
        ANY,
        st.sampled_from(["at_most", "at_least"]),
        st.booleans(),
        SOME,
        SOME,
        st.sampled_from(["latest", "time_in_bounds", "worst", "total"]),
    ),
    Range: st.builds(Range, NAMES, ANY, ANY, SOME),
    Zone: st.builds(Zone, NAMES, st.just("a"), st.just("b"), st.just("c")),
    Samples: st.builds(Samples, NAMES, WHOLE),
    Ratio: st.builds(Ratio, NAMES, NAMES, ANY, ANY),
    Total: st.builds(Total, st.lists(COUNTED, max_size=3).map(tuple), ANY, ANY),
    Rate: st.builds(Rate, COUNTED, ANY, st.sampled_from(["week", "month"]), MODES, SKIPPED),
    Done: st.builds(Done, SUBJECTS),
    Steps: st.builds(
        Steps,
        st.lists(st.builds(Step, st.just("s"), SUBJECTS, st.floats(0, 9)), max_size=3).map(tuple),
        st.none() | st.integers(1, 3),
        st.booleans(),
    ),
    Delivery: st.just(Delivery(("i",))),
    OnTime: st.builds(OnTime, st.just(("i",)), ANY, st.sampled_from(["containers", "items"])),
}
WEIGHED = st.builds(Part, st.just("p"), st.one_of(*SINGLE.values()), ANY)
JOINED: dict[type[Any], st.SearchStrategy[Any]] = {
    kind: st.builds(kind, st.lists(WEIGHED, max_size=3).map(tuple), st.booleans()) for kind in (All, Weighted, Gate)
}
MEASURES = {KINDS[kind]: drawn for kind, drawn in {**SINGLE, **JOINED}.items()}

READINGS = st.lists(st.tuples(ANY, st.floats(-5, 110)), max_size=5).map(
    lambda drawn: MetricFacts(tuple(Reading(value, day(at), author="ana") for value, at in drawn))
)
HELD = scope("i/1", [item("1", "done", math.nan, due=date(2026, 1, 9)), item("2", points=3.0, due=date(2026, 2, 1))])


def numbers(value: object) -> Iterator[float]:
    """All floats inside of a value made of dataclasses and tuples."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from numbers(each)
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from numbers(getattr(value, each.name))


@pytest.mark.parametrize("kind", MEASURES)
@given(data=st.data(), at=st.floats(-1, 120))
def test_any_number_gives_a_finite_one_or_a_reason(kind: str, data: st.DataObject, at: float) -> None:
    measure = data.draw(MEASURES[kind])
    facts = {name: data.draw(READINGS) for name in metrics_of(measure)}
    snapshot = _snapshot(measure, facts, at)
    (state,) = snapshot.key_results
    assert all(map(math.isfinite, numbers(snapshot))), snapshot
    assert state.kind == kind_of(measure) == kind
    assert state.reason
    assert (state.progress is None) == (state.score is None)
    assert state.progress is not None or state.status in {"unknown", "stale", "outdated"}


def _snapshot(measure: Measure, facts: dict[str, MetricFacts], at: float) -> Snapshot:
    held = book(key_result(measure), metrics=METRICS, initiatives=(initiative(),))
    return evaluate(held, history(day(at), facts, (HELD,)), day(at))


def flow(*values: float) -> tuple[MetricFacts, Any]:
    return readings(*values), (metric(type="flow"),)


UNKNOWN: dict[str, tuple[KeyResultState, str]] = {
    "baseline equal to target": (judge(Change("m", 31, target=31), readings(3)), "the target equals the baseline 31"),
    "zero baseline with a relative target": (judge(Change("m", 0, relative=0.5), readings(3)), "from 0 says nothing"),
    "negative baseline with a relative target": (judge(Change("m", -4, relative=0.5), readings(3)), "is ambiguous"),
    "not a number": (judge(Change("m", 0, target=1), readings(math.nan)), "nan is not a finite number"),
    "infinity": (judge(at_most(3), readings(math.inf)), "inf is not a finite number"),
    "outside the metric's bounds": (
        judge(Change("m", 0, target=1), readings(7), metrics=(metric(maximum=5),)),
        "7 is above the maximum 5 of m",
    ),
    "a ratio with a zero denominator": (
        judge(Ratio("m", "n", 0.9), {"m": readings(0), "n": readings(0)}, metrics=(metric(), metric("n"))),
        "no population yet: m is 0, n is 0",
    ),
    "a level that is summed": (judge(Total((Counted("m"),), 5), readings(1)), "levels are never summed"),
    "a quota of nothing": (
        judge(Rate(Counted("m"), 0, "week"), flow(1)[0], metrics=flow()[1]),
        "the quota must be a finite number above 0",
    ),
    "a rate without a complete period": (
        judge(Rate(Counted("m"), 1, "month", "average"), flow(1)[0], metrics=flow()[1], now=day(3)),
        "no month is complete yet",
    ),
    "a sum too large": (
        judge(Total((Counted("m"),), 5), flow(1e308, 1e308)[0], metrics=flow()[1]),
        "too large to compute with",
    ),
    "an amount too large": (
        judge(Total((Counted("m", rates=((None, 1e300),)),), 5), flow(1e300)[0], metrics=flow()[1]),
        "an amount of m is too large to compute with",
    ),
    "a weight that is infinite": (
        judge(Weighted((Part("a", at_most(3), math.inf),)), readings(1)),
        "no part has a weight",
    ),
    "weights that sum to zero": (
        judge(Weighted((Part("a", at_most(3), 0), Part("b", at_most(4), 0))), readings(1)),
        "no part has a weight",
    ),
    "a range the wrong way round": (judge(Range("m", 60, 40), readings(1)), "from a finite number to a larger one"),
    "nothing due yet": (
        judge(
            OnTime(("i",), 0.9),
            scopes=(scope("i/1", containers=(container("a", kind="milestone"),), items={"a": ()}),),
            initiatives=(initiative(),),
            now=HALF,
        ),
        "not started: nothing has been due yet",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_computed_is_unknown_with_its_reason(name: str) -> None:
    state, reason = UNKNOWN[name]
    assert (state.status, state.progress, state.score) == ("unknown", None, None)
    assert reason in state.reason
