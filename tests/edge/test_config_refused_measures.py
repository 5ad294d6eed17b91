"""Laws of measures in config files: what can't be meant is refused at its place, in words that say what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.config_builders import INITIATIVE, Folder, measuring, told_at

MEASURES = [
    ("{metric: ▸npx, at_most: 5}", "unknown metric 'npx'; did you mean 'nps'?"),
    ("▸{metric: nps, at_most: ~}", "give exactly one of at_most and at_least"),
    ("▸{metric: nps, baseline: 1, by: ~}", "give exactly one of target and by"),
    ("{metric: ▸npx, baseline: 1, target: 2}", "unknown metric 'npx'; did you mean 'nps'?"),
    ("{metric: nps, baseline: 31, target: ▸31}", "target: the target equals the baseline (31)"),
    ("{metric: nps, baseline: 31, by: ▸0}", "by: the target equals the baseline (31)"),
    ("{metric: bugs, baseline: 0, by: ▸-25 %}", "by: a share of baseline 0 is always 0"),
    ("{metric: bugs, baseline: -4, by: ▸-25 %}", "by: a share of -4 has two readings"),
    ("{metric: nps, baseline: 31, target: ▸101}", "target: 101 is outside what metric 'nps' can be (-100 to 100)"),
    ("{metric: nps, baseline: ▸-101, target: 1}", "baseline: -101 is outside what metric 'nps' can be (-100 to 100)"),
    ("{metric: nps, baseline: 90, by: ▸+20}", "by: 110 is outside what metric 'nps' can be (-100 to 100)"),
    ("{metric: nps, at_least: ▸101}", "at_least: 101 is outside what metric 'nps' can be (-100 to 100)"),
    ("{metric: nps, at_most: 5, tolerance: ▸0}", "tolerance: expected more than 0"),
    ("▸{metric: nps, at_most: 5, at_least: 4}", "give exactly one of at_most and at_least"),
    ("▸{metric: nps, baseline: 1, target: 2, by: 1}", "give exactly one of target and by"),
    ("{metric: nps, baseline: 31, target: ▸75 %}", "target: metric 'nps' is not in % (its unit is 'points')"),
    ("{metric: bugs, baseline: ▸31 %, target: 5}", "baseline: metric 'bugs' is not in % (it has no unit)"),
    (
        "{metric: share, baseline: 16, by: ▸-25 %}",
        "by: is ambiguous because metric 'share' is itself in %; write by: {points: -25} or by: {relative: -25 %}",
    ),
    (
        "{metric: share, baseline: 16, by: ▸+25}",
        "by: is ambiguous because metric 'share' is itself in %; write by: {points: 25} or by: {relative: 25 %}",
    ),
    ("{metric: nps, baseline: 1, by: ▸{relative: 25}}", "by: expected a percentage with its sign, like -25 %"),
    (
        "{metric: nps, baseline: 1, by: ▸{points: 2, relative: 1 %}}",
        "by: expected exactly one of {points: 20} and {relative: -25 %}",
    ),
    ("{metric: nps, baseline: 1, by: ▸lots}", "by: expected +20, -25 %, {points: 20} or {relative: -25 %}"),
    (
        "{metric: nps, baseline: 1, target: 2, relative_to: ▸abs}",
        "relative_to: belongs to `by` with a percentage, not to target",
    ),
    ("{metric: nps, baseline: 1, by: 2, relative_to: ▸abs}", "relative_to: belongs to a percentage, not to points"),
    ("{metric: nps, baseline: 1, target: ▸capture}", "target: only a baseline can be captured"),
    ("▸{metric: nps, target: 2}", "missing key 'baseline'"),
    ("▸{metric: nps, baseline: 1}", "measure: no kind of measure has these keys"),
    ("{metric: nps, baseline: ▸.nan, target: 2}", 'baseline: expected a number like 20 or "75 %"'),
    ("{metric: nps, baseline: 1, target: ▸1e999}", 'target: expected a number like 20 or "75 %"'),
    ("{metric: nps, baseline: 1, target: ▸true}", 'target: expected a number like 20 or "75 %"'),
    ("{metric: nps, at_most: 5, strict: ▸1}", "strict: expected true or false"),
    (
        "{metric: nps, at_most: 5, evaluate: ▸last}",
        "evaluate: expected 'latest', 'time_in_bounds', 'worst' or 'total'; did you mean 'latest'?",
    ),
    ("{metric: nps, baseline: 1, ▸tarrget: 5, target: 2}", "unknown key 'tarrget'; did you mean 'target'?"),
    ("{done: {initiative: ▸ap}}", "unknown initiative 'ap'; did you mean 'app'?"),
    ("{done: {metric: ▸bug}}", "unknown metric 'bug'; did you mean 'bugs'?"),
    ("{done: ▸{}}", "give exactly one of initiative and metric"),
    ("{done: ▸{initiative: app, metric: bugs}}", "give exactly one of initiative and metric"),
    ("{done: ▸app}", "done: expected a mapping (key: value)"),
    ("{done: {initiative: app}, deadline: ▸harsh}", "deadline: expected 'hard' or 'soft'; did you mean 'hard'?"),
    ("{done: {initiative: app}, ▸deadlin: hard}", "unknown key 'deadlin'; did you mean 'deadline'?"),
    ("{steps: ▸[]}", "steps: expected at least one, found none"),
    ("{steps: [{title: A, initiative: app}], need: ▸2}", "need: 2 of 1 steps can't be"),
    ("{steps: [{title: A, initiative: app}], need: ▸0}", "need: expected a whole number of at least 1"),
    ("{steps: [{title: A, initiative: app, weight: ▸0}]}", "weight: expected more than 0"),
    ("{steps: [{title: A, initiative: ▸ap}]}", "unknown initiative 'ap'; did you mean 'app'?"),
    ("{steps: [▸{initiative: app}]}", "missing key 'title'"),
    ("{delivery: ▸ap}", "unknown initiative 'ap'; did you mean 'app'?"),
    ("{delivery: [app, ▸ap]}", "unknown initiative 'ap'; did you mean 'app'?"),
    ("{delivery: ▸[app, app]}", "delivery: an initiative is named twice"),
    ("{delivery: ▸[]}", "delivery: expected at least one, found none"),
    ("{delivery: ▸5}", "delivery: expected a list"),
    ("▸75", "measure: expected a mapping like {metric: nps, baseline: 31, target: 51}"),
]


@pytest.mark.parametrize(("measure", "told"), MEASURES)
def test_a_measure_that_cannot_be_meant_is_the_one_mistake(tmp_path: Path, measure: str, told: str) -> None:
    found = told_at(Folder(tmp_path).main(), "okrs/team.yaml", measuring(measure) + INITIATIVE)
    assert [text[: len(told)] for text in found] == [told]
