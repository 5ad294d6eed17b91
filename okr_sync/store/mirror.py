"""The mirror of the trackers: work items, who holds them, and where the next pull may start."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from operator import attrgetter

from sqlalchemy import BindParameter, bindparam, select
from sqlmodel import Session

from okr_sync.core.facts import Container, ItemKind, WorkItem
from okr_sync.store.statements import Row, chunks, fetch, fetch_among, fetch_one
from okr_sync.store.tables import ContainerRow, DueDateRow, MembershipRow, SourceRow, WorkItemRow, sql

ITEMS, CONTAINERS, MEMBERSHIPS, SOURCES = sql(WorkItemRow), sql(ContainerRow), sql(MembershipRow), sql(SourceRow)
DUE_DATES = sql(DueDateRow)
_FACTS = attrgetter(*WorkItem.__slots__)
NAMED: BindParameter[str] = bindparam("source")
CURSOR, SUCCESS = (select(SOURCES.c[each]).where(SOURCES.c.name == NAMED) for each in ("cursor", "last_success"))
IS_HELD = (
    select(MEMBERSHIPS.c.id)
    .where(MEMBERSHIPS.c.source == NAMED, MEMBERSHIPS.c.item == ITEMS.c.id, MEMBERSHIPS.c.until.is_(None))
    .exists()
)
TABLES = (ITEMS, CONTAINERS, MEMBERSHIPS, DUE_DATES)
FIRST = tuple(select(table.c.source).where(table.c.source == NAMED).limit(1) for table in TABLES)
SEEN = (ITEMS.c.source == NAMED, ITEMS.c.absence.is_(None))
YOUNG = select(ITEMS.c.id).where(*SEEN, ITEMS.c.created >= bindparam("instant", type_=ITEMS.c.created.type), IS_HELD)
BELOW = select(ITEMS.c.id, ITEMS.c.parent).where(*SEEN, IS_HELD)
BELOW_OF_KIND = BELOW.where(ITEMS.c.kind == bindparam("kind"))
ROWS = select(ITEMS).where(ITEMS.c.source == NAMED).order_by(ITEMS.c.id)
KNOWN = select(ITEMS.c.id, ITEMS.c.state).where(ITEMS.c.source == NAMED)
TIMES = select(ITEMS.c.id, ITEMS.c.created, ITEMS.c.updated).where(ITEMS.c.source == NAMED)
LASTING = select(MEMBERSHIPS).where(MEMBERSHIPS.c.source == NAMED, MEMBERSHIPS.c.until.is_(None))
HOLDING = select(CONTAINERS).where(CONTAINERS.c.source == NAMED)
LOST = select(ITEMS.c.id, ITEMS.c.key).where(ITEMS.c.source == NAMED, ITEMS.c.absence == "hidden", IS_HELD)


def cursor(session: Session, source: str) -> str | None:
    """Return where the source's next pull may start; None: from the beginning."""
    found = fetch_one(session, CURSOR, {"source": source})
    return found["cursor"] if found else None


def last_success(session: Session, source: str) -> datetime | None:
    """Return when the source last answered; None when it never did."""
    found = fetch_one(session, SUCCESS, {"source": source})
    return found["last_success"] if found else None


def is_blank(session: Session, source: str) -> bool:
    """Return whether nothing is known of the source's work, as before its first pull: there is nothing to look up."""
    return not any(fetch(session, each, {"source": source}) for each in FIRST)


def members(session: Session, source: str, named: frozenset[str] | None = None) -> dict[str, frozenset[str]]:
    """Return container id → ids of the items that it holds now, of the containers `named` (None: of all); those that
    hold none are left out.
    """
    held: dict[str, set[str]] = {}
    for row in current_members(session, source, named):
        held.setdefault(row["container"], set()).add(row["item"])
    return {container: frozenset(items) for container, items in sorted(held.items())}


