"""Computes past days again from all that is known now: days before the first sync, and days that late data touches."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlmodel import Session

from okr_sync.config import Config
from okr_sync.core.cycles import Frozen, freeze
from okr_sync.core.definition import questions_of
from okr_sync.core.evaluate import evaluate
from okr_sync.core.model import Book
from okr_sync.core.past import Past, Walk
from okr_sync.core.snapshot import Snapshot
from okr_sync.store import changelog, news, readings, rewriting
from okr_sync.store.books import Books
from okr_sync.store.interning import Subject
from okr_sync.store.news import Mark
from okr_sync.store.past import load_past
from okr_sync.store.rewriting import Rewriting
from okr_sync.sync.spans import (
    EVER,
    NEVER,
    Known,
    Spans,
    beginnings,
    day_ends,
    joined,
    missing,
    narrowed,
    quiet_until,
    resting_on,
    touched,
    untold,
)

Steps = Callable[[int, int], None]
"""Called with how many of how many instants are judged."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What was computed again: how many instants, the new points, those that took the place of others.

    `said` is what the newest point says of each subject that was judged up to now.
    """

    instants: int = 0
    new: int = 0
    replaced: int = 0
    first: datetime | None = None
    said: Mapping[Subject, str] | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and why the past is computed again: by the run `run` at `now`, after what came since `mark`.

    `frozen` takes no writes. From `since` on (None: not at all) everything is computed again, whatever is written.
    """

    run: int
    now: datetime
    mark: Mark
    frozen: tuple[Frozen, ...] = ()
    since: datetime | None = None
    steps: Steps | None = None


def recompute(session: Session, config: Config, occasion: Occasion) -> Recomputed:
    """Write the points of past days that are missing or that late data makes wrong; return what that was.

    A day ends at local midnight and is judged by everything that is known now to have been true then. What a point said
    before is kept. Raises ValueError when a number is not finite.
    """
    spans = _spans(session, config, occasion)
    if not spans:
        return Recomputed()
    rewriting_ = Rewriting(session, spans)
    slots = sorted({*day_ends(config.book.timezone, spans.values()), *rewriting_.slots()})
    if not slots:
        return Recomputed()
    thens = tuple(_books_then(Books(session, config.book), spans, slots))
    windows = {name: source.fresh_for for name, source in config.sources.items()}
    past = load_past(session, tuple({id(then): then for _, then in thens}.values()), windows)
    for number, (snapshot, lost) in enumerate(_judge(thens, past, occasion.frozen), 1):
        _say(rewriting_, spans, snapshot, lost)
        if occasion.steps is not None:
            occasion.steps(number, len(slots))
    written = rewriting_.save(occasion.run, occasion.now)
    current = {subject for subject, (_, until) in spans.items() if until == occasion.now}
    said = {subject: words for subject, words in rewriting_.said().items() if subject in current}
    return Recomputed(len(slots), written.new, written.replaced, slots[0], said)


def _books_then(books: Books, spans: Spans, slots: Iterable[datetime]) -> Iterator[tuple[datetime, Book]]:
    """Yield each slot with the definitions then of all that the subjects rested on; one book while it lasts."""
    moments = books.moments()
    known: dict[int, Book] = {}
    for slot in slots:
        place = max(1, bisect_right(moments, slot))  # before anything was defined the first versions count
        if place not in known:
            known[place] = narrowed(books.at(slot), spans)
        yield slot, known[place]


def _judge(
    thens: Sequence[tuple[datetime, Book]], past: Past, frozen: tuple[Frozen, ...]
) -> Iterator[tuple[Snapshot, frozenset[Subject]]]:
    """Yield what everything was at each slot, and what of it can't be told; a cycle is frozen from its closing on."""
    walk = Walk(past)
    for _, same in groupby(thens, key=lambda each: id(each[1])):
        slots = list(same)
        then = slots[0][1]
        asked, lost = questions_of(then), untold(then, past)
        for slot, _ in slots:
            facts = walk.at(slot, asked)
            held = [each for each in frozen if each.sealed is not None and each.sealed.at <= slot]
            yield freeze(evaluate(then, facts, slot, foresee=False), then, held, facts.sources), lost


