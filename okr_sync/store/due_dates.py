"""The due dates that items and containers were seen to have: a date that is moved later doesn't hide the first one.

A row is appended when a thing is first seen with a due date, and each time it is seen with another one or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import bindparam, select
from sqlmodel import Session

from okr_sync.core.facts import Collected, DueSeen
from okr_sync.store.statements import fetch_among, insert_all
from okr_sync.store.tables import DueDateRow, sql

DUE_DATES = sql(DueDateRow)
SEEN = select(DUE_DATES).where(DUE_DATES.c.source == bindparam("source")).order_by(DUE_DATES.c.id)


def save_due_dates(
    session: Session,
    run_id: int,
    collected: Collected,
    dues: Mapping[str, date | None],
    seen: frozenset[str] | None = None,
) -> int:
    """Append the due dates of what was brought (id → day) where they differ from the newest ones; return the rows
    written. `seen` is what may have one already; None: any of it.
    """
    known = load_due_dates(session, collected.source, frozenset(dues) if seen is None else seen & dues.keys())
    stamp = {"source": collected.source, "seen_at": collected.at, "run_id": run_id}
    rows = [
        {"thing": thing, "due": due} | stamp
        for thing, due in sorted(dues.items())
        if due != (known[thing][-1].due if thing in known else None)
    ]
    return insert_all(session, DUE_DATES, rows)


def load_due_dates(session: Session, source: str, things: frozenset[str]) -> dict[str, tuple[DueSeen, ...]]:
    """Return item or container id → the due days that it was seen to have, oldest first; without any: left out."""
    seen: dict[str, list[DueSeen]] = {}
    for row in fetch_among(session, SEEN, DUE_DATES.c.thing, things, {"source": source}):
        seen.setdefault(row["thing"], []).append(DueSeen(row["due"], row["seen_at"]))
    return {thing: tuple(each) for thing, each in seen.items()}
