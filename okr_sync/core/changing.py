"""The measures that read one metric: from a baseline to a target, and staying inside a bound.

Notation: b baseline, t target or bound, v the value, p raw progress (below 0: worse than at the start; above 1:
overshot).
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

from okr_sync.core.capturing import why_awaiting
from okr_sync.core.flows import observe_flow
from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.kinds import Capture, Counted
from okr_sync.core.model import Change, KeyResult, Threshold
from okr_sync.core.numbers import at_least, at_most, close, show, show_share, show_span
from okr_sync.core.observing import Evidence, Moment, Observed, Unknown, observe

__all__ = ["baseline_of", "grade_bound", "measure_change", "measure_threshold", "resolve_target"]


def resolve_target(measure: Change) -> float | Unknown:
    """Return t: as given, b + points, or b·(1 + r); with `relative_to_abs` b + |b|·r.

    Unknown when nothing is given, when t = b, when a relative change starts at 0, when it starts below 0 without
    `relative_to_abs`, when a number is not finite, and while the baseline is not captured yet.
    """
    b = baseline_of(measure)
    if b is None:
        return Unknown("awaiting baseline")
    t = _aimed_at(measure, b)
    if isinstance(t, Unknown):
        return t
    if not math.isfinite(t - b):
        return Unknown("baseline and target must be finite numbers, not too far apart to compute with")
    if close(b, t):
        return Unknown(f"the target equals the baseline {show(b)}: use at_most or at_least")
    return t


def _aimed_at(measure: Change, b: float) -> float | Unknown:
    if measure.target is not None:
        return measure.target
    if measure.points is not None:
        return b + measure.points
    if measure.relative is None:
        return Unknown("no target is given: give target, points or relative")
    if b == 0:
        return Unknown("a relative change from 0 says nothing: give a target or points")
    if b < 0 and not measure.relative_to_abs:
        return Unknown(f"a relative change from {show(b)} is ambiguous: give relative_to abs, a target or points")
    return b + abs(b) * measure.relative


def baseline_of(measure: Change | Threshold) -> float | None:
    """Return b; None when there is none, or it is not captured yet."""
    return None if isinstance(measure.baseline, Capture) else measure.baseline


def measure_change(measure: Change, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return p = (v − b) / (t − b), v the last reading by now and before the due date; one formula, both directions.

    While the baseline is not captured yet, or when no target follows from it, there is no p, but v is told.
    """
    observed = observe(evidence, measure.metric, now, key_result.due)
    unit = _unit(evidence, measure.metric)
    b, t = baseline_of(measure), resolve_target(measure)
    if b is None:
        why = why_awaiting(key_result, now, observed.reason if isinstance(observed, Unknown) else "")
        return _await(why, observed, unit=unit, target=_finite(measure.target))
    if isinstance(t, Unknown):
        return replace(_await(t.reason, observed, unit=unit, target=None), baseline=_finite(b))
    if isinstance(observed, Unknown):
        return unknown(observed, unit=unit, baseline=b, target=t)
    v = observed.value
    p = (v - b) / (t - b)
    if not math.isfinite(p):
        return unknown("the numbers are too large to compute with", unit=unit, baseline=b, target=t)
    return Judgement(
        pace="linear",
        unit=unit,
        value=v,
        baseline=b,
        target=t,
        progress=p,
        attainment=p,
        formula=f"{_say_target(measure, b, t)}({show(v)} - {show(b)}) / ({show(t)} - {show(b)}) = {show(p)}",
        notes=(*observed.notes(key_result.start), *_milestones(measure, v, rising=t > b)),
        missed=observed.missed,
        inputs=(observed.input,),
    )


