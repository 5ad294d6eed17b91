"""What people say about key results, and the values that they type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.facts import Reading
from okr_sync.errors import UsageError
from okr_sync.store.readings import add_reading
from okr_sync.store.statements import fetch, insert_one
from okr_sync.store.tables import CheckInRow, sql

CHECK_INS = sql(CheckInRow)
MOST_CONFIDENT = 10


@dataclass(frozen=True, slots=True)
class CheckIn:
    """One check-in. `confidence` goes from 0 to 10; `expires` ends the life of the value (exclusive)."""

    id: int
    at: datetime
    key_result: str
    author: str
    metric: str | None
    value: float | None
    confidence: float | None
    note: str
    blockers: str
    done: bool | None
    expires: datetime | None


def check_in(
    session: Session,
    now: datetime,
    key_result: str,
    author: str,
    *,
    metric: str | None = None,
    question: str | None = None,
    value: float | None = None,
    confidence: float | None = None,
    note: str = "",
    blockers: str = "",
    done: bool | None = None,
    expires: datetime | None = None,
) -> int:
    """Append a check-in and return its id.

    A value, or `done` as 1 or 0, also becomes a reading of `metric`, the metric that the key result rests on;
    `question` is the hash of what is asked for it. Raises UsageError when a number is given without a metric to take
    it, or when `confidence` lies outside [0, 10].
    """
    number = value if value is not None or done is None else float(done)
    if number is not None and metric is None:
        raise UsageError(f"{key_result} rests on no metric that takes typed values; leave the value out.")
    if confidence is not None and not 0 <= confidence <= MOST_CONFIDENT:
        raise UsageError(f"A confidence of {confidence} can't be; give a number from 0 to {MOST_CONFIDENT}.")
    if number is not None and metric is not None:
        add_reading(session, metric, Reading(number, now, _evidence(author, note), author, expires), now, question)
    row = {"at": now, "key_result": key_result, "author": author, "metric": metric, "value": number}
    words = {"confidence": confidence, "note": note, "blockers": blockers, "done": done, "expires": expires}
    return insert_one(session, CHECK_INS, row | words)


def _evidence(author: str, note: str) -> str:
    return f"check-in by {author}: {note}" if note else f"check-in by {author}"


def check_ins(session: Session, key_result: str) -> tuple[CheckIn, ...]:
    """Return the check-ins of a key result, oldest first."""
    found = fetch(session, select(CHECK_INS).where(CHECK_INS.c.key_result == key_result).order_by(CHECK_INS.c.id))
    return tuple(CheckIn(**{name: row[name] for name in CheckIn.__slots__}) for row in found)


def checked_in(session: Session) -> frozenset[str]:
    """Return the ids of all key results that were ever checked in."""
    return frozenset(row["key_result"] for row in fetch(session, select(CHECK_INS.c.key_result).distinct()))
