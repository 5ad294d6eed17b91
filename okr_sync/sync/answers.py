"""Asks a metric source and holds its answer to the contract before anything is believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from okr_sync.config import Source
from okr_sync.connector import Ask, Continued, MetricSource
from okr_sync.core.facts import Collected, Miss, Outcome, Reading, Unchanged, Window
from okr_sync.errors import SourceError
from okr_sync.sync.baselines import Past
from okr_sync.sync.contract import is_known
from okr_sync.sync.suspecting import HeldMetric, believe

CLOCK_SKEW = timedelta(minutes=5)  # how far ahead of us another machine's clock may be


def gather_readings(
    connector: MetricSource,
    source: Source,
    start: datetime,
    now: datetime,
    past: Past | None = None,
    *,
    state: str | None = None,
    inbox: Mapping[str, tuple[Reading, ...]] | None = None,
    held: Mapping[str, HeldMetric] = MappingProxyType({}),
) -> Collected:
    """Return one judged outcome for every query of the source, and what it tells of the past.

    An answer far below what is `held` (metric id → what is confirmed) is asked anew, and a miss until it is confirmed.
    Raises SourceError when the whole source failed; a window of the past that can't be told is a miss alone.
    """
    past, kept = past or Past(), None
    answer: dict[str, Outcome] = {}
    for first in (False, True):
        queries = {ref: query for ref, query in source.questions.items() if (ref in past.first) is first}
        if connector.CONTINUES:  # its state is of all questions together
            queries = dict(source.questions) if first is bool(past.first) else {}
        if queries:
            said = connector.read(Ask(queries, start, now, past=first, state=state, inbox=inbox or {}))
            kept = said.state if connector.CONTINUES and isinstance(said, Continued) else None
            answer.update(said)

    def again(ref: str) -> Outcome:
        queries = source.questions if connector.CONTINUES else {ref: source.questions[ref]}
        return _believed(connector.read(Ask(queries, start, now, state=state, inbox=inbox or {})).get(ref), now)

    found = believe({ref: _believed(answer.get(ref), now) for ref in source.questions}, held, again, now)
    windows = {window: _look_back(connector, source, window, refs, inbox) for window, refs in past.windows.items()}
    outcomes = (outcome for each in (found.answers, *windows.values()) for outcome in each.values())
    brought = Collected(source.name, now, "partial" if any(map(_is_failure, outcomes)) else "ok", answers=found.answers)
    suspicions = tuple(found.suspicions)
    return replace(
        brought, cursor=None if found.waits else kept, past=past.first, windows=windows, suspicions=suspicions
    )


def _is_failure(outcome: Outcome) -> bool:
    """Return whether it is a miss; "no value yet" is a state of the world, not a failure of the source."""
    return isinstance(outcome, Miss) and outcome.why != "no_data"


def _look_back(
    connector: MetricSource,
    source: Source,
    window: Window,
    refs: frozenset[str],
    inbox: Mapping[str, tuple[Reading, ...]] | None,
) -> Mapping[str, Outcome]:
    """Return what each of these metrics was in a time that is over."""
    start, end = window
    queries = {ref: query for ref, query in source.questions.items() if ref in refs}
    try:
        answer = connector.read(Ask(queries=queries, start=start, now=end, past=True, inbox=inbox or {}))
    except SourceError as error:
        return dict.fromkeys(queries, Miss("unreachable", str(error)))
    return {ref: _believed(answer.get(ref), end) for ref in queries}


def _believed(outcome: object, now: datetime) -> Outcome:
    """Return the outcome, or a miss that says what is wrong with it."""
    if outcome is None:
        return Miss("invalid", "the connector gave no answer to this query; report it to its makers")
    if isinstance(outcome, Unchanged) or (isinstance(outcome, Miss) and is_known(outcome)):
        return outcome
    if not isinstance(outcome, tuple) or not all(isinstance(reading, Reading) for reading in outcome):
        return Miss("invalid", "the connector gave an answer of a shape that is not known; report it to its makers")
    if not outcome:
        return Miss("no_data", "the source has no value in this cycle yet")
    faults = (fault for fault in (_fault(reading, now) for reading in outcome) if fault)
    return next((Miss("invalid", fault) for fault in faults), None) or _one_an_instant(outcome, now)


def _one_an_instant(readings: tuple[Reading, ...], now: datetime) -> Outcome:
    """Return the readings, the first of those that are equal; a miss when two say different things of one instant."""
    found: dict[datetime, Reading] = {}
    for each in readings:
        at = each.time or now
        first = found.setdefault(at, each)
        if first.value != each.value:
            said = f"{_told(first)} and {_told(each)}"
            fix = "keep one of them at the source, or let it add them up"
            return Miss("invalid", f"the source gave two values for {at.isoformat()}: {said}; {fix}")
    return tuple(found.values())


def _told(reading: Reading) -> str:
    return f"{reading.value}" + (f" ({reading.evidence})" if reading.evidence else "")


def _fault(reading: Reading, now: datetime) -> str | None:
    value: object = reading.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"the source gave a {type(value).__name__} where a number belongs ({reading.evidence})"
    if not math.isfinite(value):
        return f"the source gave {value}, which is not a number to calculate with ({reading.evidence})"
    for time in (reading.time, reading.expires):
        if time is not None and time.tzinfo is None:
            return f"the source gave a time without a zone: {time.isoformat()} ({reading.evidence})"
    if reading.time is not None and reading.time > now + CLOCK_SKEW:
        return f"the source gave a value from the future: {reading.time.isoformat()} ({reading.evidence})"
    return None
