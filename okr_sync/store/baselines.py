"""Baselines that were captured: frozen with what was asked, when, how and by whom; append-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.facts import Baseline
from okr_sync.store.statements import Row, chunks, fetch, insert_all
from okr_sync.store.tables import BaselineRow, sql

BASELINES = sql(BaselineRow)
FACTS = tuple(field.name for field in fields(Baseline))


@dataclass(frozen=True, slots=True)
class Version:
    """One capture of a baseline; of a key result and subject the newest counts. `reason` says why it was taken anew."""

    version: int
    baseline: Baseline
    author: str
    reason: str
    run: int


def load_baselines(session: Session, key_results: frozenset[str]) -> dict[tuple[str, str], Baseline]:
    """Return (key result, subject) → the newest baseline captured for it."""
    return {(row["key_result"], row["subject"]): _baseline(row) for row in _rows(session, key_results)}


def load_versions(session: Session, key_results: frozenset[str]) -> dict[tuple[str, str], tuple[Baseline, ...]]:
    """Return (key result, subject) → all baselines ever captured for it, oldest first."""
    found: dict[tuple[str, str], tuple[Baseline, ...]] = {}
    for row in _rows(session, key_results):
        key = (row["key_result"], row["subject"])
        found[key] = (*found.get(key, ()), _baseline(row))
    return found


def versions(session: Session, key_result: str) -> tuple[Version, ...]:
    """Return all baselines ever captured for a key result, by subject, oldest first."""
    found = sorted(_rows(session, frozenset({key_result})), key=lambda row: (row["subject"], row["version"]))
    return tuple(Version(row["version"], _baseline(row), row["author"], row["reason"], row["run_id"]) for row in found)


def freeze_baselines(session: Session, run_id: int, captured: Sequence[Baseline], author: str, reason: str = "") -> int:
    """Append each as the next version of its key result and subject; return how many."""
    ids = frozenset(each.key_result for each in captured)
    before = {(row["key_result"], row["subject"]): row["version"] for row in _rows(session, ids)}
    stamp = {"author": author, "reason": reason, "run_id": run_id}
    rows = [asdict(each) | {"version": before.get((each.key_result, each.subject), 0) + 1} | stamp for each in captured]
    return insert_all(session, BASELINES, rows)


def _rows(session: Session, key_results: frozenset[str]) -> list[Row]:
    """Return the rows of these key results, oldest version first."""
    statement = select(BASELINES).order_by(BASELINES.c.version)
    return [
        row
        for chunk in chunks(key_results)
        for row in fetch(session, statement.where(BASELINES.c.key_result.in_(chunk)))
    ]


def _baseline(row: Row) -> Baseline:
    return Baseline(**{name: row[name] for name in FACTS})
