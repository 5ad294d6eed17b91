"""docs/contract.md is true: each example in it is what the functions return for the same facts."""

# ruff: noqa: E501 -- samples read better in one line each

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from okr_sync.core.cycles import judge_cycle
from okr_sync.core.diagnosis import diagnose_key_result, index_past
from okr_sync.core.explain import Asked, Evidence, ItemChange, explain_key_result
from okr_sync.core.facts import Container, ScopeFacts, SourceState, WorkItem
from okr_sync.core.model import Cycle
from okr_sync.core.report import build_report
from okr_sync.core.revisions import Edit, Revision
from okr_sync.core.snapshot import (
    DeliveryForecast,
    InitiativeState,
    Input,
    KeyResultState,
    ObjectiveState,
    Snapshot,
    Status,
)
from okr_sync.render import document
from okr_sync.render.cycles import closing_document, cycles_document, verification_document
from okr_sync.render.revisions import revisions_document
from okr_sync.store.closings import Closing
from okr_sync.store.ledger import Entry, RunRow, SourceEntry
from okr_sync.store.points import DeliveryPoint, Point

NOTE = "the schedule, since 2026-11-22 03:00 UTC: 1 slot had no run, 2026-11-22 02:45 UTC: no worker was there in time"
PAGE = Path(__file__).parents[2] / "docs/contract.md"

NOW = datetime(2026, 11, 22, 3, 45, tzinfo=UTC)
WEEK_AGO = datetime(2026, 11, 15, 3, 45, tzinfo=UTC)
START, DUE = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def key_result(progress: float, value: float) -> KeyResultState:
    """Return a key result that rests on an initiative."""
    return KeyResultState(
        id="assistant-launch", objective="experience", title="Launch the AI health assistant", kind="delivery",
        owner="ana", weight=2.0, unit="%", start=START, due=DUE, definition="4f1c2d3e5a6b7c8d", value=value, baseline=0.0,
        target=100.0, progress=progress, score=progress, expected=0.57, status="on_track",
        reason=f"{progress} of 0.57 expected by now", formula=f"15 of 24 points done = {progress}",
        inputs=(Input("tracker", "assistant"),), as_of=datetime(2026, 11, 22, 3, 40, tzinfo=UTC),
    )  # fmt: skip


UNKNOWN = KeyResultState(
    id="adoption", objective="experience", title="75 % of active users adopt the assistant", kind="change", owner="ana",
    weight=1.0, unit="%", start=START, due=DUE, definition="9a8b7c6d5e4f3a2b", baseline=0.0, target=75.0,
    reason="operations.csv has no 'assistant_adoption' from 2026-10-01 to 2026-11-22",
)  # fmt: skip
OBJECTIVE = ObjectiveState(
    "experience", "Innovate and elevate the digital pharmacy experience", "2026-Q4", "team", "product", "ana", None,
    ("assistant-launch", "adoption"), 0.625, 0.625, "on_track", 2 / 3, "0.625 of 0.57 expected by now", ("adoption",),
)  # fmt: skip
INITIATIVE = InitiativeState(
    "assistant", "AI health assistant", "ana", ("assistant-launch",), 2, 1, 1, 1, 4, 15.0, 24.0, 0.625, "in_progress",
    "points, 1 item without points counted as median 5", "", (Input("tracker", "assistant"),), (),
    datetime(2026, 11, 22, 3, 40, tzinfo=UTC),
    forecast=DeliveryForecast(date(2026, 12, 1), date(2026, 12, 8), date(2026, 12, 31), "in_time", 2, 4, 7),
)  # fmt: skip
BEFORE_INITIATIVE = replace(INITIATIVE, done=1, in_progress=2, weight_done=12.0, progress=0.5)
SNAPSHOT = Snapshot(NOW, (OBJECTIVE,), (key_result(0.625, 62.5), UNKNOWN), (INITIATIVE,))
BEFORE = Snapshot(WEEK_AGO, (OBJECTIVE,), (key_result(0.5, 50.0), UNKNOWN), (BEFORE_INITIATIVE,))
SOURCES = (SourceState("tracker", datetime(2026, 11, 22, 3, 40, tzinfo=UTC), timedelta(hours=2)),)

EPIC = Container(
    "10001", "MED-1", "Assistant", "https://acme.example/browse/MED-1", "epic", "in_progress", due=date(2026, 12, 15)
)
ITEM = WorkItem(
    "10002", "MED-2", "Answer dosage questions", "https://acme.example/browse/MED-2", "issue", "done", "Done", "10001", 5.0,
    START, datetime(2026, 11, 20, 9, tzinfo=UTC),
)  # fmt: skip

