"""How long and how large a run may be, and how often the worker looks around."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Limits"]

MIB = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one worker. `deadline` None: what the sources of the config need at most.

    A lease is renewed three times while it lasts. `memory` is the address space of a run in bytes, 0: no limit. A run
    has `grace` between being asked to end and being killed.
    """

    lease: timedelta = timedelta(seconds=60)
    round: timedelta = timedelta(seconds=15)
    deadline: timedelta | None = None
    grace: timedelta = timedelta(seconds=2)
    memory: int = 2048 * MIB
