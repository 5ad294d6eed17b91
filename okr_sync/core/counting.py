"""The measures that count: a total since the start, a share of a population, samples for a baseline.

Notation: b baseline, t target, v value, p raw progress (below 0: worse than at the start; above 1: overshot).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from okr_sync.core.capturing import why_awaiting
from okr_sync.core.flows import Flow, observe_amount, observe_flow
from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.kinds import Capture, Ratio, Samples, Total
from okr_sync.core.model import KeyResult
from okr_sync.core.numbers import close, show
from okr_sync.core.observing import Evidence, Unknown, observe
from okr_sync.core.snapshot import Input

__all__ = ["join_inputs", "measure_ratio", "measure_samples", "measure_total"]


def measure_total(measure: Total, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return p = (v − b) / (t − b), v = Σ of all amounts since the start, in the measure's unit."""
    b, t = measure.baseline, measure.target
    if not math.isfinite(t - b) or close(b, t):
        return unknown("the target must be a finite number other than the baseline", unit=measure.unit)
    found = [observe_flow(counted, key_result, evidence, now) for counted in measure.counted]
    flows = [each for each in found if isinstance(each, Flow)]
    if len(flows) < len(found) or not flows:
        return unknown(_unknown(found), unit=measure.unit, baseline=b, target=t)
    v = math.fsum(flow.total for flow in flows)
    p = (v - b) / (t - b)
    if not math.isfinite(p):
        return unknown("the numbers are too large to compute with", unit=measure.unit, baseline=b, target=t)
    return Judgement(
        pace="linear",
        unit=measure.unit or flows[0].unit,
        value=v,
        baseline=b,
        target=t,
        progress=p,
        attainment=p,
        formula=f"{_say_sum(flows, v)}; ({show(v)} - {show(b)}) / ({show(t)} - {show(b)}) = {show(p)}",
        notes=_notes(flows),
        missed=_missed(flows),
        inputs=join_inputs([flow.inputs for flow in flows]),
    )


def measure_ratio(measure: Ratio, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return p = (v − b) / (t − b), v = Σ part / Σ whole; value, baseline and target are in %.

    Of a level the last value counts, of a flow or counter what was added since the start. A whole of 0 is no population
    yet: unknown; so is p, but not v, while the baseline is not captured.
    """
    b = None if isinstance(measure.baseline, Capture) else 100 * measure.baseline
    t = 100 * measure.target
    if not math.isfinite(t) or (b is not None and (not math.isfinite(t - b) or close(b, t))):
        return unknown("the target must be a finite share other than the baseline", unit="%")
    found = [observe_amount(name, key_result, evidence, now) for name in (measure.part, measure.whole)]
    flows = [each for each in found if isinstance(each, Flow)]
    if len(flows) < len(found):
        return unknown(_unknown(found), unit="%", baseline=b, target=t)
    part, whole = (flow.total for flow in flows)
    inputs = join_inputs([flow.inputs for flow in flows])
    v = 100 * part / whole if whole > 0 else math.nan
    p = v if b is None else (v - b) / (t - b)
    if not math.isfinite(p):
        why = "no population yet" if whole == 0 else "no share can be computed"
        reason = f"{why}: {measure.part} is {show(part)}, {measure.whole} is {show(whole)}"
        return unknown(Unknown(reason, inputs), unit="%", baseline=b, target=t)
    known = Judgement(
        pace="linear",
        unit="%",
        value=v,
        baseline=b,
        target=t,
        notes=_notes(flows),
        missed=_missed(flows),
        inputs=inputs,
    )
    if b is None:
        return replace(known, reason=why_awaiting(key_result, now))
    shares = f"{show(part)} / {show(whole)} = {show(v)} %"
    return replace(
        known,
        progress=p,
        attainment=p,
        formula=f"{shares}; ({show(v)} - {show(b)}) / ({show(t)} - {show(b)}) = {show(p)}",
    )


def measure_samples(measure: Samples, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return p = n / needed, n the valid readings since the start, one for each time."""
    needed = float(measure.needed)
    if needed < 1:
        return unknown("at least one sample must be needed", unit="samples")
    observed = observe(evidence, measure.metric, now, key_result.due)
    if isinstance(observed, Unknown):
        return unknown(observed, unit="samples", baseline=0.0, target=needed)
    n = len({moment.time for moment in observed.moments if moment.time >= key_result.start})
    p = n / needed
    return Judgement(
        pace="linear",
        unit="samples",
        value=float(n),
        baseline=0.0,
        target=needed,
        progress=p,
        attainment=p,
        formula=f"{n} of {measure.needed} samples = {show(p)}",
        notes=observed.notes(key_result.start),
        missed=observed.missed,
        inputs=(observed.input,),
    )


def join_inputs(groups: Sequence[tuple[Input, ...]]) -> tuple[Input, ...]:
    """Return all inputs, each once, in their order."""
    return tuple(dict.fromkeys(each for group in groups for each in group))


def _unknown(found: Sequence[Flow | Unknown]) -> Unknown:
    """Return why at least one of several is unknown; all of them are named as inputs."""
    reasons = [each.reason for each in found if isinstance(each, Unknown)]
    return Unknown("; ".join(reasons) or "nothing is counted", join_inputs([each.inputs for each in found]))


def _say_sum(flows: Sequence[Flow], v: float) -> str:
    parts = [f"{flow.name}: sum of {len(flow.amounts)} = {show(flow.total)}" for flow in flows]
    return parts[0] if len(parts) == 1 else f"{' + '.join(parts)} = {show(v)}"


def _notes(flows: Sequence[Flow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for flow in flows for note in flow.notes))


def _missed(flows: Sequence[Flow]) -> str:
    return "; ".join(dict.fromkeys(flow.missed for flow in flows if flow.missed))
