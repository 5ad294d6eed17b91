"""Runs that a server forks: they end as spawned ones do, and with whoever dies, and nothing of one is in another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from okr_sync.schedule.holding import hold
from tests.bar.house import ROOT, children, servers, until

WORKER = """
import os, signal, sys, time
from okr_sync.schedule.forking import WarmStart
from tests.schedule import fragile
warm = WarmStart(print, ("okr_sync.schedule.forked", *sys.argv[2:]))

def do(what, task, seconds=100):
    return warm.start(what, task, "run 1", seconds)

def ended(process):
    process.join(60)
    return process.exitcode
"""

HANGS = """
kept = do(fragile.hang, sys.argv[1])
print(ended(kept), flush=True)
sys.stdin.readline()
print(ended(do(fragile.leave, 3)))
"""


def _program(body: str, *words: str, folder: Path = ROOT, **env: str) -> list[str]:
    """Return the lines that a worker says which does this."""
    done = subprocess.run(
        [sys.executable, "-c", f"{WORKER}\n{body}", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@contextmanager
def _hanging(folder: Path, body: str = "") -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """Give a worker whose run hangs, its server and the run; all are gone at the end."""
    file = folder / "pid"
    text = f"{WORKER}\n{body}\n{HANGS}"
    worker = subprocess.Popen(
        [sys.executable, "-c", text, str(file)], cwd=ROOT, stdin=-1, stdout=-1, text=True, start_new_session=True
    )
    try:
        until(lambda: file.exists() and file.read_text("utf-8"))
        [server], run = servers(worker.pid), int(file.read_text("utf-8"))
        assert children(worker.pid) == [run]
        yield worker, server, run
    finally:
        for pid in (*children(worker.pid), *servers(worker.pid), worker.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        worker.communicate()


def test_a_run_says_what_it_says_with_the_workers_environment_in_a_session_of_its_own() -> None:
    """Seen red without `setsid`."""
    body = "ended(do(fragile.say, 'heard'))\nfrom tests.bar.house import servers\nprint(*servers(os.getpid()))"
    said, server = _program(body, "-", TOKEN="t0ken")
    assert said == f"heard t0ken {server} True"


def test_the_worker_hears_how_a_run_ended_and_what_is_left_to_do_at_the_end_is_done() -> None:
    """By a code, a signal, or its time. Seen red without the watch's time, and without the call of exit functions."""
    body = """
for what, task in ((fragile.leave, 4), (os._exit, 7), (time.sleep, 0), (signal.raise_signal, 6)):
    print(ended(do(what, task)))
print(ended(do(time.sleep, 1000, 0.5)), flush=True)
ended(do(fragile.leave_word, "goodbye"))
"""
    assert _program(body, "-") == ["4", "7", "0", "-6", "75", "goodbye"]


def test_signals_to_all_processes_of_a_worker_end_neither_its_server_nor_its_run(tmp_path: Path) -> None:
    """The worker decides: Ctrl-C in a terminal and a stop of systemd reach all of them. Seen red without the mask."""
    with _hanging(tmp_path, "signal.signal(signal.SIGINT, signal.SIG_IGN)") as (worker, server, run):
        os.kill(server, signal.SIGTERM)
        os.killpg(worker.pid, signal.SIGINT)
        os.kill(run, signal.SIGTERM)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "-15\n", "a run itself hears SIGTERM"
        assert worker.communicate("\n", timeout=60)[0] == "3\n"


def test_a_server_that_is_killed_takes_its_run_with_it_and_the_next_run_has_a_new_one(tmp_path: Path) -> None:
    """Seen red without the kernel's part: then the run of a dead server goes on, and nobody knows it."""
    with _hanging(tmp_path) as (worker, server, run):
        os.kill(server, signal.SIGKILL)
        until(lambda: not _lives(run))
        said = worker.communicate("\n", timeout=60)[0].splitlines()
        assert (said[0], said[-1]) == ("255", "3"), "between them it may say that the old server does not answer"


def test_a_worker_that_is_killed_takes_its_server_and_its_run_with_it(tmp_path: Path) -> None:
    """Seen red by a run that keeps its end of the pipe, and hangs in an import as in test_orphans."""
    with _hanging(tmp_path) as (worker, server, run):
        worker.kill()
        worker.wait()
        until(lambda: not _lives(run) and not _lives(server))


def test_where_the_server_dies_as_it_starts_runs_start_without_it_and_the_worker_says_so() -> None:
    """Seen red without the second way to start. The worker goes on."""
    body = f"os.environ[{'FRAGILE'!r}] = str(os.getpid())\nprint(ended(do(os._exit, 7)))"
    said = _program(body, "-", "tests.schedule.fragile")
    assert said[-1] == "7"
    assert said[0].startswith("run 1 starts slowly, since the process that forks runs does not answer (")


def test_what_a_server_can_not_import_is_told_and_the_rest_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    """The library is silent about it. Seen red so."""
    hold(["tests.schedule.is_not_there", "tests.schedule.slow_import"])
    told = capsys.readouterr().err
    assert told == (
        "runs start slowly, since tests.schedule.is_not_there can't be held for them: "
        "No module named 'tests.schedule.is_not_there'\n"
    )
    assert "tests.schedule.slow_import" in sys.modules


def test_a_run_without_anything_held_imports_by_itself(tmp_path: Path) -> None:
    """Seen red by a run that takes itself for its parent when the server could not import the first module."""
    body = "warm = WarmStart(print, ('okr_sync.is_not_there',))\nprint(ended(do(fragile.leave, 3)))"
    assert _program(body, "-") == ["3"]


def test_code_of_others_is_read_anew_by_each_run(tmp_path: Path) -> None:
    """A connector that somebody repairs counts from the next run on. Seen red with that module in what is held."""
    body = f"""
import importlib, pathlib
sys.path.insert(0, {str(tmp_path)!r})
sys.dont_write_bytecode = True
file = pathlib.Path({str(tmp_path)!r}) / "theirs.py"
for text in ("first", "second"):
    file.write_text("def tell(_): import os; os.write(1, b'" + text + "\\\\n')")
    import theirs
    ended(do(theirs.tell, None))
    del sys.modules["theirs"]
    importlib.invalidate_caches()
"""
    assert _program(body, "-") == ["first", "second"]


def test_what_is_held_has_no_thread_no_connection_and_no_connector(tmp_path: Path) -> None:
    """Whatever is there is in every run. Seen red with a module in `warm.NAMES` that starts a thread."""
    body = """
import okr_sync.schedule.warm, threading
from sqlalchemy.engine import Engine
import gc
fds = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
print(threading.active_count(), [os.readlink(fd) for fd in fds if os.path.exists(fd) and "socket" in os.readlink(fd)])
print(sum(isinstance(each, Engine) for each in gc.get_objects()))
print(any(each.startswith("connectors") for each in sys.modules))
"""
    assert _program(body, "-") == ["1 []", "0", "False"]


def test_what_lies_in_the_folder_of_the_config_is_not_taken_for_what_runs_import(tmp_path: Path) -> None:
    """Seen red without the look at where the program is: a server starts with its folder first on the path."""
    body = """
sys.path.remove("")
open("sqlmodel.py", "w").write("import os; os.write(1, b'not me')")
print(ended(do(os._exit, 5)))
"""
    assert _program(body, "-", "okr_sync.schedule.warm", folder=tmp_path) == ["5"]


def _lives(pid: int) -> bool:
    """Return whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
