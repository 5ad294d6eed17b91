"""Saves what a delivery source brought: items with their transitions, containers, memberships, scopes, absences.

Rules. Rows are written only when something changed. An item that left a container keeps its membership with an end. A
deleted item leaves a tombstone and its containers; a hidden one (deleted or permission lost, nobody can tell) stays
where it is, and the scopes that hold it miss for as long as it is hidden.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, literal, select
from sqlmodel import Session

from okr_sync.core.facts import Collected, Container, Members, Miss, WorkItem
from okr_sync.store import mirror
from okr_sync.store.due_dates import save_due_dates
from okr_sync.store.statements import (
    Row,
    batches,
    change_all,
    differ,
    fetch,
    fetch_among,
    insert_all,
    insert_columns,
    told_rows,
)
from okr_sync.store.tables import ContainerRow, MembershipRow, ScopeRow, TransitionRow, WorkItemRow, sql

ITEMS, CONTAINERS, MEMBERSHIPS = sql(WorkItemRow), sql(ContainerRow), sql(MembershipRow)
SCOPES, TRANSITIONS = sql(ScopeRow), sql(TransitionRow)
ASKED = select(SCOPES)
ABSENT = select(ITEMS.c.id, ITEMS.c.absence).where(ITEMS.c.source == bindparam("source"), ITEMS.c.absence.is_not(None))
MOST = 2_000  # members that are compared at once
WRITTEN = ("created", "done_at", "updated", "due", "labels")  # columns whose values are told as the store keeps them
FOLLOWED = ("state", "resolution", "points", "parent")  # fields whose changes are kept as transitions


@dataclass(frozen=True, slots=True)
class SavedItems:
    """How many rows of items, transitions and due dates were written."""

    items: int
    transitions: int
    due_dates: int


class Readied(Collection[WorkItem]):
    """Items, each of them once, that were made ready to be stored while others were still on their way."""

    @abstractmethod
    def columns(self) -> Iterator[tuple[Mapping[str, Sequence[Any]], list[WorkItem]]]:
        """Yield batches: the values of items by column, those of WRITTEN as SQLite takes them; and the items of which
        this can't be told.
        """


def save_items(session: Session, run_id: int, collected: Collected, *, blank: bool = False) -> SavedItems:
    """Insert new items, update changed ones, append their transitions and due dates, mark and unmark absent ones.

    `blank`: nothing was known of the source (`mirror.is_blank`), and no item is brought twice.
    """
    saved = list(_save_all(session, run_id, collected, blank=blank))
    absences = _save_absences(session, run_id, collected)
    whole = (sum(getattr(each, name) for each in saved) for name in SavedItems.__slots__)
    return replace(SavedItems(*whole), items=sum(each.items for each in saved) + absences)


def _save_all(session: Session, run_id: int, collected: Collected, *, blank: bool) -> Iterator[SavedItems]:
    items, seen = collected.items, frozenset(held.id for held in collected.containers) if blank else None
    if not isinstance(items, Readied) or seen is None or collected.gone or not _is_file(session):
        for batch in batches(items):
            yield _save_batch(session, run_id, collected, batch, seen)
        return
    for columns, others in items.columns():
        yield _save_columns(session, run_id, collected, columns, seen)
        yield _save_batch(session, run_id, collected, others, seen)


def _is_file(session: Session) -> bool:
    return session.connection().dialect.name == "sqlite"


def _save_columns(
    session: Session, run_id: int, collected: Collected, columns: Mapping[str, Sequence[Any]], seen: frozenset[str]
) -> SavedItems:
    number = _insert_items(session, run_id, collected, columns, WRITTEN) if columns else 0
    days = zip(columns["id"], columns["due"], strict=True) if columns else ()
    dues = {id_: date.fromisoformat(day) if day else None for id_, day in days if day or id_ in seen}
    return SavedItems(number, 0, save_due_dates(session, run_id, collected, dues, seen))


def _insert_items(
    session: Session,
    run_id: int,
    collected: Collected,
    columns: Mapping[str, Sequence[Any]],
    ready_made: Collection[str] = (),
) -> int:
    number = len(columns["id"])
    same = {name: [value] * number for name, value in _stamp(run_id, collected).items()}
    return insert_columns(session, ITEMS, {**columns, **same}, ready_made)


def _stamp(run_id: int, collected: Collected) -> dict[str, object]:
    return {"source": collected.source, "absence": None, "absent_since": None, "run_id": run_id}


def _save_batch(
    session: Session, run_id: int, collected: Collected, batch: Collection[WorkItem], seen: frozenset[str] | None
) -> SavedItems:
    """Save some items; `seen` are the things that may have a due date already. None: any, and items may be known."""
    fresh = {item.id: item for item in batch if item.id not in collected.gone}
    wanted = frozenset(fresh) if seen is None else frozenset[str]()
    rows = {row["id"]: row for row in mirror.item_rows(session, collected.source, wanted)}
    known = {id_: mirror.work_item(row) for id_, row in rows.items()}
    stamp = _stamp(run_id, collected)
    new = [item for id_, item in fresh.items() if id_ not in known]
    changed = [
        mirror.item_row(fresh[id_]) | stamp
        for id_, row in rows.items()
        if row["absence"] is not None or known[id_] != fresh[id_]
    ]
    moves = [move for id_, before in known.items() for move in _transitions(before, fresh[id_], collected)]
    inserted = _insert_items(session, run_id, collected, mirror.item_columns(new)) if new else 0
    written = inserted + change_all(session, ITEMS, changed, key=("source", "id"))
    appended = insert_all(session, TRANSITIONS, [move | {"run_id": run_id} for move in moves])
    dues = {item.id: item.due for item in batch}
    return SavedItems(written, appended, save_due_dates(session, run_id, collected, dues, seen))


def save_containers(session: Session, run_id: int, collected: Collected, *, blank: bool = False) -> int:
    """Insert new containers and update changed ones; return the rows written. `blank` is as in `save_items`."""
    pieces = batches(collected.containers)
    return sum(_save_containers(session, run_id, collected, batch, blank=blank) for batch in pieces)


def _save_containers(
    session: Session, run_id: int, collected: Collected, batch: Iterable[Container], *, blank: bool
) -> int:
    fresh = {held.id: held for held in batch}
    wanted = frozenset[str]() if blank else frozenset(fresh)
    known = {row["id"]: row for row in mirror.container_rows(session, collected.source, wanted)}
    stamp = {"source": collected.source, "run_id": run_id}
    new = [mirror.container_row(held) | stamp for id_, held in fresh.items() if id_ not in known]
    changed = [
        mirror.container_row(fresh[id_]) | stamp for id_, row in known.items() if mirror.container(row) != fresh[id_]
    ]
    return insert_all(session, CONTAINERS, new) + change_all(session, CONTAINERS, changed, key=("source", "id"))


def save_members(session: Session, run_id: int, collected: Collected, *, blank: bool = False) -> int:
    """Begin and end memberships; return how many began or ended.

    `blank`: nothing was known of the source, and no membership is told in two pieces.
    """
    valid = _Valid(session, collected)
    pieces = _in_pieces(collected.members)
    written = sum(_save_members_of(session, run_id, collected, valid, batch, blank=blank) for batch in pieces)
    for batch in batches(collected.left.items()):
        left = dict(batch)
        rows = mirror.current_members(session, collected.source, frozenset(left))
        written += _end(session, valid, [row for row in rows if row["item"] in left[row["container"]]])
    return written + _end(session, valid, list(mirror.memberships_of(session, collected.source, collected.gone)))


def _in_pieces(members: Iterable[Members]) -> Iterator[list[Members]]:
    """Yield members as they come in lists of not many more than MOST items."""
    piece: list[Members] = []
    held = 0
    for each in members:
        piece.append(each)
        held += len(each.items)
        if held >= MOST or len(piece) >= MOST:
            yield piece
            piece, held = [], 0
    yield piece


def _save_members_of(
    session: Session, run_id: int, collected: Collected, valid: _Valid, batch: Iterable[Members], *, blank: bool
) -> int:
    listed, whole = _listed(batch, collected.gone)
    named = frozenset[str]() if blank else frozenset(listed)
    held: dict[str, dict[str, Row]] = {container: {} for container in listed}
    for row in mirror.current_members(session, collected.source, named):
        held[row["container"]][row["item"]] = row
    begun = [
        (container, item) for container in sorted(listed) for item in sorted(listed[container] - held[container].keys())
    ]
    ended = [
        row
        for container in sorted(whole)
        for item, row in held[container].items()
        if item not in listed[container] and item not in collected.hidden and item not in collected.gone
    ]
    seen = {row["id"] for row in mirror.container_rows(session, collected.source, named)}
    for known in (False, True):
        pairs = [(container, item) for container, item in begun if (container in seen) is known]
        _begin(session, run_id, valid, pairs, known=known)
    return _end(session, valid, ended) + len(begun)


def _begin(session: Session, run_id: int, valid: _Valid, begun: list[tuple[str, str]], *, known: bool) -> None:
    """Begin the memberships of items in containers (container, item), all of them `known` here before or none.

    The database looks up since when: read by us and sent back, instants take longer than all else about memberships.
    """
    if not begun:
        return
    told = told_rows(session, dict(zip(("container", "item"), zip(*begun, strict=True), strict=True)))
    described = and_(ITEMS.c.source == valid.source, ITEMS.c.id == told.c.item)
    values = {
        "source": literal(valid.source),
        "container": told.c.container,
        "item": told.c.item,
        "since": literal(valid.at, MEMBERSHIPS.c.since.type),
        "valid_since": valid.since(known=known),
        "run_id": literal(run_id),
    }
    rows = select(*values.values()).select_from(told.outerjoin(ITEMS, described))
    session.connection().execute(MEMBERSHIPS.insert().from_select(list(values), rows))


def _end(session: Session, valid: _Valid, ended: list[Row]) -> int:
    valid.look_at({row["item"] for row in ended})
    over = [{"id": row["id"], "until": valid.at, "valid_until": valid.until(row["item"])} for row in ended]
    return change_all(session, MEMBERSHIPS, over, key=("id",))


class _Valid:
    """When items joined and left containers, as far as what a run saw can tell.

    In a container that is new here an item has been since its creation. One that was looked at before was joined and
    left when the item was created or changed since then, else just now.
    """

    def __init__(self, session: Session, collected: Collected) -> None:
        self.at = collected.at
        self.source = collected.source
        self._session = session
        self._looked = mirror.last_success(session, collected.source)
        self._times: dict[str, tuple[datetime | None, datetime | None]] = {}

    def look_at(self, items: Iterable[str]) -> None:
        """Learn of these, and forget the others: the next questions are about them."""
        self._times = mirror.times(self._session, self.source, frozenset(items))

    def since(self, *, known: bool) -> ColumnElement[datetime]:
        """Return when the item of a row joined a container, one that was `known` here before or not."""
        at = literal(self.at, ITEMS.c.created.type)
        young = self._new_at(ITEMS.c.created) if known else ITEMS.c.created.is_not(None)
        return case(
            (and_(young, ITEMS.c.created > at), at),
            (young, ITEMS.c.created),
            (self._new_at(ITEMS.c.updated), ITEMS.c.updated),
            else_=at,
        )

    def until(self, item: str) -> datetime:
        """Return when the item left a container."""
        _, changed = self._times.get(item, (None, None))
        return changed if changed is not None and self._is_new(changed) else self.at

    def _is_new(self, instant: datetime) -> bool:
        return self._looked is None or self._looked < instant <= self.at

    def _new_at(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        if self._looked is None:
            return column.is_not(None)
        return and_(column > self._looked, column <= self.at)


def save_scopes(session: Session, run_id: int, collected: Collected) -> int:
    """Save which containers each scope has and why it could not be read; return the rows written."""
    refs = frozenset(collected.scopes) | frozenset(collected.misses)
    known = {row["ref"]: row for row in scope_rows(session, refs)}
    wanted = {ref: _scope(ref, known.get(ref), collected) for ref in sorted(refs)}
    stamp = {"since": collected.at, "run_id": run_id}
    changed = [row | stamp for ref, row in wanted.items() if ref in known and differ(known[ref], row)]
    new = [row | stamp for ref, row in wanted.items() if ref not in known]
    return change_all(session, SCOPES, changed, key=("ref",)) + insert_all(session, SCOPES, new)


def scope_rows(session: Session, refs: frozenset[str]) -> Iterator[Row]:
    """Yield the rows of those scopes that were ever asked."""
    return fetch_among(session, ASKED, SCOPES.c.ref, refs)


def answered_scopes(session: Session, refs: frozenset[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return scope ref → the hash of the question that was answered last, and the containers that came for it."""
    return {
        row["ref"]: (row["question"] or "", tuple(json.loads(row["containers"])))
        for row in scope_rows(session, refs)
        if row["resolved"]
    }


