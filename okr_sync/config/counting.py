"""The kinds of key results that count, in config files: total, ratio, rate, on time, samples for a baseline."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from okr_sync.config.amounts import Count, Day, Id, Ids, Number, Quantity, Relative, parse_day
from okr_sync.config.capturing import BaselineNumber, BaselineShare
from okr_sync.config.entry import Entry
from okr_sync.config.measuring import Facts, MeasureEntry, MetricFacts, MetricMeasureEntry, require_addable
from okr_sync.core.kinds import (
    Capture,
    Counted,
    DatedRate,
    OnTime,
    Period,
    Punctual,
    Rate,
    RateMode,
    Ratio,
    Samples,
    Total,
)
from okr_sync.core.model import Measure

__all__ = ["OnTimeEntry", "RateEntry", "RatioEntry", "SamplesEntry", "TotalEntry"]

LONGEST = timedelta(days=366)  # of one stretch of skipped days


def parse_days(value: Any) -> tuple[date, ...]:
    """Return the days of "2026-12-24" or of "2026-12-24..2027-01-02", both ends inclusive. Raises ValueError."""
    first, _, last = str(value).partition("..")
    begin, end = parse_day(first.strip()), parse_day((last or first).strip())
    if not begin <= end <= begin + LONGEST:
        raise ValueError("expected a day, or two like 2026-12-24..2027-01-02, no more than a year apart")
    return tuple(begin + timedelta(days=number) for number in range((end - begin).days + 1))


Days = Annotated[tuple[date, ...], PlainValidator(parse_days), WithJsonSchema({"type": "string"})]


class RateOnEntry(Entry):
    """A rate of a currency and the first day on which it holds."""

    on: Day = Field(description="the first day on which it holds")
    rate: Number


class AddedEntry(Entry):
    """What is added up: exactly one of a metric and an initiative."""

    metric: Id | None = None
    initiative: Id | None = Field(None, description="counts its finished items")

    def unit(self, facts: Facts) -> str | None:
        """Return the unit of the amounts; None when a mistake was noted."""
        if (self.initiative is None) == (self.metric is None):
            facts.mistake(self.place, "give exactly one of metric and initiative")
            return None
        if self.initiative is not None:
            return "items" if facts.initiative(self.initiative, self.at("initiative")) else None
        metric = facts.metric(self.metric or "", self.at("metric"))
        addable = metric and require_addable(metric, self.metric or "", self.at("metric"), facts)
        return metric.unit if metric and addable else None


class CountedEntry(AddedEntry):
    """One source of amounts."""

    share: Relative | None = Field(None, description="the part of each amount that is attributed here")
    rate: Number | None = Field(None, description="fixed: the currency's units for one of the metric's unit")
    rates: list[RateOnEntry] | None = Field(None, description="dated: the newest that began counts")

    def counted(self, currency: str | None, facts: Facts) -> tuple[Counted, str] | None:
        """Return what is counted and its unit, in `currency` if one is given; None when a mistake was noted."""
        unit = self.unit(facts)
        if unit is None:
            return None
        share = 1.0 if self.share is None else self.share
        if not 0 < share <= 1:
            facts.mistake(self.at("share"), "share: expected more than 0 % and at most 100 %")
        return Counted(self.metric, self.initiative, share, self._rates(currency, unit, facts)), currency or unit

    def _rates(self, currency: str | None, unit: str, facts: Facts) -> tuple[DatedRate, ...]:
        rates: tuple[DatedRate, ...] = ()
        if self.rate is not None:
            rates = ((None, self.rate),)
        elif self.rates:
            rates = tuple(sorted((each.on, each.rate) for each in self.rates))
        if self.rate is not None and self.rates:
            facts.mistake(self.place, "give one of rate and rates: one rate a cycle, or dated ones")
        elif any(rate <= 0 for _, rate in rates):
            facts.mistake(self.at("rates" if self.rates else "rate"), "rate: expected more than 0")
        elif rates and (currency is None or currency == unit):
            key, why = ("rates" if self.rates else "rate"), "the amounts are in that currency already"
            facts.mistake(self.at(key), f"{key}: {'say which currency it leads to' if currency is None else why}")
        elif currency not in {None, unit} and not rates:
            facts.mistake(
                self.place, f"currency: {unit or 'no unit'!r} is not {currency!r}; give a rate or dated rates"
            )
        return rates


class TotalEntry(CountedEntry, MeasureEntry):
    """A sum since the start."""

    marks = ("total",)
    total: Quantity
    baseline: BaselineNumber = 0.0
    currency: str | None = Field(None, description="the unit of the total, when metrics are in others")
    of: list[CountedEntry] | None = Field(None, min_length=1, description="several sources instead of one")

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        single = [key for key in ("metric", "initiative", "share", "rate", "rates") if self.written(key)]
        if self.of and single:
            facts.mistake(self.at(single[0]), f"{single[0]}: stands inside `of` when there are several sources")
            return None
        found = [each.counted(self.currency, facts) for each in self.of or [self]]
        if self.total.percent:
            facts.mistake(self.at("total"), "total: a sum has no %; write a bare number, or use ratio")
        if self.total.value == self.baseline:
            facts.mistake(self.at("total"), f"total: the target equals the baseline ({self.baseline:g})")
        whole = [each for each in found if each is not None]
        units = list(dict.fromkeys(unit for _, unit in whole))
        if len(units) > 1:
            facts.mistake(
                self.at("of"), f"of: units are mixed ({', '.join(map(repr, units))}); give a currency and rates"
            )
        if len(whole) < len(found):
            return None
        return Total(tuple(counted for counted, _ in whole), self.total.value, self.baseline, units[0])


class RatioPartsEntry(Entry):
    """Two metrics."""

    part: Id
    whole: Id


class RatioEntry(MeasureEntry):
    """One metric as a share of another."""

    marks = ("ratio",)
    ratio: RatioPartsEntry
    target: Relative
    baseline: BaselineShare = 0.0

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        part = facts.metric(self.ratio.part, self.at("ratio", "part"))
        whole = facts.metric(self.ratio.whole, self.at("ratio", "whole"))
        if self.ratio.part == self.ratio.whole:
            facts.mistake(self.at("ratio", "whole"), f"whole: {self.ratio.whole!r} is a share of itself; name another")
        elif part and whole and part.unit == "%":
            facts.mistake(self.at("ratio", "part"), "part: is a percentage already; use it as the metric of a target")
        if isinstance(self.baseline, Capture):
            self._check_capture(self.baseline, part, whole, facts)
        elif self.target == self.baseline:
            facts.mistake(self.at("target"), f"target: equals the baseline ({100 * self.baseline:g} %)")
        return Ratio(self.ratio.part, self.ratio.whole, self.target, self.baseline) if part and whole else None

    def _check_capture(
        self, capture: Capture, part: MetricFacts | None, whole: MetricFacts | None, facts: Facts
    ) -> None:
        """Note a share that can't be compared: amounts count over a time, levels at an instant."""
        levels = {each.type == "level" for each in (part, whole) if each is not None}
        if len(levels) > 1:
            facts.mistake(
                self.at("baseline"), "baseline: of a level and a flow it depends on the time; write the number itself"
            )
        elif levels == {False} and capture.how != "mean":
            facts.mistake(
                self.at("baseline"), "baseline: a flow has no value at an instant; write {capture: mean, over: 14 d}"
            )


