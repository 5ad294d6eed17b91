"""What was added over time: amounts of a flow, increases of a counter, finished items of an initiative."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from okr_sync.core.aggregates import increase
from okr_sync.core.delivery import classify, items_of
from okr_sync.core.kinds import Counted
from okr_sync.core.model import KeyResult
from okr_sync.core.numbers import show
from okr_sync.core.observing import Evidence, Moment, Observed, Unknown, observe
from okr_sync.core.snapshot import Input

__all__ = ["Amount", "Flow", "local_day", "observe_amount", "observe_flow"]


class Amount(NamedTuple):
    """So much was added at an instant."""

    time: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Flow:
    """Amounts since the start, oldest first, and what they rest on; `notes` and `missed` as in `Judgement`."""

    name: str
    amounts: tuple[Amount, ...]
    unit: str
    inputs: tuple[Input, ...]
    notes: tuple[str, ...] = ()
    missed: str = ""

    @property
    def total(self) -> float:
        """The sum of the amounts."""
        return math.fsum(amount.value for amount in self.amounts)


def local_day(instant: datetime, timezone: str) -> date:
    """Return the day on which an instant falls in a time zone (IANA name)."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def observe_flow(counted: Counted, key_result: KeyResult, evidence: Evidence, now: datetime) -> Flow | Unknown:
    """Return what was added in [start, now] and before the due date, `share` and `rates` applied.

    A counter is differenced from its last reading before the start, else from its first; a drop is a reset: what it
    shows then was added since. Across a change of what is asked nothing is differenced. Unknown for a level, which is
    never summed, without a reading since the start, and where no rate of the currency is in force.
    """
    if counted.initiative is not None:
        flow = _finished(counted.initiative, key_result, evidence, now)
    elif counted.metric is not None:
        flow = _added(counted.metric, key_result, evidence, now)
    else:
        return Unknown("neither a metric nor an initiative says what is counted")
    return flow if isinstance(flow, Unknown) else _attribute(flow, counted, evidence.timezone)


def observe_amount(metric: str, key_result: KeyResult, evidence: Evidence, now: datetime) -> Flow | Unknown:
    """Return a metric's amount: a level's last value by now and before the due date, else what was added."""
    defined = evidence.metrics.get(metric)
    if defined is not None and defined.type != "level" and defined.readings is None:
        return observe_flow(Counted(metric=metric), key_result, evidence, now)
    observed = observe(evidence, metric, now, key_result.due)
    return observed if isinstance(observed, Unknown) else _flow(observed, observed.moments[-1:], key_result.start)


def _flow(observed: Observed, moments: Sequence[Moment | Amount], start: datetime) -> Flow:
    return Flow(
        name=observed.metric.id,
        amounts=tuple(Amount(moment.time, moment.value) for moment in moments),
        unit=observed.metric.unit,
        inputs=(observed.input,),
        notes=observed.notes(start),
        missed=observed.missed,
    )


def _added(name: str, key_result: KeyResult, evidence: Evidence, now: datetime) -> Flow | Unknown:
    observed = observe(evidence, name, now, key_result.due)
    if isinstance(observed, Unknown):
        return observed
    if observed.metric.type == "level":
        return Unknown(f"metric {name} is a level, and levels are never summed: declare type flow or counter")
    since = [moment for moment in observed.moments if moment.time >= key_result.start]
    if not since:
        return Unknown(f"metric {name} has no reading since the start", (observed.input,))
    if observed.metric.type == "flow":
        return _flow(observed, since, key_result.start)
    before = observed.moments[: len(observed.moments) - len(since)]
    return _flow(observed, tuple(_increases([*before[-1:], *since], observed.breaks)), key_result.start)


def _increases(moments: Sequence[Moment], breaks: Sequence[datetime]) -> Iterator[Amount]:
    for earlier, later in pairwise(moments):
        if any(earlier.time < at <= later.time for at in breaks):
            continue  # two counters: what the new one has over the old one says nothing
        yield Amount(later.time, increase(earlier.value, later.value))


def _finished(name: str, key_result: KeyResult, evidence: Evidence, now: datetime) -> Flow | Unknown:
    state, initiative = evidence.work.get(name), evidence.initiatives.get(name)
    if state is None or initiative is None:
        return Unknown(f"initiative {name} is not defined: add it under initiatives")
    if state.total is None:
        return Unknown(f"initiative {name}: {state.reason}", state.inputs)
    ends = [
        item.done_at
        for item in items_of(initiative, evidence.scopes).values()
        if item.done_at is not None and classify(item, initiative.dropped) == "done"
    ]
    inside = sorted(end for end in ends if key_result.start <= end <= now and end < key_result.due)
    return Flow(name, tuple(Amount(end, 1.0) for end in inside), "items", state.inputs)


def _attribute(flow: Flow, counted: Counted, timezone: str) -> Flow | Unknown:
    amounts = []
    for amount in flow.amounts:
        rate = _rate(counted, amount.time, timezone)
        if rate is None:
            day = local_day(amount.time, timezone)
            return Unknown(f"no rate for {flow.unit or flow.name} holds on {day}: add one from that day", flow.inputs)
        value = amount.value * rate * counted.share
        if not math.isfinite(value):
            return Unknown(f"an amount of {flow.name} is too large to compute with", flow.inputs)
        amounts.append(Amount(amount.time, value))
    return Flow(_say(flow, counted), tuple(amounts), flow.unit, flow.inputs, flow.notes, flow.missed)


def _rate(counted: Counted, at: datetime, timezone: str) -> float | None:
    """Return the rate in force on the local day: the newest that began by then; 1 when none is needed."""
    if not counted.rates:
        return 1.0
    day = local_day(at, timezone)
    begun = [rate for since, rate in counted.rates if since is None or since <= day]
    return begun[-1] if begun else None


def _say(flow: Flow, counted: Counted) -> str:
    said = flow.name
    if counted.rates:
        fixed = len(counted.rates) == 1 and counted.rates[0][0] is None
        said += f" at {show(counted.rates[0][1])}" if fixed else " at dated rates"
    return said if counted.share == 1 else f"{said}, {show(100 * counted.share, '%')} of it"
