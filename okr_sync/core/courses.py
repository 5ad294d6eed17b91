"""What goes on in a forecast: the values of a key result over time, and what a value at the due date is worth.

Of a change, a bound or a range these are the readings; of what is counted the sum so far at each amount; of a ratio its
share whenever one of both sides was read.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import TypeAlias

from okr_sync.core.aggregates import Sample
from okr_sync.core.changing import grade_bound
from okr_sync.core.flows import Flow, observe_flow
from okr_sync.core.grading import grade_range
from okr_sync.core.judgement import Judgement
from okr_sync.core.kinds import All, Capture, Counted, Gate, OnTime, Range, Ratio, Samples, Total, Weighted, Zone
from okr_sync.core.model import Change, Delivery, Done, KeyResult, Measure, Metric, Steps, Threshold
from okr_sync.core.observing import Evidence, Observed, observe

__all__ = ["NO_COURSE", "Course", "Coursed", "course_of"]

Coursed: TypeAlias = Change | Ratio | Range | Samples | Threshold | Total
"""The measures whose value goes on."""

NO_COURSE: dict[type[Measure], str] = {
    All: "made of several measures: no single value goes on",
    Delivery: "its initiatives have dates of their own",
    Done: "done or not: no value goes on",
    Gate: "made of several measures: no single value goes on",
    OnTime: "what is due later is kept or missed then: no value goes on",
    Steps: "each step is done or not: no value goes on",
    Weighted: "made of several measures: no single value goes on",
    Zone: "a person sets the zone: no value goes on",
}
"""Why a kind of measure has no forecast of its own."""


@dataclass(frozen=True, slots=True)
class Course:
    """Values over time, oldest first (at least one); `share` is the progress that a value at the due date gives.

    No value at the due date lies outside [low, high].
    """

    samples: Sequence[Sample]
    share: Callable[[float], float]
    low: float = -math.inf
    high: float = math.inf


def course_of(
    measure: Coursed, key_result: KeyResult, judgement: Judgement, evidence: Evidence, now: datetime
) -> Course | str:
    """Return the course of a measure that has a number, as `judgement` has it; or why there is none.

    A sum of amounts of which none is below 0 never falls; a share that was never below 0 % or above 100 % stays there;
    the worst value only gets worse; any other one stays within its metric's bounds.
    """
    match measure:
        case Threshold():
            return _of_bound(measure, key_result, judgement, evidence, now)
        case Range():
            return _of_metric(measure.metric, lambda v: grade_range(measure, v), key_result, evidence, now)
        case Change():
            return _of_metric(measure.metric, _towards(judgement), key_result, evidence, now)
        case Samples():
            counted = _observed(measure.metric, key_result, evidence, now).moments
            times = sorted({moment.time for moment in counted if moment.time >= key_result.start})
            return _of_sums([(time, 1.0) for time in times], _towards(judgement))
        case Total():
            counts = [_amounts(counted, key_result, evidence, now) for counted in measure.counted]
            amounts = sorted(sample for each in counts for sample in each)
            return _of_sums(amounts, _towards(judgement))
        case _:
            return _of_ratio(measure, _towards(judgement), key_result, evidence, now)


def _towards(judgement: Judgement) -> Callable[[float], float]:
    """Return p = (v − b) / (t − b) as a function of v."""
    b, t = judgement.baseline, judgement.target
    assert b is not None  # noqa: S101 -- these kinds have a number only with both
    assert t is not None  # noqa: S101
    return lambda v: (v - b) / (t - b)


def _of_bound(
    measure: Threshold, key_result: KeyResult, judgement: Judgement, evidence: Evidence, now: datetime
) -> Course | str:
    if measure.evaluate == "time_in_bounds":
        return "the share of the time inside is judged: no value goes on"
    if isinstance(measure.baseline, Capture) and measure.tolerance is None:
        return "awaiting baseline: what a miss is worth is not known yet"

    def share(v: float) -> float:
        return grade_bound(measure, v)

    if measure.evaluate == "total":
        return _of_sums(_amounts(Counted(metric=measure.metric), key_result, evidence, now), share)
    course, worst = _of_metric(measure.metric, share, key_result, evidence, now), judgement.value
    if measure.evaluate == "latest" or worst is None:
        return course
    return replace(course, low=worst) if measure.side == "at_most" else replace(course, high=worst)


def _of_metric(
    name: str, share: Callable[[float], float], key_result: KeyResult, evidence: Evidence, now: datetime
) -> Course:
    observed = _observed(name, key_result, evidence, now)
    return Course(_readings(observed), share, *_bounds(observed.metric))


def _observed(name: str, key_result: KeyResult, evidence: Evidence, now: datetime) -> Observed:
    observed = observe(evidence, name, now, key_result.due)
    assert isinstance(observed, Observed)  # noqa: S101 -- the measure has a number
    return observed


def _readings(observed: Observed) -> list[Sample]:
    return [(moment.time, moment.value) for moment in observed.moments]


def _bounds(metric: Metric) -> tuple[float, float]:
    low = -math.inf if metric.minimum is None else metric.minimum
    return low, math.inf if metric.maximum is None else metric.maximum


def _of_sums(amounts: Sequence[Sample], share: Callable[[float], float]) -> Course | str:
    """Return the course of the sum of amounts, each at its time."""
    if not amounts:
        return "nothing was counted yet"
    sums = _sums(amounts)
    low = sums[-1][1] if all(value >= 0 for _, value in amounts) else -math.inf
    return Course(sums, share, low)


def _sums(amounts: Sequence[Sample]) -> list[Sample]:
    values = accumulate(value for _, value in amounts)
    return [(time, value) for (time, _), value in zip(amounts, values, strict=True)]


def _amounts(counted: Counted, key_result: KeyResult, evidence: Evidence, now: datetime) -> list[Sample]:
    flow = observe_flow(counted, key_result, evidence, now)
    assert isinstance(flow, Flow)  # noqa: S101 -- the measure has a number
    return [(each.time, each.value) for each in flow.amounts]


def _of_ratio(
    measure: Ratio, share: Callable[[float], float], key_result: KeyResult, evidence: Evidence, now: datetime
) -> Course | str:
    """Return the course of the share in %, at each time at which there is a population."""
    part, whole = (_side(name, key_result, evidence, now) for name in (measure.part, measure.whole))
    times = sorted({time for time, _ in (*part, *whole)})
    pairs = ((time, _held(part, time), max(0.0, _held(whole, time) or 0.0)) for time in times)
    shares = [(time, 100 * one / other) for time, one, other in pairs if one is not None and other]
    if not shares:
        return "both sides of the ratio were never known at one time"
    values = [value for _, value in shares]
    low = 0.0 if min(values) >= 0 else -math.inf
    return Course(shares, share, low, 100.0 if max(values) <= 100 else math.inf)


def _side(name: str, key_result: KeyResult, evidence: Evidence, now: datetime) -> list[Sample]:
    """Return what one side of a ratio was over time: a level's values, of anything else the sums."""
    metric = evidence.metrics[name]
    if metric.type != "level" and metric.readings is None:
        return _sums(_amounts(Counted(metric=name), key_result, evidence, now))
    return _readings(_observed(name, key_result, evidence, now))


def _held(samples: Sequence[Sample], time: datetime) -> float | None:
    """Return the last value by `time` (inclusive); None before the first."""
    place = bisect_right(samples, time, key=lambda sample: sample[0])
    return samples[place - 1][1] if place else None
