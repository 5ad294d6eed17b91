"""Every kind of key result by the type of its measure: a key result, its facts and an instant in, a judgement out.

One more kind is one more dataclass in `model`, one function of the shape `(measure, key_result, evidence, now) ->
Judgement`, and one line in `measure_key_result`; mypy refuses a kind that has no line.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from okr_sync.core.capturing import settle
from okr_sync.core.changing import measure_change, measure_threshold
from okr_sync.core.completing import measure_delivery, measure_done, measure_steps
from okr_sync.core.counting import measure_ratio, measure_samples, measure_total
from okr_sync.core.grading import measure_range, measure_zone
from okr_sync.core.joining import measure_composite
from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.kinds import All, Gate, OnTime, Range, Rate, Ratio, Samples, Total, Weighted, Zone
from okr_sync.core.model import Change, Delivery, Done, KeyResult, Measure, Steps, Threshold
from okr_sync.core.observing import Evidence
from okr_sync.core.privacy import withhold
from okr_sync.core.punctuality import measure_on_time
from okr_sync.core.rating import measure_rate

__all__ = ["kind_of", "measure_key_result"]

KINDS: dict[type[Measure], str] = {
    All: "all",
    Change: "change",
    Delivery: "delivery",
    Done: "done",
    Gate: "gate",
    OnTime: "on_time",
    Range: "range",
    Rate: "rate",
    Ratio: "ratio",
    Samples: "baseline",
    Steps: "steps",
    Threshold: "threshold",
    Total: "total",
    Weighted: "weighted",
    Zone: "zone",
}
"""Measure type → its name in reports."""


def kind_of(measure: Measure) -> str:
    """Return the name of a measure's kind: "change", "done", "rate" …, as in `KINDS`."""
    return KINDS[type(measure)]


def measure_key_result(key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return the key result's number by its kind's formula; unknown with the reason when there is none.

    A captured baseline counts as if it were written; a measure that waits for one has no progress.
    """
    try:
        return _measure(key_result, evidence, now)
    except OverflowError:
        return unknown("the numbers are too large to compute with")


def _measure(key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    measure = settle(key_result.measure, key_result.id, evidence.baselines)
    withheld = withhold(key_result, evidence, now)
    if withheld is not None:
        return unknown(withheld)
    match measure:
        case Change() | Threshold() | Range() | Zone():
            return _measure_value(measure, key_result, evidence, now)
        case Done() | Steps() | Delivery() | OnTime():
            return _measure_work(measure, key_result, evidence, now)
        case Total() | Ratio() | Rate() | Samples():
            return _measure_amount(measure, key_result, evidence, now)
        case All() | Weighted() | Gate():
            return measure_composite(measure, key_result, now, lambda part: measure_key_result(part, evidence, now))
        case _:  # pragma: no cover -- mypy proves that no kind is left
            assert_never(measure)


def _measure_value(
    measure: Change | Threshold | Range | Zone, key_result: KeyResult, evidence: Evidence, now: datetime
) -> Judgement:
    match measure:
        case Change():
            return measure_change(measure, key_result, evidence, now)
        case Threshold():
            return measure_threshold(measure, key_result, evidence, now)
        case Range():
            return measure_range(measure, key_result, evidence, now)
        case Zone():
            return measure_zone(measure, key_result, evidence, now)
        case _:  # pragma: no cover -- mypy proves that no kind is left
            assert_never(measure)


def _measure_work(
    measure: Done | Steps | Delivery | OnTime, key_result: KeyResult, evidence: Evidence, now: datetime
) -> Judgement:
    match measure:
        case Done():
            return measure_done(measure, key_result, evidence, now)
        case Steps():
            return measure_steps(measure, key_result, evidence, now)
        case Delivery():
            return measure_delivery(measure, key_result, evidence, now)
        case OnTime():
            return measure_on_time(measure, key_result, evidence, now)
        case _:  # pragma: no cover -- mypy proves that no kind is left
            assert_never(measure)


def _measure_amount(
    measure: Total | Ratio | Rate | Samples, key_result: KeyResult, evidence: Evidence, now: datetime
) -> Judgement:
    match measure:
        case Total():
            return measure_total(measure, key_result, evidence, now)
        case Ratio():
            return measure_ratio(measure, key_result, evidence, now)
        case Rate():
            return measure_rate(measure, key_result, evidence, now)
        case Samples():
            return measure_samples(measure, key_result, evidence, now)
        case _:  # pragma: no cover -- mypy proves that no kind is left
            assert_never(measure)
