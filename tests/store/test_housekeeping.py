"""Laws of housekeeping: what goes is what `prune` takes, in short steps, each of which leaves a sound store."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select

from okr_sync.errors import StoreError
from okr_sync.store import Store, tidying
from okr_sync.store.housekeeping import claim, fail, failing, finish, growth, is_due, kept, last_done
from okr_sync.store.pruning import PACKED, PIECES, prune
from okr_sync.store.statements import fetch
from okr_sync.store.tables import Table
from okr_sync.store.verifying import verify
from tests.servers.postgres import Postgres
from tests.store.builders import HOUR, NOW
from tests.store.test_keeping import judged, points_of_years

DAY = timedelta(days=1)
HOURS = (0, 1, 2, 24, 25, 48, 49)


def _years(store: Store) -> None:
    for number, hour in enumerate(HOURS):
        judged(store, hour / 100, hour * HOUR, nps=30.0 + number)


def _all(store: Store) -> dict[str, list[dict[str, object]]]:
    with store.reading() as session:
        return {
            table.name: fetch(session, select(table).order_by(*table.primary_key))
            for table in Table.metadata.sorted_tables
        }


def test_forgetting_in_steps_takes_what_pruning_takes_at_once(store: Store) -> None:
    """Seen red when a piece ends with its first step."""
    _years(store)
    with store.rehearsing() as session:
        at_once = prune(session, NOW + 30 * HOUR)
        wanted = {
            table.name: fetch(session, select(table).order_by(*table.primary_key))
            for table in Table.metadata.sorted_tables
        }
    removed = tidying.forget(store, NOW + 30 * HOUR, hold=0.0, rest=lambda _: None)
    assert sum(removed.values()) == at_once.total() > 0
    assert _all(store) == wanted


def test_whoever_is_interrupted_after_any_step_leaves_a_sound_store_and_the_rest_to_the_next(store: Store) -> None:
    """Seen red with runs forgotten before what refers to them: the database refuses that."""
    _years(store)
    with store.rehearsing() as session:
        prune(session, NOW + 30 * HOUR)
        wanted = fetch(session, select(Table.metadata.tables["runs"].c.id))
    for piece in PIECES:
        with store.writing() as session:
            found = piece.find(session, NOW + 30 * HOUR)
            piece.remove(session, NOW + 30 * HOUR, found[:1])
        with store.reading() as session:
            assert verify(session) == ()
    tidying.forget(store, NOW + 30 * HOUR)
    with store.reading() as session:
        assert fetch(session, select(Table.metadata.tables["runs"].c.id)) == wanted
        assert verify(session) == ()


def test_what_somebody_shares_again_since_it_was_found_stays(store: Store) -> None:
    """Seen red with a removal that trusts what was found."""
    judged(store, 0.1, 0 * HOUR)
    with store.rehearsing() as session:
        for piece in (each for each in PIECES if not each.name):
            everything = [1, 2, 3]
            assert piece.remove(session, NOW, everything) == 0
        assert verify(session) == ()


def test_others_have_their_turn_between_two_steps(store: Store) -> None:
    """Seen red with one transaction for all: the other writer waits until it is over."""
    _years(store)
    turns: list[float] = []

    def another_writes(seconds: float) -> None:
        turns.append(seconds)
        with store.writing() as session:
            session.connection().exec_driver_sql("UPDATE runs SET summary = 'written meanwhile'")

    tidying.forget(store, NOW + 30 * HOUR, hold=0.0, rest=another_writes)
    assert turns
    assert min(turns) >= tidying.PAUSE
    with store.reading() as session:
        assert verify(session) == ()


def test_each_instant_has_one_housekeeping_and_a_new_store_has_none_until_the_next(store: Store) -> None:
    """Seen red without the look at what is claimed: both do it."""
    with store.writing() as session:
        assert not is_due(session, NOW, NOW)  # there is nothing to see to
    judged(store, 0.1, 0 * HOUR)
    with store.writing() as session:
        assert not is_due(session, NOW - HOUR, NOW)
        assert claim(session, NOW + DAY, NOW + DAY, "a:1", NOW + DAY + HOUR)
        assert not claim(session, NOW + DAY, NOW + DAY, "b:2", NOW + DAY + HOUR)
        assert not is_due(session, NOW + DAY - HOUR, NOW + DAY)  # a clock behind asks for an older one
        assert claim(session, NOW + 2 * DAY, NOW + 2 * DAY, "b:2", NOW + 2 * DAY + HOUR)
    with store.reading() as session:
        assert [(each.owner, each.due) for each in kept(session, 9)] == [("b:2", NOW + 2 * DAY), ("a:1", NOW + DAY)]


def test_a_clock_that_was_ahead_once_stops_no_housekeeping(store: Store) -> None:
    """Seen red when the newest instant counts, also one to come."""
    judged(store, 0.1, 0 * HOUR)
    with store.writing() as session:
        assert claim(session, NOW + 900 * DAY, NOW + 900 * DAY, "a:1", NOW + 901 * DAY)
        assert claim(session, NOW + DAY, NOW + DAY, "a:1", NOW + 2 * DAY)


def test_one_that_failed_or_was_interrupted_is_told_until_the_next_is_done(store: Store) -> None:
    judged(store, 0.1, 0 * HOUR)
    with store.writing() as session:
        assert claim(session, NOW + DAY, NOW + DAY, "a:1", NOW + DAY + HOUR)
        assert failing(session, NOW + DAY) == ""  # under way
        assert "by a:1 was interrupted" in failing(session, NOW + DAY + HOUR)
        assert fail(session, NOW + DAY, NOW + DAY + HOUR, "the disk is full")
        assert failing(session, NOW + DAY).endswith("the disk is full")
        assert claim(session, NOW + 2 * DAY, NOW + 2 * DAY, "a:1", NOW + 3 * DAY)
        assert failing(session, NOW + 2 * DAY).endswith("the disk is full")  # it was tried again, and is not done yet
        assert failing(session, NOW + 3 * DAY - HOUR) != failing(session, NOW + 9 * DAY) == ""  # it was switched off
        finish(session, NOW + 2 * DAY, NOW + 2 * DAY + HOUR, {"points": 3, "runs": 0})
        assert not fail(session, NOW + 2 * DAY, NOW + 3 * DAY, "it ended late")
        assert failing(session, NOW + 9 * DAY) == ""
        done = last_done(session)
    assert done is not None
    assert (done.removed, done.error, (done.size or 0) > 0) == ({"points": 3}, None, True)


def test_growth_is_told_once_it_was_seen_for_days(store: Store) -> None:
    judged(store, 0.1, 0 * HOUR)
    with store.writing() as session:
        assert claim(session, NOW + DAY, NOW + DAY, "a:1", NOW + 2 * DAY)
        finish(session, NOW + DAY, NOW + DAY, {})
        assert growth(session, NOW + 3 * DAY).a_day is None
        session.connection().exec_driver_sql("UPDATE housekeeping SET size = size - 5000")
        seen = growth(session, NOW + 6 * DAY)
        assert seen.a_day is not None
        assert seen.a_day >= 1000


def test_packing_beside_others_fills_the_index_and_changes_nothing(store: Store, postgres: Postgres) -> None:
    """Seen red without REINDEX, and when it is built whether or not it is full."""
    judged(store, 0.1, 0 * HOUR)
    points_of_years(store)
    before, told = _index_size(store), _all(store)
    tidying.pack(store)
    assert _index_size(store) < 0.7 * before
    assert _all(store) == told
    filed = _filed(store)
    tidying.pack(store)
    assert _filed(store) == filed  # a full one is not built again


def test_a_packed_index_has_room_for_the_points_of_the_next_days(store: Store, postgres: Postgres) -> None:
    """Else it would be built anew every other night. Red with FILL = 100: its pages split, and it nearly doubles."""
    judged(store, 0.1, 0 * HOUR)
    points_of_years(store)
    tidying.pack(store)
    packed = _index_size(store)
    with store.writing() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO point_values (slot, value, series, context, stamp) SELECT 100 + d, d, 1000 + s, 1, 1 "
            "FROM generate_series(1, 3) d, generate_series(1, 99) s"
        )
    assert _index_size(store) == packed


def test_half_an_index_that_was_left_is_removed(store: Store, postgres: Postgres) -> None:
    """Seen red without the look for it: each write would keep it up for ever."""
    with store.bare() as connection:
        connection.execute("CREATE UNIQUE INDEX pk_point_values_ccnew ON point_values (series, slot)")
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pk_point_values_ccnew'::regclass"
        )
        connection.execute("CREATE INDEX pk_point_values_ccnews ON point_values (slot)")  # somebody else's
    tidying.pack(store)
    with store.bare() as connection:
        names = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'pk_point_values%'").fetchall()
    assert sorted(names) == [("pk_point_values",), ("pk_point_values_ccnews",)]


def test_the_log_gives_its_room_back_and_waits_for_no_reader(store: Store, file: object) -> None:
    """Seen red without the checkpoint."""
    _years(store)
    log = store.path.with_name(store.path.name + "-wal")
    with closing(Store.open(f"sqlite:///{store.path}")) as other, other.reading() as reader:
        assert verify(reader) == ()
        with store.writing() as session:
            session.connection().exec_driver_sql("UPDATE runs SET summary = 'longer than before'")
        assert log.stat().st_size > 0
        tidying.pack(store)  # somebody reads: it stays
        assert log.stat().st_size > 0
    with store.bare() as idle:
        idle.execute("UPDATE runs SET summary = 'shorter'")
        assert log.stat().st_size > 0
        tidying.pack(store)
        assert log.stat().st_size == 0


def test_what_the_driver_says_outside_of_a_transaction_is_told_like_all_else(store: Store) -> None:
    with pytest.raises(StoreError, match="The store "), store.bare() as connection:
        connection.execute("SELECT * FROM nothing_like_this")


def _index_size(store: Store) -> int:
    with store.bare() as connection:
        return int(connection.execute("SELECT pg_relation_size('pk_point_values')").fetchone()[0])


def _filed(store: Store) -> list[object]:
    with store.bare() as connection:
        return [connection.execute("SELECT pg_relation_filenode(%s::regclass)", [index]).fetchone() for index in PACKED]
