"""Asks and judges like a run, shows what would change, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from okr_sync.config import Config
from okr_sync.core.changes import Change, changes
from okr_sync.core.facts import Collected
from okr_sync.core.snapshot import Snapshot
from okr_sync.registry import Registry
from okr_sync.store import collecting, definitions, ledger, news, results
from okr_sync.store.database import Store
from okr_sync.store.processes import this_process
from okr_sync.store.sources import declare_sources
from okr_sync.sync.backfill import Occasion, Recomputed, recompute
from okr_sync.sync.baselines import capture_baselines
from okr_sync.sync.collect import collect
from okr_sync.sync.freezing import frozen_at
from okr_sync.sync.recalling import questions_about, recall, save_recalled, with_cost
from okr_sync.sync.run import World, asking_for, asking_for_past, evaluate_stored, freshness_of, past_start


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
        run = _save(session, config, now, collected)
        capture_baselines(session, run, config, collected, now, "plan")
        snapshot = evaluate_stored(session, config, now)
        return Plan(collected, snapshot, changes(before, snapshot))


@dataclass(frozen=True, slots=True)
class PastPlan:
    """What computing the past again would bring: what the sources said, and the points that it would write."""

    collected: tuple[Collected, ...]
    past: Recomputed


def plan_backfill(
    store: Store, config: Config, world: World, since: datetime | None = None, *, registry: Registry | None = None
) -> PastPlan:
    """Return what `backfill` would do at this instant; by the same code, rolled back as in `plan`."""
    now = world.clock()
    begin = since or past_start(store, config, now)
    asking = asking_for_past(store, config, now, world, begin, registry=registry)
    collected = collect(config.sources, asking)
    with store.rehearsing() as session:
        _save(session, config, now, collected)
        questions = questions_about(session, config, collected, begin, now, again=True)
    recalled = recall(config.sources, questions, asking, collected)
    with store.rehearsing() as session:
        mark = news.mark(session, None)
        run = _save(session, config, now, collected)
        for told in recalled:
            save_recalled(session, run, told)
        definitions.save_definitions(session, run, config.book, now, "plan")
        capture_baselines(session, run, config, collected, now, "plan")
        frozen = frozen_at(session, config.book, now)
        past = recompute(session, config, Occasion(run, now, mark, frozen, begin, world.steps))
        return PastPlan(with_cost(collected, recalled), past)


def _save(session: Session, config: Config, now: datetime, collected: tuple[Collected, ...]) -> int:
    """Save what sources brought under a run beside any that is under way; return its id."""
    run = ledger.open_run(session, now, "plan", timedelta(minutes=1), this_process(), exclusive=False)
    declare_sources(session, freshness_of(config))
    for brought in collected:
        collecting.save_collected(session, run, brought)
    return run