def holders(session: Session, source: str, items: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return item id → ids of the containers that hold it now; items that none holds are left out."""
    found: dict[str, set[str]] = {}
    for row in memberships_of(session, source, items):
        found.setdefault(row["item"], set()).add(row["container"])
    return {item: frozenset(containers) for item, containers in found.items()}


def below(session: Session, source: str, parents: frozenset[str], kind: ItemKind | None = None) -> dict[str, str]:
    """Return item id → parent, of the visible items (of that kind) that have one of `parents` and are held now."""
    seen, told = (BELOW, {"source": source}) if kind is None else (BELOW_OF_KIND, {"source": source, "kind": kind})
    return {row["id"]: row["parent"] for row in fetch_among(session, seen, ITEMS.c.parent, parents, told)}


def created_since(session: Session, source: str, instant: datetime) -> frozenset[str]:
    """Return the ids of the visible items that were created at `instant` or later and are held now."""
    return frozenset(row["id"] for row in fetch(session, YOUNG, {"source": source, "instant": instant}))


def hidden(session: Session, source: str) -> dict[str, str]:
    """Return item id → key, of the hidden items that are held now."""
    return {row["id"]: row["key"] for row in fetch(session, LOST, {"source": source})}


def states(session: Session, source: str, ids: frozenset[str]) -> dict[str, str]:
    """Return item id → mirrored state, of those `ids` that the mirror has, hidden and gone ones too."""
    return {row["id"]: row["state"] for row in fetch_among(session, KNOWN, ITEMS.c.id, ids, {"source": source})}


def times(session: Session, source: str, ids: frozenset[str]) -> dict[str, tuple[datetime | None, datetime | None]]:
    """Return item id → when it was created and changed last, of those `ids` that the mirror has."""
    rows = fetch_among(session, TIMES, ITEMS.c.id, ids, {"source": source})
    return {row["id"]: (row["created"], row["updated"]) for row in rows}


def containers(session: Session, source: str, ids: frozenset[str]) -> dict[str, Container]:
    """Return the mirrored containers among `ids`, by id."""
    return {row["id"]: container(row) for row in container_rows(session, source, ids)}


def memberships_of(session: Session, source: str, items: frozenset[str]) -> Iterator[Row]:
    """Yield the memberships of these items that last."""
    return fetch_among(session, LASTING, MEMBERSHIPS.c.item, items, {"source": source})


def items(session: Session, source: str, ids: frozenset[str]) -> dict[str, WorkItem]:
    """Return the mirrored state of those `ids` that the mirror has, hidden and gone ones too."""
    return {row["id"]: work_item(row) for row in item_rows(session, source, ids)}


def item_rows(session: Session, source: str, ids: frozenset[str]) -> Iterator[Row]:
    """Yield the rows of `ids`, in the order of the ids."""
    return fetch_among(session, ROWS, ITEMS.c.id, ids, {"source": source})


def container_rows(session: Session, source: str, ids: frozenset[str]) -> Iterator[Row]:
    """Yield the rows of the containers `ids`."""
    return fetch_among(session, HOLDING, CONTAINERS.c.id, ids, {"source": source})


def current_members(session: Session, source: str, named: frozenset[str] | None) -> Iterator[Row]:
    """Yield the memberships of the containers `named` that last (None: of all); those of one container by item."""
    told = {"source": source}
    pieces = (
        [fetch(session, LASTING, told)]
        if named is None
        else (fetch_among(session, LASTING, MEMBERSHIPS.c.container, some, told) for some in chunks(named))
    )
    for piece in pieces:
        # Sorted here: told to sort, SQLite would read all items of the source by their index.
        yield from sorted(piece, key=lambda row: (row["item"], row["id"]))


def item_columns(items: Collection[WorkItem]) -> dict[str, Sequence[object]]:
    """Return the values of work items (at least one) by column, each in their order."""
    values = zip(*map(_FACTS, items), strict=True)
    columns: dict[str, Sequence[object]] = dict(zip(WorkItem.__slots__, values, strict=True))
    return columns | {"labels": [json.dumps(item.labels) if item.labels else "[]" for item in items]}


def work_item(row: Row) -> WorkItem:
    """Return the work item of a row."""
    labels = tuple(json.loads(row["labels"]))
    return WorkItem(labels=labels, **{name: row[name] for name in WorkItem.__slots__ if name != "labels"})


def item_row(item: WorkItem) -> dict[str, object]:
    """Return the columns of a work item."""
    return {name: getattr(item, name) for name in WorkItem.__slots__} | {"labels": json.dumps(item.labels)}


def container(row: Row) -> Container:
    """Return the container of a row."""
    return Container(**{name: row[name] for name in Container.__slots__})


def container_row(held: Container) -> dict[str, object]:
    """Return the columns of a container."""
    return {name: getattr(held, name) for name in Container.__slots__}
