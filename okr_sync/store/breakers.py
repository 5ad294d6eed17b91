"""The breaker of each source in trouble; a source that answers has none."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session

from okr_sync.core.breaker import Breaker
from okr_sync.store.statements import fetch, put_one
from okr_sync.store.tables import BreakerRow, SourceRow, sql

__all__ = ["load_breakers", "save_breaker"]

BREAKERS, STATES = sql(BreakerRow), sql(SourceRow)
DECLARED = select(STATES.c.name).where(STATES.c.declared)
TROUBLED = select(BREAKERS).where(BREAKERS.c.source.in_(DECLARED)).order_by(BREAKERS.c.source)
MENDED = delete(BREAKERS).where(BREAKERS.c.source == bindparam("name"))


def load_breakers(session: Session) -> dict[str, Breaker]:
    """Return source name → breaker, by name, of the declared sources that are in trouble."""
    found = fetch(session, TROUBLED)
    return {row["source"]: Breaker(**{name: row[name] for name in Breaker.__slots__}) for row in found}


def save_breaker(session: Session, source: str, breaker: Breaker | None) -> None:
    """Save the breaker of a source, or that it has none any more."""
    if breaker is None:
        session.connection().execute(MENDED, {"name": source})
        return
    row = {"source": source, **{name: getattr(breaker, name) for name in Breaker.__slots__}}
    put_one(session, BREAKERS, row, key=("source",))
