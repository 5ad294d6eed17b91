"""Keeps all that a pull brought out of memory until it is complete and may be saved: a database without a name.

SQLite keeps it in memory while it is small and in a file beyond; the file has no name, only this process can read it,
and it is gone with the process, however that ends. The store is not touched before the whole answer is there.
"""

from __future__ import annotations

import functools
import json
import pickle
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Any, TypeVar

import orjson

from okr_sync.connector import Container, Members, Miss, Page, WorkItem
from okr_sync.store.statements import stored
from okr_sync.store.work import Readied

T = TypeVar("T")
BATCH = 500  # rows read at once, and ids named in one statement
_CACHE_KB = 8_192  # of the database in memory
_FACTS = attrgetter(*WorkItem.__slots__)
_NAMES = ("created", "done_at", "updated")
_INSTANTS = tuple(map(WorkItem.__slots__.index, _NAMES))
_DUE, _LABELS = WorkItem.__slots__.index("due"), WorkItem.__slots__.index("labels")
_DAYS = (date, type(None))
_SCHEMA = (
    f"PRAGMA cache_size = -{_CACHE_KB}",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "CREATE TABLE items (id TEXT PRIMARY KEY, facts BLOB)",  # in the order in which they come
    "CREATE TABLE members (container TEXT, item TEXT, PRIMARY KEY (container, item)) WITHOUT ROWID",
    "CREATE TABLE placed (item TEXT PRIMARY KEY) WITHOUT ROWID",
)
_BY_ITEM = "CREATE INDEX IF NOT EXISTS members_item ON members (item)"


def batches(many: Iterable[T]) -> Iterator[list[T]]:
    """Yield `many` as they come in lists of at most BATCH."""
    ahead = iter(many)
    while batch := list(islice(ahead, BATCH)):
        yield batch


