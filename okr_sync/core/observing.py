"""Which reading of a metric counts at an instant: the last valid one by time, and what is ignored and why."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from okr_sync.core.aggregates import OF_ANOTHER_RANGE, Frame, aggregate
from okr_sync.core.facts import Baseline, MetricFacts, Reading, ScopeFacts
from okr_sync.core.kinds import Aggregate
from okr_sync.core.model import Initiative, Metric
from okr_sync.core.numbers import at_least, at_most, show, show_day
from okr_sync.core.snapshot import InitiativeState, Input

__all__ = ["Evidence", "Moment", "Observed", "Unknown", "observe"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """No number, and why; `inputs` are the subjects that were asked for it."""

    reason: str
    inputs: tuple[Input, ...] = ()


_TIME = operator.attrgetter("time")


class Moment(NamedTuple):
    """A valid reading with its time."""

    time: datetime
    value: float
    reading: Reading


@dataclass(frozen=True, slots=True)
class Observed:
    """A metric's valid readings up to an instant, oldest first (at least one), and what the last one rests on.

    `missed` says why the newest question failed, `ignored` why a newer reading than the last one is refused; both
    are empty when there is nothing to say.
    """

    metric: Metric
    moments: tuple[Moment, ...]
    input: Input
    missed: str = ""
    ignored: str = ""
    breaks: tuple[datetime, ...] = ()
    """As in `MetricFacts`. A level's moments begin at the last one; a flow's and a counter's span them all."""

    @property
    def value(self) -> float:
        """The last valid value."""
        return self.moments[-1].value

    def notes(self, start: datetime) -> tuple[str, ...]:
        """Return what is to be said beside the number: what is ignored, and the last series break after `start`."""
        last = self.breaks[-1:] if self.breaks and self.breaks[-1] > start else ()
        broken = tuple(f"query changed on {show_day(at)}: not comparable before" for at in last)
        return (*((self.ignored,) if self.ignored else ()), *broken)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What measures look at: metrics with their readings, initiatives with their work, each by id.

    `timezone` (an IANA name) is where days, weeks and months are meant. `baselines` are those captured, by key result
    and subject. `since` is the start of the key result that is being judged, from which readings are aggregated that
    name no window.
    """

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    readings: Mapping[str, MetricFacts] = field(default_factory=dict)
    initiatives: Mapping[str, Initiative] = field(default_factory=dict)
    scopes: Mapping[str, ScopeFacts] = field(default_factory=dict)
    work: Mapping[str, InitiativeState] = field(default_factory=dict)
    timezone: str = "UTC"
    baselines: Mapping[tuple[str, str], Baseline] = field(default_factory=dict)
    since: datetime | None = None


def observe(evidence: Evidence, metric_id: str, now: datetime, due: datetime | None = None) -> Observed | Unknown:
    """Return the metric's valid readings at or before `now` and before `due`; unknown when there is none.

    Valid is finite and within the metric's minimum and maximum (inclusive). Of readings of one time the later in the
    list counts. A reading without a time counts as read `now`. With `metric.readings` these are the values that
    `aggregate` makes of the valid readings; unknown when it makes none.
    """
    metric = evidence.metrics.get(metric_id)
    if metric is None:
        return Unknown(f"metric {metric_id} is not defined: add it under metrics")
    facts = evidence.readings.get(metric_id, MetricFacts())
    asked = (Input(source=metric.source, subject=metric.id, max_age_days=metric.max_age_days),)
    timed = _timed(facts.readings, now, due)
    breaks = tuple(at for at in facts.breaks if at <= now and (due is None or at < due))
    valid = tuple([moment for moment in timed if not _refusal(metric, moment.value)])
    if breaks and metric.type == "level":
        valid = tuple(moment for moment in valid if moment.time >= breaks[-1])
    if not valid or not facts.answered:
        return Unknown(_why_none(metric, facts, timed), asked)
    last = valid[-1]
    undated = last.reading.time is None or (facts.undated and last.reading is _newest(facts.readings, now))
    time = None if undated else last.time
    basis = replace(asked[0], time=time, expires=last.reading.expires, evidence=last.reading.evidence)
    refusal = _refusal(metric, timed[-1].value)
    observed = Observed(
        metric=metric,
        moments=valid,
        input=basis,
        missed="" if facts.miss is None else f"{metric.source}: {facts.miss.message}",
        ignored=f"the newest reading is ignored: {refusal}" if refusal else "",
        breaks=breaks,
    )
    if metric.readings is None:
        return observed
    until = now if due is None else min(now, due)
    frame = Frame(until, evidence.since, evidence.timezone, holds=facts.undated, type=metric.type)
    return _aggregate(observed, metric.readings, frame)


def _aggregate(observed: Observed, wanted: Aggregate, frame: Frame) -> Observed | Unknown:
    """Return the metric as a level, whose values are made of the readings; its bounds only where they still bind."""
    samples = [(moment.time, moment.value) for moment in observed.moments]
    found = aggregate(wanted, samples, frame)
    if isinstance(found, str):
        return Unknown(f"metric {observed.metric.id}: {found}", (observed.input,))
    metric = replace(observed.metric, type="level")
    if wanted.take in OF_ANOTHER_RANGE:
        metric = replace(metric, minimum=None, maximum=None)
    newest = observed.moments[found[-1].newest].time
    return replace(
        observed,
        metric=metric,
        moments=tuple(Moment(each.time, each.value, observed.moments[each.newest].reading) for each in found),
        input=replace(observed.input, time=observed.input.time and newest, basis=found[-1].basis),
    )


def _timed(readings: Iterable[Reading], now: datetime, due: datetime | None) -> list[Moment]:
    timed = [Moment(reading.time or now, reading.value, reading) for reading in readings]
    timed.sort(key=_TIME)
    end = bisect_right(timed, now, key=_TIME)
    return timed[: end if due is None else min(end, bisect_left(timed, due, key=_TIME))]


def _newest(readings: Iterable[Reading], now: datetime) -> Reading:
    return max(enumerate(readings), key=lambda place: (place[1].time or now, place[0]))[1]


def _refusal(metric: Metric, value: float) -> str:
    """Return why a value is not valid; empty when it is."""
    if not math.isfinite(value):
        return f"{value} is not a finite number"
    if metric.minimum is not None and not at_least(value, metric.minimum):
        return f"{show(value, metric.unit)} is below the minimum {show(metric.minimum, metric.unit)} of {metric.id}"
    if metric.maximum is not None and not at_most(value, metric.maximum):
        return f"{show(value, metric.unit)} is above the maximum {show(metric.maximum, metric.unit)} of {metric.id}"
    return ""


def _why_none(metric: Metric, facts: MetricFacts, timed: list[Moment]) -> str:
    if not facts.answered:
        said = facts.miss.message if facts.miss else "run okr-sync sync, or check in a value if people type it"
        return f"metric {metric.id}: its query changed and has no answer yet: {said}"
    if timed:
        return f"metric {metric.id} has no valid reading: {_refusal(metric, timed[-1].value)}"
    if facts.miss is not None:
        return f"metric {metric.id}: {facts.miss.message}"
    if facts.readings:
        return f"metric {metric.id} has no reading at or before this instant"
    return f"metric {metric.id} has not been read yet: run okr-sync sync, or check in its value if people type it"
