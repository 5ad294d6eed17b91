"""What a failing database says becomes an error that says what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError, StatementError
from sqlmodel import Session

from okr_sync.errors import StoreError
from okr_sync.store import Store
from okr_sync.store.collecting import save_collected
from okr_sync.store.failures import ADVICE, store_error
from okr_sync.store.mirror import items
from tests.store.builders import item, pulled, running


@pytest.mark.parametrize(("said", "advice"), ADVICE)
def test_each_failure_has_its_advice(said: str, advice: str) -> None:
    error = OperationalError("INSERT INTO secrets", {"value": "s3cret"}, sqlite3.OperationalError(said.upper()))
    text = str(store_error(error, "/data/okr-sync.db"))
    assert text == f"The store /data/okr-sync.db: {said.upper()}. What to do: {advice}."


def test_a_failure_nobody_thought_of_is_passed_on_without_statement_and_values() -> None:
    text = str(store_error(StatementError("odd", "INSERT INTO secrets", {"value": "s3cret"}, None), "/x.db"))
    assert text == "The store /x.db: StatementError. What to do: see the error and try again."


def _fill(session: Session) -> None:
    session.connection().exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite raises it to what is there already
    save_collected(session, running(session), pulled(*(item(str(number)) for number in range(5_000))))


def test_a_full_disk_saves_nothing_and_says_so(file: Path, store: Store) -> None:
    with pytest.raises(StoreError, match="free some space"), store.writing() as session:
        _fill(session)
    with store.reading() as session:
        assert items(session, "tracker", frozenset({"1"})) == {}
