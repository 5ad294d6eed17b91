"""What is made of readings, in config files: each word means what it says, and what can't be meant is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from okr_sync.core.kinds import Aggregate
from okr_sync.core.model import Metric
from tests.edge.config_builders import HEAD, MAIN, Folder, measuring, told_at


def metric_line(text: str, rest: str = "") -> str:
    """Return a main file whose last metric, `m`, has these readings."""
    return f"{MAIN}  m: {{source: survey, column: m{rest}, readings: {text}}}\n"


@pytest.mark.parametrize(
    ("text", "rest", "aggregate"),
    [
        ("{take: median, over: 28 d}", "", Aggregate("median", over=timedelta(days=28))),
        ("{take: percentile, p: 95, by: week}", "", Aggregate("percentile", by="week", p=95)),
        ("{take: sum}", ", type: flow", Aggregate("sum")),
        ("{take: rate, per: 1 w}", ", type: counter", Aggregate("rate", per=timedelta(days=7))),
        ("{take: count, by: day}", "", Aggregate("count", by="day")),
    ],
)
def test_readings_mean_what_their_keys_say(tmp_path: Path, text: str, rest: str, aggregate: Aggregate) -> None:
    book = Folder(tmp_path).main(metric_line(text, rest)).okrs(HEAD).load().book
    assert next(each for each in book.metrics if each.id == "m").readings == aggregate


@pytest.mark.parametrize(
    ("text", "rest", "told"),
    [
        ("{take: median, over: 28 d, by: ▸week}", "", "by: give one of over and by"),
        ("▸{take: percentile}", "", "missing key 'p': which percentile? like p: 95"),
        ("{take: median, p: ▸50}", "", "p: belongs to percentile"),
        ("{take: percentile, p: ▸100}", "", "p: expected more than 0 and less than 100"),
        ("{take: mean, per: ▸1 d}", "", "per: belongs to take: rate"),
        ("{take: ▸sum}", "", "take: a level is never summed; declare the metric type: flow, or take mean"),
        ("{take: ▸median}", ", type: counter", "take: the median of a counter says nothing"),
        ("{take: ▸difference}", ", type: flow", "take: the amounts of a flow are added, not compared; take sum"),
        ("{take: ▸count}", ', unit: "%"', "take: a count is not in %; give the unit of the result"),
        ("{take: ▸medain}", "", "take: expected 'last', 'first'"),
        ("{take: mean, over: ▸cycle}", "", "over: expected a duration"),
        ("{take: mean, ▸ober: 28 d}", "", "unknown key 'ober'; did you mean 'over'?"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(tmp_path: Path, text: str, rest: str, told: str) -> None:
    found = told_at(Folder(tmp_path).okrs(HEAD), "okr-sync.yaml", metric_line(text, rest))
    assert [message[: len(told)] for message in found] == [told]


def test_a_measure_sees_the_result_not_the_readings(tmp_path: Path) -> None:
    """A sum may lie outside the bounds of one reading, a median may not; neither is counted again."""
    bounded = ", type: flow, minimum: 0, maximum: 10"
    folder = Folder(tmp_path).main(metric_line("{take: sum}", bounded))
    assert folder.okrs(measuring("{metric: m, at_least: 500}")).told() == []
    assert "levels are never summed" in "".join(folder.okrs(measuring("{metric: m, total: 5}")).told())
    folder.main(metric_line("{take: median}", bounded))
    assert "outside what metric 'm' can be (0 to 10)" in "".join(
        folder.okrs(measuring("{metric: m, at_least: 500}")).told()
    )


def test_without_readings_nothing_changes(tmp_path: Path) -> None:
    """A metric that asks for the last reading is defined as it always was."""
    plain = Folder(tmp_path).main().okrs(measuring("{metric: nps, at_least: 5}")).load().book
    assert {each.readings for each in plain.metrics} == {None}
    assert all(isinstance(each, Metric) for each in plain.metrics)
