"""What trackers logged of the past: which containers were never asked for theirs, and the changes that came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, and_, bindparam, or_, select
from sqlmodel import Session

from okr_sync.core.facts import Transition, WorkItem
from okr_sync.store import mirror
from okr_sync.store.ledger import require_running
from okr_sync.store.statements import Row, change_all, chunks, fetch, fetch_among, insert_all
from okr_sync.store.tables import ContainerRow, MembershipRow, TransitionRow, WorkItemRow, sql
from okr_sync.store.work import scope_rows

ITEMS, CONTAINERS, MEMBERSHIPS = sql(WorkItemRow), sql(ContainerRow), sql(MembershipRow)
TRANSITIONS = sql(TransitionRow)
ASKED = select(CONTAINERS.c.id, CONTAINERS.c.past_since).where(
    CONTAINERS.c.source == bindparam("source"), CONTAINERS.c.past_since.is_not(None)
)
SAID = ("item", "field", "before", "after", "at")


@dataclass(frozen=True, slots=True)
class Unasked:
    """What a source has to be asked for: the past of `items` (id → as mirrored) since an instant."""

    source: str
    since: datetime
    containers: frozenset[str] = frozenset()
    items: Mapping[str, WorkItem] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Log:
    """The answer to `asked`: all changes of its items up to `at`."""

    asked: Unasked
    moves: tuple[Transition, ...]
    at: datetime


def unasked(session: Session, source: str, refs: frozenset[str], since: datetime, *, again: bool = False) -> Unasked:
    """Return the containers of the scopes `refs` whose past since then was never asked, with all they ever held.

    With `again` all of them. Items that can't be read are left out. It begins earlier where the answer would else leave
    a hole behind an earlier one.
    """
    held = {
        id_
        for row in scope_rows(session, refs)
        if row["source"] == source and row["resolved"]
        for id_ in json.loads(row["containers"])
    }
    rows = mirror.container_rows(session, source, frozenset(held))
    wanted = frozenset(row["id"] for row in rows if again or row["past_since"] is None or row["past_since"] > since)
    ids = frozenset(item for _, item in members_ever(session, source, wanted))
    found = [row for row in mirror.item_rows(session, source, ids) if row["absence"] is None]
    ends = [row["past_until"] for row in found if row["past_until"] is not None]
    items = {row["id"]: mirror.work_item(row) for row in found}
    return Unasked(source, min([since, *ends]), wanted, items)


def asked_since(session: Session, refs: Iterable[str]) -> dict[str, datetime]:
    """Return scope ref → since when the past of all its containers was asked; those not wholly asked are left out."""
    rows = list(scope_rows(session, frozenset(refs)))
    held = {row["ref"]: json.loads(row["containers"]) for row in rows if row["resolved"]}
    since: dict[tuple[str, str], datetime] = {}
    for source in sorted({row["source"] for row in rows}):
        names = frozenset(id_ for row in rows if row["source"] == source for id_ in held.get(row["ref"], ()))
        found = fetch_among(session, ASKED, CONTAINERS.c.id, names, {"source": source})
        since |= {(source, row["id"]): row["past_since"] for row in found}
    places = {row["ref"]: [(row["source"], id_) for id_ in held[row["ref"]]] for row in rows if row["ref"] in held}
    return {
        ref: max(since[place] for place in wanted)
        for ref, wanted in places.items()
        if wanted and all(place in since for place in wanted)
    }


def save_log(session: Session, run_id: int, log: Log) -> int:
    """Append the changes that are not known yet, and note that these pasts were asked; return how many were appended.

    Raises StoreError when the run lost its lease.
    """
    require_running(session, run_id)
    asked = log.asked
    known = {tuple(row[name] for name in SAID) for row in _logged(session, asked.source, frozenset(asked.items))}
    new = {tuple(getattr(move, name) for name in SAID): move for move in log.moves}
    stamp = {"source": asked.source, "recorded_at": log.at, "logged": True, "run_id": run_id}
    rows = [dict(zip(SAID, said, strict=True)) | stamp for said in new if said not in known]
    _note_items(session, log)
    _note_containers(session, asked)
    return insert_all(session, TRANSITIONS, rows)


def members_ever(session: Session, source: str, containers: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield (container, item) of all that these containers ever held, as far as anybody saw or logged it."""
    pair = select(MEMBERSHIPS.c.container, MEMBERSHIPS.c.item).where(MEMBERSHIPS.c.source == source).distinct()
    of_log = (TRANSITIONS.c.source == source, TRANSITIONS.c.field == "container", TRANSITIONS.c.logged)
    for chunk in chunks(containers):
        yield from ((row["container"], row["item"]) for row in _members(session, pair, chunk))
        for side in (TRANSITIONS.c.before, TRANSITIONS.c.after):
            named = select(side.label("container"), TRANSITIONS.c.item).where(*of_log, side.in_(chunk)).distinct()
            yield from ((row["container"], row["item"]) for row in fetch(session, named))


def counting_transitions(source: str) -> Select[tuple[object, ...]]:
    """Return the query of all transitions of a source that count: a guess gives way to the log of the same time."""
    same = and_(ITEMS.c.source == TRANSITIONS.c.source, ITEMS.c.id == TRANSITIONS.c.item)
    told = and_(TRANSITIONS.c.at >= ITEMS.c.past_since, TRANSITIONS.c.recorded_at <= ITEMS.c.past_until)
    guess_counts = or_(ITEMS.c.past_since.is_(None), ~told)
    found = select(TRANSITIONS).join(ITEMS, same).where(TRANSITIONS.c.source == source)
    return found.where(or_(TRANSITIONS.c.logged, guess_counts))


def _members(session: Session, pair: Select[tuple[object, ...]], containers: list[str]) -> list[dict[str, str]]:
    return fetch(session, pair.where(MEMBERSHIPS.c.container.in_(containers)))


def _logged(session: Session, source: str, items: frozenset[str]) -> Iterator[Row]:
    wanted = select(TRANSITIONS).where(TRANSITIONS.c.source == source, TRANSITIONS.c.logged)
    for chunk in chunks(items):
        yield from fetch(session, wanted.where(TRANSITIONS.c.item.in_(chunk)))


def _note_items(session: Session, log: Log) -> None:
    asked = log.asked
    rows = [
        {
            "source": asked.source,
            "id": row["id"],
            "past_since": min(asked.since, row["past_since"] or asked.since),
            "past_until": max(log.at, row["past_until"] or log.at),
        }
        for row in mirror.item_rows(session, asked.source, frozenset(asked.items))
    ]
    change_all(session, ITEMS, rows, key=("source", "id"))


def _note_containers(session: Session, asked: Unasked) -> None:
    rows = [
        {"source": asked.source, "id": row["id"], "past_since": min(asked.since, row["past_since"] or asked.since)}
        for row in mirror.container_rows(session, asked.source, asked.containers)
    ]
    change_all(session, CONTAINERS, rows, key=("source", "id"))
