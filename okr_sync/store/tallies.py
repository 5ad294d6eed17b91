"""The items of scopes counted by the database: for evaluation, which else would read every item of a site each time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import Select, and_, func, select
from sqlmodel import Session

from okr_sync.core.facts import Alike, Tally
from okr_sync.store.scopes import asked_anew, said
from okr_sync.store.statements import Row, chunks, fetch_plain
from okr_sync.store.tables import ContainerRow, MembershipRow, WorkItemRow, sql

__all__ = ["load_tallies"]

ITEMS, CONTAINERS, MEMBERSHIPS = sql(WorkItemRow), sql(ContainerRow), sql(MembershipRow)
TOGETHER = 500  # containers that are counted at once
SORT = (MEMBERSHIPS.c.container, ITEMS.c.kind, ITEMS.c.state, ITEMS.c.resolution)

_Sort: TypeAlias = tuple[Any, Any, Any]
"""(kind, state, resolution)."""


def load_tallies(
    session: Session, scopes: Iterable[Row], wanted: frozenset[str], asked: Mapping[str, str], since: datetime
) -> dict[str, Tally]:
    """Return the tallies of the scopes among `wanted` (refs) that have one.

    `scopes` are the rows of all scopes that may hold the same items, `asked` (ref → hash) says what is asked now. Of
    the instants at which items were done the first is told, and those at `since` or later.
    """
    rows = {row["ref"]: row for row in scopes}
    held = {ref: [(row["source"], id_) for id_ in json.loads(row["containers"])] for ref, row in rows.items()}
    claims = Counter(place for places in held.values() for place in places)
    plain = [
        ref
        for ref in sorted(wanted & rows.keys())
        if rows[ref]["resolved"] and not asked_anew(rows[ref], asked) and all(claims[place] == 1 for place in held[ref])
    ]
    found: dict[str, Tally] = {}
    for source in sorted({rows[ref]["source"] for ref in plain}):
        places = {ref: [id_ for _, id_ in held[ref]] for ref in plain if rows[ref]["source"] == source}
        sharing = _sharing(session, source)
        for piece in _pieces(places):
            counted = _Counted(session, source, frozenset(chain.from_iterable(piece.values())) - sharing, since)
            clear = {ref: some for ref, some in piece.items() if counted.tells(some)}
            found |= {ref: Tally(ref, counted.alike(some), said(rows[ref])) for ref, some in clear.items()}
    return found


def _pieces(places: Mapping[str, list[str]]) -> Iterator[dict[str, list[str]]]:
    """Yield scopes with their containers, about TOGETHER of these at once: all may be too many for memory."""
    piece: dict[str, list[str]] = {}
    for ref, containers in places.items():
        piece[ref] = containers
        if sum(map(len, piece.values())) >= TOGETHER:
            yield piece
            piece = {}
    yield piece


@dataclass(slots=True)
class _Group:
    """Items of one sort: how many, when the first of them was created, when they were done as far as it is told."""

    number: int = 0
    began: datetime | None = None
    finished: list[datetime] = field(default_factory=list)

    def add(self, other: _Group) -> None:
        """Take in those of another container."""
        self.number += other.number
        self.began = min((at for at in (self.began, other.began) if at is not None), default=None)
        self.finished += other.finished


class _Counted:
    """Some containers of one source, with how many items of each sort they hold."""

    def __init__(self, session: Session, source: str, containers: frozenset[str], since: datetime) -> None:
        self._unclear: set[str] = set()
        self._groups: dict[str, dict[_Sort, _Group]] = {}
        for chunk in chunks(containers):
            ended: set[str] = set()
            for id_, kind, state in fetch_plain(session, _described(source, chunk)):
                self._groups[id_] = {}
                if kind != "query" and state == "done":
                    ended.add(id_)
            for row in fetch_plain(session, _numbers(source, chunk)):
                self._count(row, since)
            for container, resolution, kind, at in fetch_plain(session, _finished(source, chunk, since)):
                self._groups.get(container, {}).get((kind, "done", resolution), _Group()).finished.append(at)
            self._unclear |= {id_ for id_ in ended if not self._groups[id_]}  # it stands for a piece of work itself

    def tells(self, containers: Iterable[str]) -> bool:
        """Return whether numbers say all about the items of these."""
        return all(id_ in self._groups and id_ not in self._unclear for id_ in containers)

    def alike(self, containers: Iterable[str]) -> tuple[Alike, ...]:
        """Return the items of these together."""
        whole: dict[_Sort, _Group] = {}
        for id_ in containers:
            for sort, group in self._groups[id_].items():
                whole.setdefault(sort, _Group()).add(group)
        return tuple(
            Alike(*sort, each.number, each.began, tuple(sorted(each.finished))) for sort, each in whole.items()
        )

    def _count(self, row: Sequence[Any], since: datetime) -> None:
        container, kind, state, resolution, number, readable, began, first = row
        if number != readable or container not in self._groups:
            self._unclear.add(container)  # something in it can't be read, or it can't itself
            return
        earlier = [first] if state == "done" and first is not None and first < since else []
        self._groups[container][kind, state, resolution] = _Group(number, began, earlier)


def _sharing(session: Session, source: str) -> set[str]:
    """Return the containers that hold an item which another one of the source holds, too."""
    lasting = (MEMBERSHIPS.c.source == source, MEMBERSHIPS.c.until.is_(None))
    often = select(MEMBERSHIPS.c.item).where(*lasting).group_by(MEMBERSHIPS.c.item).having(func.count() > 1)
    found = select(MEMBERSHIPS.c.container).where(*lasting, MEMBERSHIPS.c.item.in_(often)).distinct()
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
