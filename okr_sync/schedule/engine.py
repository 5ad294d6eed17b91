"""What carries wake-ups from the clock to whoever performs them: four methods, in one process or over many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

__all__ = ["Engine", "Perform", "Tell", "Wake"]

Tell: TypeAlias = Callable[[str], None]
"""Says one line to whoever reads along."""


@dataclass(frozen=True, slots=True, order=True)
class Wake:
    """A hint that something may be due at an instant; the store decides what is, and who does it."""

    at: datetime


Perform: TypeAlias = Callable[[Wake], None]


class Engine(Protocol):
    """Carries wake-ups at least once. It holds no truth: what it loses, the next wake-up makes good."""

    def enqueue(self, wake: Wake) -> bool:
        """Ask that `wake` be performed; return False when the same one waits already. Any thread, any process."""

    def work(self, perform: Perform) -> None:
        """Perform wake-ups one after another until `stop`; one that raises is told and does not end the work."""

    def stop(self) -> None:
        """Let `work` return after the wake-up under way; nothing else is begun. Any thread, any time, also twice."""

    def waiting(self) -> int:
        """Return how many wake-ups wait; the one that is performed does not count."""
