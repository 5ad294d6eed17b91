"""The facts of scopes as mirrored: containers, their items, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType

from sqlmodel import Session

from okr_sync.core.facts import Miss, ScopeFacts
from okr_sync.store import mirror
from okr_sync.store.due_dates import load_due_dates
from okr_sync.store.statements import Row
from okr_sync.store.work import scope_rows

TOGETHER = 100  # containers of the scopes that are read at once
NAMED = 5  # unreadable things named in a message


def load_scopes(
    session: Session, refs: frozenset[str], asked: Mapping[str, str] = MappingProxyType({})
) -> dict[str, ScopeFacts]:
    """Return the facts of each of `refs` that was ever asked; `asked` (ref → hash) says what is asked now, if told.

    Containers are in the order of the source, items in the order of their ids. A scope that holds an item or a
    container that can't be read misses, even when its last question was answered. One that answered something else
    than it is asked now has no facts.
    """
    rows = sorted(scope_rows(session, refs), key=lambda row: str(row["ref"]))
    return _facts(session, rows, asked)


class StoredScopes(Mapping[str, ScopeFacts]):
    """The facts of scopes as `load_scopes` has them, read when they are wanted and forgotten soon: all of them may be
    far too many for memory. To be walked through in the order of `refs`, while the session lasts.
    """

    def __init__(self, session: Session, refs: Iterable[str], asked: Mapping[str, str]) -> None:
        self._session = session
        self._asked = asked
        order = dict.fromkeys(refs)
        found = {row["ref"]: row for row in scope_rows(session, frozenset(order))}
        self._rows = {ref: found[ref] for ref in order if ref in found}
        self._pieces = dict(_pieces(self._rows))
        self._ready: dict[str, ScopeFacts] = {}

    @property
    def rows(self) -> Collection[Row]:
        """The rows of the scopes, in their order."""
        return self._rows.values()

    def __getitem__(self, ref: str) -> ScopeFacts:
        if ref not in self._ready:
            self._ready = _facts(self._session, [self._rows[each] for each in self._pieces[ref]], self._asked)
        return self._ready[ref]

    def __contains__(self, ref: object) -> bool:
        return ref in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _pieces(rows: Mapping[str, Row]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each ref with those that are read together with it."""
    piece: list[str] = []
    held = 0
    for ref, row in rows.items():
        piece.append(ref)
        held += len(json.loads(row["containers"]))
        if held >= TOGETHER:
            yield from ((each, tuple(piece)) for each in piece)
            piece, held = [], 0
    yield from ((each, tuple(piece)) for each in piece)


def _facts(session: Session, rows: Sequence[Row], asked: Mapping[str, str]) -> dict[str, ScopeFacts]:
    mirrors = {source: _Mirror(session, source, rows) for source in sorted({row["source"] for row in rows})}
    return {
        row["ref"]: _unanswered(row) if asked_anew(row, asked) else mirrors[row["source"]].facts(row) for row in rows
    }


class _Mirror:
    """What the mirror of one source holds for some scopes, read in a few statements."""

    def __init__(self, session: Session, source: str, scopes: Iterable[Row]) -> None:
        wanted = frozenset(id_ for row in scopes if row["source"] == source for id_ in json.loads(row["containers"]))
        self._containers = {row["id"]: row for row in mirror.container_rows(session, source, wanted)}
        self._members: dict[str, list[str]] = {}
        for row in mirror.current_members(session, source, wanted):
            self._members.setdefault(row["container"], []).append(row["item"])
        held = frozenset(item for items in self._members.values() for item in items)
        self._items = {row["id"]: row for row in mirror.item_rows(session, source, held)}
        self._dues = load_due_dates(session, source, wanted | held)

    def facts(self, row: Row) -> ScopeFacts:
        ids = [id_ for id_ in json.loads(row["containers"]) if id_ in self._containers]
        held = {id_: [item for item in self._members.get(id_, ()) if item in self._items] for id_ in ids}
        return ScopeFacts(
            ref=row["ref"],
            source=row["source"],
            containers=tuple(mirror.container(self._containers[id_]) for id_ in ids),
            items={id_: tuple(mirror.work_item(self._items[item]) for item in items) for id_, items in held.items()},
            miss=said(row) or self._unreadable(row),
            resolved=row["resolved"],
            dues={id_: self._dues[id_] for id_ in sorted({*ids, *chain(*held.values())} & self._dues.keys())},
        )

    def _unreadable(self, row: Row) -> Miss | None:
        containers = json.loads(row["containers"])
        items = {item for id_ in containers for item in self._members.get(id_, ())}
        lost = {id_: id_ for id_ in containers if id_ not in self._containers}
        lost |= {id_: _name(self._items, id_) for id_ in items if not _readable(self._items, id_)}
        if not lost:
            return None
        names = sorted(lost.values())
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return Miss(
            "denied",
            f"{row['source']} lists {len(names)} that it does not show: {', '.join(names[:NAMED])}{more}; "
            "let its account read them, or take them out of the scope",
        )


def asked_anew(row: Row, asked: Mapping[str, str]) -> bool:
    """Return whether a scope was answered, but is asked something else now."""
    then, now = row["question"], asked.get(row["ref"])
    return bool(row["resolved"] and then and now and then != now)


def _unanswered(row: Row) -> ScopeFacts:
    return ScopeFacts(row["ref"], row["source"], miss=said(row), asked_anew=True)


def said(row: Row) -> Miss | None:
    """Return why the newest question of a scope was not answered; None: it was."""
    return None if row["miss_kind"] is None else Miss(row["miss_kind"], row["miss_message"])


def _readable(items: Mapping[str, Row], id_: str) -> bool:
    return id_ in items and items[id_]["absence"] is None


def _name(items: Mapping[str, Row], id_: str) -> str:
    return str(items[id_]["key"]) if id_ in items else id_
