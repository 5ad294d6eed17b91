"""The worker: a clock and an engine in threads, runs in children, and a main thread that sees when one of them dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from okr_sync.config import Config
from okr_sync.core.slots import slots_after
from okr_sync.errors import ConfigError
from okr_sync.schedule.clock import Clock
from okr_sync.schedule.engine import Engine, Tell, Wake
from okr_sync.schedule.runner import Runner

__all__ = ["Worker", "next_slot"]

LOOK = 0.25  # seconds between two looks at the threads
PATIENCE = 8.0  # seconds for the run under way to end when the worker is asked to stop

Load = Callable[[], Config]
"""Reads the config anew. Raises ConfigError."""


class Worker:
    """Does what is due until it is stopped. `config` is the newest one that had no mistake."""

    def __init__(self, engine: Engine, runner: Runner, load: Load, tell: Tell) -> None:
        self.config = load()
        self._engine, self._runner, self._load, self._tell = engine, runner, load, tell
        self._clock = Clock(engine, self._following, runner.limits.round, tell)
        self._said = ""

    def run(self) -> bool:
        """Work until `stop`; return whether it was asked to, and did not end because its clock or engine died."""
        work = threading.Thread(target=self._engine.work, args=(self._perform,), name="okr-sync-engine", daemon=True)
        self._clock.start()
        work.start()
        self._engine.enqueue(Wake(self._runner.clock()))  # what was missed while nobody was there
        stop = self._runner.stop
        while not stop.wait(LOOK) and self._clock.is_alive() and work.is_alive():
            pass
        asked = stop.is_set()
        self.stop()
        self._clock.stop()
        work.join(PATIENCE)
        if not asked:
            self._tell("the clock or the engine died; the worker ends, so that it is started anew")
        return asked

    def stop(self) -> None:
        """Ask everything to end: a run under way gets SIGTERM, and its lease is given back."""
        self._runner.stop.set()
        self._engine.stop()

    def _perform(self, wake: Wake) -> None:
        while not self._runner.stop.is_set():
            self._reload()
            if self._runner.run_due(self.config, lambda: self._engine.enqueue(wake)) is None:
                return

    def _reload(self) -> None:
        """Take the config as it is written now; while it has mistakes, the last good one stays, and that is said."""
        try:
            found = self._load()
        except ConfigError as error:
            said = f"the config has mistakes, the last good one stays:\n{error}"
        else:
            said = "the config is good again" if self._said else ""
            if found.schedules != self.config.schedules or found.zone() != self.config.zone():
                self.config = found
                self._clock.follow(self._following)
            self.config = found
        if said and said != self._said:
            self._tell(said)
        self._said = said if said.startswith("the config has") else ""

    def _following(self, after: datetime) -> datetime | None:
        return next_slot(self.config, after)


def next_slot(config: Config, after: datetime) -> datetime | None:
    """Return the first slot of any schedule after an instant (exclusive); None without schedules."""
    firsts = (next(slots_after(each, config.zone(), after), None) for each in config.schedules.values())
    return min((each for each in firsts if each is not None), default=None)
