"""One run: take the lease, collect, evaluate, save, and write down what happened to every key result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from okr_sync.alerts.watching import watching_of
from okr_sync.config import Config, Source
from okr_sync.config.commits import Commits
from okr_sync.config.whereabouts import Defined
from okr_sync.core.changes import Change, changes
from okr_sync.core.cycles import Frozen, freeze
from okr_sync.core.definition import questions_of
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Collected
from okr_sync.core.snapshot import Snapshot
from okr_sync.registry import Registry
from okr_sync.store import alerts, collecting, definitions, history, ledger, results
from okr_sync.store.database import Store
from okr_sync.store.definitions import Credit
from okr_sync.store.ledger import Entry
from okr_sync.store.processes import this_process
from okr_sync.store.sources import declare_sources
from okr_sync.store.stages import drop_old
from okr_sync.store.waiting import Patience, begin_in_turn
from okr_sync.sync.authors import REASON, UNSIGNED, Signed, credits_of
from okr_sync.sync.backfill import Occasion, Recomputed, Steps, recompute
from okr_sync.sync.baselines import Again, capture_baselines, sources_behind, whole_past, with_windows
from okr_sync.sync.beginning import Before, look_back
from okr_sync.sync.catching_up import catch_up
from okr_sync.sync.collect import Asking, Watch, collect
from okr_sync.sync.dropping import droppings
from okr_sync.sync.entries import judge_entries
from okr_sync.sync.freezing import frozen_at, why_skipped
from okr_sync.sync.mirror import StoredMirror
from okr_sync.sync.pushing import StoredInbox
from okr_sync.sync.recalling import questions_about, recall, save_recalled, with_cost
from okr_sync.sync.remembering import StoredEtags
from okr_sync.sync.staging import FIRST, LIFE, StoredShelves
from okr_sync.sync.suspecting import StoredMemory

Outcome = Literal["ok", "partial", "failed"]
Enter = Callable[[Session, datetime], object]
"""Writes what a person says, at the instant of the run."""
Seal = Callable[[Session, int, Snapshot], None]
"""Called with the transaction, the run and what it judged; what it writes counts in what the run saves."""

SPARE_TIME = timedelta(minutes=2)  # beyond the slowest source's deadlines, for saving and evaluating


@dataclass(frozen=True, slots=True)
class World:
    """The outside as arguments: how to wait, what time it is when the run ends, whom to tell about progress."""

    clock: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    watch: Watch | None = None
    commits: Callable[[], Commits] | None = None
    """Begins to ask who changed config files; None: nobody is asked."""
    steps: Steps | None = None
    begins: Callable[[int], None] | None = None
    """Called with the number of the run once it holds the lease."""
    staged_after: float = FIRST
    """Seconds of a pull after which its answers are kept, in case the process ends."""
    patience: Patience | None = None
    """How to wait while another run is under way; None: not at all."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run did: its id, its outcome, what each source brought, what changed, an entry a key result."""

    run: int
    outcome: Outcome
    collected: tuple[Collected, ...]
    snapshot: Snapshot
    changes: tuple[Change, ...]
    entries: tuple[Entry, ...]
    past: Recomputed = field(default_factory=Recomputed)
    """The past days that were computed in it."""


def sync(
    store: Store,
    config: Config,
    world: World,
    *,
    trigger: str = "once",
    author: str = "okr-sync",
    signed: Signed = UNSIGNED,
    full: bool = False,
    again: Again | None = None,
    registry: Registry | None = None,
    begun: int | None = None,
    only: AbstractSet[str] | None = None,
    retry: bool = False,
) -> RunReport:
    """Do one whole run and return what it did.

    `again` captures the baselines of one key result anew, and asks no other sources than those behind it. `begun` is a
    run that holds the lease already and is to be done; None: it begins here. `only` these sources are asked; None: all.
    `retry` asks those in trouble, too, before it is their time.

    Facts of each source are saved in one transaction with its cursor; a source that fails changes nothing but its
    own state. Changed definitions are credited to whom `signed` names, else to their commits, else to `author`. Raises
    BusyError when another run holds the lease, StoreError when the store can't be written.
    """
    with _leased_run(store, config, world, trigger=trigger, author=author, begun=begun, again=again) as run:
        asking = _asking(store, config, run.now, world, run.known, full=full, registry=registry)
        asking = replace(asking, retry=retry)
        sources = sources_behind(config, again)
        asked = {name: each for name, each in sources.items() if only is None or name in only}
        collected = _recall(run, asking, _collect(run, asking, asked))
        return _conclude(replace(run, signed=signed), collected, again=again)


