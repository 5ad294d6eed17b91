"""Schedules at work: a clock wakes an engine, the engine claims slots, each run is a process that can be killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okr_sync.faces import face

if TYPE_CHECKING:
    from okr_sync.schedule.engine import Engine, Wake
    from okr_sync.schedule.engines import engine_of
    from okr_sync.schedule.last_good import LastGood, first_config
    from okr_sync.schedule.limits import Limits
    from okr_sync.schedule.local import LocalEngine
    from okr_sync.schedule.runner import Runner
    from okr_sync.schedule.signs import Signs
    from okr_sync.schedule.worker import Worker

__all__ = [
    "Engine",
    "LastGood",
    "Limits",
    "LocalEngine",
    "Runner",
    "Signs",
    "Wake",
    "Worker",
    "engine_of",
    "first_config",
]

NAMES = {
    "Engine": "engine",
    "LastGood": "last_good",
    "Limits": "limits",
    "LocalEngine": "local",
    "Runner": "runner",
    "Signs": "signs",
    "Wake": "engine",
    "Worker": "worker",
    "engine_of": "engines",
    "first_config": "last_good",
}

if not TYPE_CHECKING:
    __getattr__ = face(__name__, NAMES)
