"""Asks a metric source and holds its answer to the contract before anything is believed."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from okr_sync.config import Source
from okr_sync.connector import Ask, MetricSource
from okr_sync.core.facts import Collected, Miss, Outcome, Reading, Unchanged
from okr_sync.sync.contract import is_known

CLOCK_SKEW = timedelta(minutes=5)  # how far ahead of us another machine's clock may be


def gather_readings(connector: MetricSource, source: Source, start: datetime, now: datetime) -> Collected:
    """Return one judged outcome for every query of the source. Raises SourceError when the whole source failed."""
    answer = connector.read(Ask(queries=source.questions, start=start, now=now))
    answers = {ref: _believed(answer.get(ref), now) for ref in source.questions}
    # "No value yet" is a state of the world, not a failure of the source.
    missed = any(isinstance(outcome, Miss) and outcome.why != "no_data" for outcome in answers.values())
    return Collected(source.name, now, "partial" if missed else "ok", answers=answers)


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
    return next((Miss("invalid", fault) for fault in (_fault(reading, now) for reading in outcome) if fault), outcome)


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
