"""The kinds of key results that grade, in config files: a range to stay in, a zone that a person sets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from okr_sync.config.amounts import Quantity, Text
from okr_sync.config.entry import Entry
from okr_sync.config.measuring import Facts, MetricMeasureEntry
from okr_sync.core.kinds import Range, Zone
from okr_sync.core.model import Measure

__all__ = ["RangeEntry", "ZoneEntry"]

HIGHEST = 3  # the value of stretch


class RangeEntry(MetricMeasureEntry):
    """Keep a metric between two numbers, both inclusive."""

    marks = ("range",)
    range: Annotated[list[Quantity], Field(min_length=2, max_length=2, description="low and high, both inclusive")]
    tolerance: Quantity | None = None

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        metric = facts.metric(self.metric, self.at("metric"))
        if self.tolerance is not None and self.tolerance.value <= 0:
            facts.mistake(self.at("tolerance"), "tolerance: expected more than 0; leave it out for none")
        if metric is None:
            return None
        low, high = (self.number("range", amount, metric, facts) for amount in self.range)
        if low >= high:
            facts.mistake(self.at("range"), f"range: {low:g} is not below {high:g}; write the lower number first")
        return Range(self.metric, low, high, self.tolerance.value if self.tolerance else None)


class LevelsEntry(Entry):
    """What must be true for each level."""

    fail: Text = "less than that"
    commit: Text
    target: Text
    stretch: Text


class ZoneEntry(MetricMeasureEntry):
    """A level that a person sets."""

    marks = ("zone",)
    zone: LevelsEntry

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        metric = facts.metric(self.metric, self.at("metric"))
        if metric is None:
            return None
        for level in (0, HIGHEST):
            self.check_bounds("metric", level, metric, facts)
        levels = self.zone
        return Zone(self.metric, levels.commit, levels.target, levels.stretch, levels.fail)
