"""How much processor time the back-fill of a quarter takes, and how that grows with items and key results."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Container, Reading, SourceState, Transition, WorkItem
from okr_sync.core.lives import Stay, versions_of
from okr_sync.core.model import Book, Change, Cycle, Delivery, DeliveryScope, Initiative, KeyResult, Metric, Objective
from okr_sync.core.past import MetricPast, Past, ScopePast, Series, TrackerPast, Walk

START = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 92


def main(words: Sequence[str]) -> None:
    """Measure one size and its double."""
    parser = argparse.ArgumentParser(prog="past")
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--key-results", type=int, default=500)
    given = parser.parse_args(words)
    single = _measure(given.items, given.key_results)
    double = _measure(2 * given.items, 2 * given.key_results)
    sys.stdout.write(f"  time(2N) / time(N) = {double:.2f} s / {single:.2f} s = {double / single:.2f}\n")


def _measure(items: int, key_results: int) -> float:
    book, began = _book(key_results), time.process_time()
    walk = Walk(_past(book, items))
    ready = time.process_time()
    for number in range(1, DAYS + 1):
        evaluate(book, walk.at(_day(number)), _day(number), foresee=False)
    done = time.process_time()
    sys.stdout.write(
        f"  {items} items with 3 changes each, {key_results} key results, {DAYS} days: "
        f"{ready - began:.2f} s to undo, {done - ready:.2f} s to judge\n"
    )
    return done - began


def _day(number: float) -> datetime:
    return START + timedelta(days=number)


def _book(key_results: int) -> Book:
    """Return a book of which a fifth of the key results rests on an initiative each, the others on a metric each."""
    due = _day(DAYS)
    works = [f"i{number}" for number in range(key_results // 5)]
    metrics = [f"m{number}" for number in range(key_results - len(works))]
    judged = [KeyResult(f"k-{name}", name, Delivery((name,)), START, due) for name in works]
    judged += [KeyResult(f"k-{name}", name, Change(name, 0.0, target=100.0), START, due) for name in metrics]
    return Book(
        "UTC",
        (Cycle("q", START.date(), (due - timedelta(days=1)).date(), START, due),),
        (Objective("o", "o", "q", key_results=tuple(judged)),),
        tuple(Metric(name, name, "survey", "{}") for name in metrics),
        tuple(Initiative(name, name, scopes=(DeliveryScope(f"{name}/1", "tracker", "{}"),)) for name in works),
    )


def _past(book: Book, items: int) -> Past:
    """Return a reading a day of each metric, and items that are started, done, reopened in time."""
    names = [each.id for each in book.initiatives]
    readings = tuple(Reading(float(number), _day(number)) for number in range(DAYS))
    held = {f"{number:06}": names[number % len(names)] for number in range(items)}
    return Past(
        metrics={each.id: MetricPast({None: Series(readings)}) for each in book.metrics},
        scopes={f"{name}/1": ScopePast(f"{name}/1", "tracker", (name,), resolved=True) for name in names},
        trackers={
            "tracker": TrackerPast(
                containers={
                    name: Container(name, name, name, "https://tracker.example", "epic", "open") for name in names
                },
                versions={id_: versions_of(_item(id_), _moves(id_)) for id_ in held},
                stays=tuple(Stay(name, id_, START) for id_, name in held.items()),
            )
        },
        sources={name: SourceState(name, _day(DAYS), timedelta(hours=1)) for name in ("survey", "tracker")},
    )


def _item(id_: str) -> WorkItem:
    return WorkItem(id_, id_, "An item", "https://tracker.example", "issue", "in_progress", created=START)


def _moves(id_: str) -> list[Transition]:
    first = 1 + int(id_) % (DAYS - 12)
    states = ("open", "in_progress", "done", "in_progress")
    return [
        Transition(id_, "state", before, after, _day(first + 5 * number))
        for number, (before, after) in enumerate(itertools.pairwise(states))
    ]