def backfill(
    store: Store,
    config: Config,
    world: World,
    since: datetime | None = None,
    *,
    author: str = "okr-sync",
    registry: Registry | None = None,
) -> RunReport:
    """Ask every source that keeps history for its past, and compute all days from `since` on again.

    None: from the start of the oldest cycle that is not closed. Returns and raises what `sync` does.
    """
    with _leased_run(store, config, world, trigger="backfill", author=author) as run:
        begin = since or past_start(store, config, run.now)
        asking = asking_for_past(store, config, run.now, world, begin, registry=registry)
        collected = _recall(run, asking, _collect(run, asking, config.sources), again=begin)
        return _conclude(run, collected, since=begin)


def _collect(run: _Run, asking: Asking, sources: Mapping[str, Source]) -> tuple[Collected, ...]:
    """Ask every source and save what it brought, each in one transaction."""
    collected = collect(sources, replace(asking, shelves=StoredShelves(run.store, run.id, run.world.staged_after)))
    for brought in collected:
        with run.store.writing() as session:
            collecting.save_collected(session, run.id, brought)
            alerts.watch(session, watching_of(run.config), run.now)
    return collected


def _recall(
    run: _Run, asking: Asking, collected: tuple[Collected, ...], *, again: datetime | None = None
) -> tuple[Collected, ...]:
    """Ask sources that just answered what happened before anybody looked; return what they brought, with the cost."""
    with run.store.reading() as session:
        since = again or _past_start(session, run.config, run.now)
        questions = questions_about(session, run.config, collected, since, run.now, again=again is not None)
    recalled = recall(run.config.sources, questions, asking, collected)
    for told in recalled:
        with run.store.writing() as session:
            save_recalled(session, run.id, told)
    return with_cost(collected, recalled)


