"""A process killed while it writes leaves the state before, and the next run heals by itself."""

from __future__ import annotations

import signal
import subprocess
import sys

from okr_sync.store import Store
from okr_sync.store.collecting import save_collected
from okr_sync.store.ledger import begin_run, finish_run, runs
from okr_sync.store.mirror import cursor, members
from okr_sync.store.processes import is_alive, this_process
from tests.store.builders import HOUR, NOW, item, pulled

WRITER = """
import sys
from okr_sync.store import Store
from okr_sync.store.collecting import save_collected
from okr_sync.store.ledger import begin_run
from okr_sync.store.processes import this_process
from tests.store.builders import HOUR, NOW, item, pulled

store = Store.open(sys.argv[1])
run_id = begin_run(store, NOW + HOUR, "manual", HOUR, this_process())
with store.writing() as session:
    many = [item(str(number)) for number in range(2_000)]
    held = {"e1": " ".join(str(number) for number in range(2_000))}
    save_collected(session, run_id, pulled(*many, held=held, at=NOW + HOUR))
    print("written", flush=True)
    sys.stdin.readline()
"""


def _killed_while_writing(url: str) -> int:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.kill()
    process.communicate()
    return process.returncode


def test_a_writer_killed_before_its_commit_leaves_the_state_before(store: Store, url: str) -> None:
    first = begin_run(store, NOW, "manual", HOUR, this_process())
    with store.writing() as session:
        save_collected(session, first, pulled(item("1"), held={"e1": "1"}))
        finish_run(session, first, NOW, "ok", "")
    assert _killed_while_writing(url) == -signal.SIGKILL
    with store.reading() as session:
        assert members(session, "tracker") == {"e1": frozenset({"1"})}
        assert cursor(session, "tracker") == "cursor 09"
        assert [row.outcome for row in runs(session)] == ["running", "ok"]


def test_the_next_run_closes_the_killed_one_and_brings_what_it_lost(store: Store, url: str) -> None:
    _killed_while_writing(url)
    run_id = begin_run(store, NOW + HOUR, "manual", HOUR, this_process(), is_alive=is_alive)
    with store.writing() as session:
        save_collected(session, run_id, pulled(item("1"), held={"e1": "1"}, at=NOW + HOUR))
        finish_run(session, run_id, NOW + HOUR, "ok", "")
    with store.reading() as session:
        assert [row.outcome for row in runs(session)] == ["ok", "interrupted"]
        assert members(session, "tracker") == {"e1": frozenset({"1"})}
