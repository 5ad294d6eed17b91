"""Instants come back from the store as SQLModel would read them, in less time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects.sqlite import dialect
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from okr_sync.store.statements import fetch_plain, written
from okr_sync.store.tables import Table, sql
from okr_sync.store.tables.shape import Instant

SQLITE = dialect()
SHIFTS = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=SHIFTS)  # noqa: DTZ001 -- it takes such bounds


def read(kind: UTCDateTime, kept: str | None) -> datetime | None:
    """Return what a column of that kind makes of what SQLite returns."""
    way = kind.dialect_impl(SQLITE).result_processor(SQLITE, None)
    assert way is not None
    found: datetime | None = way(kept)
    return found


@given(st.none() | INSTANTS)
def test_an_instant_is_read_as_sqlmodel_reads_it_and_as_it_was_written(instant: datetime | None) -> None:
    """Seen red without the zone: what is read has none."""
    kept = written(instant)
    assert read(Instant(), kept) == read(UTCDateTime(), kept) == instant
    assert instant is None or read(Instant(), kept).tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize("kept", ["2026-11-02 09:00:00", "2026-11-02T09:00:00.000001", "2026-11-02 09:00:00.5"])
def test_what_other_programs_wrote_is_read_too_and_is_utc(kept: str) -> None:
    """Raw SQL leaves out the microseconds, or takes a T. Seen red by cutting the text at fixed places."""
    assert read(Instant(), kept) == datetime.fromisoformat(kept).replace(tzinfo=UTC)


def test_every_instant_of_every_table_is_read_that_way() -> None:
    """Seen red without the loop in `sql`: the columns keep the kind that SQLModel gave them."""
    found = [column for model in Table.__subclasses__() for column in sql(model).c]
    assert {type(each.type) for each in found if isinstance(each.type, UTCDateTime)} == {Instant}


def test_both_databases_give_an_instant_in_utc(session: Session) -> None:
    """Seen red with the way of SQLite on PostgreSQL, whose driver returns no text."""
    asked = text("SELECT CURRENT_TIMESTAMP AS at").columns(at=Instant())
    ((at,),) = fetch_plain(session, asked)
    assert at.tzinfo is UTC
