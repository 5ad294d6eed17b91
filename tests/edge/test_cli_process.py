"""The program as a process: exit codes reach the shell, pipes may close, an interrupt and a full disk end well."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from okr_sync.sandbox.server import Fault
from tests.edge.cli_play import Play, playing

PATIENCE = 60.0  # seconds; a process that lasts longer hangs


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.setenv("OKR_SYNC_CONFIG", str(play.folder))
        play.setenv("PYTHONUNBUFFERED", "")  # buffered, as a shell starts it
        yield play


def _started(*words: str) -> subprocess.Popen[str]:
    """Start the program with pipes; warnings are errors there, too."""
    command = [sys.executable, "-W", "error", "-m", "okr_sync", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "okr_sync", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE, **more)


def test_exit_codes_reach_the_shell_and_nothing_else_is_said(play: Play) -> None:
    synced = _run("sync")
    assert (synced.returncode, synced.stderr) == (0, "")
    assert "run 1 ok: 4 updated, 1 skipped" in synced.stdout
    play.change_source("tracker", deadline="1 s")
    play.jira.stop()
    failed = _run("sync")
    assert (failed.returncode, failed.stderr) == (3, "")


def test_a_pipe_that_closes_early_ends_the_program_in_silence(play: Play) -> None:
    play.sync()
    for words in ("runs --json", "status"):  # written at the end, and by a library
        process = _started(*words.split())
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        assert (process.wait(PATIENCE), said) == (0, ""), words


def test_an_interrupt_ends_a_run_soon_and_the_next_one_is_free(play: Play) -> None:
    play.sync()
    before = play.key_results()
    play.tracker.finish(1)
    play.jira.inject(Fault("silence", seconds=5, times=1))
    process = _started("sync")
    _wait_until_a_run_is_under_way(play)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "interrupted; the store holds what was complete\n")
    assert time.monotonic() - began < 10
    assert play.last_run()["outcome"] == "failed"
    assert {name: each["value"] for name, each in play.key_results().items()} == {
        name: each["value"] for name, each in before.items()
    }
    play.sync()
    assert play.key_results()["assistant-built"]["value"] == 100


def test_a_process_that_is_killed_leaves_a_store_that_the_next_run_heals(play: Play) -> None:
    play.sync()
    play.tracker.finish(1)
    play.jira.inject(Fault("silence", seconds=5, times=1))
    process = _started("sync")
    _wait_until_a_run_is_under_way(play)
    process.kill()
    process.communicate(timeout=PATIENCE)
    play.jira.heal()
    play.sync()
    assert play.key_results()["assistant-built"]["value"] == 100
    runs = play.run("runs", "--json").json()["runs"]
    assert [each["outcome"] for each in runs] == ["ok", "interrupted", "ok"]


def _wait_until_a_run_is_under_way(play: Play) -> None:
    end = time.monotonic() + PATIENCE
    while "running" not in str(play.rows()["runs"]):
        assert time.monotonic() < end, "the run never began"
        time.sleep(0.05)
    time.sleep(0.2)  # the sources' threads wait for the silent server


def _no_more_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def test_a_disk_that_takes_nothing_fails_the_run_and_loses_nothing(play: Play) -> None:
    play.sync()
    play.tracker.finish(1)
    before = play.rows()
    failed = _run("sync", preexec_fn=_no_more_files)
    assert (failed.returncode, failed.stdout) == (4, "")
    assert str(play.store) in failed.stderr
    assert "What to do: " in failed.stderr
    assert "Traceback" not in failed.stderr
    assert play.rows() == before
    play.sync()
    assert play.key_results()["assistant-built"]["value"] == 100


def _without_stdout(**more: Any) -> subprocess.CompletedProcess[str]:
    code = "import sys, okr_sync.cli as cli; sys.stdout = None; sys.exit(cli.main(['schema']))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE, **more)


def test_a_bug_is_called_a_bug_with_how_to_report_it(tmp_path: Path) -> None:
    """A standard output that can't be written is nobody's config; a bug's traceback comes on demand only."""
    plain = _without_stdout()
    assert plain.returncode == 1
    assert "this is a bug in okr-sync: AttributeError" in plain.stderr
    assert "OKR_SYNC_DEBUG=1" in plain.stderr
    assert "Traceback" not in plain.stderr
    loud = _without_stdout(env={**os.environ, "OKR_SYNC_DEBUG": "1"})
    assert (loud.returncode, "Traceback" in loud.stderr) == (1, True)
