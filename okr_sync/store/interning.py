"""Numbers of what many points share: their series, what they say alike, and when and by which run they were written.

Numbers are given out by whoever writes, of whom there is one at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Table, and_, func, select
from sqlmodel import Session

from okr_sync.store.bodies import Kind
from okr_sync.store.statements import chunks, fetch, fetch_plain, insert_all
from okr_sync.store.tables import ContextRow, SeriesRow, StampRow, sql

SERIES, CONTEXTS, STAMPS = sql(SeriesRow), sql(ContextRow), sql(StampRow)
Subject: TypeAlias = tuple[Kind, str]
"""What a point is of: a key result, an objective or an initiative, and its id."""


class Context(NamedTuple):
    """What points say alike; the fields are the columns of `ContextRow`."""

    status: str
    definition: str
    question: str | None
    baseline: float | None
    target: float | None
    clamped: bool

    def digest(self) -> str:
        """Return the SHA-256 of all of it."""
        return hashlib.sha256(json.dumps(self, separators=(",", ":")).encode()).hexdigest()


class Stamp(NamedTuple):
    """When and by which run points were written; the fields are the columns of `StampRow`."""

    run_id: int
    at: datetime | None
    backfilled: bool
    recorded_at: datetime | None


def series_of(session: Session, subjects: Iterable[Subject]) -> dict[Subject, int]:
    """Return the number of each series that is there."""
    wanted = frozenset(subjects)
    return {
        (kind, name): id_
        for kind in sorted({kind for kind, _ in wanted})
        for chunk in chunks([name for of_kind, name in wanted if of_kind == kind])
        for id_, name in fetch_plain(session, select(SERIES.c.id, SERIES.c.subject).where(_among(kind, chunk)))
    }


def number_series(session: Session, subjects: Sequence[Subject]) -> dict[Subject, int]:
    """Return the number of each series, of new ones too."""
    known = series_of(session, subjects)
    new = _numbered(session, SERIES, [subject for subject in subjects if subject not in known])
    insert_all(session, SERIES, [{"id": id_, "kind": kind, "subject": name} for (kind, name), id_ in new.items()])
    return known | new


def number_contexts(session: Session, contexts: Iterable[Context]) -> dict[Context, int]:
    """Return the number of each context, of new ones too."""
    digests = {context.digest(): context for context in dict.fromkeys(contexts)}
    columns = select(CONTEXTS.c.id, CONTEXTS.c.digest)
    known = {
        digests[digest]: id_
        for chunk in chunks(list(digests))
        for id_, digest in fetch_plain(session, columns.where(CONTEXTS.c.digest.in_(chunk)))
    }
    new = _numbered(session, CONTEXTS, [context for context in digests.values() if context not in known])
    rows = [{"id": id_, "digest": context.digest(), **context._asdict()} for context, id_ in new.items()]
    insert_all(session, CONTEXTS, rows)
    return known | new


def number_stamps(session: Session, stamps: Iterable[Stamp]) -> dict[Stamp, int]:
    """Return the number of each stamp, of new ones too."""
    wanted = frozenset(stamps)
    runs = STAMPS.c.run_id.in_(sorted({stamp.run_id for stamp in wanted}))
    there = {_stamp(row): row["id"] for row in fetch(session, select(STAMPS).where(runs))}
    known = {stamp: there[stamp] for stamp in wanted if stamp in there}
    new = _numbered(session, STAMPS, [stamp for stamp in wanted if stamp not in known])
    insert_all(session, STAMPS, [{"id": id_, **stamp._asdict()} for stamp, id_ in new.items()])
    return known | new


def _among(kind: Kind, names: list[str]) -> ColumnElement[bool]:
    return and_(SERIES.c.kind == kind, SERIES.c.subject.in_(names))


def _stamp(row: Mapping[str, Any]) -> Stamp:
    return Stamp(**{name: row[name] for name in Stamp._fields})


def _numbered(session: Session, table: Table, new: Sequence[Any]) -> dict[Any, int]:
    """Return new things with the numbers that follow those that were given out."""
    if not new:
        return {}
    last = int(session.connection().execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())
    unique: Iterable[Hashable] = dict.fromkeys(new)
    return {each: last + number for number, each in enumerate(unique, start=1)}
