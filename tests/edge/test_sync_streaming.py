"""What a source brings goes through the engine piece by piece: nothing is kept in memory, and nothing counts before
all of it is there.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from okr_sync.connector import Container, LookUp, Members, Page, TransientError, WorkItem
from okr_sync.store import mirror
from okr_sync.sync.spool import BATCH, Spool
from tests.edge.sync_play import EPIC, REF, House, house, initiative_of, item, refusal, work

OTHER = replace(EPIC, id="f", key="A-2", title="Another epic")
BOTH = {REF: ("e", "f")}


def told(*pages: Page) -> Callable[[str | None, datetime], Iterable[Page]]:
    """Bring these pages at each pull."""
    return lambda cursor, now: pages


def start(*items: WorkItem) -> Page:
    """Return a whole first answer: all items in the epic "e", none in "f"."""
    ids = frozenset(each.id for each in items)
    members = (Members("e", ids, whole=True), Members("f", frozenset(), whole=True))
    return Page(items, (EPIC, OTHER), members, BOTH, cursor="1")


def later(**parts: object) -> Page:
    """Return an answer that tells changes only, and describes no container anew."""
    return Page(scopes=BOTH, cursor="2", **parts)  # type: ignore[arg-type]


def in_turn(first: Page, *then: Page) -> Callable[[str | None, datetime], Iterable[Page]]:
    """Bring the first page without a cursor, the others with one."""
    return lambda cursor, now: [first] if cursor is None else then


def held(made: House) -> dict[str, frozenset[str]]:
    with made.store.reading() as session:
        return mirror.members(session, "bad")


def test_an_item_that_is_placed_leaves_every_other_container(tmp_path: Path) -> None:
    """Red when `_departed` ignores what was placed."""
    moved = later(items=(item("1", parent="f"),), placed={"1": frozenset({"f"})})
    made = house(tmp_path, bad=work(in_turn(start(item("1"), item("2")), moved)))
    made.sync()
    assert made.sync().outcome == "ok"
    assert held(made) == {"e": {"2"}, "f": {"1"}}


def test_an_item_that_is_placed_nowhere_without_a_word_is_looked_up(tmp_path: Path) -> None:
    """What is gone leaves, what can only not be seen stays and makes its scope stale."""
    asked: list[frozenset[str]] = []

    def find(ids: frozenset[str]) -> LookUp:
        asked.append(ids)
        return LookUp(gone=frozenset({"1"}), hidden=frozenset({"2"}))

    nowhere = later(placed={"1": frozenset(), "2": frozenset()})
    made = house(tmp_path, bad=work(in_turn(start(item("1"), item("2"), item("3")), nowhere), find))
    made.sync()
    report = made.sync()
    assert asked == [{"1", "2"}]
    assert held(made) == {"e": {"2", "3"}}
    assert initiative_of(report, "bad-work").stale


def test_a_container_that_is_told_whole_is_believed_before_places(tmp_path: Path) -> None:
    """Places say nothing about containers whose members are told as a whole in the same answer."""
    both = later(placed={"1": frozenset()}, members=(Members("e", frozenset({"1"}), whole=True),))
    made = house(tmp_path, bad=work(in_turn(start(item("1"), item("2")), both), lambda ids: LookUp(gone=ids)))
    made.sync()
    made.sync()
    assert held(made) == {"e": {"1"}}


@pytest.mark.parametrize("turn", [1, -1])
def test_pieces_of_a_membership_add_up_in_any_order(tmp_path: Path, turn: int) -> None:
    """They are all of it once one of them says so, whichever comes last."""
    pieces = [
        Page((item("1"),), members=(Members("e", frozenset({"1"}), whole=False),)),
        Page((item("2"),), (EPIC,), (Members("e", frozenset({"2"}), whole=False),), {REF: ("e",)}, cursor="1"),
        Page(members=(Members("e", frozenset(), whole=True),)),
    ]
    many = Page((item("3"), item("4")), (EPIC,), (Members("e", frozenset("34"), whole=True),), {REF: ("e",)})
    pages = iter([[many], pieces[::turn]])
    made = house(tmp_path, bad=work(lambda cursor, now: next(pages), lambda ids: LookUp(gone=ids)))
    made.sync()
    made.sync(full=True)
    assert held(made) == {"e": {"1", "2"}}


def test_the_same_answer_again_writes_nothing(tmp_path: Path) -> None:
    """Neither told as places nor as a whole."""
    again = later(items=(item("1"),), placed={"1": frozenset({"e"})})
    made = house(tmp_path, bad=work(in_turn(start(item("1"), item("2")), again)))
    made.sync()
    before = made.tables()
    made.sync()
    made.sync(full=True)
    assert made.tables() == before


def test_what_came_before_a_failure_changes_nothing(tmp_path: Path) -> None:
    def bring(cursor: str | None, now: datetime) -> Iterator[Page]:
        yield start(item("1"), item("2"))
        if cursor is not None:
            yield later(placed={"1": frozenset()})
            raise TransientError("the line is dead")

    made = house(tmp_path, bad=work(bring))
    made.sync()
    before = {name: rows for name, rows in made.tables().items() if name in ("memberships", "work_items")}
    assert made.sync().outcome == "partial"
    assert {name: made.tables()[name] for name in before} == before


def test_a_container_that_nobody_ever_described_is_refused(tmp_path: Path) -> None:
    """One that the mirror knows may be left out, as long as not everything is told anew."""
    unknown = Page(members=(Members("x", frozenset(), whole=True),), scopes={REF: ("x",)}, cursor="1")
    report = house(tmp_path, bad=work(told(unknown))).sync()
    assert "names containers that were not described: ['x']" in refusal(report, "failed")


def test_pages_are_not_kept_in_memory(tmp_path: Path) -> None:
    """Red when the pages of a pull are put into a list before they are looked at."""
    most = 0

    def bring(cursor: str | None, now: datetime) -> Iterator[Page]:
        nonlocal most
        for start in range(0, 40 * 50, 50):
            items = tuple(item(str(number)) for number in range(start, start + 50))
            ids = frozenset(each.id for each in items)
            yield Page(items, members=(Members("e", ids, whole=False),))
            del items
            most = max(most, sum(isinstance(each, WorkItem) for each in gc.get_objects()))
        whole = (Members("e", frozenset(), whole=True),)
        yield Page(containers=(EPIC,), members=whole, scopes={REF: ("e",)}, cursor="1")

    made = house(tmp_path, bad=work(bring))
    before = sum(isinstance(each, WorkItem) for each in gc.get_objects())
    assert initiative_of(made.sync(), "bad-work").total == 40 * 50
    assert most - before <= 2 * 50


NOW = datetime(2026, 11, 22, 9, 30, 0, 123_456, UTC)
SPOOLED = (
    item("1", points=3, created=NOW, updated=NOW.replace(microsecond=0), done_at=None, due=date(2026, 11, 1)),
    item("2", points=-0.0, labels=("a \ud800",)),
    item("3", points=0.1 + 0.2, created=NOW.astimezone(timezone(timedelta(seconds=20))), labels=("b", "a")),
    item("4", due=datetime(2026, 11, 1, 9, tzinfo=UTC)),
)


@pytest.mark.parametrize("told", SPOOLED, ids=lambda told: told.id)
def test_a_spool_keeps_every_fact_as_it_was_told(told: WorkItem) -> None:
    """Half a letter, seconds of a zone and an instant as a day, too. Seen red with all of it as JSON."""
    spool = Spool()
    spool.describe([told])
    (kept,) = spool.items()
    assert repr(kept) == repr(told)


def test_a_spool_gives_back_what_went_in_however_much_it_is() -> None:
    """Beyond one batch, too, in the order of ids, the facts told last."""
    spool = Spool()
    ids = [f"{number:05}" for number in range(2 * BATCH + 7)]
    for id_ in reversed(ids):
        spool.add(Page((item(id_, labels=("a", "ü\ud800")),), members=(Members("e", frozenset({id_}), whole=False),)))
    spool.add(Page((item(ids[3], state="done"),), placed={ids[4]: frozenset({"f"}), ids[5]: frozenset()}))
    assert [each.id for each in spool.items()] == ids
    assert spool.facts([ids[3]])[ids[3]].state == "done"
    assert spool.facts([ids[2]])[ids[2]] == item(ids[2], labels=("a", "ü\ud800"))
    assert {each.container: each.items for each in spool.all_members()} == {"e": frozenset(ids), "f": {ids[4]}}
    assert spool.holders([ids[4], ids[5]]) == {ids[4]: {"e", "f"}, ids[5]: {"e"}}
    assert list(spool.placed()) == [ids[4], ids[5]]
    spool.join("e", ["unknown"])
    assert list(spool.undescribed()) == ["unknown"]


def test_a_described_container_may_change_later(tmp_path: Path) -> None:
    """The kind stays what the mirror knows where a container is left out, and is what was told last elsewhere."""
    renamed: Container = replace(EPIC, title="Renamed")
    made = house(tmp_path, bad=work(in_turn(start(item("1")), later(containers=(renamed,)))))
    made.sync()
    made.sync()
    with made.store.reading() as session:
        known = mirror.containers(session, "bad", frozenset({"e", "f"}))
    assert (known["e"].title, known["f"]) == ("Renamed", OTHER)
