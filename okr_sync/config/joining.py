"""The kinds of key results that are made of others, in config files: all, weighted, gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from okr_sync.config.amounts import Number
from okr_sync.config.entry import Entry
from okr_sync.config.measuring import Facts, MeasureEntry
from okr_sync.core.kinds import All, Gate, Part, Weighted
from okr_sync.core.measures import kind_of
from okr_sync.core.model import Measure

if TYPE_CHECKING:
    from okr_sync.config.measures import AnyMeasure

__all__ = ["AllEntry", "GateEntry", "PartEntry", "WeightedEntry"]


class CompositeEntry(MeasureEntry):
    """Base of the kinds that are made of others."""

    require: Literal["all"] | None = Field(None, description="all: unknown when any part is; default: partial")


class AllEntry(CompositeEntry):
    """As far as the least of its parts."""

    marks = ("all",)
    all: Annotated[list[AnyMeasure], Field(min_length=2)]

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        parts = _parts([(each.build(facts), 1.0) for each in self.all])
        return All(parts, require_all=self.require == "all") if parts else None


class GateEntry(CompositeEntry):
    """0 until the first part is done, then as far as the least of the others."""

    marks = ("gate",)
    gate: Annotated[list[AnyMeasure], Field(min_length=2)]

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        parts = _parts([(each.build(facts), 1.0) for each in self.gate])
        return Gate(parts, require_all=self.require == "all") if parts else None


class PartEntry(Entry):
    """A measure with its weight."""

    weight: Number
    measure: AnyMeasure


class WeightedEntry(CompositeEntry):
    """The weighted mean of its parts."""

    marks = ("weighted",)
    weighted: Annotated[list[PartEntry], Field(min_length=2)]

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        negative = [each for each in self.weighted if each.weight < 0]
        for each in negative:
            facts.mistake(each.at("weight"), f"weight: {each.weight:g} is negative; 0 means watched only")
        if not negative and all(each.weight == 0 for each in self.weighted):
            facts.mistake(self.at("weighted"), "weighted: all weights are 0; give at least one more than that")
        parts = _parts([(each.measure.build(facts), each.weight) for each in self.weighted])
        return Weighted(parts, require_all=self.require == "all") if parts else None


def _parts(built: Sequence[tuple[Measure | None, float]]) -> tuple[Part, ...] | None:
    """Return the parts, each told by its place and kind; None when one has a mistake."""
    parts = tuple(
        Part(f"{place} {kind_of(measure)}", measure, weight)
        for place, (measure, weight) in enumerate(built, 1)
        if measure is not None
    )
    return parts if len(parts) == len(built) else None
