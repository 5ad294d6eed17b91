"""Finds the items behind initiatives in the store, what became of them, and which were reopened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from okr_sync.core.diagnosis import reopened_items
from okr_sync.core.explain import Counting, Evidence, ItemChange
from okr_sync.core.facts import WorkItem
from okr_sync.core.snapshot import InitiativeState, Snapshot
from okr_sync.store import definitions, evidence


def reopened_since(session: Session, snapshot: Snapshot, since: datetime) -> dict[str, int]:
    """Return initiative id → how many of its items were reopened after `since`; those without any are left out."""
    left_done = evidence.left_done(session, since)
    found: dict[str, int] = {}
    for state in snapshot.initiatives if left_done else ():
        held = evidence_of(session, state)
        if left_done.isdisjoint((source, item) for source, items in _items_by_source([held]).items() for item in items):
            continue
        number = reopened_items(item_changes(session, [held], since), held.counting.dropped)
        found |= {state.id: number} if number else {}
    return found


def evidence_of(session: Session, state: InitiativeState) -> Evidence:
    """Return the initiative with the items that were mirrored for it, and which of them count."""
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


def item_changes(session: Session, found: Iterable[Evidence], since: datetime | None) -> list[ItemChange]:
    """Return what was seen of their items after `since` (exclusive); nothing without it."""
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
