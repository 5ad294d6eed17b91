"""The measure of regularity: so many a week or month.

x is what a period brought, q its quota: the whole period's quota times the share of its days that are in the key
result and not skipped. A period is complete when its last day is over; the running one never spoils the attainment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from okr_sync.core.flows import Flow, local_day, observe_flow
from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.kinds import Rate
from okr_sync.core.model import KeyResult
from okr_sync.core.numbers import at_least, percentile, show
from okr_sync.core.observing import Evidence, Unknown
from okr_sync.core.periods import spans
from okr_sync.core.snapshot import Forecast

__all__ = ["foresee_rate", "measure_rate"]

INSTANT = timedelta(microseconds=1)
FEWEST_COMPLETE = 2  # periods that make a forecast
OUTER = 0.1  # share of the periods that the range of a forecast leaves out at each end


@dataclass(frozen=True, slots=True)
class _Count:
    """One period: what it brought, its quota, whether it is over."""

    x: float
    q: float
    complete: bool


def measure_rate(measure: Rate, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return progress and attainment a by the mode; what is judged is a, over complete periods only.

    `capped_total` p = Σ min(x, q) / Σ q over all periods; `total` p = Σ x / Σ q; a is the same over the complete ones.
    `hit_rate` p = a = complete periods with x ≥ q / complete periods. `average` p = a = Σ x / Σ q over the complete
    ones, which is the mean of x against q. Periods without a day that counts are left out.
    """
    quota = measure.quota
    if not (math.isfinite(quota) and quota > 0):
        return unknown("the quota must be a finite number above 0", pace="attained")
    flow = observe_flow(measure.counted, key_result, evidence, now)
    if isinstance(flow, Unknown):
        return unknown(flow, pace="attained")
    counts = _counts(measure, flow, key_result, evidence.timezone, now)
    complete = [count for count in counts if count.complete]
    if not counts:
        return unknown(Unknown("every day is skipped: nothing is due", flow.inputs), pace="attained", unit=flow.unit)
    if measure.mode in {"capped_total", "total"}:
        return _judge_sum(measure, counts, complete, flow)
    if not complete:
        why = Unknown(f"no {measure.per} is complete yet", flow.inputs)
        return unknown(why, pace="attained", unit=flow.unit)
    judge = _judge_hits if measure.mode == "hit_rate" else _judge_average
    return judge(measure, complete, flow)


def foresee_rate(
    measure: Rate, key_result: KeyResult, judgement: Judgement, evidence: Evidence, now: datetime
) -> Forecast | None:
    """Return the forecast of a rate that has a number: what is not complete attains what the complete periods did.

    The range is what follows when all of the rest attains as little, or as much, as the 10th and the 90th percentile of
    the complete periods. Without numbers, but with the reason, below 2 complete periods.
    """
    flow, target, a = observe_flow(measure.counted, key_result, evidence, now), judgement.target, judgement.attainment
    assert isinstance(flow, Flow)  # noqa: S101 -- the measure has a number
    counts = _counts(measure, flow, key_result, evidence.timezone, now)
    complete = [count for count in counts if count.complete]
    if len(complete) < FEWEST_COMPLETE or a is None or target is None:
        said = f"1 {measure.per} is" if len(complete) == 1 else f"no {measure.per} is"
        return Forecast(readings=len(complete), reason=f"{said} complete; {FEWEST_COMPLETE} make a forecast")
    shares = sorted(_attained(measure, count) for count in complete)
    if measure.mode == "hit_rate":
        done = len(complete) / len(counts)
    else:
        done = math.fsum(count.q for count in complete) / math.fsum(count.q for count in counts)
    low, high = (done * a + (1 - done) * percentile(shares, share) for share in (OUTER, 1 - OUTER))
    low, high = min(low, a), max(high, a)
    if not all(map(math.isfinite, (low * target, high * target))):
        return None
    return Forecast(
        value=a * target,
        low=low * target,
        high=high * target,
        progress=a,
        progress_low=low,
        progress_high=high,
        readings=len(complete),
        basis=f"as in {len(complete)} complete {measure.per}s",
    )


def _attained(measure: Rate, count: _Count) -> float:
    """Return what one period attained, by the mode."""
    if measure.mode == "hit_rate":
        return float(at_least(count.x, count.q))
    return (min(count.x, count.q) if measure.mode == "capped_total" else count.x) / count.q


def _counts(measure: Rate, flow: Flow, key_result: KeyResult, timezone: str, now: datetime) -> list[_Count]:
    first, last = local_day(key_result.start, timezone), local_day(key_result.due - INSTANT, timezone)
    today = local_day(now, timezone)
    days: dict[date, list[float]] = {}
    for amount in flow.amounts:
        days.setdefault(local_day(amount.time, timezone), []).append(amount.value)
    return [
        _Count(
            x=math.fsum(value for day, values in days.items() if span.first <= day <= span.last for value in values),
            q=measure.quota * span.share,
            complete=today > span.last,
        )
        for span in spans(first, last, measure.per, measure.skip)
        if span.share > 0
    ]


def _judge_sum(measure: Rate, counts: Sequence[_Count], complete: Sequence[_Count], flow: Flow) -> Judgement:
    capped = measure.mode == "capped_total"
    v, whole = _sum(counts, capped=capped), math.fsum(count.q for count in counts)
    p = v / whole
    a = _sum(complete, capped=capped) / math.fsum(count.q for count in complete) if complete else None
    word = f"sum of min(x, {show(measure.quota)})" if capped else "sum of x"
    formula = f"{word} a {measure.per}: {show(v)} / {show(whole)} = {show(p)}"
    return Judgement(
        pace="attained",
        unit=flow.unit,
        value=v,
        baseline=0.0,
        target=whole,
        progress=p,
        attainment=a,
        formula=formula if a is None else f"{formula}; {len(complete)} complete: attained {show(a)}",
        notes=flow.notes if complete else (*flow.notes, f"no {measure.per} is complete yet"),
        missed=flow.missed,
        inputs=flow.inputs,
    )


def _judge_hits(measure: Rate, complete: Sequence[_Count], flow: Flow) -> Judgement:
    hits = sum(at_least(count.x, count.q) for count in complete)
    p = hits / len(complete)
    return Judgement(
        pace="attained",
        unit="%",
        value=100 * p,
        target=100.0,
        progress=p,
        attainment=p,
        provisional=True,
        formula=f"{hits} of {len(complete)} {measure.per}s with at least {show(measure.quota)} = {show(p)}",
        notes=flow.notes,
        missed=flow.missed,
        inputs=flow.inputs,
    )


def _judge_average(measure: Rate, complete: Sequence[_Count], flow: Flow) -> Judgement:
    p = _sum(complete, capped=False) / math.fsum(count.q for count in complete)
    mean = p * measure.quota
    return Judgement(
        pace="attained",
        unit=flow.unit,
        value=mean,
        target=measure.quota,
        progress=p,
        attainment=p,
        provisional=True,
        formula=f"mean of {len(complete)} {measure.per}s {show(mean)} / {show(measure.quota)} = {show(p)}",
        notes=flow.notes,
        missed=flow.missed,
        inputs=flow.inputs,
    )


def _sum(counts: Sequence[_Count], *, capped: bool) -> float:
    return math.fsum(min(count.x, count.q) if capped else count.x for count in counts)