class Spool:
    """One pull: its pages go in with `add`, and come out put together, in the order of ids.

    Items of one id and members of one container add up; the facts told last count. What there is but one of a scope or
    container is kept in memory: `containers`, `whole`, `scopes`, `misses`, `cursor`.
    """

    def __init__(self) -> None:
        # Filled in the source's thread, saved in the run's: one after the other, never at once.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in _SCHEMA:
            self._file.execute(statement)
        self._file.execute("BEGIN")  # and never ended: nobody else reads it, and an end writes out what is in memory
        self._items = _Rows(self._file, "INSERT OR REPLACE INTO items VALUES", "(?, ?)")
        self._members = _Rows(self._file, "INSERT OR IGNORE INTO members VALUES", "(?, ?)")
        self._placed = _Rows(self._file, "INSERT OR IGNORE INTO placed VALUES", "(?)")
        self.containers: dict[str, Container] = {}
        self.whole: set[str] = set()
        self.scopes: dict[str, tuple[str, ...]] = {}
        self.misses: dict[str, Miss] = {}
        self.cursor: str | None = None
        self._listed: set[str] = set()

    def add(self, page: Page) -> None:
        """Keep a page."""
        self.describe(page.items)
        for members in page.members:
            self.join(members.container, members.items)
        self.whole.update(members.container for members in page.members if members.whole)
        self._placed.extend((item,) for item in page.placed)
        self._members.extend((container, item) for item, some in page.placed.items() for container in some)
        self.containers.update((container.id, container) for container in page.containers)
        self.scopes.update(page.scopes)
        self.misses.update(page.misses)
        self.cursor = page.cursor or self.cursor

    def describe(self, items: Iterable[WorkItem]) -> None:
        """Keep the facts of items."""
        self._items.extend((item.id, _facts(item)) for item in items)

    def join(self, container: str, items: Iterable[str]) -> None:
        """Put items into a container, which counts as listed even when there are none."""
        self._listed.add(container)
        self._members.extend((container, item) for item in items)

    def items(self) -> Iterator[WorkItem]:
        """Yield all items."""
        return (_item(facts) for _, facts in self._pages("SELECT id, facts FROM items WHERE id > ?", "id", [""]))

    def facts_of_all(self) -> Iterator[bytes]:
        """Yield what `columns_of` reads, of all items."""
        return (facts for _, facts in self._pages("SELECT id, facts FROM items WHERE id > ?", "id", [""]))

    def count(self) -> int:
        """Return how many items there are."""
        return int(self._ask("SELECT count(*) FROM items")[0][0])

    def facts(self, ids: Collection[str]) -> dict[str, WorkItem]:
        """Return the items among `ids`, by id."""
        found = self._among("SELECT id, facts FROM items WHERE id IN", ids)
        return {id_: _item(facts) for id_, facts in found}

    def members(self, containers: Collection[str]) -> dict[str, frozenset[str]]:
        """Return the items listed for each of `containers`; those without any are left out."""
        return _grouped(self._among("SELECT container, item FROM members WHERE container IN", containers))

    def holders(self, items: Collection[str]) -> dict[str, frozenset[str]]:
        """Return the containers in which each of `items` is listed; those in none are left out."""
        if items:
            self._ask(_BY_ITEM)  # made when it is wanted first: most pulls of everything never do
        return _grouped(self._among("SELECT item, container FROM members WHERE item IN", items))

    def listed(self) -> frozenset[str]:
        """Return all containers of which anything was told, be it that they are empty."""
        return frozenset(self._listed | self.whole)

    def all_members(self) -> Iterator[Members]:
        """Yield what is listed, one container after the other; none counts as whole."""
        rows = self._pages(
            "SELECT container, item FROM members WHERE (container, item) > (?, ?)", "container, item", ["", ""]
        )
        for container, some in groupby(rows, key=lambda row: str(row[0])):
            yield Members(container, frozenset(str(item) for _, item in some), whole=False)

    def placed(self) -> Iterator[str]:
        """Yield the items that were placed."""
        return (str(row[0]) for row in self._pages("SELECT item FROM placed WHERE item > ?", "item", [""]))

    def undescribed(self) -> Iterator[str]:
        """Yield the items that are listed in a container, but not described, each once or oftener."""
        asked = "SELECT m.container, m.item FROM members m LEFT JOIN items i ON i.id = m.item"
        bound = "WHERE i.id IS NULL AND (m.container, m.item) > (?, ?)"
        return (str(item) for _, item in self._pages(f"{asked} {bound}", "m.container, m.item", ["", ""]))

    def _ask(self, statement: str, told: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that a statement finds; all that was told before is among them."""
        for rows in (self._items, self._members, self._placed):
            rows.flush()
        return self._file.execute(statement, told).fetchall()

    def _pages(self, asked: str, order: str, last: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield rows in pages, so that the spool may be written to between two of them."""
        width = len(last)
        while rows := self._ask(f"{asked} ORDER BY {order} LIMIT {BATCH}", last):
            yield from rows
            last = rows[-1][:width]

    def _among(self, asked: str, ids: Collection[str]) -> Iterator[tuple[Any, ...]]:
        for batch in batches(sorted(ids)):
            yield from self._ask(f"{asked} ({', '.join('?' * len(batch))})", batch)


class _Rows:
    """Rows on their way into one table, many in one statement.

    SQLite gives up Python's lock once a statement: with one for each row, this thread would wait each time until those
    that read answers let it in again, and the pull would wait for it.
    """

    def __init__(self, file: sqlite3.Connection, insert: str, row: str) -> None:
        self._file = file
        self._insert = insert
        self._row = row
        self._waiting: list[tuple[Any, ...]] = []

    def extend(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Take rows; where two are of one key, the later one comes later."""
        self._waiting.extend(rows)
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        for batch in batches(self._waiting):
            told = list(chain.from_iterable(batch))
            self._file.execute(f"{self._insert} {', '.join([self._row] * len(batch))}", told)
        self._waiting = []


class SpooledItems(Readied):
    """The items of a spool, read anew each time."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def __iter__(self) -> Iterator[WorkItem]:
        return self._spool.items()

    def columns(self) -> Iterator[tuple[Mapping[str, Sequence[Any]], list[WorkItem]]]:
        """Yield batches as they are stored, and apart the items that were pickled."""
        for batch in batches(self._spool.facts_of_all()):
            plain = [facts for facts in batch if facts.startswith(b"[")]
            yield _columns(plain), [_item(facts) for facts in batch if not facts.startswith(b"[")]

    def __len__(self) -> int:
        return self._spool.count()

    def __contains__(self, item: object) -> bool:
        return isinstance(item, WorkItem) and self._spool.facts([item.id]).get(item.id) == item


class SpooledMembers(Iterable[Members]):
    """The memberships of a spool, read anew each time."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def __iter__(self) -> Iterator[Members]:
        return self._spool.all_members()


def _facts(item: WorkItem) -> bytes:
    """Return an item as bytes: as JSON, or pickled where that would lose anything."""
    told = list(_FACTS(item))
    if type(told[_DUE]) in _DAYS and all(told[at] is None or told[at].tzinfo is UTC for at in _INSTANTS):
        try:
            return orjson.dumps(told)
        except orjson.JSONEncodeError:  # half a letter, to which a title may be cut
            pass
    return pickle.dumps(told, 5)


def _item(facts: bytes) -> WorkItem:
    if not facts.startswith(b"["):
        return WorkItem(*pickle.loads(facts))  # noqa: S301 -- our own, from a file that nobody else can open
    told = orjson.loads(facts)
    for at in _INSTANTS:
        if (text := told[at]) is not None:
            told[at] = datetime.fromisoformat(text)
    if (day := told[_DUE]) is not None:
        told[_DUE] = date.fromisoformat(day)
    told[_LABELS] = tuple(told[_LABELS])
    return WorkItem(*told)


def _columns(facts: Sequence[bytes]) -> dict[str, Sequence[Any]]:
    """Return the values of items by column; nothing of none."""
    if not facts:
        return {}
    values = zip(*orjson.loads(b"[" + b",".join(facts) + b"]"), strict=True)
    columns: dict[str, Sequence[Any]] = dict(zip(WorkItem.__slots__, values, strict=True))
    instants = {name: [each and stored(each) for each in columns[name]] for name in _NAMES}
    return columns | instants | {"labels": [_listed(tuple(each)) for each in columns["labels"]]}


@functools.lru_cache(maxsize=BATCH)
def _listed(labels: tuple[str, ...]) -> str:
    """Return labels as the store keeps them; many items have the same."""
    return json.dumps(labels)


def _grouped(rows: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, value in rows:
        found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}
