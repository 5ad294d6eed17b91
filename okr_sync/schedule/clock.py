"""The clock: APScheduler decides when, and hands a wake-up to the engine instead of running anything itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger

from okr_sync.core.numbers import show_span
from okr_sync.core.slots import Interval, slots_after
from okr_sync.schedule.engine import Engine, Tell, Wake
from okr_sync.schedule.local import told

__all__ = ["Clock", "Next"]

AN_INSTANT = timedelta(seconds=1)  # by which clocks are corrected all the time
Next = Callable[[datetime], datetime | None]
"""Instant → the next one at which something is due (exclusive), None when nothing ever is."""


class Clock:
    """Wakes the engine when something is due, and every `round` to look around; lives in a thread of its own."""

    def __init__(
        self, engine: Engine, following: Next, every: timedelta, tell: Tell, rung: Callable[[], None] | None = None
    ) -> None:
        self._tell, self._following, self._every, self._seen = tell, following, every, datetime.min.replace(tzinfo=UTC)
        self._scheduler = BlockingScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": _Enqueuing(engine, rung)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        heard = EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES
        self._scheduler.add_listener(lambda event: tell(f"the clock did not ring: {event!r}"), heard)
        for name, trigger in self._triggers().items():
            self._scheduler.add_job(_nothing, trigger, id=name)
        self._thread = threading.Thread(target=self._run, name="okr-sync-clock", daemon=True)

    def start(self) -> None:
        """Begin to ring."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether it still rings; the scheduler itself says so even when its thread is dead."""
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Wait until it rings no more, so many seconds at most."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """Ring no more; returns at once, also while it rings and nobody answers."""
        threading.Thread(target=self._shut, name="okr-sync-clock-end", daemon=True).start()

    def follow(self, following: Next) -> None:
        """Ring by another schedule from now on."""
        self._following = following
        self._scheduler.reschedule_job("slots", trigger=_Slots(following))

    def mind(self, now: datetime) -> None:
        """Ring by the clock on the wall as it is `now`; to be called often.

        Where that was set back, the scheduler would sleep until it shows again what it showed when it last rang.
        """
        seen, self._seen = self._seen, now
        if seen - now > AN_INSTANT:
            self._tell(f"the clock was set back by {show_span(seen - now)}; rounds and slots go by what it shows now")
            for name, trigger in self._triggers().items():
                self._scheduler.reschedule_job(name, trigger=trigger)

    def _triggers(self) -> dict[str, BaseTrigger]:
        return {"slots": _Slots(self._following), "round": _Slots(self._next_round)}

    def _next_round(self, after: datetime) -> datetime | None:
        return next(slots_after(Interval(self._every), ZoneInfo("UTC"), after), None)

    def _shut(self) -> None:
        with suppress(SchedulerNotRunningError):  # it never began, or was stopped before
            self._scheduler.shutdown(wait=False)  # waits for the job that is being enqueued, whatever it says

    def _run(self) -> None:
        try:
            self._scheduler.start()
        except Exception as error:  # noqa: BLE001 -- whatever it was: the worker sees a dead clock and ends
            self._tell(f"the clock stopped: {told(error)}")


class _Enqueuing(BaseExecutor):  # type: ignore[misc]  # the library has no types
    """Enqueues a wake-up for the newest instant, and is done."""

    def __init__(self, engine: Engine, rung: Callable[[], None] | None) -> None:
        super().__init__()
        self._engine, self._rung = engine, rung

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        self._engine.enqueue(Wake(run_times[-1].astimezone(UTC)))
        if self._rung is not None:
            self._rung()
        self._run_job_success(job.id, [])


class _Slots(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires at our own slots: what is due is decided in one place. Those that passed meanwhile are not gone through."""

    __slots__ = ("_following",)

    def __init__(self, following: Next) -> None:
        self._following = following

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the first slot after both the one before and now."""
        return self._following(now if previous is None else max(previous, now))


def _nothing() -> None:
    """Stand in for a job: the executor enqueues and calls nobody."""
