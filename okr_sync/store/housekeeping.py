"""The ledger of housekeeping: which due instant has its own, what went, and how the store grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import Session

from okr_sync.core.numbers import show_instant
from okr_sync.store.statements import Row, change_all, fetch, fetch_one, insert_all
from okr_sync.store.tables import HousekeepingRow, Run, sql

__all__ = [
    "Growth",
    "Kept",
    "certain",
    "claim",
    "fail",
    "failing",
    "finish",
    "growth",
    "is_due",
    "kept",
    "last_done",
    "size",
]

DONE, RUNS = sql(HousekeepingRow), sql(Run)
REMEMBERED = timedelta(days=400)
SPAN = timedelta(days=30)  # over which growth is looked at
TOLD = timedelta(days=3)  # that a failure is told; when nobody tried again since, it is off
DAYS = 3  # whose housekeeping must agree that it is as late as the clock says, before anything is forgotten
LEAST = timedelta(days=3)  # of two sizes apart, for a day's growth to be told


@dataclass(frozen=True, slots=True)
class Kept:
    """One housekeeping: `removed` rows by their sort, `size` in bytes afterwards; unfinished ones have neither."""

    due: datetime
    owner: str
    started: datetime
    until: datetime
    finished: datetime | None = None
    removed: Mapping[str, int] = field(default_factory=dict)
    size: int | None = None
    error: str | None = None

    def trouble(self, now: datetime) -> str:
        """Return what is wrong with it at `now`; empty when it is done, or still under way."""
        if self.error is not None:
            return f"it failed at {show_instant(self.finished or self.started)}: {self.error}"
        if self.finished is None and self.until <= now:
            return f"that of {show_instant(self.due)} by {self.owner} was interrupted"
        return ""


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes that the store takes, and by how many more a day; None: it was not seen for long enough to tell."""

    size: int
    a_day: float | None


def is_due(session: Session, due: datetime, now: datetime) -> bool:
    """Return whether nobody saw to the store for `due` or later, and it is older than that."""
    newest = session.connection().execute(select(func.max(DONE.c.due)).where(DONE.c.due <= now)).scalar_one()
    since = newest or session.connection().execute(select(func.min(RUNS.c.started))).scalar_one()
    return since is not None and since < due


def claim(session: Session, due: datetime, now: datetime, owner: str, until: datetime) -> bool:
    """Take the housekeeping of `due` until then; return False when somebody did before, or it is not due."""
    if not is_due(session, due, now):
        return False
    session.connection().execute(delete(DONE).where(DONE.c.due < now - REMEMBERED))
    insert_all(session, DONE, [{"due": due, "owner": owner, "started": now, "until": until}])
    return True


def certain(session: Session, due: datetime) -> datetime | None:
    """Return how late it is for certain: the instant two housekeepings before that of `due`. None: there are no two.

    By a clock that is ahead everything in the store is old; whoever forgets by age waits until it was ahead for days.
    """
    before = select(DONE.c.due).where(DONE.c.due <= due).order_by(DONE.c.due.desc()).limit(DAYS)
    found = fetch(session, before)
    return None if len(found) < DAYS else found[-1]["due"]


def finish(session: Session, due: datetime, now: datetime, removed: Mapping[str, int]) -> None:
    """Write down that it is done, what went, and how large the store is."""
    said = json.dumps({name: number for name, number in removed.items() if number})
    change_all(
        session, DONE, [{"due": due, "finished": now, "removed": said, "size": size(session), "error": None}], ("due",)
    )


def fail(session: Session, due: datetime, now: datetime, error: str) -> bool:
    """Write down why it is not done; return False when it is done all the same."""
    row = fetch_one(session, select(DONE.c.finished).where(DONE.c.due == due))
    if row is None or row["finished"] is not None:
        return False
    return change_all(session, DONE, [{"due": due, "finished": now, "error": error}], ("due",)) == 1


def kept(session: Session, limit: int = 1) -> list[Kept]:
    """Return the newest housekeeping, newest first."""
    found = fetch(session, select(DONE).order_by(DONE.c.started.desc(), DONE.c.due.desc()).limit(limit))
    return [_kept(row) for row in found]


def last_done(session: Session) -> Kept | None:
    """Return the newest one that was done."""
    done = select(DONE).where(DONE.c.finished.is_not(None), DONE.c.error.is_(None)).order_by(DONE.c.finished.desc())
    row = fetch_one(session, done.limit(1))
    return None if row is None else _kept(row)


def failing(session: Session, now: datetime) -> str:
    """Return what is wrong with the newest one that is not under way; empty when nothing is, or long ago."""
    ended = (each for each in kept(session, 2) if each.finished is not None or each.until <= now)
    return next((each.trouble(now) for each in ended if now - each.started < TOLD), "")


def size(session: Session) -> int:
    """Return the bytes that the store takes; pages of a file that are free don't count."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    pages, free, each = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * each


def growth(session: Session, now: datetime) -> Growth:
    """Return how large the store is at `now`, and how it grew since the first housekeeping of the last 30 days."""
    here = size(session)
    seen = select(DONE.c.finished, DONE.c.size).where(DONE.c.size.is_not(None), DONE.c.finished >= now - SPAN)
    first = fetch_one(session, seen.where(DONE.c.finished <= now - LEAST).order_by(DONE.c.finished).limit(1))
    if first is None:
        return Growth(here, None)
    return Growth(here, (here - first["size"]) / ((now - first["finished"]) / timedelta(days=1)))


def _kept(row: Row | Mapping[str, Any]) -> Kept:
    words = {name: row[name] for name in ("due", "owner", "started", "until", "finished", "size", "error")}
    return Kept(removed=json.loads(row["removed"] or "{}"), **words)
