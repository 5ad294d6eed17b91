"""The measures that grade: staying inside a range, and a level of achievement that a person sets."""

from __future__ import annotations

import math
from datetime import datetime

from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.kinds import Range, Zone
from okr_sync.core.model import KeyResult
from okr_sync.core.numbers import at_least, at_most, close, show
from okr_sync.core.observing import Evidence, Unknown, observe

__all__ = ["ZONES", "grade_range", "measure_range", "measure_zone"]

ZONES = (("fail", 0.0), ("commit", 0.3), ("target", 0.7), ("stretch", 1.0))
"""(word, progress) of the values 0 to 3."""

REACHED = 0.7  # progress of the zone that counts as met


def measure_range(measure: Range, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return 1 inside [low, high], else max(0, 1 − distance / w), w the tolerance; without one a miss is 0."""
    low, high = measure.low, measure.high
    metric = evidence.metrics.get(measure.metric)
    unit = "" if metric is None else metric.unit
    if not (math.isfinite(high - low) and low < high):
        return unknown("the range must go from a finite number to a larger one", pace="bound", unit=unit)
    observed = observe(evidence, measure.metric, now, key_result.due)
    if isinstance(observed, Unknown):
        return unknown(observed, pace="bound", unit=unit)
    v = observed.value
    p, inside, said = _grade_range(measure, v)
    return Judgement(
        pace="bound",
        unit=unit,
        value=v,
        progress=p,
        attainment=p,
        inside=inside,
        formula=said,
        notes=observed.notes(key_result.start),
        missed=observed.missed,
        inputs=(observed.input,),
    )


def grade_range(measure: Range, v: float) -> float:
    """Return what a value would be worth, as in `measure_range`."""
    return _grade_range(measure, v)[0]


def measure_zone(measure: Zone, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return 0, 0.3, 0.7 or 1 for the values 0 fail, 1 commit, 2 target, 3 stretch; met from target on, when due.

    Only a value that a person set counts, with its evidence and until it expires.
    """
    observed = observe(evidence, measure.metric, now, key_result.due)
    if isinstance(observed, Unknown):
        return unknown(observed, target=2.0)
    reading, v = observed.moments[-1].reading, observed.value
    if reading.author is None:
        reason = f"metric {measure.metric} was not set by a person: check in a level from 0 to 3, with evidence"
        return unknown(Unknown(reason, (observed.input,)), target=2.0)
    if not any(close(v, level) for level in range(len(ZONES))):
        reason = f"{show(v)} is no level: check in 0 (fail), 1 (commit), 2 (target) or 3 (stretch)"
        return unknown(Unknown(reason, (observed.input,)), target=2.0)
    word, p = ZONES[round(v)]
    meaning = (measure.fail, measure.commit, measure.target, measure.stretch)[round(v)]
    evidence_said = f": {reading.evidence}" if reading.evidence else ""
    return Judgement(
        pace="linear",
        value=float(round(v)),
        target=2.0,
        progress=p,
        attainment=p / REACHED,
        provisional=True,
        goal=REACHED,
        formula=f"{word} ({meaning}) = {show(p)}, set by {reading.author}{evidence_said}",
        notes=observed.notes(key_result.start),
        missed=observed.missed,
        inputs=(observed.input,),
    )


def _grade_range(measure: Range, v: float) -> tuple[float, bool, str]:
    """Return the progress, whether it is inside, and how that came about."""
    low, high = measure.low, measure.high
    if at_least(v, low) and at_most(v, high):
        return 1.0, True, f"{show(low)} <= {show(v)} <= {show(high)}: inside = 1"
    p, said = _grade(low - v if v < low else v - high, measure.tolerance)
    return p, False, f"{show(v)} is outside {show(low)} to {show(high)}: {said}"


def _grade(distance: float, w: float | None) -> tuple[float, str]:
    if w is None or not math.isfinite(w) or w <= 0:
        return 0.0, "outside = 0"
    p = max(0.0, 1.0 - distance / w)
    return p, f"max(0, 1 - {show(distance)} / {show(w)}) = {show(p)}"
