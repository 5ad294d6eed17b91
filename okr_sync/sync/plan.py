"""Asks and judges like a run, shows what would change, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from okr_sync.config import Config
from okr_sync.core.changes import Change, changes
from okr_sync.core.facts import Collected
from okr_sync.core.snapshot import Snapshot
from okr_sync.registry import Registry
from okr_sync.store import collecting, ledger, results
from okr_sync.store.database import Store
from okr_sync.store.processes import this_process
from okr_sync.store.sources import declare_sources
from okr_sync.sync.baselines import capture_baselines
from okr_sync.sync.collect import collect
from okr_sync.sync.run import World, asking_for, evaluate_stored, freshness_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would bring now: what the sources said, the snapshot it would save, and the changes to it."""

    collected: tuple[Collected, ...]
    snapshot: Snapshot
    changes: tuple[Change, ...]


def plan(store: Store, config: Config, world: World, *, registry: Registry | None = None) -> Plan:
    """Return what `sync` would do at this instant.

    The same code saves and evaluates inside one transaction that is always rolled back, so a plan can't differ
    from the run that follows on the same data.
    """
    now = world.clock()
    collected = collect(config.sources, asking_for(store, config, now, world, full=False, registry=registry))
    with store.rehearsing() as session:
        before = results.saved_snapshot(session)
        run = ledger.open_run(session, now, "plan", timedelta(minutes=1), this_process(), exclusive=False)
        declare_sources(session, freshness_of(config))
        for brought in collected:
            collecting.save_collected(session, run, brought)
        capture_baselines(session, run, config, collected, now, "plan")
        snapshot = evaluate_stored(session, config, now)
        return Plan(collected, snapshot, changes(before, snapshot))
