"""A row that is put under its key is there once, and is written only when it says anything new; many go as one goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from sqlalchemy import Table, bindparam, select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.exc import StatementError
from sqlmodel import Session

from okr_sync.store import arrays, ledger
from okr_sync.store.database import Store
from okr_sync.store.interning import SERIES, STAMPS
from okr_sync.store.statements import (
    CHUNK,
    Row,
    all_written,
    change_all,
    fetch,
    fetch_among,
    fetch_plain,
    insert_all,
    put_one,
    told_rows,
    written,
)
from okr_sync.store.tables import Run, SourceRow, WorkItemRow, sql
from tests.store.builders import HOUR, NOW, TRIED, running

STATES, RUNS = sql(SourceRow), sql(Run)
CREATED = sql(WorkItemRow).c.created
SQLITE = dialect()
NAMES = select(STATES.c.name)
WRITTEN = (STATES.c.name, STATES.c.error, STATES.c.cursor, STATES.c.declared)


def put(store: Store, first: Row, **row: Any) -> bool:
    """Put the row in a transaction of its own; return whether it was written."""
    with store.writing() as session:
        return put_one(session, STATES, row, key=("name",), first=first)


def kept(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as session:
        return [tuple(row.values()) for row in fetch(session, select(*WRITTEN).order_by(STATES.c.name))]


def test_a_row_is_inserted_once_changed_where_it_differs_and_else_left_alone(store: Store) -> None:
    """Seen red without `differ`: the second of three equal rows counts as written."""
    new = {"declared": True}
    written = [put(store, new, name="tracker", error=error) for error in ("down", "down", "gone", None, None)]
    assert written == [True, False, True, True, False]
    assert kept(store) == [("tracker", None, None, True)]


def test_what_a_row_does_not_say_stays_and_what_is_for_new_ones_changes_none_that_is_there(store: Store) -> None:
    """Seen red with `first` in each change: the second time makes it declared again."""
    put(store, {"declared": False}, name="tracker", cursor="page 7")
    put(store, {"declared": True}, name="other")
    assert put(store, {"declared": True}, name="tracker", error="down")
    assert kept(store) == [("other", None, None, True), ("tracker", "down", "page 7", False)]


def test_text_that_no_database_takes_is_the_same_when_it_comes_again(store: Store) -> None:
    """Seen red by comparing what was said instead of what was kept of it."""
    written = [put(store, {"declared": True}, name="tracker", error="half a letter: \ud83d, and \0") for _ in range(2)]
    assert written == [True, False]


TEXTS = (
    st.none() | st.text(max_size=5) | st.sampled_from(["{}", 'a"b,\\c', "NULL", "", "\0", "\ud83d", "half | a\tline\n"])
)
MOMENTS = st.none() | st.integers(-99, 99).map(lambda hours: NOW + hours * HOUR / 7)
SAID = st.fixed_dictionaries(
    {
        "cursor": TEXTS,
        "last_asked": MOMENTS,
        "fresh_seconds": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
        "declared": st.booleans(),
        "error": st.none(),
    }
)
MANY = st.lists(st.tuples(SAID, SAID), min_size=2, max_size=9)


def _at_once(write: Callable[[list[Row]], int], rows: Sequence[Row]) -> int:
    return write(list(rows))


def _one_by_one(write: Callable[[list[Row]], int], rows: Sequence[Row]) -> int:
    return sum(write([row]) for row in rows)


def _there(session: Session, table: Table) -> list[dict[str, Any]]:
    return fetch(session, select(table).order_by(*table.primary_key))


@TRIED
@given(MANY)
def test_many_rows_are_inserted_and_changed_as_each_by_itself(store: Store, told: list[tuple[Row, Row]]) -> None:
    """Seen red with arrays in another order than the names of their columns."""
    first, then = ([{"name": f"s{place}", **each[which]} for place, each in enumerate(told)] for which in (0, 1))
    found = []
    for how in (_at_once, _one_by_one):
        with store.rehearsing() as session:
            assert how(lambda rows: insert_all(session, STATES, rows), first) == len(told)
            inserted = _there(session, STATES)
            assert how(lambda rows: change_all(session, STATES, rows, ("name",)), then) == len(told)
            found.append((inserted, _there(session, STATES)))
    assert found[0] == found[1]


def test_more_rows_than_one_statement_takes_are_all_written_in_their_order(session: Session) -> None:
    """Seen red with `MOST` rows and no more."""
    run, number = running(session), 2 * arrays.MOST + 1
    assert insert_all(session, STAMPS, [{"id": each, "run_id": run, "at": None} for each in range(1, number + 1)])
    changed = [{"id": each, "at": NOW + each * HOUR} for each in range(1, number + 1)]
    assert change_all(session, STAMPS, changed, ("id",)) == number
    assert [row["at"] for row in _there(session, STAMPS)] == [row["at"] for row in changed]
    assert not any(row["backfilled"] for row in _there(session, STAMPS))


def test_no_rows_are_no_statement(session: Session) -> None:
    assert (insert_all(session, SERIES, []), change_all(session, SERIES, [], ("id",))) == (0, 0)


def test_a_number_that_is_not_finite_is_refused_among_many(session: Session) -> None:
    rows = [{"name": name, "declared": True, "fresh_seconds": float(name)} for name in ("1", "nan")]
    with pytest.raises(StatementError, match="finite"):
        insert_all(session, STATES, rows)
    with pytest.raises(StatementError, match="finite"):
        change_all(session, STATES, rows, ("name",))


ODD = ("a'b", 'c"d', "e,f", "g\\h", "ü", "[1]", "7")
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=ZONES))
def test_an_instant_is_written_as_sqlalchemy_writes_it(instant: datetime) -> None:
    """Seen red without turning it to UTC."""
    assume(2 <= instant.year <= 9998)  # beyond, an instant may have no date in UTC
    process: Any = CREATED.type.dialect_impl(SQLITE).bind_processor(SQLITE)
    assert written(instant) == process(instant)
    assert written(None) is None


def test_an_instant_without_a_zone_is_not_written() -> None:
    """Seen red without the question for the offset: the machine's own zone decides."""
    naive = datetime(2026, 10, 5)  # noqa: DTZ001 -- that is the point
    with pytest.raises(ValueError, match="zone"):
        written(naive)
    with pytest.raises(ValueError, match="zone"):
        all_written([NOW, naive])


