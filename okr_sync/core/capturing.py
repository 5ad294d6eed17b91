"""Captures baselines: which a key result wants, what its readings give, and what a captured one does to its measure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from okr_sync.core.facts import Baseline, MetricFacts, Window
from okr_sync.core.flows import observe_amount, observe_flow
from okr_sync.core.kinds import All, Capture, Counted, Gate, Ratio, Weighted
from okr_sync.core.model import Change, KeyResult, Measure, Metric, Threshold
from okr_sync.core.numbers import show_instant
from okr_sync.core.observing import Evidence, Moment, Unknown, observe

__all__ = [
    "Wanted",
    "capture_before",
    "capture_first",
    "doubts",
    "question_of",
    "settle",
    "wanted_baselines",
    "wanted_captures",
    "why_awaiting",
]

Settled: TypeAlias = Mapping[tuple[str, str], Baseline]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A baseline to capture for a key result: from one metric, or from the part and the whole of a ratio."""

    key_result: KeyResult
    metrics: tuple[str, ...]
    capture: Capture

    @property
    def key(self) -> tuple[str, str]:
        """The key result's id and the subject: its metric, of a ratio "part/whole"."""
        return self.key_result.id, "/".join(self.metrics)

    @property
    def window(self) -> Window:
        """The time before the start from which it is captured, both ends inclusive."""
        return self.key_result.start - self.capture.over, self.key_result.start


@dataclass(frozen=True, slots=True)
class _Found:
    """A value, the instant of the newest reading behind it, how many these are, and where they stand."""

    value: float
    time: datetime
    readings: int
    evidence: str


def wanted_baselines(key_result: KeyResult) -> tuple[Wanted, ...]:
    """Return the baselines that a key result wants captured, one a subject, in the order of its measures."""
    found = {wanted.key: wanted for measure in _leaves(key_result.measure) for wanted in _wanted(measure, key_result)}
    return tuple(found.values())


def wanted_captures(measure: Measure) -> tuple[tuple[str, Capture], ...]:
    """Return (subject, how) of every baseline that is captured for a measure and its parts, in their order."""
    return tuple(
        ("/".join(_metrics(leaf)), leaf.baseline)
        for leaf in _leaves(measure)
        if isinstance(leaf, Change | Threshold | Ratio) and isinstance(leaf.baseline, Capture)
    )


def settle(measure: Measure, key_result: str, baselines: Settled) -> Measure:
    """Return the measure with its captured baseline as a number; as it is while there is none, or none is wanted."""
    if not isinstance(measure, Change | Threshold | Ratio) or not isinstance(measure.baseline, Capture):
        return measure
    found = baselines.get((key_result, "/".join(_metrics(measure))))
    if found is None:
        return measure
    return replace(measure, baseline=found.value / 100 if isinstance(measure, Ratio) else found.value)


def why_awaiting(key_result: KeyResult, now: datetime, lacking: str = "") -> str:
    """Return why a key result has no baseline yet, and when it gets one."""
    start = show_instant(key_result.start)
    if now < key_result.start:
        return f"awaiting baseline: it is captured when the key result starts, {start}"
    why = lacking or f"the next sync captures the last value by {start}, or else the first one since"
    return f"awaiting baseline: {why}"


