"""Whether the values of an objective's key results are of one unit, so that they add up."""

from __future__ import annotations

from collections.abc import Mapping

from okr_sync.config.measuring import MetricFacts
from okr_sync.core.kinds import Ratio, Samples, Total
from okr_sync.core.model import Change, Measure, Objective

__all__ = ["units_of"]


def units_of(objective: Objective, metrics: Mapping[str, MetricFacts]) -> dict[str, str]:
    """Return key result → unit of its value, of those that have a weight and whose unit can be told from the files."""
    counted = [each for each in objective.key_results if each.weight > 0]
    units = {each.id: _unit(each.measure, metrics) for each in counted}
    return {name: unit for name, unit in units.items() if unit is not None}


def _unit(measure: Measure, metrics: Mapping[str, MetricFacts]) -> str | None:
    match measure:
        case Ratio():
            return "%"
        case Samples():
            return "samples"
        case Change():
            return metrics[measure.metric].unit if measure.metric in metrics else None
        case Total():
            return measure.unit or None
        case _:
            return None
