"""Numbers about people are withheld where so few are behind them that they could be told apart.

A metric marked personal is shown only while its population has at least k people: the whole of a ratio, or else the
newest value of the metric that counts them. What can't be told is withheld, too.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from okr_sync.core.definition import metrics_of
from okr_sync.core.flows import Flow, observe_amount
from okr_sync.core.kinds import All, Gate, Ratio, Weighted
from okr_sync.core.model import KeyResult, Metric
from okr_sync.core.numbers import at_least
from okr_sync.core.observing import Evidence, Unknown, observe

__all__ = ["holds_back", "withhold"]


def withhold(key_result: KeyResult, evidence: Evidence, now: datetime) -> Unknown | None:
    """Return why the key result's number is withheld; None when it may be shown.

    The parts of a joined measure are withheld one by one. The reason names k and no number of people.
    """
    measure = key_result.measure
    if isinstance(measure, All | Weighted | Gate):
        return None
    metrics = [evidence.metrics[name] for name in metrics_of(measure) if name in evidence.metrics]
    for metric in (each for each in metrics if each.personal):
        counted_by = measure.whole if isinstance(measure, Ratio) else metric.population
        why = _why_withheld(metric, counted_by, key_result, evidence, now)
        if why:
            found = [observe(evidence, name, now, key_result.due) for name in metrics_of(measure)]
            inputs = tuple(each for one in found for each in (one.inputs if isinstance(one, Unknown) else (one.input,)))
            return Unknown(why, tuple(replace(each, evidence="") for each in inputs))
    return None


def holds_back(key_result: KeyResult, evidence: Evidence, now: datetime) -> bool:
    """Return whether the key result, or any part of it, is withheld."""
    measure = key_result.measure
    if isinstance(measure, All | Weighted | Gate):
        return any(holds_back(replace(key_result, measure=part.measure), evidence, now) for part in measure.parts)
    return withhold(key_result, evidence, now) is not None


def _why_withheld(
    metric: Metric, counted_by: str | None, key_result: KeyResult, evidence: Evidence, now: datetime
) -> str:
    if counted_by is None:
        return f"metric {metric.id} is personal, and no population says how many people it is about: not shown"
    people = observe_amount(counted_by, key_result, evidence, now)
    if not isinstance(people, Flow):
        return f"metric {metric.id} is personal, and its population is unknown: {people.reason}"
    if not at_least(people.total, metric.privacy_k):
        return f"metric {metric.id} is about fewer than {metric.privacy_k} people: not shown (privacy_k)"
    facts = evidence.readings.get(counted_by)
    if facts is not None and facts.miss is not None and facts.miss.why == "suspect":
        return f"metric {metric.id} is personal, and how many people it is about is in doubt: not shown (privacy_k)"
    return ""
