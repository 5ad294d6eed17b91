"""How many items of which sort each container holds: counted by the database, and kept until something of it moves.

What is kept is only ever what counting anew would say: whoever saves items, containers or memberships calls `forget`
in the same transaction, and `okr-sync verify` counts again.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Select, and_, bindparam, delete, func, select
from sqlmodel import Session

from okr_sync.core.facts import Collected
from okr_sync.core.instants import microseconds_of
from okr_sync.store import mirror
from okr_sync.store.statements import batches, chunks, fetch, fetch_plain, insert_all, rows_of
from okr_sync.store.tables import ContainerRow, MembershipRow, TallyRow, WorkItemRow, sql

__all__ = ["Counts", "Group", "Sort", "counts_of", "forget", "miscounted"]

ITEMS, CONTAINERS, MEMBERSHIPS = sql(WorkItemRow), sql(ContainerRow), sql(MembershipRow)
TALLIES = sql(TallyRow)
COUNTED_AT_ALL = select(TALLIES.c.container).where(TALLIES.c.source == bindparam("source")).limit(1)
SORT = (MEMBERSHIPS.c.container, ITEMS.c.kind, ITEMS.c.state, ITEMS.c.resolution)
MOST = 20_000  # items that are looked up one by one; with more, everything of their source is counted anew
COUNTED = 50  # containers that are counted at once: sorting the items of more takes memory and little less time

Sort: TypeAlias = tuple[Any, Any, Any]
"""(kind, state, resolution)."""


@dataclass(slots=True)
class Group:
    """Items of one sort: how many, when the first was created, and when those were done that are told, ascending.

    Instants are microseconds since 1970, of eight bytes each: of a large site there are a million. Told are the first
    and all from an instant on.
    """

    number: int = 0
    began: int | None = None
    finished: array[int] = field(default_factory=lambda: array("q"))


Counts: TypeAlias = dict[Sort, Group]
"""The items of one container by sort."""


def counts_of(session: Session, source: str, containers: Collection[str], since: datetime) -> dict[str, Counts]:
    """Return container → its items by sort, of those among `containers` of which numbers tell all.

    Of the instants at which items were done the first is told, and those at `since` or later. What had to be counted
    is kept; the session must be one that writes.
    """
    known = _kept(session, source, containers, since)
    missing = frozenset(containers) - known.keys()
    for chunk in batches(sorted(missing), COUNTED):
        counted = _count(session, source, chunk, since)
        gone = delete(TALLIES).where(TALLIES.c.source == source, TALLIES.c.container.in_(chunk))
        session.connection().execute(gone)
        stamp = {"source": source, "since": since}
        insert_all(session, TALLIES, [stamp | {"container": id_, "body": _body(each)} for id_, each in counted.items()])
        known |= counted
    return {id_: counts for id_, counts in known.items() if counts is not None}


def forget(session: Session, collected: Collected) -> None:
    """Forget the numbers of all containers that may change when this is saved; to be called before."""
    of_source = TALLIES.c.source == collected.source
    if not fetch(session, COUNTED_AT_ALL, {"source": collected.source}):
        return
    touched = _touched(session, collected)
    if touched is None:
        session.connection().execute(delete(TALLIES).where(of_source))
        return
    for chunk in chunks(touched):
        session.connection().execute(delete(TALLIES).where(of_source, TALLIES.c.container.in_(chunk)))


def miscounted(session: Session) -> Iterator[str]:
    """Yield the container, with its source, of each row that says anything else than counting anew does."""
    rows = fetch(session, select(TALLIES).order_by(TALLIES.c.source, TALLIES.c.since, TALLIES.c.container))
    for (source, since), some in groupby(rows, key=lambda row: (row["source"], row["since"])):
        kept = {row["container"]: _read(row["body"], 0) for row in some}
        for chunk in batches(sorted(kept), COUNTED):
            counted = _count(session, source, chunk, since)
            yield from (f"tallies {source} {id_}" for id_ in chunk if counted[id_] != kept[id_])


def _touched(session: Session, collected: Collected) -> frozenset[str] | None:
    """Return the containers of which anything may change; None: too many to look them up."""
    if len(collected.items) > MOST:
        return None
    source = collected.source
    rows = mirror.container_rows(session, source, frozenset(held.id for held in collected.containers))
    known = {row["id"]: (row["kind"], row["state"]) for row in rows}
    touched = {held.id for held in collected.containers if known.get(held.id) != (held.kind, held.state)}
    moved = {item.id for item in collected.items} | collected.gone | collected.hidden
    moved.update(*collected.left.values())
    absent = _absent(session, source)
    for batch in batches(collected.members):
        held = _held(session, source, frozenset(members.container for members in batch))
        for members in batch:
            there = held.get(members.container, set())
            changed = members.items ^ there if members.whole else members.items - there
            touched |= {members.container} if changed else set()
            moved |= changed | (members.items & absent)
        if len(moved) > MOST:
            return None
    # An item that two containers hold is counted by neither: what happens to it in one matters to the other.
    return frozenset(touched.union(*mirror.holders(session, source, frozenset(moved)).values()))


def _absent(session: Session, source: str) -> set[str]:
    lost = select(ITEMS.c.id).where(ITEMS.c.source == source, ITEMS.c.absence.is_not(None))
    return {id_ for (id_,) in fetch_plain(session, lost)}


def _held(session: Session, source: str, containers: frozenset[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for chunk in chunks(containers):
        inside = select(MEMBERSHIPS.c.container, MEMBERSHIPS.c.item).where(*_inside(source, chunk))
        for container, item in fetch_plain(session, inside):
            found.setdefault(container, set()).add(item)
    return found


def _kept(session: Session, source: str, containers: Collection[str], since: datetime) -> dict[str, Counts | None]:
    """Return what is kept and tells the instants from `since` on; None: numbers don't tell all of that container."""
    told = select(TALLIES.c.container, TALLIES.c.body).where(TALLIES.c.source == source, TALLIES.c.since <= since)
    first = microseconds_of(since)
    return {
        id_: _read(body, first)
        for chunk in chunks(frozenset(containers))
        for id_, body in fetch_plain(session, told.where(TALLIES.c.container.in_(chunk)))
    }


