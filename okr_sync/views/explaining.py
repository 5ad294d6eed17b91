"""Puts an explanation together from the store: state, definition, questions, the items behind, what changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches

from sqlmodel import Session

from okr_sync.core.diagnosis import Past, diagnose_key_result, diagnose_work, index_past, reopened_items
from okr_sync.core.explain import (
    Asked,
    Evidence,
    Explanation,
    explain_initiative,
    explain_key_result,
)
from okr_sync.core.snapshot import InitiativeState, KeyResultState, Snapshot
from okr_sync.errors import UsageError
from okr_sync.store import definitions, results
from okr_sync.views.items import evidence_of, item_changes
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
        return _key_result(session, key_results[wanted], initiatives, before, since, now)
    if wanted in initiatives:
        found = evidence_of(session, initiatives[wanted])
        past = _past(session, [found], before, since)
        return explain_initiative(
            found,
            asked=_asked_scopes(session, wanted),
            before=past.initiatives.get(wanted),
            since=since,
            item_changes=item_changes(session, [found], since),
            causes=diagnose_work(initiatives[wanted], past),
        )
    raise UsageError(_not_found(wanted, [*key_results, *initiatives]))


def _key_result(  # noqa: PLR0917 -- in the order in which they are found
    session: Session,
    state: KeyResultState,
    initiatives: dict[str, InitiativeState],
    before: Snapshot | None,
    since: datetime | None,
    now: datetime,
) -> Explanation:
    subjects = list(dict.fromkeys(each.subject for each in state.inputs))
    found = [evidence_of(session, initiatives[subject]) for subject in subjects if subject in initiatives]
    asked = [
        question
        for subject in subjects
        for question in (_asked_scopes(session, subject) if subject in initiatives else _asked_metric(session, subject))
    ]
    past = _past(session, found, before, since)
    return explain_key_result(
        state,
        asked=asked,
        evidence=found,
        before=past.key_results.get(state.id),
        since=since,
        item_changes=item_changes(session, found, since),
        causes=diagnose_key_result(state, initiatives, past, now),
    )


def _past(session: Session, found: Iterable[Evidence], before: Snapshot | None, since: datetime | None) -> Past:
    reopened = {
        each.state.id: reopened_items(item_changes(session, [each], since), each.counting.dropped) for each in found
    }
    return index_past(before, reopened)


def _not_found(wanted: str, known: list[str]) -> str:
    near = get_close_matches(wanted, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`okr-sync status` lists them"
    return f"there is no key result or initiative {wanted}; {hint}"


def _run_before(session: Session) -> datetime | None:
    """When the run before the newest began: what "since the last run" compares with."""
    judged = results.judging_runs(session, 2)
    return judged[1][1] if len(judged) > 1 else None


def _asked_scopes(session: Session, initiative: str) -> list[Asked]:
    defined = definitions.definition(session, "initiative", initiative)
    scopes = defined.body.get("scopes", []) if defined else []
    return [Asked(scope["ref"], scope["source"], scope["query"]) for scope in scopes]


def _asked_metric(session: Session, metric: str) -> list[Asked]:
    defined = definitions.definition(session, "metric", metric)
    return [Asked(metric, defined.body["source"], defined.body["query"])] if defined else []
