"""Laws of captured baselines in config files: what is captured, and what can't be meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from okr_sync.core.kinds import Capture, Ratio
from okr_sync.core.model import Change, Measure, Threshold
from tests.edge.config_builders import INITIATIVE, MAIN, Folder, measuring, told_at

FLOWS = f"""{MAIN}  sold: {{source: survey, column: sold, type: flow}}
  made: {{source: survey, column: made, type: flow}}
"""
SHARE = "{ratio: {part: %s, whole: %s}, target: 90 %%, baseline: ▸%s}"
NPS = "metric: nps, by: 1"
TWICE = "baseline: that of 'nps' is captured in two ways here"
EXPECTED = "baseline: expected capture, {capture: mean, over: 14 d} or {capture: last, over: 30 d}"


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("{metric: nps, baseline: capture, by: +20}", Change("nps", Capture(), points=20)),
        ("{metric: nps, baseline: capture, target: 51, commit: 60}", Change("nps", Capture(), target=51, commit=60)),
        (
            "{metric: nps, baseline: {capture: mean, over: 14 d}, by: -25 %}",
            Change("nps", Capture("mean", timedelta(days=14)), relative=-0.25),
        ),
        (
            "{metric: nps, baseline: {capture: last}, by: {relative: 10 %}, relative_to: abs}",
            Change("nps", Capture(), relative=0.1, relative_to_abs=True),
        ),
        (
            "{metric: nps, at_most: 25, baseline: {capture: last, over: 1 w}}",
            Threshold("nps", 25, "at_most", baseline=Capture("last", timedelta(days=7))),
        ),
        (
            "{ratio: {part: nps, whole: bugs}, target: 90 %, baseline: capture}",
            Ratio("nps", "bugs", 0.9, Capture()),
        ),
        (
            "{ratio: {part: sold, whole: made}, target: 90 %, baseline: {capture: mean, over: 2 w}}",
            Ratio("sold", "made", 0.9, Capture("mean", timedelta(days=14))),
        ),
    ],
)
def test_a_baseline_may_be_captured(tmp_path: Path, text: str, measure: Measure) -> None:
    folder = Folder(tmp_path).main(FLOWS)
    folder.write("okrs/team.yaml", measuring(text) + INITIATIVE)
    (key_result,) = folder.load().book.key_results()
    assert key_result.measure == measure


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        ("{metric: nps, baseline: ▸{capture: mean}, by: 1}", "baseline: say the time of which the mean is"),
        ("{metric: nps, baseline: ▸{capture: first}, by: 1}", EXPECTED),
        ("{metric: nps, baseline: ▸{capture: mean, of: 2 d}, by: 1}", EXPECTED),
        ("{metric: nps, baseline: ▸{}, by: 1}", EXPECTED),
        ("{metric: nps, baseline: ▸{capture: last, over: soon}, by: 1}", "baseline: expected a duration like"),
        ("{metric: nps, baseline: ▸{capture: last, over: 999999 d}, by: 1}", "baseline: over: expected at most 3660 d"),
        ("{metric: nps, baseline: ▸captured, by: 1}", 'baseline: expected a number like 20 or "75 %"'),
        ("{metric: nps, baseline: capture, by: ▸0}", "by: 0 changes nothing"),
        ("{metric: nps, baseline: capture, by: ▸{relative: 0 %}}", "by: 0 changes nothing"),
        ("{metric: nps, baseline: capture, target: ▸101}", "target: 101 is outside what metric 'nps' can be"),
        ("{metric: nps, baseline: capture, target: 5, relative_to: ▸abs}", "relative_to: belongs to `by`"),
        ("{metric: nps, baseline: capture, by: 5, relative_to: ▸abs}", "relative_to: belongs to a percentage"),
        ("{metric: share, baseline: capture, by: ▸-25 %}", "by: is ambiguous because metric 'share' is itself in %"),
        ("{metric: sold, total: 9, baseline: ▸capture}", "baseline: a sum begins at 0 with the key result"),
        ("{metric: sold, at_most: 0, baseline: ▸capture}", "baseline: a sum begins at 0"),
        (SHARE % ("sold", "nps", "capture"), "baseline: of a level and a flow it depends on the time"),
        (SHARE % ("sold", "made", "capture"), "baseline: a flow has no value at an instant"),
        (f"▸{{all: [{{{NPS}, baseline: capture}}, {{{NPS}, baseline: {{capture: last, over: 1 d}}}}]}}", TWICE),
    ],
)
def test_a_capture_that_cannot_be_meant_is_the_one_mistake(tmp_path: Path, measure: str, told: str) -> None:
    found = told_at(Folder(tmp_path).main(FLOWS), "okrs/team.yaml", measuring(measure) + INITIATIVE)
    assert [text[: len(told)] for text in found] == [told]