def evaluate_only(
    store: Store,
    config: Config,
    world: World,
    *,
    trigger: str,
    author: str,
    enter: Enter | None = None,
    seal: Seal | None = None,
) -> RunReport:
    """Judge anew what the store holds, without asking any source; used for check-ins, and to close a cycle.

    What `enter` writes before and `seal` after the judging is saved together with what it changed, or not at all.
    Raises what `sync` raises.
    """
    with _leased_run(store, config, world, trigger=trigger, author=author) as run:
        return _conclude(run, (), enter, seal)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run under way, and what was known before it."""

    id: int
    store: Store
    config: Config
    world: World
    now: datetime
    author: str
    known: Before
    before: Snapshot | None
    signed: Signed = UNSIGNED


def asking_for(
    store: Store,
    config: Config,
    now: datetime,
    world: World,
    *,
    full: bool,
    registry: Registry | None,
    again: Again | None = None,
) -> Asking:
    """Return how to ask the sources: from the first cycle's start to `now`, the store's mirror at hand.

    What the store lacks of the past, and what baselines are to be captured from, is asked, too.
    """
    with store.reading() as session:
        known = look_back(session, config, now, again)
    return _asking(store, config, now, world, known, full=full, registry=registry)


def _asking(
    store: Store,
    config: Config,
    now: datetime,
    world: World,
    known: Before,
    *,
    full: bool,
    registry: Registry | None,
) -> Asking:
    return Asking(
        start=min((cycle.start for cycle in config.book.cycles), default=now),
        now=now,
        mirror=StoredMirror(store),
        registry=registry or Registry(),
        full=full,
        past=known.past,
        sleep=world.sleep,
        watch=world.watch,
        questions=questions_of(config.book),
        inbox=StoredInbox(store),
        memory=StoredMemory(store, config.book),
        breakers=known.breakers,
        droppings=droppings(config.book),
        etags=StoredEtags(store),
    )


def past_start(store: Store, config: Config, now: datetime) -> datetime:
    """Return the start of the oldest cycle that takes writes; now, when there is none."""
    with store.reading() as session:
        return _past_start(session, config, now)


def _past_start(session: Session, config: Config, now: datetime) -> datetime:
    held = {each.cycle for each in frozen_at(session, config.book, now)}
    return min((cycle.start for cycle in config.book.cycles if cycle.id not in held), default=now)


def asking_for_past(
    store: Store, config: Config, now: datetime, world: World, since: datetime, *, registry: Registry | None
) -> Asking:
    """Return how to ask the sources for all that they know since then, too."""
    asking = asking_for(store, config, now, world, full=False, registry=registry)
    return replace(asking, start=min(since, asking.start), past=with_windows(whole_past(config), asking.past))


@contextmanager
def _leased_run(
    store: Store,
    config: Config,
    world: World,
    *,
    trigger: str,
    author: str,
    begun: int | None = None,
    again: Again | None = None,
) -> Iterator[_Run]:
    with store.keeping():
        begin = _begun(store, config, world, trigger) if begun is None else (begun, world.clock())
        with _kept_lease(store, config, world, begin, author, again=again) as run:
            yield run


@contextmanager
def _kept_lease(
    store: Store, config: Config, world: World, begun: tuple[int, datetime], author: str, *, again: Again | None
) -> Iterator[_Run]:
    """Give the run; it is closed as failed when it ends by an exception."""
    run, now = begun
    try:
        with store.writing() as session:
            declare_sources(session, freshness_of(config))
            drop_old(session, config.sources, now - LIFE)
            known = look_back(session, config, now, again)
        if world.begins is not None:
            world.begins(run)
        yield _Run(run, store, config, world, now, author, known, known.snapshot)
    except BaseException as error:
        with store.writing() as session:
            ledger.finish_run(session, run, world.clock(), "failed", f"{type(error).__name__}: {error}")
        raise


def _begun(store: Store, config: Config, world: World, trigger: str) -> tuple[int, datetime]:
    """Return a run that holds the lease, and when it began."""

    def begin(now: datetime, turn: int | None) -> tuple[int, datetime]:
        lease, clock = time_of_run(config), world.clock
        run = ledger.begin_run(store, now, trigger, lease, this_process(), turn=turn, clock=clock)
        return run, clock()

    return begin_in_turn(store, world.clock, begin, patience=world.patience)


def time_of_run(config: Config) -> timedelta:
    """Return how long a run may take: the slowest source asked and asked for its past, and time to save and judge."""
    return 2 * max((source.deadline for source in config.sources.values()), default=timedelta(0)) + SPARE_TIME


def _conclude(
    run: _Run,
    collected: tuple[Collected, ...],
    enter: Enter | None = None,
    seal: Seal | None = None,
    again: Again | None = None,
    *,
    since: datetime | None = None,
) -> RunReport:
    """Evaluate and save everything in one transaction, the past included; the run ends with it.

    From `since` on the past is computed again whether it is known to be wrong or not.
    """
    book = run.config.book
    credited = _credits(run)
    with run.store.writing() as session:
        now, before = catch_up(session, run.before, run.now, run.world.clock())
        run = replace(run, now=now, before=before)
        if enter is not None:
            enter(session, run.now)
        definitions.save_definitions(session, run.id, book, run.now, run.author, REASON, credited)
        capture_baselines(session, run.id, run.config, collected, run.now, run.author, again)
        if seal is not None:
            seal(session, run.id, evaluate_stored(session, run.config, run.now))
        frozen = frozen_at(session, book, run.now)
        snapshot = evaluate_stored(session, run.config, run.now, frozen)
        occasion = Occasion(run.id, run.now, run.known.mark, frozen, since, run.world.steps)
        past = recompute(session, run.config, occasion)
        results.save_snapshot(session, run.id, snapshot, slot=run.now, said=past.said)
        changed = changes(run.before, snapshot)
        entries = judge_entries(book, snapshot, changed, collected, why_skipped(book, frozen))
        ledger.record_entries(session, run.id, entries)
        outcome = outcome_of(collected)
        ledger.finish_run(session, run.id, run.world.clock(), outcome, _summary(entries))
        alerts.watch(session, watching_of(run.config), run.now)
    return RunReport(run.id, outcome, collected, snapshot, changed, entries, past)


def _credits(run: _Run) -> dict[Defined, Credit]:
    """Return who changed which definition; asked before anything is judged, so that no writer waits for git."""
    commits = run.world.commits() if run.world.commits else None
    return credits_of(run.config, run.known.changed, run.author, run.signed, commits)


def freshness_of(config: Config) -> dict[str, timedelta]:
    """Return source name → how long its last success stays fresh."""
    return {name: source.fresh_for for name, source in config.sources.items()}


def evaluate_stored(
    session: Session, config: Config, now: datetime, frozen: tuple[Frozen, ...] | None = None
) -> Snapshot:
    """Return the snapshot at `now` of everything that the store holds for the book; `frozen` stays as it was.

    None: what is frozen is looked up.
    """
    facts = history.load_history(session, config.book, freshness_of(config), now)
    held = frozen_at(session, config.book, now) if frozen is None else frozen
    return freeze(evaluate(config.book, facts, now), config.book, held, facts.sources)


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
