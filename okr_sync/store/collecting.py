"""Saves all that one source brought, together with its cursor, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from okr_sync.core.facts import Collected
from okr_sync.store import counts, mirror
from okr_sync.store.due_dates import save_due_dates
from okr_sync.store.etags import save_etags
from okr_sync.store.ledger import SourceEntry, record_sources, require_running
from okr_sync.store.readings import save_answers
from okr_sync.store.sources import save_source
from okr_sync.store.stages import drop_stage
from okr_sync.store.suspicions import save_suspicions
from okr_sync.store.work import save_containers, save_items, save_members, save_scopes


@dataclass(frozen=True, slots=True)
class Saved:
    """How many rows were written: all zero when the source brought nothing new."""

    observations: int = 0
    items: int = 0
    transitions: int = 0
    members: int = 0
    containers: int = 0
    scopes: int = 0
    due_dates: int = 0

    def total(self) -> int:
        """Return the sum."""
        return sum(getattr(self, name) for name in self.__slots__)


def save_collected(session: Session, run_id: int, collected: Collected) -> Saved:
    """Save the facts, the source's state and what it cost; return what was written.

    A failed source changes no fact: only its error and cost are kept, and what it answered to a pull that goes on in
    the next run; no longer, once there is an answer. Raises StoreError when the run lost its lease.
    """
    require_running(session, run_id)
    saved = Saved() if collected.outcome == "failed" else _save_facts(session, run_id, collected)
    if collected.outcome != "failed":
        drop_stage(session, collected.source)
    save_source(session, collected)
    record_sources(session, run_id, [_entry(collected, saved)])
    return saved


def _save_facts(session: Session, run_id: int, collected: Collected) -> Saved:
    counts.forget(session, collected)
    blank = mirror.is_blank(session, collected.source)
    of_containers = {held.id: held.due for held in collected.containers}
    dues = save_due_dates(session, run_id, collected, of_containers, frozenset() if blank else None)
    items = save_items(session, run_id, collected, blank=blank)
    save_suspicions(session, run_id, collected)
    save_etags(session, collected)
    return Saved(
        observations=save_answers(session, run_id, collected),
        items=items.items,
        transitions=items.transitions,
        members=save_members(session, run_id, collected, blank=blank),
        containers=save_containers(session, run_id, collected, blank=blank),
        scopes=save_scopes(session, run_id, collected),
        due_dates=dues + items.due_dates,
    )


def _entry(collected: Collected, saved: Saved) -> SourceEntry:
    return SourceEntry(
        source=collected.source,
        outcome=collected.outcome,
        error=collected.error,
        fix=collected.fix,
        requests=collected.requests,
        retries=collected.retries,
        seconds=collected.seconds,
        seen=len(collected.answers) + len(collected.items),
        changed=saved.observations + saved.items,
        received=collected.received,
        not_modified=collected.not_modified,
        points=collected.points,
        kept=collected.kept,
    )