def _body(counts: Counts | None) -> str | None:
    if counts is None:
        return None
    groups = [[*sort, each.number, each.began, each.finished.tolist()] for sort, each in counts.items()]
    return json.dumps(groups, separators=(",", ":"))


def _read(body: str | None, since: int) -> Counts | None:
    if body is None:
        return None
    return {
        (kind, state, resolution): Group(number, began, _from(array("q", finished), since))
        for kind, state, resolution, number, began, finished in orjson.loads(body)
    }


def _from(finished: array[int], since: int) -> array[int]:
    """Return the first of these instants and those from `since` on."""
    later = bisect_left(finished, since)
    return finished[:1] + finished[later:] if later else finished


def _count(session: Session, source: str, containers: list[str], since: datetime) -> dict[str, Counts | None]:
    """Return what the database counts in each of these now; None: numbers don't tell all of that container."""
    counts: dict[str, Counts] = {}
    unclear = _sharing(session, source, containers)
    ended = set()
    for id_, kind, state in fetch_plain(session, _described(source, containers)):
        counts[id_] = {}
        if kind != "query" and state == "done":
            ended.add(id_)
    for container, kind, state, resolution, number, readable, began, first in fetch_plain(
        session, _numbers(source, containers)
    ):
        if number != readable or container not in counts:
            unclear.add(container)  # something in it can't be read, or it can't itself
            continue
        earlier = [microseconds_of(first)] if state == "done" and first is not None and first < since else []
        counts[container][kind, state, resolution] = Group(
            number, began and microseconds_of(began), array("q", earlier)
        )
    for container, resolution, kind, at in rows_of(session, _finished(source, containers, since)):  # of an item each
        counts.get(container, {}).get((kind, "done", resolution), Group()).finished.append(microseconds_of(at))
    unclear |= {id_ for id_ in ended if not counts[id_]}  # it stands for a piece of work itself
    for group in (group for held in counts.values() for group in held.values()):
        group.finished = array("q", sorted(group.finished))
    return {id_: counts[id_] if id_ in counts and id_ not in unclear else None for id_ in containers}


def _sharing(session: Session, source: str, containers: list[str]) -> set[str]:
    """Return those of the containers that hold an item which another one of the source holds, too."""
    other = MEMBERSHIPS.alias()
    same = (other.c.source == MEMBERSHIPS.c.source, other.c.item == MEMBERSHIPS.c.item)
    also = select(other.c.id).where(*same, other.c.until.is_(None), other.c.id != MEMBERSHIPS.c.id).exists()
    found = select(MEMBERSHIPS.c.container).where(*_inside(source, containers), also).distinct()
    return {container for (container,) in fetch_plain(session, found)}


def _described(source: str, containers: list[str]) -> Select[Any]:
    named = (CONTAINERS.c.source == source, CONTAINERS.c.id.in_(containers))
    return select(CONTAINERS.c.id, CONTAINERS.c.kind, CONTAINERS.c.state).where(*named)


def _numbers(source: str, containers: list[str]) -> Select[Any]:
    """Return what counts the items of containers by sort; `readable` are those that the mirror has and sees."""
    readable = func.count(ITEMS.c.id) - func.count(ITEMS.c.absence)
    numbers = (func.count(), readable, func.min(ITEMS.c.created), func.min(ITEMS.c.done_at))
    same = and_(ITEMS.c.source == MEMBERSHIPS.c.source, ITEMS.c.id == MEMBERSHIPS.c.item)
    counted = select(*SORT, *numbers).select_from(MEMBERSHIPS.outerjoin(ITEMS, same))
    return counted.where(*_inside(source, containers)).group_by(*SORT)


def _finished(source: str, containers: list[str], since: datetime) -> Select[Any]:
    same = (ITEMS.c.source == MEMBERSHIPS.c.source, ITEMS.c.id == MEMBERSHIPS.c.item)
    done = (ITEMS.c.state == "done", ITEMS.c.done_at >= since)
    told = (MEMBERSHIPS.c.container, ITEMS.c.resolution, ITEMS.c.kind, ITEMS.c.done_at)
    return select(*told).where(*_inside(source, containers), *same, *done)


def _inside(source: str, containers: list[str]) -> tuple[Any, ...]:
    return MEMBERSHIPS.c.source == source, MEMBERSHIPS.c.container.in_(containers), MEMBERSHIPS.c.until.is_(None)
