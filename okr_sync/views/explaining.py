"""Puts an explanation together from the store: state, definition, questions, the items behind, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

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
from okr_sync.core.spelling import did_you_mean
from okr_sync.errors import UsageError
from okr_sync.store import definitions, results
from okr_sync.views.items import evidence_of, item_changes
from okr_sync.views.reporting import stored_snapshot
from okr_sync.views.revisions import last_revision
from okr_sync.views.series import broken_since, series_since


def stored_explanation(session: Session, wanted: str, now: datetime) -> Explanation:
    """Return why the key result or initiative `wanted` has its number, compared with the run before the newest.

    Raises UsageError with the nearest id when there is none of that name.
    """
    snapshot = stored_snapshot(session, now)
    key_results = {state.id: state for state in snapshot.key_results}
    initiatives = {state.id: state for state in snapshot.initiatives}
    then = _Then.of(session, snapshot)
    if wanted in key_results:
        return _with_versions(session, _key_result(session, key_results[wanted], initiatives, then, now))
    if wanted in initiatives:
        return _with_versions(session, _initiative(session, initiatives[wanted], then))
    raise UsageError(_not_found(wanted, [*key_results, *initiatives]))


@dataclass(frozen=True, slots=True)
class _Then:
    """The state at the run before the newest, `since`, and what can't be compared with it."""

    since: datetime | None
    before: Snapshot | None
    broken: Mapping[str, datetime]

    @classmethod
    def of(cls, session: Session, snapshot: Snapshot) -> _Then:
        since = _run_before(session)
        before = None if since is None else results.snapshot_at(session, since)
        return cls(since, before, broken_since(session, before, snapshot))

    def past(self, session: Session, found: Iterable[Evidence]) -> Past:
        reopened = {
            each.state.id: reopened_items(item_changes(session, [each], self.since), each.counting.dropped)
            for each in found
        }
        return index_past(self.before, reopened, self.broken)


def _with_versions(session: Session, explanation: Explanation) -> Explanation:
    subject = explanation.subject
    return replace(
        explanation, revision=last_revision(session, subject.id), series_since=series_since(session, subject)
    )


def _initiative(session: Session, state: InitiativeState, then: _Then) -> Explanation:
    found = evidence_of(session, state)
    past = then.past(session, [found])
    return explain_initiative(
        found,
        asked=_asked_scopes(session, state.id),
        before=past.initiatives.get(state.id),
        since=then.since,
        item_changes=item_changes(session, [found], then.since),
        causes=diagnose_work(state, past),
    )


def _key_result(
    session: Session, state: KeyResultState, initiatives: dict[str, InitiativeState], then: _Then, now: datetime
) -> Explanation:
    subjects = list(dict.fromkeys(each.subject for each in state.inputs))
    found = [evidence_of(session, initiatives[subject]) for subject in subjects if subject in initiatives]
    asked = [
        question
        for subject in subjects
        for question in (_asked_scopes(session, subject) if subject in initiatives else _asked_metric(session, subject))
    ]
    past = then.past(session, found)
    return explain_key_result(
        state,
        asked=asked,
        evidence=found,
        before=past.key_results.get(state.id),
        since=then.since,
        item_changes=item_changes(session, found, then.since),
        causes=diagnose_key_result(state, initiatives, past, now),
    )


def _not_found(wanted: str, known: list[str]) -> str:
    hint = did_you_mean(wanted, known, "`okr-sync status` lists them")
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
