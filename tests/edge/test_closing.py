"""Laws of close and reopen through a whole house: closed key results take no more writes, whatever sources say."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing as closed_file
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from okr_sync.connector import Answer, Ask, Reading
from okr_sync.core.cycles import CycleState
from okr_sync.errors import StoreError, UsageError
from okr_sync.store.closings import Closing, closings
from okr_sync.store.results import saved_snapshot
from okr_sync.sync import plan
from okr_sync.sync.checking_in import TypedCheckIn, check_in
from okr_sync.sync.closing import close_cycle, reopen_cycle
from okr_sync.sync.run import World
from okr_sync.views.cycles import stored_cycles
from okr_sync.views.reporting import stored_report, stored_snapshot
from tests.edge.cli_play import Ran, run
from tests.edge.sync_play import House, entry_of, house, key_result_of, numbers

DAY = timedelta(days=1)


class Survey:
    """A source with one number, read the day before the cycle ends."""

    def __init__(self) -> None:
        self.value = 5.0
        self.house: House | None = None

    def answer(self, ask: Ask[Any]) -> Answer:
        assert self.house is not None
        reading = Reading(self.value, self.house.config.book.cycles[0].end - DAY)
        return dict.fromkeys(ask.queries, (reading,))


@pytest.fixture
def survey() -> Survey:
    return Survey()


@pytest.fixture
def home(tmp_path: Path, survey: Survey) -> House:
    """A house whose source `bad` is the survey, a day after the end of its cycle."""
    made = house(tmp_path, bad=numbers(survey.answer))
    survey.house = made
    made.now = made.config.book.cycles[0].end + DAY
    return made


def _with_grace(home: House, days: int) -> None:
    cycles = tuple(replace(cycle, grace=days * DAY) for cycle in home.config.book.cycles)
    home.config = replace(home.config, book=replace(home.config.book, cycles=cycles))


def _world(home: House) -> World:
    return World(clock=lambda: home.now)


def _close(home: House, *, early: bool = False) -> Closing:
    return close_cycle(home.store, home.config, _world(home), "now", "ana", "as agreed", early=early)


def _cycle(home: House) -> CycleState:
    with home.store.reading() as session:
        return stored_cycles(session, home.now)[0]


def test_a_cycle_is_refused_before_its_end_unless_early(home: House) -> None:
    home.now -= 2 * DAY
    home.sync()
    with pytest.raises(UsageError, match="now goes on until 2026-12-31; close it after that day, or now with --early"):
        _close(home)
    assert _cycle(home).state == "active"
    _close(home, early=True)
    assert _cycle(home).state == "closed"


def test_an_unknown_cycle_is_refused_with_the_nearest(home: House) -> None:
    with pytest.raises(UsageError, match=r"there is no cycle nwo in the config; did you mean now\?"):
        close_cycle(home.store, home.config, _world(home), "nwo", "ana")
    with pytest.raises(UsageError, match="there is no cycle zzz in the config; known: now"):
        reopen_cycle(home.store, home.config, _world(home), "zzz", "ana", "why")


def test_closing_twice_is_refused_and_changes_nothing(home: House) -> None:
    home.sync()
    _close(home)
    before = home.tables()
    with pytest.raises(UsageError, match="was closed"):
        _close(home)
    assert home.tables() == before


def test_a_closed_key_result_is_skipped_and_keeps_its_score_when_its_source_changes(
    home: House, survey: Survey
) -> None:
    home.sync()
    _close(home)
    survey.value = 9.0
    home.now += DAY
    report = home.sync()
    told, state = entry_of(report, "bad"), key_result_of(report, "bad")
    assert (told.outcome, told.reason) == ("skipped", "cycle now is closed")
    assert (state.value, state.score, state.status) == (5.0, 0.5, "closed")
    assert report.changes == ()


def test_a_run_after_a_closing_writes_nothing_of_the_cycle(home: House) -> None:
    home.sync()
    _close(home)
    before = home.tables()
    home.now += DAY
    home.sync()
    assert home.tables() == before


def test_a_plan_shows_no_change_of_what_is_closed(home: House, survey: Survey) -> None:
    home.sync()
    _close(home)
    survey.value = 9.0
    made = plan(home.store, home.config, _world(home), registry=home.registry)
    assert made.changes == ()


def test_readers_show_closed_with_its_score_long_after_every_source_is_late(home: House) -> None:
    home.sync()
    made = _close(home)
    with home.store.reading() as session:
        late = home.now + 400 * DAY
        snapshot, report = stored_snapshot(session, late), stored_report(session, late)
    assert {(each.status, each.stale) for each in snapshot.key_results} == {("closed", False)}
    assert [each.status for each in snapshot.objectives] == ["closed"]
    assert [each.state for each in report.cycles] == ["closed"]
    assert report.doubts == ()
    assert made.body is not None
    assert '"status":"missed"' in made.body, "the closing keeps the verdict"


def test_a_failed_source_does_not_fail_a_closed_key_result(home: House, survey: Survey) -> None:
    home.sync()
    _close(home)
    survey.house = None  # the source breaks
    report = home.sync()
    assert report.outcome == "partial"
    assert entry_of(report, "bad").outcome == "skipped"


def test_a_check_in_on_a_closed_key_result_is_refused(home: House) -> None:
    home.sync()
    _close(home)
    said = TypedCheckIn("bad", "ana", note="one more thing")
    with pytest.raises(UsageError, match="bad takes no more check-ins: cycle now is closed; `okr-sync reopen`"):
        check_in(home.store, home.config, _world(home), said)


def test_reopening_lets_data_count_again_and_keeps_both(home: House, survey: Survey) -> None:
    _with_grace(home, 2)
    home.sync()
    _close(home)
    survey.value = 9.0
    home.now += 30 * DAY
    with pytest.raises(UsageError, match="say why"):
        reopen_cycle(home.store, home.config, _world(home), "now", "ben", "  ")
    reopen_cycle(home.store, home.config, _world(home), "now", "ben", "the survey came late")
    state = _cycle(home)
    assert (state.state, state.late_until) == ("closing", None)
    home.now += DAY
    assert key_result_of(home.sync(), "bad").value == 9.0
    home.now += DAY
    _close(home)
    with home.store.reading() as session:
        trail = closings(session)
    assert [(each.action, each.author) for each in trail] == [("closed", "ana"), ("reopened", "ben"), ("closed", "ana")]


def test_reopening_what_is_not_closed_fails_and_frees_the_lease(home: House) -> None:
    home.sync()
    with pytest.raises(UsageError, match="is not closed"):
        reopen_cycle(home.store, home.config, _world(home), "now", "ben", "why")
    assert home.sync().outcome == "ok"


def test_within_the_grace_late_data_counts_and_after_it_nothing_is_written(home: House, survey: Survey) -> None:
    _with_grace(home, 5)
    home.sync()
    survey.value = 7.0
    home.now += DAY
    assert key_result_of(home.sync(), "bad").value == 7.0
    survey.value = 9.0
    home.now += 4 * DAY
    report = home.sync()
    told = entry_of(report, "bad")
    assert key_result_of(report, "bad").value == 7.0
    assert (told.outcome, told.reason) == ("skipped", "the grace of cycle now ended 2027-01-06 00:00 UTC")


def test_a_changed_closing_stops_the_next_run_and_leaves_what_was_there(home: House) -> None:
    home.sync()
    _close(home)
    with closed_file(sqlite3.connect(home.store.path)) as file, file:
        file.execute("UPDATE closings SET body = replace(body, '0.5', '1.0')")
    with home.store.reading() as session:
        before = saved_snapshot(session)
    with pytest.raises(StoreError, match="was changed in the store"):
        home.sync()
    with home.store.reading() as session:
        assert saved_snapshot(session) == before


OKRS = """cycle: old
objectives:
  - id: experience
    title: A better experience
    key_results:
      - {id: guide, title: Publish the guide, measure: {metric: pages, baseline: 0, target: 10}}
