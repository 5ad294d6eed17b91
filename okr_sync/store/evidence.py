"""The work items behind an initiative and what became of them, for `explain`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import Session

from okr_sync.core.definition import scope_question
from okr_sync.core.facts import ScopeFacts
from okr_sync.core.model import DeliveryScope
from okr_sync.store.changelog import counting_transitions
from okr_sync.store.decoding import decode
from okr_sync.store.definitions import definition
from okr_sync.store.scopes import load_scopes
from okr_sync.store.statements import chunks, fetch
from okr_sync.store.tables import ScopeRow, TransitionRow, sql

SCOPES, TRANSITIONS = sql(ScopeRow), sql(TransitionRow)


@dataclass(frozen=True, slots=True)
class Transition:
    """One field of one item that changed: `at` in the tracker, `recorded_at` when we saw it."""

    item: str
    field: str
    before: str | None
    after: str | None
    at: datetime
    recorded_at: datetime


def evidence(session: Session, initiative: str) -> tuple[ScopeFacts, ...]:
    """Return the scopes "<initiative>/<n>" by n, each with its containers and their items; empty when never asked.

    Scopes that its newest definition has no more are left out.
    """
    refs = fetch(session, select(SCOPES.c.ref).where(SCOPES.c.ref.startswith(f"{initiative}/", autoescape=True)))
    numbers = {row["ref"]: row["ref"].removeprefix(f"{initiative}/") for row in refs}
    wanted = {ref for ref, number in numbers.items() if number.isdecimal()}
    defined = definition(session, "initiative", initiative)
    asked: dict[str, str] = {}
    if defined is not None:
        asked = {scope["ref"]: scope_question(decode(DeliveryScope, scope)) for scope in defined.body["scopes"]}
        wanted &= asked.keys()
    scopes = load_scopes(session, frozenset(wanted), asked)
    return tuple(sorted(scopes.values(), key=lambda facts: int(numbers[facts.ref])))


def transitions(session: Session, source: str, items: frozenset[str], since: datetime) -> tuple[Transition, ...]:
    """Return what changed in these items and was seen after `since` (exclusive), in the order in which it was seen.

    What a change log told counts as seen when it happened. Moves between containers are left out.
    """
    wanted = (TRANSITIONS.c.field != "container", _seen_after(since))
    statement = counting_transitions(source).where(*wanted).order_by(TRANSITIONS.c.id)
    found = [
        (row["id"], Transition(**{name: row[name] for name in Transition.__slots__}))
        for chunk in chunks(items)
        for row in fetch(session, statement.where(TRANSITIONS.c.item.in_(chunk)))
    ]
    return tuple(transition for _, transition in sorted(found, key=lambda pair: pair[0]))


def left_done(session: Session, since: datetime) -> frozenset[tuple[str, str]]:
    """Return (source, item) of those that were seen to leave the state done after `since` (exclusive)."""
    wanted = (TRANSITIONS.c.field == "state", TRANSITIONS.c.before == "done", _seen_after(since))
    found = fetch(session, select(TRANSITIONS.c.source, TRANSITIONS.c.item).where(*wanted))
    return frozenset((row["source"], row["item"]) for row in found)


def _seen_after(since: datetime) -> ColumnElement[bool]:
    logged = and_(TRANSITIONS.c.logged, TRANSITIONS.c.at > since)
    return or_(logged, and_(~TRANSITIONS.c.logged, TRANSITIONS.c.recorded_at > since))
