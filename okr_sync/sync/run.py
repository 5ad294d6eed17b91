"""One run: take the lease, collect, evaluate, save, and write down what happened to every key result."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from okr_sync.config import Config
from okr_sync.core.changes import Change, changes
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Collected
from okr_sync.core.snapshot import Snapshot
from okr_sync.registry import Registry
from okr_sync.store import collecting, definitions, history, ledger, results
from okr_sync.store.database import Store
from okr_sync.store.ledger import Entry
from okr_sync.sync.collect import Asking, Watch, collect
from okr_sync.sync.entries import judge_entries
from okr_sync.sync.mirror import StoredMirror

Outcome = Literal["ok", "partial", "failed"]

SPARE_TIME = timedelta(minutes=2)  # beyond the slowest source's deadline, for saving and evaluating


@dataclass(frozen=True, slots=True)
class World:
    """The outside as arguments: how to wait, what time it is when the run ends, whom to tell about progress."""

    clock: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    watch: Watch | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run did: its id, its outcome, what each source brought, what changed, an entry a key result."""

    run: int
    outcome: Outcome
    collected: tuple[Collected, ...]
    snapshot: Snapshot
    changes: tuple[Change, ...]
    entries: tuple[Entry, ...]


def sync(
    store: Store,
    config: Config,
    world: World,
    *,
    trigger: str = "once",
    author: str = "okr-sync",
    full: bool = False,
    registry: Registry | None = None,
) -> RunReport:
    """Do one whole run and return what it did.

    Facts of each source are saved in one transaction with its cursor; a source that fails changes nothing but its
    own state. Raises BusyError when another run holds the lease, StoreError when the store can't be written.
    """
    now = world.clock()
    with _leased_run(store, config, now, trigger, world) as run:
        collected = collect(config.sources, asking_for(store, config, now, world, full=full, registry=registry))
        for brought in collected:
            with store.writing() as session:
                collecting.save_collected(session, run, brought, fresh_for=config.sources[brought.source].fresh_for)
        with store.writing() as session:
            return _conclude(session, config, run, now, world, collected, author)


def evaluate_only(store: Store, config: Config, world: World, *, trigger: str, author: str) -> RunReport:
    """Judge anew what the store holds, without asking any source; used after a check-in."""
    now = world.clock()
    with _leased_run(store, config, now, trigger, world) as run, store.writing() as session:
        return _conclude(session, config, run, now, world, (), author)


def asking_for(
    store: Store, config: Config, now: datetime, world: World, *, full: bool, registry: Registry | None
) -> Asking:
    """Return how to ask the sources: from the first cycle's start to `now`, the store's mirror at hand."""
    return Asking(
        start=min((cycle.start for cycle in config.book.cycles), default=now),
        now=now,
        mirror=StoredMirror(store),
        registry=registry or Registry(),
        full=full,
        sleep=world.sleep,
        watch=world.watch,
    )


@contextmanager
def _leased_run(store: Store, config: Config, now: datetime, trigger: str, world: World) -> Iterator[int]:
    longest = max((source.deadline for source in config.sources.values()), default=timedelta(0))
    run = ledger.begin_run(
        store, now, trigger, longest + SPARE_TIME, f"{socket.gethostname()}:{os.getpid()}", is_alive=_is_alive
    )
    try:
        yield run
    except BaseException as error:
        with store.writing() as session:
            outcome = "failed" if isinstance(error, Exception) else "interrupted"
            ledger.finish_run(session, run, world.clock(), outcome, f"{type(error).__name__}: {error}")
        raise


def _is_alive(owner: str) -> bool:
    """Tell whether the process that holds a lease may still live; other hosts' processes may."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _conclude(
    session: Session,
    config: Config,
    run: int,
    now: datetime,
    world: World,
    collected: tuple[Collected, ...],
    author: str,
) -> RunReport:
    definitions.save_definitions(session, run, config.book, now, author, "config files")
    before = results.latest_snapshot(session, now)
    snapshot = evaluate_stored(session, config, now)
    results.save_snapshot(session, run, snapshot, slot=now)
    changed = changes(before, snapshot)
    entries = judge_entries(config.book, snapshot, changed, collected)
    ledger.record_entries(session, run, entries)
    outcome = outcome_of(collected)
    ledger.finish_run(session, run, world.clock(), outcome, _summary(entries))
    return RunReport(run, outcome, collected, snapshot, changed, entries)


def evaluate_stored(session: Session, config: Config, now: datetime) -> Snapshot:
    """Return the snapshot at `now` of everything that the store holds for the book."""
    fresh_for = {name: source.fresh_for for name, source in config.sources.items()}
    return evaluate(config.book, history.load_history(session, config.book, fresh_for), now)


def outcome_of(collected: tuple[Collected, ...]) -> Outcome:
    """Return failed when every source failed, partial when any failed or missed a question, else ok."""
    failed = [brought.outcome == "failed" for brought in collected]
    if failed and all(failed):
        return "failed"
    return "ok" if all(brought.outcome == "ok" for brought in collected) else "partial"


def _summary(entries: tuple[Entry, ...]) -> str:
    counts = {word: sum(entry.outcome == word for entry in entries) for word in ("updated", "unchanged", "skipped")}
    counts["failed"] = sum(entry.outcome == "failed" for entry in entries)
    return ", ".join(f"{number} {word}" for word, number in counts.items())
