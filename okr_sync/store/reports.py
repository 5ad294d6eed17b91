"""When each report was last made: the basis of "since the last report"."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.store.statements import fetch_one, insert_one
from okr_sync.store.tables import ReportMark, sql

MARKS = sql(ReportMark)


def mark_report(session: Session, name: str, run_id: int | None, at: datetime) -> None:
    """Remember that the report `name` told what was known `at`."""
    insert_one(session, MARKS, {"name": name, "run_id": run_id, "at": at})


def last_report(session: Session, name: str) -> datetime | None:
    """Return the newest instant that the report `name` told about; None when it was never made."""
    statement = select(MARKS.c.at).where(MARKS.c.name == name).order_by(MARKS.c.at.desc()).limit(1)
    found = fetch_one(session, statement)
    return found["at"] if found else None