def doubts(baseline: Baseline, wanted: Wanted, metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """Return what is to be said with a number that rests on this baseline; nothing when it is what it should be."""
    name, on = wanted.key[1], show_instant(baseline.at)
    anew = f"`okr-sync baseline {wanted.key_result.id} --recapture` takes it anew"
    said = []
    if baseline.how == "first":
        seen = show_instant(baseline.time)
        said.append(f"baseline of {name}: first value seen on {seen}, not from before the start")
    if baseline.question != question_of(wanted, metrics):
        said.append(f"the baseline of {name} was captured with another query on {on}; {anew}")
    elif baseline.start != wanted.key_result.start:
        said.append(f"the baseline of {name} was captured for another start, {show_instant(baseline.start)}; {anew}")
    return tuple(said)


def question_of(wanted: Wanted, metrics: Mapping[str, Metric]) -> str:
    """Return what is asked for a baseline, as text: equal questions, equal text."""
    asked = [metrics[name] for name in wanted.metrics if name in metrics]
    texts = [f"{each.id} from {each.source}: {each.query} ({each.type}, in {each.unit or 'no unit'})" for each in asked]
    return "; ".join(texts)


def capture_before(wanted: Wanted, evidence: Evidence, now: datetime) -> Baseline | None:
    """Return the baseline that the readings of the wanted time before the start give; None when they give none.

    Readings without a time of their own say nothing about the past. Of a ratio the shares are of the last values, or of
    the means; of flows and counters, which are nothing at an instant, of what was added in that time.
    """
    start, _ = wanted.window
    held = replace(evidence, readings={name: _since(start, evidence.readings.get(name)) for name in wanted.metrics})
    found = [_amount_before(name, wanted, held) for name in wanted.metrics]
    joined = _join([each for each in found if each is not None], wanted)
    return None if joined is None else _baseline(wanted, evidence, joined, now, first=False)


def capture_first(wanted: Wanted, evidence: Evidence, now: datetime) -> Baseline | None:
    """Return the baseline that the first value since the start gives, by `now`; None while there is none."""
    found = next(_firsts(wanted, evidence, now), None)
    return None if found is None else _baseline(wanted, evidence, found, now, first=True)


def _leaves(measure: Measure) -> Iterator[Measure]:
    if isinstance(measure, All | Weighted | Gate):
        for part in measure.parts:
            yield from _leaves(part.measure)
    else:
        yield measure


def _wanted(measure: Measure, key_result: KeyResult) -> Iterator[Wanted]:
    if isinstance(measure, Change | Threshold | Ratio) and isinstance(measure.baseline, Capture):
        yield Wanted(key_result, _metrics(measure), measure.baseline)


def _metrics(measure: Change | Threshold | Ratio) -> tuple[str, ...]:
    return (measure.part, measure.whole) if isinstance(measure, Ratio) else (measure.metric,)


def _since(start: datetime, facts: MetricFacts | None) -> MetricFacts:
    """Return the dated readings from `start` on."""
    readings = () if facts is None else facts.readings
    return MetricFacts(tuple(each for each in readings if each.time is not None and start <= each.time))


def _amount_before(name: str, wanted: Wanted, evidence: Evidence) -> _Found | None:
    start, end = wanted.window
    metric = evidence.metrics.get(name)
    if len(wanted.metrics) > 1 and metric is not None and metric.type != "level":
        time_before = replace(wanted.key_result, start=start, due=end)
        flow = observe_flow(Counted(metric=name), time_before, evidence, end)
        if isinstance(flow, Unknown) or not flow.amounts:
            return None
        said = f"{name}: sum of {len(flow.amounts)}"
        return _Found(flow.total, flow.amounts[-1].time, len(flow.amounts), said)
    observed = observe(evidence, name, end)
    if isinstance(observed, Unknown):
        return None
    return _mean(observed.moments) if wanted.capture.how == "mean" else _single(observed.moments[-1])


def _single(moment: Moment) -> _Found:
    return _Found(moment.value, moment.time, 1, moment.reading.evidence)


def _mean(moments: Sequence[Moment]) -> _Found:
    first, last = moments[0].time, moments[-1].time
    said = f"mean of {len(moments)} readings from {show_instant(first)} to {show_instant(last)}"
    # Divided before they are added, so that no sum of finite values is too large.
    mean = math.fsum(moment.value / len(moments) for moment in moments)
    return _Found(mean, last, len(moments), said)


def _join(found: Sequence[_Found], wanted: Wanted) -> _Found | None:
    """Return the value itself, or the share of two; None when one is lacking or the share is no number."""
    if len(found) < len(wanted.metrics):
        return None
    if len(found) == 1:
        return found[0]
    part, whole = found
    share = 100 * part.value / whole.value if whole.value > 0 else math.nan
    if not math.isfinite(share):
        return None
    said = "; ".join(each.evidence for each in found if each.evidence)
    return _Found(share, max(part.time, whole.time), part.readings + whole.readings, said)


def _firsts(wanted: Wanted, evidence: Evidence, now: datetime) -> Iterator[_Found]:
    """Yield the values since the start, oldest first; of a ratio those at the instants at which anything was read."""
    key_result = wanted.key_result
    seen = [observe(evidence, name, now, key_result.due) for name in wanted.metrics]
    moments = [moment for each in seen if not isinstance(each, Unknown) for moment in each.moments]
    since = sorted((moment for moment in moments if moment.time >= key_result.start), key=lambda moment: moment.time)
    for moment in since:
        found = _single(moment) if len(wanted.metrics) == 1 else _ratio_at(moment, wanted, evidence)
        if found is not None:
            yield found


def _ratio_at(moment: Moment, wanted: Wanted, evidence: Evidence) -> _Found | None:
    flows = [observe_amount(name, wanted.key_result, evidence, moment.time) for name in wanted.metrics]
    known = [
        _Found(flow.total, moment.time, len(flow.amounts), f"{flow.name}: {len(flow.amounts)} readings")
        for flow in flows
        if not isinstance(flow, Unknown)
    ]
    return _join(known, wanted)


def _baseline(wanted: Wanted, evidence: Evidence, found: _Found, now: datetime, *, first: bool) -> Baseline:
    key_result, subject = wanted.key
    return Baseline(
        key_result=key_result,
        subject=subject,
        value=found.value,
        how="first" if first else wanted.capture.how,
        time=found.time,
        readings=found.readings,
        evidence=found.evidence,
        question=question_of(wanted, evidence.metrics),
        start=wanted.key_result.start,
        at=now,
    )
