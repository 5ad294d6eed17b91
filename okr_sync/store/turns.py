"""Places in the line of those who wait for a run of everything; nobody else begins one while somebody waits.

A place counts as long as its owner shows that it still waits, so a process that died there holds up nobody for long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session

from okr_sync.store.processes import has_ended, is_alive
from okr_sync.store.statements import change_all, fetch, fetch_one, insert_one
from okr_sync.store.tables import TurnRow, sql

TURNS = sql(TurnRow)
WAITING = select(TURNS).where(TURNS.c.until > bindparam("now", type_=TURNS.c.until.type)).order_by(TURNS.c.id)


@dataclass(frozen=True, slots=True)
class Turn:
    """Who waits, since when, and the instant at which the place ends unless it is kept (exclusive)."""

    id: int
    owner: str
    asked: datetime
    until: datetime


def ask(session: Session, now: datetime, owner: str, until: datetime) -> int:
    """Return a place at the end of the line; places that ended are forgotten."""
    session.connection().execute(delete(TURNS).where(TURNS.c.until <= now))
    return insert_one(session, TURNS, {"owner": owner, "asked": now, "until": until})


def keep(session: Session, turn: int, owner: str, until: datetime) -> bool:
    """Let the place of `owner` count until then (exclusive); return False when it is forgotten already.

    SQLite may give the number of a forgotten place to the next one, so the number alone says not whose it is.
    """
    known = fetch_one(session, select(TURNS.c.id).where(TURNS.c.id == turn, TURNS.c.owner == owner)) is not None
    if known:
        change_all(session, TURNS, [{"id": turn, "until": until}], key=("id",))
    return known


def give_back(session: Session, turn: int, owner: str) -> None:
    """Leave the line; nothing happens when the place is forgotten already."""
    session.connection().execute(delete(TURNS).where(TURNS.c.id == turn, TURNS.c.owner == owner))


def next_turn(
    session: Session, now: datetime, owner: str, *, is_alive: Callable[[str], bool] = is_alive
) -> Turn | None:
    """Return who is next as `owner` ("host:pid") sees it, None when nobody waits."""
    found = fetch(session, WAITING, {"now": now})
    alive = (Turn(**row) for row in found if not has_ended(row["owner"], owner, is_alive))
    return next(alive, None)
