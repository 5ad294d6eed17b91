"""Which engine a store has: none to install for a file, a queue that many workers share for PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from okr_sync.schedule.engine import Engine, Tell, Wake
from okr_sync.schedule.local import LocalEngine
from okr_sync.store import ledger, queue
from okr_sync.store.database import Store
from okr_sync.store.processes import this_process

__all__ = ["engine_of"]


def engine_of(store: Store, store_url: str, clock: Callable[[], datetime], tell: Tell) -> Engine:
    """Return the engine for a store; a wake-up that is given up is in the ledger.

    Raises StoreError when the store is on PostgreSQL and the queue is not installed or can't be made.
    """
    if store.is_file:
        return LocalEngine(tell)
    queue.require_installed()
    from okr_sync.schedule.procrastinate_engine import ProcrastinateEngine  # noqa: PLC0415 -- it is an extra

    def give_up(wake: Wake, attempts: int) -> None:
        why = f"the wake-up of {wake.at:%Y-%m-%d %H:%M:%S} UTC ended {attempts} workers and is given up"
        with store.writing() as session:
            ledger.record_missed(session, clock(), "slot", this_process(), [why], outcome="failed")

    return ProcrastinateEngine(store_url, tell, give_up)