class _Own(tzinfo):
    """A zone of nobody's library."""

    def utcoffset(self, _at: datetime | None) -> timedelta:
        return timedelta(hours=-3)


INSTANTS = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31),  # noqa: DTZ001 -- the zone is told beside them
    timezones=st.one_of(st.just(UTC), ZONES, st.builds(_Own)),
)  # fmt: skip


@given(st.lists(st.one_of(st.none(), INSTANTS, INSTANTS.map(lambda each: each.replace(microsecond=0)))))
@example([datetime(2026, 10, 5, tzinfo=timezone(timedelta(seconds=20)))])
def test_many_instants_are_written_as_each_by_itself(instants: list[datetime | None]) -> None:
    """Seen red without the fraction of zero, and with other zones taken from the text, which has no seconds of them."""
    assert all_written(instants) == [written(each) for each in instants]


def test_rows_that_are_told_are_there_as_they_would_be_stored(session: Session) -> None:
    """In their columns, whatever stands in them. Seen red with the texts as they came."""
    columns = {"name": [*ODD, "a\0b", "x"], "other": [*reversed(ODD), "", "x"]}
    told = told_rows(session, columns)
    found = fetch_plain(session, select(told.c.other, told.c.name))
    clean = [*ODD, "a\ufffdb", "x"]
    assert sorted(map(tuple, found)) == sorted(zip(columns["other"], clean, strict=True))


def test_a_condition_over_many_texts_finds_those_and_no_others(session: Session) -> None:
    """Whatever stands in them. Seen red with texts joined by commas."""
    at = datetime(2026, 10, 5, tzinfo=UTC)
    insert_all(session, STATES, [{"name": name, "last_asked": at} for name in (*ODD, "other", "")])
    found = fetch_among(session, NAMES, STATES.c.name, [*ODD, "unknown"])
    assert sorted(row["name"] for row in found) == sorted(ODD)
    assert list(fetch_among(session, NAMES, STATES.c.name, [])) == []


def test_rows_are_found_that_name_one_of_more_than_one_statement_takes(session: Session) -> None:
    """Those of the statement's own condition. Seen red with the first chunk alone, and without the statement's own."""
    names = [f"source {number}" for number in range(2 * CHUNK + 1)]
    insert_all(session, STATES, [{"name": name, "cursor": name[-1], "declared": True} for name in names])
    found = fetch_among(session, NAMES.where(STATES.c.cursor == bindparam("end")), STATES.c.name, names, {"end": "7"})
    assert sorted(row["name"] for row in found) == sorted(name for name in names if name.endswith("7"))


@pytest.mark.parametrize("number", [0, 1, 3, 1_500])
def test_keys_of_counted_rows_come_in_the_order_of_the_rows(session: Session, number: int) -> None:
    """More than one statement takes at once, too. Red with the keys turned round."""
    running(session)
    texts = [f"slot {place}" for place in range(number)]
    keys = ledger.record_missed(session, NOW, "slot", "host:1", texts)
    assert len(set(keys)) == number
    found = fetch(session, select(RUNS.c.id, RUNS.c.summary).where(RUNS.c.outcome == "missed"))
    assert {row["id"]: row["summary"] for row in found} == dict(zip(keys, texts, strict=True))
