"""What every kind of measure in config files has: its keys, its metric, and what it may look up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Protocol

from okr_sync.config.amounts import Amount, Id
from okr_sync.config.entry import Entry
from okr_sync.config.places import Place
from okr_sync.core.definition import metrics_of
from okr_sync.core.kinds import All, Capture, Gate, Ratio, Weighted
from okr_sync.core.model import Measure, MetricType

__all__ = ["Facts", "MeasureEntry", "MetricFacts", "MetricMeasureEntry", "require_addable", "unpeopled"]


class MetricFacts(Protocol):
    """What a measure asks of its metric."""

    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def minimum(self) -> float | None: ...  # noqa: D102
    @property
    def maximum(self) -> float | None: ...  # noqa: D102
    @property
    def type(self) -> MetricType: ...  # noqa: D102
    @property
    def personal(self) -> bool: ...  # noqa: D102
    @property
    def population(self) -> str | None: ...  # noqa: D102


class Facts(Protocol):
    """What a measure may look up; each look-up that fails is noted as a mistake at `place`."""

    def metric(self, id: str, place: Place) -> MetricFacts | None:  # noqa: A002
        """Return the metric, or None when it is unknown or broken."""

    def initiative(self, id: str, place: Place) -> bool:  # noqa: A002
        """Return whether the initiative exists."""

    def mistake(self, place: Place, message: str) -> None:
        """Note a mistake."""


class MeasureEntry(Entry):
    """Base of the kinds."""

    marks: ClassVar[tuple[str, ...]]
    """The keys by which this kind is told."""

    @abstractmethod
    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""


class MetricMeasureEntry(MeasureEntry):
    """Base of the kinds that compare a metric with numbers."""

    metric: Id

    def number(self, key: str, amount: Amount, metric: MetricFacts, facts: Facts) -> float:
        """Return the number of `amount` in the metric's unit; notes a wrong % sign and a value out of bounds."""
        if amount.percent and metric.unit != "%":
            unit = f"its unit is {metric.unit!r}" if metric.unit else "it has no unit"
            facts.mistake(self.at(key), f"{key}: metric {self.metric!r} is not in % ({unit}); write a bare number")
        self.check_bounds(key, amount.value, metric, facts)
        return amount.value

    def start(self, key: str, amount: Amount | Capture, metric: MetricFacts, facts: Facts) -> float | Capture:
        """Return a baseline: a number as in `number`, or how it is captured."""
        return amount if isinstance(amount, Capture) else self.number(key, amount, metric, facts)

    def check_bounds(self, key: str, value: float, metric: MetricFacts, facts: Facts) -> None:
        """Note a value that the metric can't have."""
        low, high = metric.minimum, metric.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"{'…' if low is None else f'{low:g}'} to {'…' if high is None else f'{high:g}'}"
            facts.mistake(self.at(key), f"{key}: {value:g} is outside what metric {self.metric!r} can be ({bounds})")


def require_addable(metric: MetricFacts, name: str, place: Place, facts: Facts) -> bool:
    """Return whether a metric's values can be added up; a level, which can't, is noted at `place`."""
    if metric.type == "level":
        facts.mistake(
            place, f"metric {name!r} is a level, and levels are never summed; declare it type: flow or counter"
        )
    return metric.type != "level"


def unpeopled(measure: Measure, metrics: Mapping[str, MetricFacts]) -> list[str]:
    """Return the personal metrics in a measure that nothing says the number of people of; a ratio has its whole."""
    if isinstance(measure, Ratio):
        return []
    if isinstance(measure, All | Weighted | Gate):
        return [name for part in measure.parts for name in unpeopled(part.measure, metrics)]
    known = [(name, metrics[name]) for name in metrics_of(measure) if name in metrics]
    return [name for name, metric in known if metric.personal and metric.population is None]
