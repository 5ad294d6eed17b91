"""What is to be made of a metric's many readings, as config files say it under `readings`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from okr_sync.config.amounts import Duration, Number
from okr_sync.config.entry import Entry
from okr_sync.config.places import Mistakes
from okr_sync.core.kinds import Aggregate, Bucket, Take
from okr_sync.core.model import MetricType

__all__ = ["AggregateEntry"]

DAY = timedelta(days=1)
_OF_NO_COUNTER = frozenset({"sum", "mean", "median", "percentile"})
_NEVER_PERCENT = frozenset({"sum", "count", "distinct"})


class AggregateEntry(Entry):
    """One number from the readings of a window."""

    take: Take
    over: Duration | None = Field(None, description="the last so much; default: since the key result's start")
    by: Bucket | None = Field(None, description="each day, week or month that has ended, instead of over")
    p: Number | None = Field(None, description="of a percentile: above 0, below 100")
    per: Duration | None = Field(None, description="of a rate; default: 1 d")

    def build(self, type: MetricType, unit: str, mistakes: Mistakes) -> Aggregate:  # noqa: A002 -- as in files
        """Return the aggregate; what can't be meant for readings of this type and unit is noted."""
        if self.over is not None and self.by is not None:
            mistakes.add(self.at("by"), "by: give one of over and by: the last so much, or each that has ended")
        if (self.take == "percentile") != (self.p is not None):
            wrong = "missing key 'p': which percentile? like p: 95" if self.p is None else "p: belongs to percentile"
            mistakes.add(self.at("p"), wrong)
        elif self.p is not None and not 0 < self.p < 100:
            mistakes.add(self.at("p"), "p: expected more than 0 and less than 100")
        if self.per is not None and self.take != "rate":
            mistakes.add(self.at("per"), "per: belongs to take: rate")
        if why := self._why_senseless(type, unit):
            mistakes.add(self.at("take"), f"take: {why}")
        return Aggregate(self.take, self.over, self.by, 50.0 if self.p is None else self.p, self.per or DAY)

    def _why_senseless(self, type: MetricType, unit: str) -> str:  # noqa: A002 -- as in files
        if self.take == "sum" and type == "level":
            return "a level is never summed; declare the metric type: flow, or take mean"
        if self.take in _OF_NO_COUNTER and type == "counter":
            return f"the {self.take} of a counter says nothing; take difference or rate"
        if self.take == "difference" and type == "flow":
            return "the amounts of a flow are added, not compared; take sum"
        if self.take in _NEVER_PERCENT and unit == "%":
            return f"a {self.take} is not in %; give the unit of the result"
        return ""
