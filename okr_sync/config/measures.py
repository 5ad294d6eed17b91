"""The kinds of key results in config files, told apart by their keys.

One more kind is one more `MeasureEntry` with its `build`, one line in `KINDS`, and its tag in `AnyMeasure`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from okr_sync.config.amounts import Amount, Count, Flag, Id, Ids, Number, Quantity, Text
from okr_sync.config.capturing import BaselineQuantity
from okr_sync.config.changing import ChangeEntry
from okr_sync.config.counting import OnTimeEntry, RateEntry, RatioEntry, SamplesEntry, TotalEntry
from okr_sync.config.entry import Entry
from okr_sync.config.grading import RangeEntry, ZoneEntry
from okr_sync.config.joining import AllEntry, GateEntry, PartEntry, WeightedEntry
from okr_sync.config.measuring import Facts, MeasureEntry, MetricFacts, MetricMeasureEntry, require_addable
from okr_sync.config.places import Row
from okr_sync.core.kinds import Capture
from okr_sync.core.model import Delivery, Done, DoneSubject, Evaluate, Measure, Step, Steps, Threshold

__all__ = ["KINDS", "AnyMeasure", "Facts", "MeasureEntry", "MetricFacts"]


class SubjectEntry(Entry):
    """An initiative or a metric that can be done."""

    initiative: Id | None = None
    metric: Id | None = None

    def subject(self, facts: Facts) -> DoneSubject | None:
        """Return what is looked at; None when a mistake was noted."""
        if (self.initiative is None) == (self.metric is None):
            facts.mistake(self.place, "give exactly one of initiative and metric")
            return None
        if self.initiative is not None and not facts.initiative(self.initiative, self.at("initiative")):
            return None
        if self.metric is not None and facts.metric(self.metric, self.at("metric")) is None:
            return None
        return DoneSubject(initiative=self.initiative, metric=self.metric)


class DoneEntry(MeasureEntry):
    """1 when it is done, else 0."""

    marks = ("done",)
    done: SubjectEntry
    deadline: Literal["hard", "soft"] = "soft"

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        subject = self.done.subject(facts)
        return Done(subject=subject, deadline=self.deadline) if subject else None


class StepEntry(SubjectEntry):
    """One step."""

    title: Text
    weight: Number = 1.0

    def step(self, facts: Facts) -> Step | None:
        """Return the step; None when a mistake was noted."""
        if self.weight <= 0:
            facts.mistake(self.at("weight"), "weight: expected more than 0; leave the step out instead")
        subject = self.subject(facts)
        return Step(title=self.title, subject=subject, weight=self.weight) if subject else None


class StepsEntry(MeasureEntry):
    """Complete steps, or `need` of them."""

    marks = ("steps",)
    steps: list[StepEntry] = Field(min_length=1)
    need: Count | None = None
    partial: Literal["items"] | None = None
    deadline: Literal["hard", "soft"] = "soft"

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        steps = [each.step(facts) for each in self.steps]
        if self.need is not None and self.need > len(steps):
            facts.mistake(
                self.at("need"), f"need: {self.need} of {len(steps)} steps can't be; expected at most {len(steps)}"
            )
        whole = tuple(step for step in steps if step)
        return Steps(steps=whole, need=self.need, partial=self.partial == "items", deadline=self.deadline)


class DeliveryEntry(MeasureEntry):
    """Finish initiatives."""

    marks = ("delivery",)
    delivery: Annotated[Ids, Field(min_length=1)]

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        known = [facts.initiative(name, self.at("delivery", number)) for number, name in enumerate(self.delivery)]
        if len(set(self.delivery)) < len(self.delivery):
            facts.mistake(self.at("delivery"), "delivery: an initiative is named twice; name each once")
        return Delivery(initiatives=tuple(self.delivery)) if all(known) else None


class ThresholdEntry(MetricMeasureEntry):
    """Keep a metric at most or at least at a bound."""

    marks = ("at_most", "at_least")
    at_most: Quantity | None = None
    at_least: Quantity | None = None
    strict: Flag = False
    baseline: BaselineQuantity | None = None
    tolerance: Quantity | None = None
    evaluate: Evaluate | None = None

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        metric = facts.metric(self.metric, self.at("metric"))
        bound = self.at_most or self.at_least
        if self.tolerance is not None and self.tolerance.value <= 0:
            facts.mistake(self.at("tolerance"), "tolerance: expected more than 0; leave it out for none")
        if bound is None or (self.at_most and self.at_least):
            facts.mistake(self.place, "give exactly one of at_most and at_least")
            return None
        if metric is None:
            return None
        side: Literal["at_most", "at_least"] = "at_most" if self.at_most else "at_least"
        evaluate = self._evaluate(metric, bound, side, facts)
        if evaluate == "total" and isinstance(self.baseline, Capture):
            facts.mistake(self.at("baseline"), "baseline: a sum begins at 0: nothing to capture; leave it out")
        return Threshold(
            metric=self.metric,
            bound=self.number(side, bound, metric, facts),
            side=side,
            strict=self.strict,
            baseline=self.start("baseline", self.baseline, metric, facts) if self.baseline else None,
            tolerance=self.tolerance.value if self.tolerance else None,
            evaluate=evaluate,
        )

    def _evaluate(self, metric: MetricFacts, bound: Amount, side: str, facts: Facts) -> Evaluate:
        """Return what is written, else `total` for a count that must stay at zero, else `latest`."""
        if self.evaluate == "total":
            require_addable(metric, self.metric, self.at("evaluate"), facts)
        counted = side == "at_most" and bound.value == 0 and metric.type != "level"
        return self.evaluate or ("total" if counted else "latest")


KINDS: tuple[tuple[str, type[MeasureEntry]], ...] = (
    ("<done>", DoneEntry),
    ("<steps>", StepsEntry),
    ("<delivery>", DeliveryEntry),
    ("<all>", AllEntry),
    ("<weighted>", WeightedEntry),
    ("<gate>", GateEntry),
    ("<on_time>", OnTimeEntry),
    ("<total>", TotalEntry),
    ("<ratio>", RatioEntry),
    ("<rate>", RateEntry),
    ("<range>", RangeEntry),
    ("<zone>", ZoneEntry),
    ("<samples>", SamplesEntry),
    ("<threshold>", ThresholdEntry),
    ("<change>", ChangeEntry),
)
"""Tag → kind, in the order in which their keys are looked for."""


def _kind_of(value: Any) -> str | None:
    keys = set(value) if isinstance(value, dict) else set()
    return next((tag for tag, kind in KINDS if keys & set(kind.marks)), None)


def _can_be_told(value: Any) -> Any:
    if isinstance(value, Row) or not isinstance(value, dict):
        raise ValueError("expected a mapping like {metric: nps, baseline: 31, target: 51}")  # noqa: TRY004 -- for pydantic
    if _kind_of(value) is None:
        raise ValueError(f"no kind of measure has these keys; {_known_kinds()}")
    return value


def _known_kinds() -> str:
    return f"a measure has one of: {', '.join(mark for _, kind in KINDS for mark in kind.marks)}"


AnyMeasure: TypeAlias = Annotated[
    Annotated[DoneEntry, Tag("<done>")]
    | Annotated[StepsEntry, Tag("<steps>")]
    | Annotated[DeliveryEntry, Tag("<delivery>")]
    | Annotated[AllEntry, Tag("<all>")]
    | Annotated[WeightedEntry, Tag("<weighted>")]
    | Annotated[GateEntry, Tag("<gate>")]
    | Annotated[OnTimeEntry, Tag("<on_time>")]
    | Annotated[TotalEntry, Tag("<total>")]
    | Annotated[RatioEntry, Tag("<ratio>")]
    | Annotated[RateEntry, Tag("<rate>")]
    | Annotated[RangeEntry, Tag("<range>")]
    | Annotated[ZoneEntry, Tag("<zone>")]
    | Annotated[SamplesEntry, Tag("<samples>")]
    | Annotated[ThresholdEntry, Tag("<threshold>")]
    | Annotated[ChangeEntry, Tag("<change>")],
    Discriminator(_kind_of),
    BeforeValidator(_can_be_told),
]
"""Any kind of measure, told by its keys."""

for _entry in (PartEntry, AllEntry, WeightedEntry, GateEntry):
    _entry.model_rebuild(_types_namespace={"AnyMeasure": AnyMeasure})