def _transitions(before: WorkItem, after: WorkItem, collected: Collected) -> Iterator[dict[str, object]]:
    for name in FOLLOWED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield {
                "source": collected.source,
                "item": after.id,
                "field": name,
                "before": None if old is None else str(old),
                "after": None if new is None else str(new),
                "at": _when(name, before, after) or collected.at,
                "recorded_at": collected.at,
            }


def _when(name: str, before: WorkItem, after: WorkItem) -> datetime | None:
    """Return the tracker's own time of the end for what ended; else that of its last change, which may be another."""
    ended = name in {"state", "resolution"} and after.state == "done" and before.state != "done"
    return (after.done_at if ended else None) or after.updated


def _save_absences(session: Session, run_id: int, collected: Collected) -> int:
    absent = fetch(session, ABSENT, {"source": collected.source})
    rows = {row["id"]: row["absence"] for row in absent}
    listed = {id_ for members in collected.members for id_ in members.items & rows.keys()} if rows else set()
    back = listed - collected.gone - collected.hidden
    rows |= {
        row["id"]: row["absence"]
        for row in mirror.item_rows(session, collected.source, collected.gone | collected.hidden)
    }
    wanted = {
        **dict.fromkeys(back),
        **dict.fromkeys(collected.hidden & rows.keys(), "hidden"),
        **dict.fromkeys(collected.gone & rows.keys(), "gone"),
    }
    changed = [
        {
            "source": collected.source,
            "id": id_,
            "absence": absence,
            "absent_since": collected.at if absence else None,
            "run_id": run_id,
        }
        for id_, absence in sorted(wanted.items())
        if rows[id_] != absence
    ]
    return change_all(session, ITEMS, changed, key=("source", "id"))


def _listed(batch: Iterable[Members], gone: frozenset[str]) -> tuple[dict[str, set[str]], frozenset[str]]:
    """Return container → items that it holds for sure, and the containers listed as a whole."""
    listed: dict[str, set[str]] = {}
    whole = set()
    for members in batch:
        listed.setdefault(members.container, set()).update(members.items - gone)
        if members.whole:
            whole.add(members.container)
    return listed, frozenset(whole)


def _scope(ref: str, known: Row | None, collected: Collected) -> dict[str, object]:
    miss: Miss | None = collected.misses.get(ref)
    row: dict[str, object] = {
        "ref": ref,
        "source": collected.source,
        "containers": known["containers"] if known else "[]",
        "resolved": bool(known and known["resolved"]),
        "miss_kind": miss.why if miss else None,
        "miss_message": miss.message if miss else None,
        "question": known["question"] if known else None,
    }
    if ref in collected.scopes:
        asked = collected.questions.get(ref)
        row |= {"containers": json.dumps(collected.scopes[ref]), "resolved": True, "question": asked}
    return row