"""
MAIN = """sources: {typed: {kind: manual}}
cycles: {old: {start: 2020-01-01, end: 2020-03-31, grace: 4000 d}}
metrics: {pages: {source: typed}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "okrs").mkdir()
    (tmp_path / "okrs" / "team.yaml").write_text(OKRS, "utf-8")
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    assert run("sync", "--config", str(tmp_path)).code == 0
    return tmp_path


def _run(folder: Path, *words: str) -> Ran:
    return run(*words, "--config", str(folder))


def test_the_commands_close_verify_and_reopen(folder: Path) -> None:
    """Exit code 0 each time, 2 for a second close, and 4 when a byte was changed."""
    assert _run(folder, "cycles").out.startswith("old: closing, 2020-01-01 to 2020-03-31; ended 2020-03-31")
    made = _run(folder, "close", "old", "--author", "ana", "--note", "as agreed", "--json").json()
    assert (made["action"], made["author"], made["note"], len(made["sha256"])) == ("closed", "ana", "as agreed", 64)
    again = _run(folder, "close", "old")
    assert (again.code, "was closed" in again.err) == (2, True)
    shown = _run(folder, "status", "--json").json()
    assert [each["status"] for each in shown["objectives"][0]["key_results"]] == ["closed"]
    assert [(each["state"], each["closed_by"]) for each in shown["cycles"]] == [("closed", "ana")]
    verified = _run(folder, "close", "old", "--verify", "--json")
    assert (verified.code, verified.json()["intact"]) == (0, True)
    assert f"intact, sha256 {made['sha256']}" in _run(folder, "close", "old", "--verify").out
    reopened = _run(folder, "reopen", "old", "--reason", "late data", "--author", "ben")
    assert (reopened.code, "reopened old in run" in reopened.out) == (0, True)
    trail = _run(folder, "cycles", "--json").json()["cycles"][0]["trail"]
    assert [(each["action"], each["author"], each["note"]) for each in trail] == [
        ("closed", "ana", "as agreed"),
        ("reopened", "ben", "late data"),
    ]
    said = _run(folder, "cycles").out
    assert f"by ana: as agreed (sha256 {made['sha256']})" in said
    closed = _run(folder, "close", "old")
    assert (closed.code, "closed old in run" in closed.out) == (0, True)
    assert _run(folder, "reopen", "old", "--reason", "again", "--json").json()["action"] == "reopened"


