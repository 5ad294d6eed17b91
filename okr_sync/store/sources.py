"""How each source fares: cursor, last success, last error, and how long it counts as fresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.facts import Collected, SourceState
from okr_sync.core.freshness import believed
from okr_sync.store.breakers import save_breaker
from okr_sync.store.statements import Row, change_all, differ, fetch, insert_all, put_one
from okr_sync.store.tables import SourceRow, sql

STATES = sql(SourceRow)
ALL = select(STATES)
DECLARED = ALL.where(STATES.c.declared).order_by(STATES.c.name)


def declare_sources(session: Session, fresh_for: Mapping[str, timedelta]) -> None:
    """Save the sources of the config and how long each is fresh after a success, so that readers need no config.

    A source that is no longer declared keeps its cursor, but `source_states` lists it no more.
    """
    known = {row["name"]: row for row in fetch(session, ALL)}
    wanted = {name: {"name": name, **_declared(fresh_for.get(name))} for name in {*known, *fresh_for}}
    changed = [row for name, row in sorted(wanted.items()) if name in known and differ(known[name], row)]
    change_all(session, STATES, changed, key=("name",))
    insert_all(session, STATES, [row for name, row in sorted(wanted.items()) if name not in known])


def source_states(session: Session, now: datetime) -> dict[str, SourceState]:
    """Return the state of every declared source as it is to be believed at `now`, by name; one without a known window
    is never fresh.
    """
    found = fetch(session, DECLARED)
    states = (
        SourceState(
            name=row["name"],
            last_success=row["last_success"],
            fresh_for=timedelta(seconds=row["fresh_seconds"] or 0.0),
            error=row["error"],
            fix=row["fix"],
        )
        for row in found
    )
    return {state.name: believed(state, now) for state in states}


def save_source(session: Session, collected: Collected) -> None:
    """Save how the source fared, and its trouble; a failure leaves cursor and last success as they were.

    What a pull brought that was interrupted is as old as its first part.
    """
    save_breaker(session, collected.source, collected.breaker)
    row: dict[str, object] = {
        "name": collected.source,
        "last_asked": collected.at,
        "error": collected.error,
        "fix": collected.fix,
    }
    if collected.outcome != "failed":
        row["last_success"] = collected.begun or collected.at
    if collected.outcome == "ok" or (collected.outcome == "partial" and collected.cursor is not None):
        row["cursor"] = collected.cursor
    put_one(session, STATES, row, key=("name",), first={"declared": True})


def _declared(window: timedelta | None) -> Row:
    return {"declared": window is not None, "fresh_seconds": window.total_seconds() if window else None}
