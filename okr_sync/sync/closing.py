"""Closes and reopens cycles: a run that judges everything once more and freezes it in the same transaction."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from okr_sync.config import Config
from okr_sync.core.model import Cycle
from okr_sync.core.snapshot import Snapshot
from okr_sync.core.spelling import did_you_mean
from okr_sync.errors import UsageError
from okr_sync.store import closings
from okr_sync.store.closings import Closing
from okr_sync.store.database import Store
from okr_sync.sync.run import World, evaluate_only


def close_cycle(  # noqa: PLR0917 -- in the order in which one says it
    store: Store, config: Config, world: World, wanted: str, author: str, note: str = "", *, early: bool = False
) -> Closing:
    """Judge what the store holds, freeze the cycle's part of it, and return the closing.

    Raises UsageError for an unknown cycle, one that is closed already, and one that has not ended unless `early`.
    """
    cycle = find_cycle(config, wanted)
    _require_ended(cycle, world.clock(), early=early)
    made: list[Closing] = []

    def seal(session: Session, run: int, snapshot: Snapshot) -> None:
        made.append(closings.close_cycle(session, run, cycle, snapshot, author, note))

    evaluate_only(store, config, world, trigger="close", author=author, seal=seal)
    return made[0]


def reopen_cycle(store: Store, config: Config, world: World, wanted: str, author: str, reason: str) -> Closing:  # noqa: PLR0917
    """Open a closed cycle again, judge everything anew, and return the note of it.

    Raises UsageError for an unknown cycle, one that is not closed, and a blank reason.
    """
    cycle = find_cycle(config, wanted)
    if not reason.strip():
        raise UsageError("a reopening is audited: say why with --reason")
    made: list[Closing] = []

    def seal(session: Session, run: int, snapshot: Snapshot) -> None:
        made.append(closings.reopen_cycle(session, run, cycle.id, snapshot.at, author, reason))

    evaluate_only(store, config, world, trigger="reopen", author=author, seal=seal)
    return made[0]


def find_cycle(config: Config, wanted: str) -> Cycle:
    """Return the cycle. Raises UsageError with the nearest id."""
    known = {cycle.id: cycle for cycle in config.book.cycles}
    if wanted in known:
        return known[wanted]
    hint = did_you_mean(wanted, known, f"known: {', '.join(known) or 'none'}")
    raise UsageError(f"there is no cycle {wanted} in the config; {hint}")


def _require_ended(cycle: Cycle, now: datetime, *, early: bool) -> None:
    if now < cycle.end and not early:
        raise UsageError(f"cycle {cycle.id} goes on until {cycle.last}; close it after that day, or now with --early")
