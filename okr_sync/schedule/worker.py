"""The worker: a clock and an engine in threads, runs in children, and a main thread that sees when one of them dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime

from okr_sync.alerts import deliver
from okr_sync.alerts.delivering import Post
from okr_sync.alerts.watching import look, watching_of
from okr_sync.config import Config
from okr_sync.core.slots import slots_after
from okr_sync.errors import ConfigError, StoreError
from okr_sync.schedule.clock import Clock
from okr_sync.schedule.engine import Engine, Tell, Wake
from okr_sync.schedule.housekeeping import Housekeeper
from okr_sync.schedule.local import told
from okr_sync.schedule.obeying import PATIENCE
from okr_sync.schedule.pulse import Pulse, unheard
from okr_sync.schedule.runner import Runner
from okr_sync.schedule.trimming import trim

__all__ = ["Worker", "next_slot"]

LOOK = 0.25  # seconds between two looks at the threads
PASS = 60.0  # seconds after which no more letters are sent before the next look
LAST_WORD = 1.0  # seconds more for the housekeeping under way to end

Load = Callable[[], Config]
"""Reads the config anew. Raises ConfigError."""


class Worker:
    """Does what is due until it is stopped. `config` is the newest one that had no mistake, `first` the one to begin
    with while what is written has some; `pulse` says which of its loops live.
    """

    def __init__(self, engine: Engine, runner: Runner, load: Load, tell: Tell, first: Config | None = None) -> None:
        self.config = first or load()
        self.pulse = Pulse.of(runner.limits)
        self._engine, self._load, self._tell = engine, load, tell
        self._runner = replace(runner, beat=self.pulse.runs.beat)
        self._clock = Clock(engine, self._following, runner.limits.round, tell, self.pulse.clock.beat)
        self._busy = threading.Event()
        self._said = ""

    def run(self, tick: Callable[[], None] = unheard) -> bool:
        """Work until `stop`; return whether it was asked to, and did not end because its clock or engine died.

        `tick` is called several times a second from the thread that called this.
        """
        work = _thread("engine", lambda: self._engine.work(self._perform))
        alerts = _thread("alerts", self._see_to_alerts)
        keeper = _thread("housekeeping", self._see_to_store)
        self._clock.start()
        for each in (work, alerts, keeper):
            each.start()
        self._engine.enqueue(Wake(self._runner.clock()))  # what was missed while nobody was there
        stop = self._runner.stop
        while not stop.wait(LOOK) and self._clock.is_alive() and all(each.is_alive() for each in (work, alerts)):
            if not self._busy.is_set():
                self.pulse.runs.beat()
            self._clock.mind(self._runner.clock())
            tick()
        asked = stop.is_set()
        self.stop()
        self._clock.stop()
        work.join(PATIENCE)
        keeper.join(LAST_WORD)
        if not asked:
            self._tell("the clock or the engine died; the worker ends, so that it is started anew")
        return asked

    @property
    def mistaken(self) -> bool:
        """Whether what is written now has mistakes, and an older config stays."""
        return bool(self._said)

    @property
    def busy(self) -> bool:
        """Whether it does something now."""
        return self._busy.is_set()

    def stop(self) -> None:
        """Ask everything to end: a run under way gets SIGTERM, and its lease is given back."""
        self._runner.stop.set()
        self._engine.stop()

    def _perform(self, wake: Wake) -> None:
        self.pulse.runs.beat()
        self._busy.set()
        try:
            while not self._runner.stop.is_set():
                self._reload()
                if self._runner.run_due(self.config, lambda: self._engine.enqueue(wake)) is None:
                    return
        finally:
            trim()
            self.pulse.runs.beat()
            self._busy.clear()

    def _see_to_alerts(self) -> None:
        """Look every round at what went stale, and send what waits."""
        runner, said = self._runner, ""
        office = Post(runner.store, runner.clock, runner.stop)
        while not runner.stop.wait(runner.limits.round.total_seconds()):
            self.pulse.alerts.beat()
            try:
                look(runner.store, watching_of(self.config), runner.clock())
                ended = [each for each in deliver(office, self.config.alerts, PASS) if each.error]
            except StoreError as error:
                if said != str(error):
                    self._tell(told(error))
                said = str(error)
                continue
            said = ""
            for each in ended:
                self._tell(f"alert {each.id} to {each.channel} ({each.state.replace('_', ' ')}): {each.error}")

    def _see_to_store(self) -> None:
        """See to the store once a day; should this end, runs go on, and `doctor` tells when it was done last."""
        each = self._runner
        keeper = Housekeeper(each.store, each.store_url, each.limits, each.clock, each.stop, self._tell)
        keeper.work(lambda: self.config)

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


def _thread(name: str, target: Callable[[], None]) -> threading.Thread:
    """Return a thread in this context: secrets that a new config brings are told to the redactor of the command."""
    return threading.Thread(target=copy_context().run, args=(target,), name=f"okr-sync-{name}", daemon=True)


def next_slot(config: Config, after: datetime) -> datetime | None:
    """Return the first slot of any schedule after an instant (exclusive); None without schedules."""
    firsts = (next(slots_after(each, config.zone(), after), None) for each in config.schedules.values())
    return min((each for each in firsts if each is not None), default=None)