def measure_threshold(measure: Threshold, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return 1 inside the bound, else g = max(0, 1 − distance / w).

    w is the tolerance, by default the distance from a violating baseline to the bound; without either a violation is
    0. `latest` judges the last reading, `worst` the worst one since the start, `time_in_bounds` gives the share of
    the time since the start that was inside, each reading holding until the next. `total` judges the sum since the
    start, which of amounts above 0 can only grow. A baseline that is not captured yet leaves only a miss that it is to
    grade without a number.
    """
    unit, b = _unit(evidence, measure.metric), _finite(baseline_of(measure))
    bound = _finite(measure.bound)
    if bound is None:
        return unknown("the bound must be a finite number", pace="bound", unit=unit, baseline=b)
    if measure.evaluate == "total":
        return _judge_total(measure, key_result, evidence, now)
    observed = observe(evidence, measure.metric, now, key_result.due)
    if isinstance(observed, Unknown):
        return unknown(observed, pace="bound", unit=unit, baseline=b, target=bound)
    moments = observed.moments if measure.evaluate == "latest" else _since(observed, key_result.start)
    if not moments:
        why = Unknown(f"metric {measure.metric} has no reading since the start", (observed.input,))
        return unknown(why, pace="bound", unit=unit, baseline=b, target=bound)
    v = _worst(moments, measure) if measure.evaluate == "worst" else moments[-1].value
    judged = Judgement(
        pace="bound",
        unit=unit,
        value=v,
        baseline=b,
        target=bound,
        reason=_why_width_awaits(measure, key_result, now),
        notes=observed.notes(key_result.start),
        missed=observed.missed,
        inputs=(observed.input,),
    )
    if measure.evaluate == "time_in_bounds":
        return _judge_time(judged, moments, measure, key_result.start, min(now, key_result.due))
    return _judge_value(judged, v, measure)


def grade_bound(measure: Threshold, v: float) -> float:
    """Return what a value would be worth by its distance from the bound, as in `measure_threshold`."""
    return _judge_value(Judgement(pace="bound"), v, measure).progress or 0.0


def _await(why: str, observed: Observed | Unknown, *, unit: str, target: float | None) -> Judgement:
    """Return a judgement without progress that shows the value, and says `why` there is no baseline or target."""
    if isinstance(observed, Unknown):
        return unknown(Unknown(why, observed.inputs), unit=unit, target=target)
    return Judgement(
        pace="linear",
        unit=unit,
        value=observed.value,
        target=target,
        reason=why,
        missed=observed.missed,
        inputs=(observed.input,),
    )


def _judge_value(judged: Judgement, v: float, measure: Threshold) -> Judgement:
    word = {"at_most": "<", "at_least": ">"}[measure.side] + ("" if measure.strict else "=")
    compared = f"{show(v)} {word} {show(measure.bound)}"
    if _is_inside(v, measure):
        return replace(judged, progress=1.0, attainment=1.0, inside=True, formula=f"{compared}: inside = 1")
    distance, width = abs(v - measure.bound), _width(measure)
    if width is None and judged.reason:
        return judged
    if width is None:
        return replace(judged, progress=0.0, attainment=0.0, formula=f"not {compared}: outside = 0")
    g = max(0.0, 1.0 - distance / width)
    formula = f"not {compared}: max(0, 1 - {show(distance)} / {show(width)}) = {show(g)}"
    return replace(judged, progress=g, attainment=g, formula=formula)


def _judge_total(measure: Threshold, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    unit, b = _unit(evidence, measure.metric), _finite(baseline_of(measure))
    flow = observe_flow(Counted(metric=measure.metric), key_result, evidence, now)
    if isinstance(flow, Unknown):
        return unknown(flow, pace="bound", unit=unit, baseline=b, target=measure.bound)
    judged = Judgement(
        pace="bound",
        unit=unit,
        value=flow.total,
        baseline=b,
        target=measure.bound,
        reason=_why_width_awaits(measure, key_result, now),
        notes=flow.notes,
        missed=flow.missed,
        inputs=flow.inputs,
    )
    return _judge_value(judged, flow.total, measure)


def _judge_time(
    judged: Judgement, moments: tuple[Moment, ...], measure: Threshold, start: datetime, until: datetime
) -> Judgement:
    inside, whole = timedelta(), timedelta()
    ends = [moment.time for moment in moments[1:]] + [until]
    for moment, end in zip(moments, ends, strict=True):
        span = max(timedelta(), end - max(moment.time, start))
        whole += span
        inside += span if _is_inside(moment.value, measure) else timedelta()
    if not whole:
        return _judge_value(judged, moments[-1].value, measure)
    share = inside / whole
    formula = f"inside {show_span(inside)} of {show_span(whole)} = {show_share(share)}"
    return replace(judged, progress=share, attainment=share, inside=inside == whole, formula=formula)


def _since(observed: Observed, start: datetime) -> tuple[Moment, ...]:
    """Return the readings since the start, led by the one in force then; a flow's readings stand for themselves."""
    later = tuple(moment for moment in observed.moments if moment.time >= start)
    earlier = observed.moments[: len(observed.moments) - len(later)]
    return later if observed.metric.type == "flow" else earlier[-1:] + later


def _worst(moments: tuple[Moment, ...], measure: Threshold) -> float:
    values = [moment.value for moment in moments]
    return max(values) if measure.side == "at_most" else min(values)


def _is_inside(v: float, measure: Threshold) -> bool:
    if measure.strict:
        return not (at_least(v, measure.bound) if measure.side == "at_most" else at_most(v, measure.bound))
    return at_most(v, measure.bound) if measure.side == "at_most" else at_least(v, measure.bound)


def _width(measure: Threshold) -> float | None:
    if measure.tolerance is not None:
        return measure.tolerance if math.isfinite(measure.tolerance) and measure.tolerance > 0 else None
    b = _finite(baseline_of(measure))
    if b is None or _is_inside(b, measure):
        return None
    # A strict bound is violated by a baseline that equals it, and then there is no width to grade a miss by.
    return abs(b - measure.bound) or None


def _why_width_awaits(measure: Threshold, key_result: KeyResult, now: datetime) -> str:
    """Return why a miss can't be graded yet; empty where nothing has to be captured for that."""
    awaits = isinstance(measure.baseline, Capture) and measure.tolerance is None
    return why_awaiting(key_result, now) if awaits else ""


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _unit(evidence: Evidence, metric_id: str) -> str:
    metric = evidence.metrics.get(metric_id)
    return "" if metric is None else metric.unit


def _say_target(measure: Change, b: float, t: float) -> str:
    if measure.target is not None:
        return ""
    by = show(measure.points) if measure.points is not None else f"{show(100 * (measure.relative or 0.0))} %"
    return f"target {show(b)} by {by} = {show(t)}; "


def _milestones(measure: Change, v: float, *, rising: bool) -> tuple[str, ...]:
    """Return "commit 45 reached", "stretch 60 not reached" for the values that the measure has."""
    named = (("commit", measure.commit), ("stretch", measure.stretch))
    return tuple(
        f"{word} {show(mark)} {'reached' if (at_least(v, mark) if rising else at_most(v, mark)) else 'not reached'}"
        for word, mark in named
        if mark is not None
    )
