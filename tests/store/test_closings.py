"""Laws of closings: frozen once, verifiable to the byte, reopened with both kept; and the way up from 0001."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing as closed_file
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlmodel import Session

from okr_sync.core.model import Cycle
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState, ObjectiveState, Snapshot
from okr_sync.errors import StoreError, UsageError
from okr_sync.store import Store, closings, ledger
from tests.store.builders import NOW, REVISIONS, running
from tests.store.older import RUN, at_revision

CYCLE = Cycle("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), NOW, datetime(2027, 1, 1, tzinfo=UTC))


def _key_result(name: str, objective: str, score: float | None, *subjects: str) -> KeyResultState:
    return KeyResultState(
        name, objective, f"Title {name} ✓", "change", "ana", 1.0, "%", CYCLE.start, CYCLE.end, "d" * 16,
        value=score, progress=score, score=score, status="missed", reason="0.65 of 1.00",
        inputs=tuple(Input("tracker", subject) for subject in subjects), as_of=NOW,
    )  # fmt: skip


def _objective(name: str, cycle: str, *key_results: str) -> ObjectiveState:
    return ObjectiveState(name, name, cycle, "team", None, None, None, key_results, 0.65, 0.65, "missed")


def _initiative(name: str, *key_results: str) -> InitiativeState:
    return InitiativeState(name, name, None, key_results, done=1, total=2)


SNAPSHOT = Snapshot(
    NOW,
    (_objective("experience", "2026-Q4", "nps", "launch"), _objective("other", "2027-Q1", "more")),
    (
        _key_result("nps", "experience", 0.65),
        _key_result("launch", "experience", None, "assistant"),
        _key_result("more", "other", 0.1),
    ),
    (_initiative("assistant"), _initiative("survey", "nps"), _initiative("unrelated", "more")),
)


def _close(session: Session, note: str = "as agreed", author: str = "ana") -> closings.Closing:
    return closings.close_cycle(session, running(session), CYCLE, SNAPSHOT, author, note)


def test_a_closing_holds_the_cycle_and_nothing_else_with_a_hash_of_its_bytes(session: Session) -> None:
    made = _close(session)
    assert made.body is not None
    assert made.body.isascii()
    assert made.sha256 == hashlib.sha256(made.body.encode()).hexdigest()
    said = json.loads(made.body)
    assert made.body == json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert [each["score"] for each in said["key_results"]] == [0.65, None]
    assert [each["id"] for each in said["objectives"]] == ["experience"]
    assert [each["id"] for each in said["initiatives"]] == ["assistant", "survey"]
    assert (said["cycle"]["id"], said["author"], said["note"], said["run"]) == ("2026-Q4", "ana", "as agreed", made.run)
    assert closings.flaws(made) == ()


def test_what_was_frozen_comes_back_as_it_was(session: Session) -> None:
    _close(session)
    (frozen,) = closings.frozen_cycles(closings.newest(session))
    assert frozen.objectives == SNAPSHOT.objectives[:1]
    assert frozen.key_results[0] == SNAPSHOT.key_results[0]
    assert frozen.key_results[1].inputs == (Input("tracker", "assistant", NOW),)
    assert frozen.sealed is not None
    assert (frozen.sealed.at, frozen.sealed.author, frozen.sealed.note) == (NOW, "ana", "as agreed")


def test_a_closed_cycle_is_not_closed_again_until_it_is_reopened(session: Session) -> None:
    first = _close(session)
    with pytest.raises(UsageError, match=r"2026-Q4 was closed 2026-10-05 09:00 UTC by ana; `okr-sync reopen 2026-Q4"):
        _close(session)
    closings.reopen_cycle(session, running(session), "2026-Q4", NOW, "ben", "the survey came late")
    assert closings.frozen_cycles(closings.newest(session)) == ()
    second = _close(session, "after the survey")
    found = closings.closings(session, "2026-Q4")
    assert [(each.action, each.author, each.note) for each in found] == [
        ("closed", "ana", "as agreed"),
        ("reopened", "ben", "the survey came late"),
        ("closed", "ana", "after the survey"),
    ]
    assert found[0] == first
    assert closings.in_force(session) == {"2026-Q4": second}


def test_only_a_closed_cycle_is_reopened(session: Session) -> None:
    with pytest.raises(UsageError, match="2026-Q4 is not closed"):
        closings.reopen_cycle(session, running(session), "2026-Q4", NOW, "ben", "why not")
    assert closings.closings(session) == ()


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        (lambda each: replace(each, body=each.body.replace("0.65", "0.95", 1)), "its bytes have"),
        (lambda each: replace(each, body=each.body + " "), "its bytes have"),
        (lambda each: replace(each, body=None), "it holds no snapshot"),
        (lambda each: replace(each, sha256="0" * 64), "its hash says 0000"),
        (lambda each: replace(each, author="eve"), "its author says 'eve', its snapshot 'ana'"),
        (lambda each: replace(each, note="changed"), "its note says 'changed', its snapshot 'as agreed'"),
        (lambda each: replace(each, cycle="2027-Q1"), "its cycle says '2027-Q1', its snapshot '2026-Q4'"),
        (lambda each: replace(each, at=CYCLE.end), "its at says"),
        (lambda each: replace(each, run=99), "its run says 99"),
    ],
)
def test_whatever_is_changed_shows(
    session: Session, change: Callable[[closings.Closing], closings.Closing], flaw: str
) -> None:
    (said,) = closings.flaws(change(_close(session)))
    assert flaw in said


def test_a_reopening_has_nothing_to_be_changed(session: Session) -> None:
    _close(session)
    made = closings.reopen_cycle(session, running(session), "2026-Q4", NOW, "ben", "why")
    assert closings.flaws(made) == ()


def test_text_that_no_database_takes_is_closed_and_verified_all_the_same(session: Session) -> None:
    made = _close(session, note="half a pair: \ud83d", author="an\udc00a")
    assert closings.flaws(made) == ()


def test_a_store_with_a_changed_closing_is_refused_where_its_scores_are_needed(file: Path, store: Store) -> None:
    with store.writing() as session:
        _close(session)
    with closed_file(sqlite3.connect(file)) as foreign, foreign:
        foreign.execute("UPDATE closings SET body = replace(body, '0.65', '1.0')")
    with store.reading() as session, pytest.raises(StoreError, match="was changed in the store: its hash says"):
        closings.frozen_cycles(closings.newest(session))


def test_a_body_of_another_format_is_not_guessed_at(session: Session) -> None:
    made = _close(session)
    assert made.body is not None
    body = made.body.replace('"format":1', '"format":2')
    newer = replace(made, body=body, sha256=hashlib.sha256(body.encode()).hexdigest())
    with pytest.raises(StoreError, match="a format that this okr-sync does not know"):
        closings.flaws(newer)


def test_a_store_of_the_first_schema_comes_up_with_its_data_and_can_close(empty_url: str) -> None:
    with at_revision(empty_url, "0001") as older:
        older.insert("runs", **RUN, summary="kept")
    with pytest.raises(StoreError, match="has an older schema; run okr-sync migrate"):
        Store.open(empty_url)
    store = Store.open(empty_url, allow_older=True)
    assert store.migrate() == REVISIONS[1:]
    with store.writing() as session:
        assert [(run.id, run.summary) for run in ledger.runs(session)] == [(1, "kept")]
        assert _close(session).run == 2
