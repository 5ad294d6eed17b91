"""The engine that needs nothing installed: wake-ups wait in this process, claims are rows of the store."""

from __future__ import annotations

import threading
import traceback
from collections import deque

from okr_sync.errors import OkrSyncError
from okr_sync.schedule.engine import Perform, Tell, Wake

__all__ = ["LocalEngine", "told"]

MOST = 100  # wake-ups that wait while something long is done; each of them means no more than *look*


class LocalEngine:
    """One process; several of them may share a store, and each slot still has one run."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._changed = threading.Condition()
        self._wakes: deque[Wake] = deque(maxlen=MOST)
        self._stopped = False

    def enqueue(self, wake: Wake) -> bool:
        """Add a wake-up unless the same one waits; of too many the oldest is dropped."""
        with self._changed:
            if wake in self._wakes:
                return False
            self._wakes.append(wake)
            self._changed.notify()
            return True

    def work(self, perform: Perform) -> None:
        """Perform wake-ups in their order until `stop`."""
        while (wake := self._next()) is not None:
            try:
                perform(wake)
            except Exception as error:  # noqa: BLE001 -- whatever one wake-up did, the next one is performed
                self._tell(told(error))

    def stop(self) -> None:
        """Let `work` return."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def waiting(self) -> int:
        """Return how many wake-ups wait."""
        with self._changed:
            return len(self._wakes)

    def _next(self) -> Wake | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._wakes)
            return None if self._stopped else self._wakes.popleft()


def told(error: Exception) -> str:
    """Return what to say of an error that ended a wake-up; of a bug, where it is and not what its text may quote."""
    if isinstance(error, OkrSyncError):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"this is a bug in okr-sync: {type(error).__name__} at {frame.name}:{frame.lineno}"
