"""What sources answered to pulls that were interrupted, so that the next run asks for the rest only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, select
from sqlmodel import Session

from okr_sync.store.ledger import require_running
from okr_sync.store.statements import fetch, fetch_one, insert_all
from okr_sync.store.tables import StagedAnswerRow, StageRow, sql

__all__ = [
    "StageRecord",
    "drop_old",
    "drop_stage",
    "forget_stage",
    "load_stage",
    "save_answers",
    "staged_answer",
    "staged_questions",
]

STAGES, ANSWERS = sql(StageRow), sql(StagedAnswerRow)
BEGUN = select(STAGES.c.source, STAGES.c.begun_at)
STAGE = select(STAGES).where(STAGES.c.source == bindparam("source"))


@dataclass(frozen=True, slots=True)
class StageRecord:
    """An interrupted pull: a hash of all that was asked, and the instant at which its first part began."""

    fingerprint: str
    begun_at: datetime


def load_stage(session: Session, source: str) -> StageRecord | None:
    """Return the interrupted pull of a source; None when there is none."""
    found = fetch_one(session, STAGE, {"source": source})
    return None if found is None else StageRecord(found["fingerprint"], found["begun_at"])


def staged_questions(session: Session, source: str) -> frozenset[str]:
    """Return the hashes of all questions of a source whose answers are kept."""
    return frozenset(session.connection().execute(select(ANSWERS.c.question).where(_of(source))).scalars())


def staged_answer(session: Session, source: str, question: str) -> bytes | None:
    """Return the answer that is kept to a question; None when there is none any more."""
    asked = select(ANSWERS.c.answer).where(_of(source), ANSWERS.c.question == question)
    found: bytes | None = session.connection().execute(asked).scalar_one_or_none()
    return found


def save_answers(session: Session, run_id: int, source: str, stage: StageRecord, answers: Mapping[str, bytes]) -> None:
    """Add answers, question → answer, to the interrupted pull `stage` of a source; those of any other pull are dropped.

    Raises StoreError when the run lost its lease.
    """
    require_running(session, run_id)
    if load_stage(session, source) != stage:
        drop_stage(session, source)
        row = {"source": source, "fingerprint": stage.fingerprint, "begun_at": stage.begun_at}
        insert_all(session, STAGES, [row])
    rows = [{"source": source, "question": question, "answer": answer} for question, answer in answers.items()]
    insert_all(session, ANSWERS, rows)


def drop_stage(session: Session, source: str) -> None:
    """Forget the interrupted pull of a source, if there is any."""
    if load_stage(session, source) is None:  # without it there are no answers either
        return
    session.connection().execute(delete(ANSWERS).where(_of(source)))
    session.connection().execute(delete(STAGES).where(STAGES.c.source == source))


def drop_old(session: Session, declared: Collection[str], before: datetime) -> None:
    """Forget interrupted pulls of sources that are not `declared` any more, and those that began before an instant."""
    for row in fetch(session, BEGUN):
        if row["source"] not in declared or row["begun_at"] < before:
            drop_stage(session, row["source"])


def forget_stage(session: Session, run_id: int, source: str) -> None:
    """Forget the interrupted pull of a source in the name of a run. Raises StoreError when the run lost its lease."""
    require_running(session, run_id)
    drop_stage(session, source)


def _of(source: str) -> ColumnElement[bool]:
    return ANSWERS.c.source == source
