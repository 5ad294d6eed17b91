"""Forecasts and causes: one line in every format for people, raw numbers for programs, and they survive the store."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from okr_sync.core.diagnosis import Cause
from okr_sync.core.explain import Evidence, explain_initiative, explain_key_result
from okr_sync.core.report import Report, build_report
from okr_sync.core.snapshot import DeliveryForecast, Forecast, Snapshot
from okr_sync.render import document, html, markdown, table, text
from okr_sync.render.explanation import render_explanation
from okr_sync.render.reasons import causes, metric_forecast, work_forecast
from okr_sync.store import bodies
from tests.edge.render_samples import BEFORE, INITIATIVES, NOW, OBJECTIVES, key_result

METRIC = Forecast(0.1726190, 46.458, 44.1, 48.6, 0.7729, 0.655, 0.88, 4, 42.0)
WORK = DeliveryForecast(date(2026, 12, 3), date(2026, 12, 17), date(2026, 12, 15), "tight", 8, 12, 8)
METRIC_LINE = "46.458 points on 2026-12-31 (44.1 to 48.6), 77.3 %; +0.173 points a day over 4 readings in 42 days"
WORK_LINE = "done 2026-12-03 (p50) to 2026-12-17 (p85), due 2026-12-15: tight; 8 left, 12 done in 8 weeks"
WHY = "value +2 points; delivered but not moved: 95 % of assistant is done"

NPS = key_result("nps", "Raise the score", forecast=METRIC)
ASSISTANT = replace(INITIATIVES[0], progress=0.95, key_results=("nps",), forecast=WORK)


def report() -> Report:
    """A report in which a metric stood still for a week, its work nearly done, one item reopened."""
    then = Snapshot(BEFORE, OBJECTIVES[:1], (replace(NPS, value=42.0, progress=0.64),), (replace(ASSISTANT, done=9),))
    now = Snapshot(NOW, OBJECTIVES[:1], (replace(NPS, progress=0.65),), (ASSISTANT,))
    return build_report(now, then, BEFORE, reopened={"assistant": 1})


def test_a_forecast_of_a_metric_is_one_line_with_range_n_and_span() -> None:
    assert metric_forecast(NPS) == METRIC_LINE
    falling = replace(METRIC, slope=-0.5)
    assert "; -0.5 points a day over" in metric_forecast(replace(NPS, forecast=falling))


def test_a_forecast_without_a_slope_says_what_goes_on() -> None:
    rate = replace(METRIC, slope=None, basis="as in 6 complete weeks")
    assert metric_forecast(replace(NPS, forecast=rate)).endswith("; as in 6 complete weeks")


def test_a_forecast_of_work_is_one_line_with_dates_and_pace() -> None:
    assert work_forecast(ASSISTANT) == WORK_LINE
    open_ended = replace(WORK, due=None, outlook="open")
    assert work_forecast(replace(ASSISTANT, forecast=open_ended)).startswith(
        "done 2026-12-03 (p50) to 2026-12-17 (p85); 8 left"
    )


def test_without_a_number_only_an_explanation_says_why() -> None:
    few = replace(NPS, forecast=Forecast(reason="3 readings"))
    young = replace(ASSISTANT, forecast=DeliveryForecast(reason="too young"))
    assert (metric_forecast(few), work_forecast(young)) == ("", "")
    assert metric_forecast(few, with_reason=True) == "3 readings"
    assert work_forecast(young, with_reason=True) == "too young"
    assert metric_forecast(replace(NPS, forecast=None), with_reason=True) == ""
    assert work_forecast(replace(ASSISTANT, forecast=None), with_reason=True) == ""


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (Cause("scope", "i", 6, 18, 24), "scope +6 of i"),
        (Cause("scope", "kr", -2, 18, 16), "scope -2"),
        (Cause("done", "i", 3), "done +3 of i"),
        (Cause("dropped", "i", 1), "dropped +1 of i"),
        (Cause("reopened", "i", 1), "reopened 1 of i"),
        (Cause("value", "kr", -2.0), "value -2 points"),
        (Cause("target", "kr", None, 50, 40), "target 50 → 40 points"),
        (Cause("baseline", "kr", None, 1, 2), "baseline 1 → 2 points"),
        (Cause("definition", "kr"), "definition changed"),
        (
            Cause("query", "kr", at=datetime(2026, 11, 10, tzinfo=UTC)),
            "query changed on 2026-11-10: not comparable before",
        ),
        (Cause("query", "i"), "query of i changed: not comparable before"),
        (Cause("stale", "kr"), "source stale"),
        (Cause("outdated", "kr"), "typed value expired"),
        (Cause("fresh", "kr"), "fresh again"),
        (Cause("delivered_not_moved", "i", 0.95), "delivered but not moved: 95 % of i is done"),
    ],
)
def test_each_cause_has_its_words(cause: Cause, said: str) -> None:
    assert causes([cause], "points", own="kr") == said


def test_every_format_for_people_says_the_same_lines() -> None:
    plain, page = text.render(report()), html.render(report())
    for line in (f"forecast: {METRIC_LINE}", f"forecast: {WORK_LINE}", f"why: {WHY}", "1 reopened"):
        assert line in plain
    for line in (f"Forecast: {METRIC_LINE}", f"Forecast: {WORK_LINE}", f"Why: {WHY}", "1 reopened"):
        assert line in page
    rows = markdown.render(report())
    for part in (f"why: {WHY}", f"forecast: {METRIC_LINE}", f"forecast: {WORK_LINE}", "1 reopened"):
        assert markdown.escape(part) in rows


def test_a_table_has_the_numbers_of_forecasts_in_columns() -> None:
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(table.render(report())))}
    assert (rows["nps"]["forecast_value"], rows["nps"]["forecast_progress"]) == ("46.458", "0.7729")
    assert (rows["assistant"]["forecast_likely"], rows["assistant"]["forecast_latest"]) == ("2026-12-03", "2026-12-17")
    assert rows["nps"]["why_moved"] == WHY
    assert rows["assistant"]["why_moved"] == "done +4; reopened 1"


def test_a_document_has_forecasts_and_causes_raw() -> None:
    made = json.loads(document.render(report()))
    nps, assistant = made["objectives"][0]["key_results"][0], made["initiatives"][0]
    assert (nps["forecast"]["slope"], nps["forecast"]["readings"]) == (0.1726190, 4)
    assert assistant["forecast"]["latest"] == "2026-12-17"
    assert nps["causes"][0] == {
        "kind": "value",
        "subject": "nps",
        "amount": 2.0,
        "before": 42.0,
        "after": 44.0,
        "at": None,
    }


def test_an_explanation_tells_forecast_and_causes() -> None:
    told = render_explanation(explain_key_result(NPS, causes=[Cause("value", "nps", 2.0)]))
    assert f"  forecast    {METRIC_LINE}\n" in told
    assert "why it moved\n  value +2 points\n" in told
    told = render_explanation(explain_initiative(Evidence(ASSISTANT), causes=[Cause("done", "assistant", 3)]))
    assert f"  forecast    {WORK_LINE}\n" in told
    assert "why it moved\n  done +3\n" in told
    assert "why it moved" not in render_explanation(explain_key_result(NPS))


def test_forecasts_survive_the_store_and_older_rows_load_without_one() -> None:
    assert bodies.KEY_RESULT.validate_json(bodies.key_result_body(NPS)).forecast == METRIC
    assert bodies.INITIATIVE.validate_json(bodies.initiative_body(ASSISTANT)).forecast == WORK
    older = json.loads(bodies.key_result_body(NPS))
    del older["forecast"]
    assert bodies.KEY_RESULT.validate_python(older).forecast is None
