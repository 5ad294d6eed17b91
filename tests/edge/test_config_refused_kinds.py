"""Laws of counting, grading and joined measures in config files: what can't be meant is refused at its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from okr_sync.core.kinds import (
    All,
    Counted,
    Gate,
    OnTime,
    Part,
    Range,
    Rate,
    Ratio,
    Samples,
    Total,
    Weighted,
    Zone,
)
from okr_sync.core.model import Change, Done, DoneSubject, Measure, Threshold
from tests.edge.config_builders import INITIATIVE, MAIN, Folder, measuring, told_at

METRICS = """\
  sold: {source: survey, column: sold, unit: EUR, type: flow}
  shop: {source: survey, column: shop, unit: USD, type: counter}
  rank: {source: survey, column: rank, minimum: 0, maximum: 3}
"""
FLOWS = MAIN + METRICS

LEVEL = "{metric: nps, at_most: 5}"

REFUSED = [
    ("{metric: ▸nps, total: 20}", "metric 'nps' is a level, and levels are never summed"),
    ("{metric: ▸slod, total: 20}", "unknown metric 'slod'; did you mean 'sold'?"),
    ("▸{total: 20}", "give exactly one of metric and initiative"),
    ("▸{metric: sold, initiative: app, total: 20}", "give exactly one of metric and initiative"),
    ("{initiative: ▸ap, total: 20}", "unknown initiative 'ap'; did you mean 'app'?"),
    ("{metric: sold, total: ▸0}", "total: the target equals the baseline (0)"),
    ("{metric: sold, total: ▸20 %}", "total: a sum has no %"),
    ("{metric: sold, total: ▸.inf}", 'total: expected a number like 20 or "75 %"'),
    ("▸{metric: sold, total: 20, currency: USD}", "currency: 'EUR' is not 'USD'; give a rate or dated rates"),
    ("{metric: sold, total: 20, currency: EUR, rate: ▸1.1}", "rate: the amounts are in that currency already"),
    ("{metric: sold, total: 20, rate: ▸1.1}", "rate: say which currency it leads to"),
    ("{metric: sold, total: 20, currency: USD, rate: ▸0}", "rate: expected more than 0"),
    (
        "{metric: sold, total: 20, currency: USD, rates: ▸[{on: 2026-10-01, rate: -1}]}",
        "rate: expected more than 0",
    ),
    (
        "▸{metric: sold, total: 20, currency: USD, rate: 1.1, rates: [{on: 2026-10-01, rate: 1.1}]}",
        "give one of rate and rates",
    ),
    ("{metric: sold, total: 20, share: ▸130 %}", "share: expected more than 0 % and at most 100 %"),
    ("{metric: sold, total: 20, share: ▸0.3}", "share: expected a percentage with its sign, like -25 %"),
    ("{total: 20, of: ▸[{metric: sold}, {metric: shop}]}", "of: units are mixed ('EUR', 'USD')"),
    ("{total: 20, metric: ▸sold, of: [{metric: shop}]}", "metric: stands inside `of` when there are several sources"),
    ("{total: 20, of: ▸[]}", "of: expected at least one, found none"),
    ("{ratio: {part: sold, whole: ▸sold}, target: 90 %}", "whole: 'sold' is a share of itself"),
    ("{ratio: {part: ▸share, whole: sold}, target: 90 %}", "part: is a percentage already"),
    ("{ratio: {part: ▸slod, whole: sold}, target: 90 %}", "unknown metric 'slod'; did you mean 'sold'?"),
    ("{ratio: {part: sold, whole: shop}, target: ▸0.9}", "target: expected a percentage with its sign, like -25 %"),
    ("{ratio: {part: sold, whole: shop}, target: ▸0 %}", "target: equals the baseline (0 %)"),
    ("▸{ratio: {part: sold, whole: shop}}", "missing key 'target'"),
    ("{ratio: ▸{part: sold}, target: 90 %}", "missing key 'whole'"),
    ("{metric: sold, rate: ▸{count: 10}}", "missing key 'per'"),
    ("{metric: sold, rate: ▸10}", "rate: expected a mapping (key: value)"),
    ("{metric: sold, rate: {count: ▸0, per: week}}", "count: expected more than 0"),
    ("{metric: sold, rate: {count: 10, per: ▸day}}", "per: expected 'week' or 'month'"),
    ("{metric: ▸nps, rate: {count: 10, per: week}}", "metric 'nps' is a level, and levels are never summed"),
    (
        "{metric: sold, rate: {count: 10, per: week, mode: ▸often}}",
        "mode: expected 'capped_total', 'total', 'hit_rate' or 'average'",
    ),
    ("{metric: sold, rate: {count: 10, per: week, skip: [▸christmas]}}", "skip: expected a date like 2026-12-31"),
    (
        "{metric: sold, rate: {count: 10, per: week, skip: [▸2026-12-24..2026-12-20]}}",
        "skip: expected a day, or two like 2026-12-24..2027-01-02",
    ),
    ("{metric: nps, range: ▸[60, 40]}", "range: 60 is not below 40; write the lower number first"),
    ("{metric: nps, range: ▸[40, 40]}", "range: 40 is not below 40"),
    ("{metric: nps, range: ▸[40]}", "range: expected at least 2, found 1"),
    ("{metric: nps, range: ▸[40, 50, 60]}", "range: expected at most 2, found 3"),
    ("{metric: nps, range: ▸[40, 101]}", "range: 101 is outside what metric 'nps' can be (-100 to 100)"),
    ("{metric: nps, range: [40, 60], tolerance: ▸0}", "tolerance: expected more than 0"),
    ("{metric: ▸npx, range: [40, 60]}", "unknown metric 'npx'; did you mean 'nps'?"),
    ("{metric: rank, zone: ▸{commit: a, target: b}}", "missing key 'stretch'"),
    ("{metric: ▸rnk, zone: {commit: a, target: b, stretch: c}}", "unknown metric 'rnk'; did you mean 'rank'?"),
    ("{metric: ▸share, zone: {commit: a, target: b, stretch: c}}", "metric: 3 is outside what metric 'share' can be"),
    ("{metric: nps, samples: ▸0}", "samples: expected a whole number of at least 1"),
    ("{metric: ▸npx, samples: 3}", "unknown metric 'npx'; did you mean 'nps'?"),
    ("{on_time: {initiatives: ▸ap}, target: 90 %}", "unknown initiative 'ap'; did you mean 'app'?"),
    ("{on_time: {initiatives: ▸[app, app]}, target: 90 %}", "initiatives: one is named twice"),
    ("{on_time: {initiatives: app}, target: ▸0 %}", "target: expected more than 0 % and at most 100 %"),
    ("{on_time: {initiatives: app}, target: ▸101 %}", "target: expected more than 0 % and at most 100 %"),
    ("{on_time: {initiatives: app, of: ▸item}, target: 90 %}", "of: expected 'containers' or 'items'"),
    ("{all: ▸[{metric: nps, at_most: 5}]}", "all: expected at least 2, found 1"),
    ("{all: [{metric: nps, at_most: 5}, {metric: ▸npx, at_most: 5}]}", "unknown metric 'npx'; did you mean 'nps'?"),
    ("{all: [{metric: nps, at_most: 5}, ▸{metric: nps}]}", "all: no kind of measure has these keys"),
    ("{all: [{metric: nps, at_most: 5}, {metric: nps, at_least: 5}], require: ▸any}", "require: expected 'all'"),
    (
        f"{{weighted: [{{weight: ▸-1, measure: {LEVEL}}}, {{weight: 1, measure: {LEVEL}}}]}}",
        "weight: -1 is negative; 0 means watched only",
    ),
    (
        f"{{weighted: ▸[{{weight: 0, measure: {LEVEL}}}, {{weight: 0, measure: {LEVEL}}}]}}",
        "weighted: all weights are 0",
    ),
    (
        "{gate: [{done: {metric: bugs}}, {gate: [{done: {metric: bugs}}, {metric: ▸npx, at_most: 5}]}]}",
        "unknown metric 'npx'; did you mean 'nps'?",
    ),
    ("{metric: nps, at_most: 5, evaluate: ▸total}", "metric 'nps' is a level, and levels are never summed"),
    ("{metric: nps, baseline: 31, target: 51, commit: ▸30}", "commit: expected a value between 31 and 51"),
    ("{metric: nps, baseline: 31, target: 51, stretch: ▸51}", "stretch: expected a value beyond the target, 51"),
    ("{metric: nps, baseline: 51, by: -20, stretch: ▸40}", "stretch: expected a value beyond the target, 31"),
]


@pytest.mark.parametrize(("measure", "told"), REFUSED)
def test_a_measure_that_cannot_be_meant_is_the_one_mistake(tmp_path: Path, measure: str, told: str) -> None:
    found = told_at(
        Folder(tmp_path).main(FLOWS.replace('unit: "%"}', 'unit: "%", minimum: 0, maximum: 1}')),
        "okrs/team.yaml",
        measuring(measure) + INITIATIVE,
    )
    assert [text[: len(told)] for text in found] == [told]


NPS, SOLD = Threshold("nps", 5, "at_most"), Counted(metric="sold")
CHRISTMAS = (date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 31))

MEANT: list[tuple[str, Measure]] = [
    ("{metric: sold, total: 20}", Total((SOLD,), 20, unit="EUR")),
    ("{initiative: app, total: 2}", Total((Counted(initiative="app"),), 2, unit="items")),
    ("{metric: sold, total: 20, baseline: 5, currency: EUR}", Total((SOLD,), 20, 5, "EUR")),
    (
        "{total: 1e7, currency: USD, of: [{metric: sold, rate: 1.1, share: 30 %}, {metric: shop}]}",
        Total((Counted("sold", None, 0.3, ((None, 1.1),)), Counted("shop")), 1e7, unit="USD"),
    ),
    (
        "{metric: sold, total: 9, currency: USD, rates: [{on: 2026-11-01, rate: 1.2}, {on: 2026-10-01, rate: 1.1}]}",
        Total((Counted("sold", rates=((date(2026, 10, 1), 1.1), (date(2026, 11, 1), 1.2))),), 9, unit="USD"),
    ),
    ("{ratio: {part: bugs, whole: sold}, target: 90 %}", Ratio("bugs", "sold", 0.9)),
    ("{ratio: {part: bugs, whole: sold}, target: 90 %, baseline: 4 %}", Ratio("bugs", "sold", 0.9, 0.04)),
    ("{metric: sold, rate: {count: 10, per: week}}", Rate(SOLD, 10, "week")),
    (
        "{metric: sold, rate: {count: 3, per: month, mode: hit_rate, skip: [2026-12-31, 2026-12-24..2026-12-25]}}",
        Rate(SOLD, 3, "month", "hit_rate", CHRISTMAS),
    ),
    ("{initiative: app, rate: {count: 10, per: month}}", Rate(Counted(initiative="app"), 10, "month")),
    ("{metric: nps, range: [40, 60], tolerance: 10}", Range("nps", 40, 60, 10)),
    ("{metric: rank, zone: {commit: a, target: b, stretch: c}}", Zone("rank", "a", "b", "c")),
    ("{metric: rank, zone: {fail: z, commit: a, target: b, stretch: c}}", Zone("rank", "a", "b", "c", "z")),
    ("{metric: nps, samples: 8}", Samples("nps", 8)),
    ("{on_time: {initiatives: app}, target: 90 %}", OnTime(("app",), 0.9)),
    ("{on_time: {initiatives: [app], of: items}, target: 100 %}", OnTime(("app",), 1.0, "items")),
    (f"{{all: [{LEVEL}, {LEVEL}]}}", All((Part("1 threshold", NPS), Part("2 threshold", NPS)))),
    (
        f"{{weighted: [{{weight: 0.7, measure: {LEVEL}}}, {{weight: 0, measure: {LEVEL}}}], require: all}}",
        Weighted((Part("1 threshold", NPS, 0.7), Part("2 threshold", NPS, 0.0)), require_all=True),
    ),
    (
        f"{{gate: [{{done: {{initiative: app}}}}, {{all: [{LEVEL}, {{metric: nps, samples: 2}}]}}]}}",
        Gate(
            (
                Part("1 done", Done(DoneSubject(initiative="app"))),
                Part("2 all", All((Part("1 threshold", NPS), Part("2 baseline", Samples("nps", 2))))),
            )
        ),
    ),
    ("{metric: sold, at_most: 0}", Threshold("sold", 0, "at_most", evaluate="total")),
    ("{metric: sold, at_most: 0, evaluate: latest}", Threshold("sold", 0, "at_most")),
    ("{metric: sold, at_most: 5}", Threshold("sold", 5, "at_most")),
    ("{metric: nps, at_most: 0}", Threshold("nps", 0, "at_most")),
    (
        "{metric: nps, baseline: 31, target: 51, commit: 41, stretch: 61}",
        Change("nps", 31, target=51, commit=41, stretch=61),
    ),
]


@pytest.mark.parametrize(("text", "measure"), MEANT)
def test_a_measure_means_what_its_keys_say(tmp_path: Path, text: str, measure: Measure) -> None:
    folder = Folder(tmp_path).main(FLOWS).okrs(measuring(text) + INITIATIVE)
    assert folder.load().book.key_results()[0].measure == measure


def test_a_zone_without_levels_lacks_each_of_them(tmp_path: Path) -> None:
    text = measuring("{metric: rank, zone: ▸{}}") + INITIATIVE
    found = told_at(Folder(tmp_path).main(FLOWS), "okrs/team.yaml", text)
    assert found == ["missing key 'commit'", "missing key 'stretch'", "missing key 'target'"]
