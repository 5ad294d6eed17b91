"""A report as one CSV table for spreadsheets: raw numbers, one line a thing; foreign text can't become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from okr_sync.core.report import InitiativeRow, KeyResultRow, ObjectiveRow, Report
from okr_sync.core.snapshot import DeliveryForecast, Forecast
from okr_sync.render import reasons
from okr_sync.render.words import clean

COLUMNS = (
    "row", "id", "title", "objective", "level", "team", "owner", "status", "stale",
    "progress", "score", "progress_delta", "value", "unit", "baseline", "target", "value_delta",
    "done", "in_progress", "open", "dropped", "total", "coverage", "as_of", "reason",
    "forecast_value", "forecast_progress", "forecast_likely", "forecast_latest", "why_moved",
)  # fmt: skip
"""Every column; what a thing doesn't have, and what is unknown, is empty. `progress` and `score` are shares."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "＝", "＋", "－", "＠")


def render(report: Report) -> str:
    """Return the report as CSV (RFC 4180, header first); the same report gives the same bytes."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in _lines(report))
    return out.getvalue()


def _lines(report: Report) -> Iterator[dict[str, Any]]:
    for row in report.objectives:
        yield _objective(row)
        yield from (_key_result(key_result) for key_result in row.key_results)
    yield from (_initiative(row) for row in report.initiatives)
    for cycle in report.cycles:
        yield {"row": "cycle", "id": cycle.id, "status": cycle.state, "reason": cycle.reason}
    for source in report.sources:
        state = source.state
        yield {
            "row": "source",
            "id": state.name,
            "stale": source.late,
            "as_of": state.last_success,
            "reason": ". ".join(filter(None, (state.error, state.fix))),
        }


def _objective(row: ObjectiveRow) -> dict[str, Any]:
    names = ("id", "title", "level", "team", "owner", "status", "progress", "score", "coverage", "reason")
    return {"row": "objective", **_take(row.state, names), "progress_delta": row.progress_delta}


def _key_result(row: KeyResultRow) -> dict[str, Any]:
    shares = ("progress", "score", "value", "unit", "baseline", "target")
    names = ("id", "title", "objective", "owner", "status", "stale", *shares, "as_of", "reason")
    deltas = {"progress_delta": row.progress_delta, "value_delta": row.value_delta}
    forecast = row.state.forecast or Forecast()
    why = reasons.causes(row.causes, row.state.unit, own=row.state.id)
    foreseen = {"forecast_value": forecast.value, "forecast_progress": forecast.progress, "why_moved": why}
    return {"row": "key_result", **_take(row.state, names), **deltas, **foreseen}


def _initiative(row: InitiativeRow) -> dict[str, Any]:
    counts = ("done", "in_progress", "open", "dropped", "total")
    names = ("id", "title", "owner", "stale", "progress", *counts, "as_of", "reason")
    forecast = row.state.forecast or DeliveryForecast()
    foreseen = {"forecast_likely": forecast.likely, "forecast_latest": forecast.latest}
    why = reasons.causes(row.causes, own=row.state.id)
    return {"row": "initiative", **_take(row.state, names), "status": row.state.state, **foreseen, "why_moved": why}


def _take(state: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(state, name) for name in names}


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str):
        text = clean(value)
        return f"'{text}" if value.lstrip(" ").startswith(_FORMULA) or text.lstrip(" ").startswith(_FORMULA) else text
    return "" if value is None else value