def test_verifying_fails_with_4_when_a_byte_was_changed(folder: Path) -> None:
    assert _run(folder, "close", "old").code == 0
    with closed_file(sqlite3.connect(folder / "okr-sync.db")) as file, file:
        file.execute("UPDATE closings SET note = 'never said'")
    verified = _run(folder, "close", "old", "--verify")
    assert verified.code == 4
    assert "changed in the store: its note says 'never said', its snapshot ''" in verified.out


def test_there_is_nothing_to_verify_of_a_cycle_that_was_never_closed(folder: Path) -> None:
    verified = _run(folder, "close", "old", "--verify")
    assert (verified.code, "was never closed" in verified.err) == (2, True)


def test_every_format_for_people_says_the_cycle_s_state(folder: Path) -> None:
    assert _run(folder, "close", "old", "--author", "ana").code == 0
    for words in (("status",), ("report",), ("report", "--format", "md"), ("report", "--format", "html")):
        said = _run(folder, *words).out
        assert "Cycle old: closed, 2020" in said.replace("\\", ""), words
    rows = list(csv.DictReader(io.StringIO(_run(folder, "report", "--format", "csv").out)))
    cycles = [(row["id"], row["status"]) for row in rows if row["row"] == "cycle"]
    assert cycles == [("old", "closed")]
    documents = (_run(folder, "report", "--json").json(), _run(folder, "status", "--json").json())
    assert [[(each["id"], each["state"]) for each in said["cycles"]] for said in documents] == [cycles, cycles]
