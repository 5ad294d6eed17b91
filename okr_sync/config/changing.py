"""The kind of key result that changes a metric, in config files: to a target, by points or by a share."""

from __future__ import annotations

from typing import Literal

from okr_sync.config.amounts import Amount, By, ByAmount, Quantity
from okr_sync.config.capturing import BaselineQuantity
from okr_sync.config.measuring import Facts, MetricFacts, MetricMeasureEntry
from okr_sync.core.kinds import Capture
from okr_sync.core.model import Change, Measure

__all__ = ["ChangeEntry"]


class ChangeEntry(MetricMeasureEntry):
    """From a baseline to a target, or by points or a share."""

    marks = ("target", "by")
    baseline: BaselineQuantity
    target: Quantity | None = None
    by: ByAmount | None = None
    relative_to: Literal["abs"] | None = None
    commit: Quantity | None = None
    stretch: Quantity | None = None

    def build(self, facts: Facts) -> Measure | None:
        """Return the measure; None when a mistake was noted."""
        metric = facts.metric(self.metric, self.at("metric"))
        if metric is not None and self.target is not None and self.by is None:
            return self._to_target(self.target, metric, facts)
        if metric is not None and self.by is not None and self.target is None:
            return self._by(self.by, metric, facts)
        if (self.target is None) == (self.by is None):
            facts.mistake(self.place, "give exactly one of target and by")
        return None

    def _to_target(self, amount: Amount, metric: MetricFacts, facts: Facts) -> Measure:
        baseline = self.start("baseline", self.baseline, metric, facts)
        target = self.number("target", amount, metric, facts)
        if self.relative_to is not None:
            facts.mistake(self.at("relative_to"), "relative_to: belongs to `by` with a percentage, not to target")
        if not isinstance(baseline, Capture):
            self._check_moves("target", baseline, target, facts)
        commit, stretch = self._beside(baseline, target, metric, facts)
        return Change(metric=self.metric, baseline=baseline, target=target, commit=commit, stretch=stretch)

    def _by(self, by: By, metric: MetricFacts, facts: Facts) -> Measure | None:
        baseline = self.start("baseline", self.baseline, metric, facts)
        if by.short and metric.unit == "%":
            number = by.points if by.points is not None else (by.relative or 0) * 100
            facts.mistake(
                self.at("by"),
                f"by: is ambiguous because metric {self.metric!r} is itself in %; "
                f"write by: {{points: {number:g}}} or by: {{relative: {number:g} %}}",
            )
            return None
        if by.points is not None and self.relative_to is not None:
            facts.mistake(self.at("relative_to"), "relative_to: belongs to a percentage, not to points")
        target = None if isinstance(baseline, Capture) else self._aim(by, baseline, metric, facts)
        if target is None and not (by.points or by.relative):
            facts.mistake(self.at("by"), "by: 0 changes nothing; to hold a value use at_most or at_least")
        commit, stretch = self._beside(baseline, target, metric, facts)
        return Change(
            metric=self.metric,
            baseline=baseline,
            points=by.points,
            relative=by.relative,
            relative_to_abs=self.relative_to == "abs",
            commit=commit,
            stretch=stretch,
        )

    def _aim(self, by: By, baseline: float, metric: MetricFacts, facts: Facts) -> float:
        """Return the target that `by` leads to from a number; notes one that can't be."""
        if by.points is not None:
            target = baseline + by.points
        else:
            target = self._relative_target(baseline, by.relative or 0.0, facts)
        self._check_moves("by", baseline, target, facts)
        self.check_bounds("by", target, metric, facts)
        return target

    def _beside(
        self, baseline: float | Capture, target: float | None, metric: MetricFacts, facts: Facts
    ) -> tuple[float | None, float | None]:
        """Return commit and stretch; notes one that does not lie on its side of the target, as far as that is known."""
        commit = None if self.commit is None else self.number("commit", self.commit, metric, facts)
        stretch = None if self.stretch is None else self.number("stretch", self.stretch, metric, facts)
        if isinstance(baseline, Capture) or target is None:
            return commit, stretch
        if commit is not None and not min(baseline, target) < commit < max(baseline, target):
            facts.mistake(self.at("commit"), f"commit: expected a value between {baseline:g} and {target:g}")
        if stretch is not None and (stretch - target) * (target - baseline) <= 0:
            facts.mistake(self.at("stretch"), f"stretch: expected a value beyond the target, {target:g}")
        return commit, stretch

    def _relative_target(self, baseline: float, share: float, facts: Facts) -> float:
        """Return b·(1 + r), or b + |b|·r with `relative_to: abs`."""
        if baseline < 0 and self.relative_to is None:
            facts.mistake(
                self.at("by"), f"by: a share of {baseline:g} has two readings; add relative_to: abs, or give points"
            )
        return baseline + abs(baseline) * share

    def _check_moves(self, key: str, baseline: float, target: float, facts: Facts) -> None:
        if baseline == 0 and self.by is not None and self.by.relative is not None:
            facts.mistake(self.at(key), f"{key}: a share of baseline 0 is always 0; give a target or points")
        elif baseline == target:
            facts.mistake(
                self.at(key),
                f"{key}: the target equals the baseline ({baseline:g}); to hold a value use at_most or at_least",
            )
