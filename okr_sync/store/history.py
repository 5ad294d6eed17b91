"""Everything that the store knows and `evaluate` needs, for one book."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.capturing import wanted_baselines
from okr_sync.core.definition import questions_of
from okr_sync.core.delivery import is_tallied
from okr_sync.core.facts import History, SourceState
from okr_sync.core.forecast import PACE
from okr_sync.core.model import Book
from okr_sync.store.baselines import load_baselines
from okr_sync.store.overrides import load_overrides
from okr_sync.store.readings import load_metrics
from okr_sync.store.scopes import StoredScopes
from okr_sync.store.statements import fetch
from okr_sync.store.tables import SourceRow, sql
from okr_sync.store.tallies import load_tallies

SOURCES = sql(SourceRow)


def load_history(
    session: Session, book: Book, fresh_for: Mapping[str, timedelta], now: datetime | None = None
) -> History:
    """Return the facts of the book's metrics and scopes, the state of every source in `fresh_for`, overrides
    and captured baselines.

    Scopes are read while they are walked through, and only as long as the session lasts. With the instant `now` that is
    judged their items are counted, too, where numbers are enough.

    They answer what this book asks; of a metric also what was asked before, as far as it lies before. Each metric has
    the value recorded last for each valid time, oldest first. A source that was never asked is there without a last
    success.
    """
    asked = questions_of(book)
    scopes = StoredScopes(session, (each.ref for work in book.initiatives for each in work.scopes), asked)
    counted = frozenset(each.ref for work in book.initiatives if is_tallied(work) for each in work.scopes)
    return History(
        metrics=load_metrics(session, frozenset(metric.id for metric in book.metrics), asked),
        scopes=scopes,
        tallies={} if now is None else load_tallies(session, scopes.rows, counted, asked, now - PACE),
        sources=states_of(session, fresh_for),
        overrides=load_overrides(session, frozenset(key_result.id for key_result in book.key_results())),
        baselines=load_baselines(session, frozenset(each.id for each in book.key_results() if wanted_baselines(each))),
    )


def states_of(session: Session, fresh_for: Mapping[str, timedelta]) -> dict[str, SourceState]:
    """Return the state of every source in `fresh_for`; one that was never asked has no last success."""
    known = {row["name"]: row for row in fetch(session, select(SOURCES))}
    states = {}
    for name, window in sorted(fresh_for.items()):
        row = known.get(name, {"last_success": None, "error": None, "fix": None})
        states[name] = SourceState(name, row["last_success"], window, row["error"], row["fix"])
    return states
