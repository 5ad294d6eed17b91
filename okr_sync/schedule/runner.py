"""From a claim to an outcome: what the worker and `run now` do alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from okr_sync.alerts.watching import watching_of
from okr_sync.config import Config
from okr_sync.schedule.child import Task
from okr_sync.schedule.claiming import Claimed, Claimer
from okr_sync.schedule.engine import Tell
from okr_sync.schedule.limits import Limits
from okr_sync.schedule.orphans import Start, started_cold
from okr_sync.schedule.pulse import unheard
from okr_sync.schedule.signs import Signs
from okr_sync.schedule.supervising import Supervisor
from okr_sync.store import alerts, ledger
from okr_sync.store.database import Store
from okr_sync.store.waiting import Patience, begin_in_turn
from okr_sync.sync.run import time_of_run

__all__ = ["Runner"]

LATE = 3.0  # seconds after its deadline at which a child ends itself, should its supervisor sleep


@dataclass(frozen=True, slots=True)
class Runner:
    """Claims and does runs on one store, each in a child process."""

    store: Store
    store_url: str
    limits: Limits
    clock: Callable[[], datetime]
    author: str
    tell: Tell
    stop: threading.Event = field(default_factory=threading.Event)
    apart: bool = False
    """Whether the runs of different schedules may be under way at once, each in another worker."""
    signs: Signs | None = None
    beat: Callable[[], None] = unheard
    start: Start = started_cold

    def run_due(self, config: Config, pass_on: Callable[[], object] = bool) -> ledger.RunOutcome | None:
        """Do what is due, if anything is and no other run is in the way; return the outcome of the run.

        `pass_on` is called first when there is more that another worker can do meanwhile.
        """
        claimer, now, zone = self._claimer(config), self.clock(), config.zone()
        if not claimer.is_due(config.schedules, zone, now):
            return None
        claimed = claimer.claim(config.schedules, zone, now)
        if claimed is None:
            return None
        if claimed.more:
            pass_on()
        return self._do(config, claimed, config.sources_of(claimed.schedules))

    def run_now(self, config: Config, patience: Patience | None = None) -> tuple[int, ledger.RunOutcome | None]:
        """Do a run of all sources as soon as it may begin; return its id and outcome.

        Raises BusyError when another one is under way for longer than `patience`; None: at once.
        """
        claimer = self._claimer(config)
        claimed = begin_in_turn(
            self.store, self.clock, lambda now, turn: claimer.begin("now", now, turn), patience=patience
        )
        return claimed.run, self._do(config, claimed, None)

    def _do(self, config: Config, claimed: Claimed, only: frozenset[str] | None) -> ledger.RunOutcome | None:
        self.tell(f"run {claimed.run} ({claimed.trigger}) begins")
        seconds = self._deadline(config).total_seconds()
        task = Task(
            config=config,
            store_url=self.store_url,
            run=claimed.run,
            only=only,
            author=self.author,
            clock=self.clock,
            seconds=seconds + LATE,
            memory=self.limits.memory,
        )
        supervisor = Supervisor(self.store, self.limits, self.clock, self.stop, self.tell, self.beat, self.start)
        signs = self.signs or Signs(self.store)
        signs.start(config, claimed.run)
        outcome = supervisor.supervise(task, seconds)
        signs.end(config, claimed.run, outcome)
        self.tell(f"run {claimed.run} ({claimed.trigger}): {outcome or 'its end could not be written'}")
        return outcome

    def _claimer(self, config: Config) -> Claimer:
        watching = watching_of(config)
        return Claimer(
            self.store,
            self.limits.lease,
            self._deadline(config),
            apart=self.apart,
            after=lambda session, now: alerts.watch(session, watching, now),
            clock=self.clock,
        )

    def _deadline(self, config: Config) -> timedelta:
        return self.limits.deadline or time_of_run(config)
