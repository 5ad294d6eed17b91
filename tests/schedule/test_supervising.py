"""A supervisor says how a run ended, as long as anyone waits for its word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from okr_sync.cli.place import current_time
from okr_sync.config import load
from okr_sync.schedule import Limits, Runner
from okr_sync.store import Store
from tests.store.empty import new_store

LEASE = timedelta(seconds=2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "okr-sync.yaml").write_text("okrs: []\n", "utf-8")
    return new_store(tmp_path / "okr-sync.db")


def _dying(do: Callable[[Any], None], task: Any, _name: str, _seconds: float) -> BaseProcess:
    """Start a process that dies without a word, as one that was killed."""
    process = get_context("spawn").Process(target=int)
    process.start()
    process.join()
    return process


def _run_now(store: Store, said: list[str], stop: threading.Event, ended: list[Any]) -> threading.Thread:
    def start(do: Callable[[Any], None], task: Any, name: str, seconds: float) -> BaseProcess:
        store.path.rename(store.path.with_suffix(".away"))
        return _dying(do, task, name, seconds)

    limits = Limits(lease=LEASE)
    runner = Runner(store, f"sqlite:///{store.path}", limits, current_time, "ana", said.append, stop, start=start)
    config = load(store.path.with_name("okr-sync.yaml"), {})
    thread = threading.Thread(target=lambda: ended.append(runner.run_now(config)), daemon=True)
    thread.start()
    return thread


def test_an_end_that_can_not_be_written_is_tried_while_its_lease_lasts(store: Store) -> None:
    """Then it is the next one's to say. Red without the bound: it tries for ever."""
    said: list[str] = []
    ended: list[Any] = []
    stop = threading.Event()
    thread = _run_now(store, said, stop, ended)
    thread.join(30)
    stop.set()
    assert ended == [(1, None)]
    assert any("how it ended is not written yet" in each for each in said)
    assert "its end could not be written" in said[-1]
