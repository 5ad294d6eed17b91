"""Points computed again: what is written at slots of the past, and what was said there before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, and_, func, select
from sqlmodel import Session

from okr_sync.store.bodies import Kind
from okr_sync.store.interning import SERIES, Subject, series_of
from okr_sync.store.layout import DELIVERED, JUDGED, layout_of, write
from okr_sync.store.points import LATEST, text, told
from okr_sync.store.statements import Row, batches, fetch, fetch_one, insert_all
from okr_sync.store.tables import SupersededRow, sql

SUPERSEDED = sql(SupersededRow)
POINT, WORK = JUDGED.said, DELIVERED.said


def _first(table: Table) -> Select[Any]:
    first = select(func.min(table.c.slot)).where(table.c.series == SERIES.c.id).correlate(SERIES).scalar_subquery()
    listed = and_(LATEST.c.kind == SERIES.c.kind, LATEST.c.subject == SERIES.c.subject)
    columns = select(SERIES.c.kind, SERIES.c.subject, first.label("slot"))
    return columns.where(select(LATEST.c.kind).where(listed).exists())


FIRST = tuple(_first(layout.table) for layout in (JUDGED, DELIVERED))


@dataclass(frozen=True, slots=True)
class Superseded:
    """What was said of a slot until `superseded_at`: recorded at `recorded_at` by the run `written_by`."""

    kind: Kind
    id: str
    slot: datetime
    said: Mapping[str, Any]
    backfilled: bool
    recorded_at: datetime
    written_by: int
    superseded_at: datetime
    run: int


@dataclass(frozen=True, slots=True)
class Written:
    """How many points were written at slots without one, and how many took the place of another."""

    new: int = 0
    replaced: int = 0


def first_slots(session: Session) -> dict[Subject, datetime]:
    """Return the slot of the first point of everything that `latest` lists."""
    rows = (row for statement in FIRST for row in fetch(session, statement))
    return {(row["kind"], row["subject"]): row["slot"] for row in rows if row["slot"]}


class Rewriting:
    """The points of some subjects in [since, until) of their slots, while they are computed again in that order.

    `say` is told what each subject was at each instant; `save` writes what differs from what was written. A point is
    new where none stands and something changed; one that stands and says something else is replaced and kept aside.
    """

    def __init__(self, session: Session, spans: Mapping[Subject, tuple[datetime, datetime]]) -> None:
        self._session = session
        found = {(subject, row["slot"]): row for subject, row in _rows(session, spans)}
        self._there = {
            (subject, slot): row
            for (subject, slot), row in found.items()
            if spans[subject][0] <= slot < spans[subject][1]
        }
        self._followed = {subject for subject, slot in found if slot == spans[subject][1]}
        self._in_force = {subject: _said_before(session, subject, since) for subject, (since, _) in spans.items()}
        self._newest: dict[Subject, dict[str, Any]] = {}
        self._new: list[tuple[Subject, dict[str, Any]]] = []
        self._replaced: list[tuple[Subject, Row, dict[str, Any]]] = []

    def slots(self) -> frozenset[datetime]:
        """Return the slots at which a point stands."""
        return frozenset(slot for _, slot in self._there)

    def say(self, subject: Subject, slot: datetime, state: Any) -> None:
        """Take what a subject was at a slot; later slots come later."""
        said = told(state)
        row = self._there.get((subject, slot))
        if row is not None:
            if not _same_words(_said_in(subject, row), said):
                self._replaced.append((subject, row, said))
        elif not _same_words(self._in_force[subject], said):
            self._new.append((subject, {"slot": slot, **said}))
        self._in_force[subject] = self._newest[subject] = said

    def keep(self, subject: Subject, slot: datetime) -> None:
        """Leave what was written of a subject at a slot as it is: nobody can tell what it was then."""
        row = self._there.get((subject, slot))
        if row is not None:
            self._in_force[subject] = _said_in(subject, row)

    def said(self) -> dict[Subject, str]:
        """Return what each subject was told to be last, as `latest` keeps it; not of those with a point right after."""
        return {subject: text(said) for subject, said in self._newest.items() if subject not in self._followed}

    def save(self, run_id: int, now: datetime) -> Written:
        """Write it and return how much that was."""
        mark = {"backfilled": True, "recorded_at": now, "run_id": run_id}
        for layout in (JUDGED, DELIVERED):
            new = [
                (subject, {**row, "at": row["slot"], **mark})
                for subject, row in self._new
                if layout_of(subject) is layout
            ]
            again = [
                (subject, {**said, "slot": row["slot"], "at": row["slot"], **mark})
                for subject, row, said in self._replaced
                if layout_of(subject) is layout
            ]
            write(self._session, layout, new, again)
        aside = [_aside(key, row, now, run_id) for key, row, _ in self._replaced]
        insert_all(self._session, SUPERSEDED, aside)
        return Written(len(self._new), len(self._replaced))


def superseded(
    session: Session,
    kind: Kind,
    id: str,  # noqa: A002
    since: datetime | None = None,
) -> list[Superseded]:
    """Return what points of a subject from `since` on said before, in the order in which they were replaced."""
    wanted = [SUPERSEDED.c.kind == kind, SUPERSEDED.c.subject == id]
    if since is not None:
        wanted.append(SUPERSEDED.c.slot >= since)
    names = ("kind", "slot", "backfilled", "recorded_at", "written_by", "superseded_at")
    return [
        Superseded(
            id=row["subject"],
            said=json.loads(row["said"]),
            run=row["run_id"],
            **{name: row[name] for name in names},
        )
        for row in fetch(session, select(SUPERSEDED).where(*wanted).order_by(SUPERSEDED.c.id))
    ]


def _rows(session: Session, spans: Mapping[Subject, tuple[datetime, datetime]]) -> Iterator[tuple[Subject, Row]]:
    if not spans:
        return
    since, until = min(span[0] for span in spans.values()), max(span[1] for span in spans.values())
    subjects = {id_: subject for subject, id_ in series_of(session, spans).items()}
    for layout in (JUDGED, DELIVERED):
        slot, series = layout.table.c.slot, layout.table.c.series
        ids = sorted(id_ for id_, subject in subjects.items() if layout_of(subject) is layout)
        for some in batches(ids):
            wanted = (slot >= since, slot <= until, series.in_(some))
            for row in fetch(session, layout.rows().where(*wanted)):
                yield subjects[row["series"]], row


def _said_before(session: Session, key: Subject, instant: datetime) -> dict[str, Any] | None:
    layout = layout_of(key)
    slot = layout.table.c.slot
    wanted = (SERIES.c.kind == key[0], SERIES.c.subject == key[1], slot < instant)
    row = fetch_one(session, layout.rows().where(*wanted).order_by(slot.desc()).limit(1))
    return None if row is None else _said_in(key, row)


def _said_in(key: Subject, row: Row) -> dict[str, Any]:
    return {name: row[name] for name in layout_of(key).said}


def _same_words(written: dict[str, Any] | None, said: dict[str, Any]) -> bool:
    """Return whether a point says this already; of one from before the question was kept, all but that counts."""
    if written is None:
        return False
    return written == (said if written["question"] is not None else said | {"question": None})


def _aside(key: Subject, row: Row, now: datetime, run_id: int) -> dict[str, Any]:
    return {
        "kind": key[0],
        "subject": key[1],
        "slot": row["slot"],
        "said": text(_said_in(key, row)),
        "backfilled": row["backfilled"],
        "recorded_at": row["recorded_at"] or row["at"],
        "written_by": row["run_id"],
        "superseded_at": now,
        "run_id": run_id,
    }
