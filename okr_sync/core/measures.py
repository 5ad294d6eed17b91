"""Every kind of key result by the type of its measure: a key result, its facts and an instant in, a judgement out.

One more kind is one more dataclass in `model`, one function of the shape `(measure, key_result, evidence, now) ->
Judgement`, and one line in `measure_key_result`; mypy refuses a kind that has no line.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from okr_sync.core.changing import measure_change, measure_threshold
from okr_sync.core.completing import measure_delivery, measure_done, measure_steps
from okr_sync.core.judgement import Judgement
from okr_sync.core.model import Change, Delivery, Done, KeyResult, Measure, Steps, Threshold
from okr_sync.core.observing import Evidence

__all__ = ["kind_of", "measure_key_result"]

KINDS: dict[type[Measure], str] = {
    Change: "change",
    Delivery: "delivery",
    Done: "done",
    Steps: "steps",
    Threshold: "threshold",
}
"""Measure type → its name in reports."""


def kind_of(measure: Measure) -> str:
    """Return the name of a measure's kind: "change", "delivery", "done", "steps" or "threshold"."""
    return KINDS[type(measure)]


def measure_key_result(key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return the key result's number by its kind's formula; unknown with the reason when there is none."""
    measure = key_result.measure
    match measure:
        case Change():
            return measure_change(measure, key_result, evidence, now)
        case Threshold():
            return measure_threshold(measure, key_result, evidence, now)
        case Done():
            return measure_done(measure, key_result, evidence, now)
        case Steps():
            return measure_steps(measure, key_result, evidence, now)
        case Delivery():
            return measure_delivery(measure, key_result, evidence, now)
        case _:  # pragma: no cover -- mypy proves that no kind is left
            assert_never(measure)
