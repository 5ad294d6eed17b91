"""The run ledger."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session

from okr_sync.errors import BusyError, StoreError
from okr_sync.store import Store
from okr_sync.store.collecting import save_collected
from okr_sync.store.ledger import (
    Entry,
    SourceEntry,
    begin_run,
    finish_run,
    record_entries,
    record_sources,
    run,
    runs,
)
from okr_sync.store.processes import is_alive, this_process
from tests.store.builders import HOUR, NOW, failed, item, pulled


def _alive(_owner: str) -> bool:
    return True


def _dead(_owner: str) -> bool:
    return False


def _begin(store: Store, hours: int = 0, owner: str = "host:1") -> int:
    return begin_run(store, NOW + hours * HOUR, "manual", HOUR, owner, is_alive=_alive)


def test_a_second_run_is_refused_while_one_is_under_way(store: Store) -> None:
    first = _begin(store)
    with pytest.raises(BusyError, match=rf"Run {first} by host:1 is under way since 2026-10-05 09:00:00 UTC"):
        _begin(store, owner="host:2")


def test_a_finished_run_makes_room_for_the_next(store: Store) -> None:
    first = _begin(store)
    with store.writing() as session:
        finish_run(session, first, NOW, "ok", "2 updated")
    assert _begin(store) > first


def test_a_run_that_outlived_its_lease_is_closed_as_fenced(store: Store) -> None:
    first = _begin(store)
    second = _begin(store, hours=1)
    with store.reading() as session:
        assert [(row.id, row.outcome) for row in runs(session)] == [(second, "running"), (first, "fenced")]


def test_a_run_of_a_dead_process_of_this_host_is_closed_at_once(store: Store) -> None:
    first = _begin(store)
    begin_run(store, NOW, "manual", HOUR, "host:2", is_alive=_dead)
    with store.reading() as session:
        closed = run(session, first)
    assert closed is not None
    assert (closed.outcome, closed.summary) == ("interrupted", "host:1 ended before it was done")


def test_a_process_of_another_host_counts_as_alive_until_its_lease_ends(store: Store) -> None:
    _begin(store)
    with pytest.raises(BusyError):
        begin_run(store, NOW, "manual", HOUR, "elsewhere:1", is_alive=_dead)


def test_a_run_that_lost_its_lease_may_write_no_more(store: Store) -> None:
    first = _begin(store)
    _begin(store, hours=1)
    with pytest.raises(StoreError, match=rf"Run {first} is closed \(fenced\)"), store.writing() as session:
        save_collected(session, first, pulled(item("1")))
    with pytest.raises(StoreError, match="may write no more"), store.writing() as session:
        finish_run(session, first, NOW, "ok", "")


def test_a_run_that_never_began_can_not_write(session: Session) -> None:
    with pytest.raises(StoreError, match="no run 77"):
        save_collected(session, 77, pulled(item("1")))


def test_of_eight_threads_that_begin_at_once_one_wins(store: Store) -> None:
    start = threading.Barrier(8)

    def begin(number: int) -> bool:
        start.wait()
        try:
            _begin(store, owner=f"host:{number}")
        except BusyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(8))) == [False] * 7 + [True]


def test_of_three_processes_that_begin_at_once_one_wins(store: Store, url: str) -> None:
    program = (
        "import sys; from datetime import datetime, timedelta, UTC\n"
        "from okr_sync.store import Store; from okr_sync.store.ledger import begin_run\n"
        "store = Store.open(sys.argv[1]); print('ready', flush=True); sys.stdin.readline()\n"
        "now = datetime(2026, 10, 5, tzinfo=UTC)\n"
        "begin_run(store, now, 'race', timedelta(hours=1), sys.argv[2], is_alive=lambda owner: True)\n"
    )
    arguments = [[sys.executable, "-c", program, url, f"host:{number}"] for number in range(3)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(each, **pipes) for each in arguments]  # type: ignore[call-overload]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
    ends = [process.communicate("go\n", timeout=60)[1] for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1, 1]
    assert sum("BusyError" in said for said in ends) == 2


def test_every_key_result_and_source_of_a_run_can_be_read_back(store: Store) -> None:
    first = _begin(store)
    source = SourceEntry("tracker", "partial", "page 2 failed", "wait", 5, 1, 2.5, 40, 3)
    entries = (Entry("adoption", "skipped", "no answer yet"), Entry("nps", "updated"), Entry("zeal", "updated"))
    with store.writing() as session:
        record_sources(session, first, [source])
        record_entries(session, first, reversed(entries))
        finish_run(session, first, NOW + HOUR, "partial", "tracker failed")
    with store.reading() as session:
        found = run(session, first)
        listed = runs(session, limit=1)
    assert found is not None
    assert (found.sources, found.entries, found.outcome, found.finished) == (
        (source,),
        entries,
        "partial",
        NOW + HOUR,
    )
    assert [(row.id, row.sources, dict(row.counts)) for row in listed] == [
        (first, (source,), {"skipped": 1, "updated": 2})
    ]


def test_a_run_that_is_not_there_is_none(session: Session) -> None:
    assert run(session, 4) is None
    assert runs(session) == []


def test_a_failed_source_is_recorded_with_its_cost(store: Store) -> None:
    first = _begin(store)
    with store.writing() as session:
        save_collected(session, first, failed("tracker"))
        found = run(session, first)
    assert found is not None
    assert found.sources == (SourceEntry("tracker", "failed", "it is down", "start it", 3, 2),)


def test_this_process_lives_and_one_that_ended_does_not() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = this_process().rpartition(":")[0]
    assert is_alive(this_process())
    assert not is_alive(f"{host}:{ended.pid}")
    assert is_alive(f"{host}:1"), "a process of another user lives too"
    assert is_alive("no pid here"), "what can't be told counts as alive"
