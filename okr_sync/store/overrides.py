"""What people say a status is: the newest word on each key result counts until it expires or is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlmodel import Session

from okr_sync.core.facts import Override, SaidStatus
from okr_sync.errors import UsageError
from okr_sync.store.statements import chunks, fetch, insert_one
from okr_sync.store.tables import OverrideRow, sql

OVERRIDES = sql(OverrideRow)
NEWEST = select(func.max(OVERRIDES.c.id)).group_by(OVERRIDES.c.key_result)
STANDING = select(OVERRIDES).where(
    OVERRIDES.c.id.in_(NEWEST),
    OVERRIDES.c.status.is_not(None),
    OVERRIDES.c.key_result.in_(bindparam("key_results", expanding=True)),
)


def say_status(
    session: Session, now: datetime, key_result: str, author: str, *, status: SaidStatus, reason: str, expires: datetime
) -> int:
    """Append what a person says and return its id. Raises UsageError without a reason, or if it expired already."""
    if not reason.strip():
        raise UsageError("a status said by a person needs a reason; give --reason")
    if expires <= now:
        raise UsageError("the status would have expired already; give --expires a time to come")
    said = {"status": status, "reason": reason, "expires": expires}
    return insert_one(session, OVERRIDES, {"at": now, "key_result": key_result, "author": author, **said})


def take_back_status(session: Session, now: datetime, key_result: str, author: str, *, reason: str = "") -> int:
    """Append that the computed status counts again and return the id."""
    said = {"status": None, "reason": reason, "expires": None}
    return insert_one(session, OVERRIDES, {"at": now, "key_result": key_result, "author": author, **said})


def load_overrides(session: Session, key_results: frozenset[str]) -> dict[str, Override]:
    """Return key result id → the newest word on it, expired or not; those taken back are left out."""
    names = ("key_result", "status", "author", "reason", "at", "expires")
    return {
        row["key_result"]: Override(**{name: row[name] for name in names})
        for chunk in chunks(key_results)
        for row in fetch(session, STANDING, {"key_results": chunk})
    }


def words_on(session: Session, key_results: frozenset[str]) -> Iterator[tuple[str, datetime, Override | None]]:
    """Yield (key result id, instant, word) of all that was ever said on them, oldest first; None: it was taken back."""
    names = ("key_result", "status", "author", "reason", "at", "expires")
    for chunk in chunks(key_results):
        wanted = select(OVERRIDES).where(OVERRIDES.c.key_result.in_(chunk)).order_by(OVERRIDES.c.id)
        for row in fetch(session, wanted):
            word = None if row["status"] is None else Override(**{name: row[name] for name in names})
            yield row["key_result"], row["at"], word
