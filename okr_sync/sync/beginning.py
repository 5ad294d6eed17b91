"""What a run learns of the store when it begins, in the one transaction in which it also notes the config's sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from okr_sync.config import Config
from okr_sync.core.breaker import Breaker
from okr_sync.core.snapshot import Snapshot
from okr_sync.store import definitions, news, results
from okr_sync.store.breakers import load_breakers
from okr_sync.store.news import Mark
from okr_sync.sync.authors import Changed
from okr_sync.sync.baselines import Again, Past, what_to_ask

__all__ = ["Before", "look_back"]


@dataclass(frozen=True, slots=True)
class Before:
    """What was so before a run: what was judged, how far the store reached, what is in trouble and what is new."""

    snapshot: Snapshot | None
    mark: Mark
    past: Mapping[str, Past]
    """Source → what it is to tell of the past."""
    breakers: Mapping[str, Breaker]
    """Source → its trouble, if it is in any."""
    changed: Changed
    """What the config defines anew → its newest version; None: it has none."""


def look_back(session: Session, config: Config, now: datetime, again: Again | None = None) -> Before:
    """Return what a run that begins `now` builds on."""
    snapshot = results.saved_snapshot(session)
    return Before(
        snapshot,
        news.mark(session, snapshot.at if snapshot is not None else None),
        what_to_ask(session, config, now, again),
        load_breakers(session),
        definitions.changed(session, config.book),
    )
