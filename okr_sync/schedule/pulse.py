"""The loops of a worker, and how long each of them may be silent before the process counts as dead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from okr_sync.outside.health import Loop
from okr_sync.schedule.limits import Limits

__all__ = ["Pulse", "unheard"]

PATIENT = 180.0  # seconds: a writer may wait for another one, and a server for itself, before it gives up
LATEST = 5.0  # seconds that a busy machine may keep a thread waiting


@dataclass(frozen=True, slots=True)
class Pulse:
    """The clock that rings every round, what does runs and watches over them, and what sees to alerts."""

    clock: Loop
    runs: Loop
    alerts: Loop

    @classmethod
    def of(cls, limits: Limits) -> Pulse:
        """Return loops that all beat now."""
        every = limits.round.total_seconds()
        return cls(Loop(3 * every + LATEST), Loop(PATIENT), Loop(every + PATIENT))

    def loops(self) -> Mapping[str, Loop]:
        """Return them by name."""
        return {"clock": self.clock, "runs": self.runs, "alerts": self.alerts}


def unheard() -> None:
    """Beat where nobody listens."""
