"""A store in which two sources were asked: the survey answered, the tracker failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from okr_sync.core.facts import Reading
from okr_sync.store.collecting import save_collected
from okr_sync.store.ledger import begin_run, finish_run
from okr_sync.store.sources import declare_sources
from tests.store.builders import HOUR, NOW, answered, failed
from tests.store.empty import new_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'okr-sync.db'}"
    store = new_store(tmp_path / "okr-sync.db")
    run = begin_run(store, NOW, "test", HOUR, "host:1")
    with store.writing() as session:
        declare_sources(session, {"survey": HOUR, "tracker": HOUR})
        save_collected(session, run, answered((Reading(41.0),)))
        save_collected(session, run, failed("tracker"))
        finish_run(session, run, NOW + HOUR / 60, "partial", "done")
    return address