RUN = RunRow(
    id=12, trigger="once", owner="worker:4711", outcome="partial", started=NOW, lease_until=NOW + timedelta(minutes=12),
    finished=NOW + timedelta(seconds=9), summary="1 updated, 1 failed",
    sources=(
        SourceEntry("operations", "failed", "there is no file data/operations.csv", "put it there, or correct `path` of this source", 1),
        SourceEntry("tracker", "ok", None, None, 4, 0, 1.5, 25, 3),
    ),
    counts={"failed": 1, "updated": 1},
    entries=(
        Entry("adoption", "failed", "there is no file data/operations.csv", "put it there, or correct `path` of this source"),
        Entry("assistant-launch", "updated", "progress 0.5 → 0.625", ""),
    ),
)  # fmt: skip


CYCLE = judge_cycle(Cycle("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), START, DUE, timedelta(days=5)), None, NOW)
CLOSING = Closing(
    1, "2026-Q4", "closed", datetime(2027, 1, 5, 9, tzinfo=UTC), "ana", "as agreed in the review", "{}", "44136fa3" * 8, 31
)  # fmt: skip


REVISIONS = (
    Revision("key_result", "assistant-launch", 1, START, WEEK_AGO, "Ana", "Plan the quarter (commit 1f2e3d4c5b of 2026-09-28 10:12 UTC)"),
    Revision(
        "key_result", "assistant-launch", 2, WEEK_AGO, None, "Ben", "Count the launch twice (commit 6a7b8c9d0e of 2026-11-14 16:40 UTC)",
        (Edit("weight", 1.0, 2.0),),
    ),
)  # fmt: skip


def points() -> list[Point]:
    """Return two points of a key result."""
    rows: tuple[tuple[datetime, float, float, Status, int], ...] = (
        (WEEK_AGO, 50.0, 0.5, "at_risk", 9),
        (NOW, 62.5, 0.625, "on_track", 12),
    )
    return [
        Point(
            "key_result",
            "assistant-launch",
            slot,
            slot,
            value,
            0.0,
            100.0,
            share,
            share,
            status,
            "4f1c2d3e5a6b7c8d",
            run,
            "77aa88bb99cc00dd",
        )
        for slot, value, share, status, run in rows
    ]


def examples() -> Mapping[str, dict[str, Any]]:
    """Return the document of each example on the page."""
    work = (DeliveryPoint("assistant", NOW, NOW, 2, 1, 1, 1, 15.0, 24.0, 0.625, "in_progress", 12, "77aa88bb99cc00dd"),)
    explanation = explain_key_result(
        key_result(0.625, 62.5),
        asked=(Asked("assistant/1", "tracker", '{"epics":["MED-1"]}'),),
        evidence=(Evidence(INITIATIVE, (ScopeFacts("assistant/1", "tracker", (EPIC,), {"10001": (ITEM,)}),)),),
        before=key_result(0.5, 50.0),
        since=WEEK_AGO,
        item_changes=(ItemChange("MED-2", ITEM.title, "state", "in_progress", "done", datetime(2026, 11, 20, 9, tzinfo=UTC)),),
        causes=diagnose_key_result(key_result(0.625, 62.5), {"assistant": INITIATIVE}, index_past(BEFORE), NOW),
    )  # fmt: skip
    explanation = replace(explanation, revision=REVISIONS[1])
    return {
        "status": document.status_document(SNAPSHOT, 12, (CYCLE,), (NOTE,)),
        "report": document.report_document(
            build_report(SNAPSHOT, BEFORE, WEEK_AGO, run=12, sources=SOURCES, cycles=(CYCLE,))
        ),
        "explain": document.explain_document(explanation),
        "history": document.history_document("key_result", "assistant-launch", points()),
        "history of an initiative": document.history_document("initiative", "assistant", work),
        "history of a definition": revisions_document("assistant-launch", REVISIONS),
        "runs": document.runs_document([RUN]),
        "one run": document.run_document(RUN),
        "cycles": cycles_document((CYCLE,), (CLOSING,)),
        "closing": closing_document(CLOSING),
        "verification": verification_document([(CLOSING, ())]),
    }


def written() -> dict[str, str]:
    """Return name → JSON text of each example on the page."""
    return dict(re.findall(r"```json (.+?)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))


@pytest.mark.parametrize("name", examples())
def test_an_example_on_the_page_is_what_the_function_returns(name: str) -> None:
    """Values, keys and their order are as written."""
    assert json.dumps(json.loads(written()[name])) == json.dumps(examples()[name])


def test_the_page_has_no_example_without_a_function() -> None:
    """Nothing is promised that no function keeps."""
    assert set(written()) == set(examples())


@pytest.mark.parametrize("name", examples())
def test_every_key_is_explained_on_the_page(name: str) -> None:
    """Each key of each document stands in the text, as code."""
    explained = set(re.findall(r"`([a-z0-9_]+)`", PAGE.read_text("utf-8")))
    by_name = {"by_status", "counts"}  # their own keys are statuses and outcomes
    assert keys(examples()[name], by_name) <= explained


def keys(value: Any, leaves: set[str]) -> set[str]:
    """Return all keys in a document, without those below `leaves`."""
    if isinstance(value, list):
        return set().union(*(keys(each, leaves) for each in value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys(each, leaves) for name, each in value.items() if name not in leaves))
