"""Answers that are not believed at sight: what is pending of each metric and scope, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlmodel import Session

from okr_sync.core.facts import Collected, Sight, Suspicion
from okr_sync.store.statements import Row, chunks, fetch, insert_all
from okr_sync.store.tables import SuspicionRow, sql

SUSPICIONS = sql(SuspicionRow)
OPEN = ("suspect", "accepted")  # verdicts after which the answer still waits to be applied
NEWEST = select(func.max(SUSPICIONS.c.id)).group_by(SUSPICIONS.c.subject)
PENDING = select(SUSPICIONS).where(
    SUSPICIONS.c.id.in_(NEWEST),
    SUSPICIONS.c.verdict.in_(OPEN),
    SUSPICIONS.c.subject.in_(bindparam("subjects", expanding=True)),
)


def load_suspicions(session: Session, subjects: frozenset[str]) -> dict[str, Suspicion]:
    """Return metric id or scope ref → the newest suspicion about it, of those that are still open."""
    return {
        row["subject"]: _suspicion(row)
        for chunk in chunks(subjects)
        for row in fetch(session, PENDING, {"subjects": chunk})
    }


def save_suspicions(session: Session, run_id: int, collected: Collected) -> int:
    """Append what was found about the answers of a source; return the rows written."""
    return insert_all(session, SUSPICIONS, [_row(each) | {"run_id": run_id} for each in collected.suspicions])


def accept(session: Session, now: datetime, found: Iterable[Suspicion], author: str, reason: str) -> int:
    """Append that a person says that these are true; return the rows written. The next answer like it is applied."""
    said = {"verdict": "accepted", "author": author, "reason": reason, "at": now}
    return insert_all(session, SUSPICIONS, [_row(each) | said for each in found])


def _row(each: Suspicion) -> dict[str, object]:
    return {
        "subject": each.subject,
        "verdict": each.verdict,
        "reason": each.reason,
        "at": each.at,
        "question": each.question,
        "value": each.sight.value,
        "rows": each.sight.rows,
        "missing": json.dumps(sorted(each.missing)),
        "author": None,
    }


def _suspicion(row: Row) -> Suspicion:
    return Suspicion(
        subject=row["subject"],
        verdict=row["verdict"],
        reason=row["reason"],
        at=row["at"],
        question=row["question"],
        sight=Sight(row["value"], row["rows"]),
        missing=frozenset(json.loads(row["missing"])),
    )
