"""Looks at what needs no run to happen: numbers that go stale, slots that nobody came for."""

from __future__ import annotations

from datetime import datetime

from okr_sync.config import Config
from okr_sync.core.alerting import Notice
from okr_sync.store.alerts import Watching, decided, watch
from okr_sync.store.database import Store

__all__ = ["look", "watching_of"]


def watching_of(config: Config) -> Watching:
    """Return what of this config is watched, and who is told."""
    return Watching(tuple(config.alerts.channels), frozenset(config.schedules), config.alerts.failures)


def look(store: Store, watching: Watching, now: datetime) -> tuple[Notice, ...]:
    """Raise and resolve what has to be at `now`; return the notices. Writes only when there is something to write."""
    with store.reading() as session:
        if not decided(session, watching, now):
            return ()
    with store.writing() as session:
        return watch(session, watching, now)
