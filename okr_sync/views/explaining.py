"""Puts an explanation together from the store: state, definition, questions, the items behind, what changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import TypeVar

from sqlmodel import Session

from okr_sync.core.explain import (
    Asked,
    Counting,
    Evidence,
    Explanation,
    ItemChange,
    explain_initiative,
    explain_key_result,
)
from okr_sync.core.facts import WorkItem
from okr_sync.core.snapshot import InitiativeState, KeyResultState, Snapshot
from okr_sync.errors import UsageError
from okr_sync.store import definitions, evidence, ledger, results
from okr_sync.views.reporting import stored_snapshot


def stored_explanation(session: Session, wanted: str, now: datetime) -> Explanation:
    """Return why the key result or initiative `wanted` has its number, compared with the run before the newest.

    Raises UsageError with the nearest id when there is none of that name.
    """
    snapshot = stored_snapshot(session, now)
    key_results = {state.id: state for state in snapshot.key_results}
    initiatives = {state.id: state for state in snapshot.initiatives}
    since = _run_before(session)
    before = None if since is None else results.snapshot_at(session, since)
    if wanted in key_results:
        return _key_result(session, key_results[wanted], initiatives, before, since)
    if wanted in initiatives:
        found = _evidence(session, initiatives[wanted])
        return explain_initiative(
            found,
            asked=_asked_scopes(session, wanted),
            before=_of(wanted, before.initiatives if before else ()),
            since=since,
            item_changes=_item_changes(session, [found], since),
        )
    raise UsageError(_not_found(wanted, [*key_results, *initiatives]))


def _key_result(
    session: Session,
    state: KeyResultState,
    initiatives: dict[str, InitiativeState],
    before: Snapshot | None,
    since: datetime | None,
) -> Explanation:
    subjects = list(dict.fromkeys(each.subject for each in state.inputs))
    found = [_evidence(session, initiatives[subject]) for subject in subjects if subject in initiatives]
    asked = [
        question
        for subject in subjects
        for question in (_asked_scopes(session, subject) if subject in initiatives else _asked_metric(session, subject))
    ]
    return explain_key_result(
        state,
        asked=asked,
        evidence=found,
        before=_of(state.id, before.key_results if before else ()),
        since=since,
        item_changes=_item_changes(session, found, since),
    )


def _not_found(wanted: str, known: list[str]) -> str:
    near = get_close_matches(wanted, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`okr-sync status` lists them"
    return f"there is no key result or initiative {wanted}; {hint}"


def _run_before(session: Session) -> datetime | None:
    """When the run before the newest began: what "since the last run" compares with."""
    judged = [run.started for run in ledger.runs(session, limit=50) if run.outcome in {"ok", "partial", "failed"}]
    return judged[1] if len(judged) > 1 else None


T = TypeVar("T")


def _of(wanted: str, states: Iterable[T]) -> T | None:
    return next((state for state in states if getattr(state, "id", None) == wanted), None)


def _evidence(session: Session, state: InitiativeState) -> Evidence:
    defined = definitions.definition(session, "initiative", state.id)
    body = defined.body if defined else {}
    return Evidence(
        state,
        evidence.evidence(session, state.id),
        Counting(
            unit=body.get("unit", "issue"),
            include=body.get("include", "issues"),
            dropped=frozenset(body.get("dropped", Counting().dropped)),
        ),
    )


def _asked_scopes(session: Session, initiative: str) -> list[Asked]:
    defined = definitions.definition(session, "initiative", initiative)
    scopes = defined.body.get("scopes", []) if defined else []
    return [Asked(scope["ref"], scope["source"], scope["query"]) for scope in scopes]


def _asked_metric(session: Session, metric: str) -> list[Asked]:
    defined = definitions.definition(session, "metric", metric)
    return [Asked(metric, defined.body["source"], defined.body["query"])] if defined else []


def _item_changes(session: Session, found: Iterable[Evidence], since: datetime | None) -> list[ItemChange]:
    if since is None:
        return []
    return [
        ItemChange(items[move.item].key, items[move.item].title, move.field, move.before, move.after, move.at)
        for source, items in _items_by_source(found).items()
        for move in evidence.transitions(session, source, frozenset(items), since)
    ]


def _items_by_source(found: Iterable[Evidence]) -> dict[str, dict[str, WorkItem]]:
    grouped: dict[str, dict[str, WorkItem]] = {}
    for each in found:
        for scope in each.scopes:
            into = grouped.setdefault(scope.source, {})
            into.update((item.id, item) for items in scope.items.values() for item in items)
    return grouped