class QuotaEntry(Entry):
    """So many a period."""

    count: Number
    per: Period
    mode: RateMode = "capped_total"
    skip: list[Days] = Field(default_factory=list, description="days, or stretches like 2026-12-24..2027-01-02")


class RateEntry(AddedEntry, MeasureEntry):
    """So many a week or month."""

    marks = ("rate",)
    rate: QuotaEntry

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        unit = self.unit(facts)
        if self.rate.count <= 0:
            facts.mistake(self.rate.at("count"), "count: expected more than 0")
        skip = tuple(sorted({day for days in self.rate.skip for day in days}))
        counted = Counted(metric=self.metric, initiative=self.initiative)
        return None if unit is None else Rate(counted, self.rate.count, self.rate.per, self.rate.mode, skip)


class SamplesEntry(MetricMeasureEntry):
    """Establish a baseline."""

    marks = ("samples",)
    samples: Count

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        known = facts.metric(self.metric, self.at("metric"))
        return Samples(self.metric, self.samples) if known else None


class PunctualEntry(Entry):
    """Whose milestones, epics or items are to be on time."""

    initiatives: Annotated[Ids, Field(min_length=1)]
    of: Punctual = "containers"


class OnTimeEntry(MeasureEntry):
    """The share of what was due that was closed in time."""

    marks = ("on_time",)
    on_time: PunctualEntry
    target: Relative

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        names = self.on_time.initiatives
        known = [facts.initiative(name, self.on_time.at("initiatives", n)) for n, name in enumerate(names)]
        if not 0 < self.target <= 1:
            facts.mistake(self.at("target"), "target: expected more than 0 % and at most 100 %")
        if len(set(names)) < len(names):
            facts.mistake(self.on_time.at("initiatives"), "initiatives: one is named twice; name each once")
        return OnTime(tuple(names), self.target, self.on_time.of) if all(known) else None
