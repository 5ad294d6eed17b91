"""The public JSON of every command with `--json`: raw numbers, null for unknown, times in UTC, keys in a fixed order.

docs/contract.md describes each document with an example; keys are added, never renamed or taken away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from okr_sync.core.cycles import CycleState
from okr_sync.core.explain import ContainerLines, Explanation, ItemLine, Work
from okr_sync.core.report import InitiativeRow, KeyResultRow, ObjectiveRow, Report
from okr_sync.core.series import Asked, breaks
from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState, Snapshot
from okr_sync.render.cycles import cycle_document
from okr_sync.render.revisions import revision_document

KEY_RESULT = (
    "id", "title", "value", "unit", "baseline", "target", "progress", "score", "status", "as_of", "stale", "reason",
    "forecast", "captured",
)  # fmt: skip
INITIATIVE = (
    "id", "title", "done", "open", "in_progress", "dropped", "total", "weight_done", "weight_total", "progress",
    "state", "as_of", "stale", "suspect", "reason", "forecast",
)  # fmt: skip
POINT = ("value", "baseline", "target", "progress", "score", "status", "definition", "run", "question", "backfilled")
DELIVERY_POINT = (
    "done", "open", "in_progress", "dropped", "weight_done", "weight_total", "progress", "state", "run", "question",
    "backfilled",
)  # fmt: skip
CAPTURE = ("version", "baseline", "author", "reason", "run")
RUN = ("id", "trigger", "outcome", "started", "finished", "summary")
RUN_SOURCE = (
    "source", "outcome", "requests", "retries", "seconds", "received", "not_modified", "points", "kept", "seen",
    "changed", "error", "fix",
)  # fmt: skip
RUN_ENTRY = ("key_result", "outcome", "reason", "fix")


def render(report: Report) -> str:
    """Return the report as JSON text; the same report gives the same bytes."""
    return json.dumps(report_document(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def status_document(
    snapshot: Snapshot, run: int | None, cycles: Iterable[CycleState] = (), notes: Iterable[str] = ()
) -> dict[str, Any]:
    """Return every objective with its key results, every initiative, in the order of the snapshot, then the cycles.

    `notes` are sentences about the service itself.
    """
    return {
        "as_of": _plain(snapshot.at),
        "run": run,
        "objectives": [
            _objective(state, [_take(each, KEY_RESULT) for each in snapshot.key_results if each.objective == state.id])
            for state in snapshot.objectives
        ],
        "initiatives": [_take(state, INITIATIVE) for state in snapshot.initiatives],
        "cycles": [cycle_document(cycle) for cycle in cycles],
        "notes": list(notes),
    }


def report_document(report: Report) -> dict[str, Any]:
    """Return the report: the status document with deltas, the summary, what is in doubt, and the sources."""
    summary = report.summary
    return {
        "as_of": _plain(report.at),
        "run": report.run,
        "since": _plain(report.since),
        "summary": {
            "key_results": summary.total,
            "automatic_and_fresh": summary.fresh,
            "by_status": dict(summary.by_status),
            "moved": [row.state.id for row in summary.moved],
            "newly_met": [row.state.id for row in summary.newly_met],
        },
        "objectives": [_objective_row(row) for row in report.objectives],
        "initiatives": [_initiative_row(row) for row in report.initiatives],
        "doubts": [_take(doubt, ("id", "title", "word", "as_of", "reason")) for doubt in report.doubts],
        "sources": [
            {**_take(row.state, ("name", "last_success", "error", "fix")), "late": row.late} for row in report.sources
        ],
        "cycles": [cycle_document(cycle) for cycle in report.cycles],
    }


def explain_document(explanation: Explanation) -> dict[str, Any]:
    """Return why a number is what it is, down to the items, with their links."""
    subject = explanation.subject
    return {
        **(_initiative_facts(subject) if isinstance(subject, InitiativeState) else _key_result_facts(subject)),
        "asked": [_take(asked, ("subject", "source", "query")) for asked in explanation.asked],
        "inputs": [
            _take(each, ("subject", "source", "time", "max_age_days", "expires", "evidence", "basis"))
            for each in explanation.inputs
        ],
        "work": [_work(work) for work in explanation.work],
        "since": _plain(explanation.since),
        "differences": [_take(each, ("field", "before", "after")) for each in explanation.differences],
        "item_changes": [
            _take(each, ("key", "title", "field", "before", "after", "at")) for each in explanation.item_changes
        ],
        "causes": _all(explanation.causes),
        "changed": None if explanation.revision is None else revision_document(explanation.revision),
        "series_since": _plain(explanation.series_since),
    }


def history_document(
    kind: Literal["key_result", "objective", "initiative"], name: str, points: Iterable[Asked]
) -> dict[str, Any]:
    """Return the points of one thing, in their order: objects with `slot` and the attributes of its kind."""
    fields = DELIVERY_POINT if kind == "initiative" else POINT
    listed = list(points)
    broken = frozenset(map(id, breaks(listed)))
    return {
        "kind": kind,
        "id": name,
        "points": [
            {"at": _take(point, ("slot",))["slot"], **_take(point, fields), "series_break": id(point) in broken}
            for point in listed
        ],
    }


def baselines_document(key_result: str, found: Iterable[object]) -> dict[str, Any]:
    """Return captured baselines in their order: objects with `baseline` and the attributes of `CAPTURE`."""
    return {"key_result": key_result, "baselines": [_take(each, CAPTURE) for each in found]}


def superseded_document(replaced: Iterable[object]) -> list[dict[str, Any]]:
    """Return what points said before they were computed again, in their order."""
    names = ("recorded_at", "superseded_at", "backfilled", "written_by", "run", "said")
    return [{"at": _take(each, ("slot",))["slot"], **_take(each, names)} for each in replaced]


def runs_document(runs: Iterable[object]) -> dict[str, Any]:
    """Return runs in their order: objects with the attributes of `RUN`, `counts` and `sources`."""
    return {"runs": [_run(run) for run in runs]}


def run_document(run: object) -> dict[str, Any]:
    """Return one run with an entry for every key result."""
    return {**_run(run), "key_results": [_take(entry, RUN_ENTRY) for entry in getattr(run, "entries")]}  # noqa: B009


def _objective(state: ObjectiveState, key_results: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("id", "title", "level", "team", "progress", "score", "status", "coverage", "reason")
    return {**_take(state, names), "key_results": key_results, "cycle": state.cycle}


def _objective_row(row: ObjectiveRow) -> dict[str, Any]:
    facts = _objective(row.state, [])
    del facts["key_results"]
    return {
        **facts,
        "progress_delta": row.progress_delta,
        "status_before": row.status_before,
        "key_results": [_key_result_row(key_result) for key_result in row.key_results],
    }


def _key_result_row(row: KeyResultRow) -> dict[str, Any]:
    deltas = ("progress_delta", "value_delta", "status_before")
    return {**_take(row.state, KEY_RESULT), "owner": row.state.owner, **_take(row, deltas), "causes": _all(row.causes)}


def _initiative_row(row: InitiativeRow) -> dict[str, Any]:
    return {
        **_take(row.state, INITIATIVE),
        "policy": row.state.policy,
        **_take(row, ("done_delta", "total_delta", "dropped_delta")),
        "causes": _all(row.causes),
    }


def _key_result_facts(state: KeyResultState) -> dict[str, Any]:
    more = ("objective", "kind", "owner", "weight", "start", "due", "formula", "definition")
    return {"explains": "key_result", **_take(state, (*KEY_RESULT, *more))}


def _initiative_facts(state: InitiativeState) -> dict[str, Any]:
    return {"explains": "initiative", **_take(state, (*INITIATIVE, "owner", "key_results", "policy", "shared"))}


def _work(work: Work) -> dict[str, Any]:
    return {
        "initiative": _initiative_facts(work.state),
        "containers": [_container(lines) for lines in work.containers],
        "misses": [{"scope": scope, "message": message} for scope, message in work.misses],
    }


def _container(lines: ContainerLines) -> dict[str, Any]:
    names = ("key", "title", "url", "kind", "state", "resolution", "due", "done_at")
    return {
        "scope": lines.scope,
        "source": lines.source,
        **_take(lines.container, names),
        "items": [_item(line) for line in lines.items],
    }


def _item(line: ItemLine) -> dict[str, Any]:
    names = ("key", "title", "url", "kind", "state", "resolution", "points", "created", "done_at")
    return {**_take(line.item, names), "counts_as": line.counts_as}


def _run(run: Any) -> dict[str, Any]:
    return {
        **_take(run, RUN),
        "counts": dict(run.counts),
        "sources": [_take(source, RUN_SOURCE) for source in run.sources],
    }


def _take(thing: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(thing, name)) for name in names}


def _all(things: Iterable[Any]) -> list[dict[str, Any]]:
    """Return each dataclass with all its fields."""
    return [_plain(thing) for thing in things]


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _take(value, [field.name for field in fields(value)])
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