def _say(rewriting_: Rewriting, spans: Spans, snapshot: Snapshot, lost: frozenset[Subject]) -> None:
    for subject, state in _states(snapshot):
        if subject not in spans or not spans[subject][0] <= snapshot.at < spans[subject][1]:
            continue
        if subject in lost:
            rewriting_.keep(subject, snapshot.at)
        else:
            rewriting_.say(subject, snapshot.at, state)


def _states(snapshot: Snapshot) -> Iterator[tuple[Subject, Any]]:
    yield from ((("objective", each.id), each) for each in snapshot.objectives)
    yield from ((("key_result", each.id), each) for each in snapshot.key_results)
    yield from ((("initiative", each.id), each) for each in snapshot.initiatives)


def _spans(session: Session, config: Config, occasion: Occasion) -> Spans:
    book = config.book
    held = frozenset(each.cycle for each in occasion.frozen)
    begins = beginnings(book, known_from(session, config), held)
    if occasion.since is not None:
        whole = {subject: max(since, occasion.since) for subject, since in begins.items()}
        return missing(book.timezone, whole, {}, occasion.now)
    firsts = rewriting.first_slots(session)
    found = missing(book.timezone, begins, firsts, occasion.now)
    judged = _since_judged(begins, firsts, quiet_until(book, held))
    return joined(found, touched(judged, _news(session, book, occasion.mark), book, occasion.now))


def _since_judged(
    begins: Mapping[Subject, datetime], firsts: Mapping[Subject, datetime], quiet: datetime
) -> dict[Subject, datetime]:
    """Return from when on each subject can be judged again: what has points was judged by what was seen of it."""
    again = {subject: min(since, firsts.get(subject, since)) for subject, since in begins.items()}
    return {subject: max(since, quiet) if subject[0] == "initiative" else since for subject, since in again.items()}


def _news(session: Session, book: Book, mark: Mark) -> dict[Subject, datetime]:
    if news.mark(session, mark.judged) == mark:  # nothing at all came: two searches are spared
        return {}
    late = news.late_work(session, mark)
    work = {
        each.id: min(times)
        for each in book.initiatives
        if (times := [late[scope.ref] for scope in each.scopes if scope.ref in late])
    }
    return resting_on(book, news.late_readings(session, mark), work)


def known_from(session: Session, config: Config) -> Known:
    """Return from when on the past of each metric and initiative can be told.

    A source that keeps history is asked for the whole cycle; of others we know what they said since they were first
    asked. Work is known once the change log of all its containers was asked for.
    """
    sources = config.sources
    silent = {name for name, source in sources.items() if source.backfill and not source.keeps_history}
    asked_now = frozenset(metric.id for metric in config.book.metrics if metric.source in silent)
    firsts = readings.first_times(session, asked_now)
    answered = {row["metric"] for row in readings.outcomes(session, frozenset(each.id for each in config.book.metrics))}
    metrics = {}
    for metric in config.book.metrics:
        source = sources[metric.source]
        if not source.backfill or (source.keeps_history and metric.id not in answered):
            metrics[metric.id] = NEVER
        elif source.keeps_history:
            metrics[metric.id] = EVER
        elif metric.id in firsts:
            metrics[metric.id] = firsts[metric.id]
    asked = changelog.asked_since(session, [scope.ref for each in config.book.initiatives for scope in each.scopes])
    work = {
        each.id: max([EVER, *(asked.get(scope.ref) or NEVER for scope in each.scopes)])
        for each in config.book.initiatives
        if all(sources[scope.source].backfill for scope in each.scopes)
    }
    return Known(metrics, work)
