"""Evaluation: seconds of CPU to judge thousands of key results of all kinds, each with a history of its own.

One pass judges everything at the end of the history; N and 2N are measured in turn, so that both sides of the ratio
meet the same machine. The wanted bounds are printed beside what was measured; nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import cProfile
import math
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Container, History, MetricFacts, Reading, ScopeFacts, SourceState, WorkItem
from okr_sync.core.kinds import (
    All,
    Counted,
    Gate,
    OnTime,
    Part,
    Range,
    Rate,
    Ratio,
    Samples,
    Total,
    Weighted,
    Zone,
)
from okr_sync.core.model import (
    Book,
    Change,
    Cycle,
    Delivery,
    DeliveryScope,
    Done,
    DoneSubject,
    Initiative,
    KeyResult,
    Measure,
    Metric,
    Objective,
    Step,
    Steps,
    Threshold,
)
from okr_sync.core.snapshot import Snapshot

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
IN_AN_OBJECTIVE = 5  # key results
SECONDS, GROWTH = 10.0, 2.2  # what is wanted: of 5,000 key results, and of time(2N) / time(N)

Kind = Callable[[str], Measure]
"""From the id of a key result, which is also that of its metric and initiative, to its measure."""


def _change(name: str) -> Change:
    return Change(f"{name}.level", 0.0, target=100.0)


KINDS: dict[str, Kind] = {
    "all": lambda name: All((Part("a", _change(name)), Part("b", Samples(f"{name}.level", 60)))),
    "baseline": lambda name: Samples(f"{name}.level", 60),
    "change": _change,
    "delivery": lambda name: Delivery((name,)),
    "done": lambda name: Done(DoneSubject(initiative=name)),
    "gate": lambda name: Gate((Part("a", Done(DoneSubject(metric=f"{name}.level"))), Part("b", _change(name)))),
    "on_time": lambda name: OnTime((name,), 0.9, "items"),
    "range": lambda name: Range(f"{name}.level", 40.0, 60.0, tolerance=10.0),
    "rate": lambda name: Rate(Counted(metric=f"{name}.flow"), 7.0, "week"),
    "ratio": lambda name: Ratio(f"{name}.flow", f"{name}.level", 0.9),
    "steps": lambda name: Steps((Step("a", DoneSubject(initiative=name)), Step("b", DoneSubject(f"{name}")))),
    "threshold": lambda name: Threshold(f"{name}.level", 50.0, "at_most", evaluate="time_in_bounds"),
    "total": lambda name: Total((Counted(metric=f"{name}.flow"),), 100.0),
    "weighted": lambda name: Weighted((Part("a", _change(name), 0.7), Part("b", Delivery((name,)), 0.3))),
    "zone": lambda name: Zone(f"{name}.zone", "ten", "five", "one"),
}


@dataclass(frozen=True, slots=True)
class World:
    """What is judged, at the end of its history."""

    book: Book
    history: History
    now: datetime


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print; with --profile also where the time goes."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench evaluation", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--key-results", type=int, default=5000)
    parser.add_argument("--days", type=int, default=90, help="of history, one reading and one item each")
    parser.add_argument("--runs", type=int, default=5, help="the median of these counts")
    parser.add_argument("--profile", action="store_true")
    told = parser.parse_args(words)
    half, whole = build(told.key_results // 2, told.days), build(told.key_results, told.days)
    pairs = [(_seconds(half), _seconds(whole)) for _ in range(told.runs)]
    _print(half, whole, [one for one, _ in pairs], [two for _, two in pairs])
    if told.profile:
        _profile(whole)


def build(count: int, days: int) -> World:
    """Return `count` key results of all kinds in turn, each with its own metrics and work of `days` days."""
    kinds = list(KINDS.values())
    names = [f"kr-{number}" for number in range(count)]
    due = START + max(days + 2, 92) * DAY
    key_results = [
        KeyResult(name, name, kinds[number % len(kinds)](name), START, due) for number, name in enumerate(names)
    ]
    last = (due - DAY).date()
    book = Book(
        "Europe/Berlin",
        (Cycle("q", START.date(), last, START, due),),
        tuple(
            Objective(
                f"o-{at}",
                "Objective",
                "q",
                key_results=tuple(key_results[at : at + IN_AN_OBJECTIVE]),
                contributes_to="o-0" if at else None,
            )
            for at in range(0, count, IN_AN_OBJECTIVE)
        ),
        tuple(metric for name in names for metric in _metrics(name)),
        tuple(Initiative(name, name, scopes=(DeliveryScope(f"{name}/1", "tracker", "{}"),)) for name in names),
    )
    return World(book, _history(names, days), START + days * DAY)


def _metrics(name: str) -> tuple[Metric, ...]:
    return (
        Metric(f"{name}.level", name, "survey", "{}"),
        Metric(f"{name}.flow", name, "survey", "{}", type="flow"),
        Metric(f"{name}.zone", name, "survey", "{}"),
    )


def _history(names: Sequence[str], days: int) -> History:
    now, window = START + days * DAY, timedelta(days=1)
    metrics: dict[str, MetricFacts] = {}
    for number, name in enumerate(names):
        times = [START + day * DAY + timedelta(minutes=number % 1000) for day in range(days)]
        metrics[f"{name}.level"] = _facts([(at, 40.0 + 30 * math.sin(number + n)) for n, at in enumerate(times)])
        metrics[f"{name}.flow"] = _facts([(at, float((number + n) % 3)) for n, at in enumerate(times)])
        metrics[f"{name}.zone"] = _facts([(at, float((number + n) % 4)) for n, at in enumerate(times)])
    return History(
        metrics,
        {f"{name}/1": _scope(f"{name}/1", days) for name in names},
        {source: SourceState(source, now, window) for source in ("survey", "tracker")},
    )


def _facts(spots: Sequence[tuple[datetime, float]]) -> MetricFacts:
    return MetricFacts(tuple(Reading(value, at, author="ana") for at, value in spots))


def _scope(ref: str, days: int) -> ScopeFacts:
    """An epic with one item for each day, of which two in three are done."""
    epic = Container(f"{ref}-e", f"{ref}-E", ref, "https://tracker.example", "epic", "open")
    items = tuple(
        WorkItem(
            f"{ref}-{day}",
            f"{ref}-{day}",
            ref,
            "https://tracker.example",
            "issue",
            "done" if day % 3 else "open",
            created=START,
            done_at=START + day * DAY if day % 3 else None,
            due=(START + day * DAY).date(),
        )
        for day in range(days)
    )
    return ScopeFacts(ref, "tracker", (epic,), {epic.id: items}, resolved=True)


def _seconds(world: World) -> float:
    began = time.process_time()
    _evaluate(world)
    return time.process_time() - began


def _evaluate(world: World) -> Snapshot:
    return evaluate(world.book, world.history, world.now)


def _print(half: World, whole: World, ones: Sequence[float], twos: Sequence[float]) -> None:
    one, two = statistics.median(ones), statistics.median(twos)
    states = _evaluate(whole).key_results
    known = sum(state.progress is not None for state in states)
    count = len(half.book.key_results()), len(states)
    _say(f"{len(KINDS)} kinds, {count[1]} key results, {known} with a number; CPU time, median of {len(ones)} runs\n")
    _say(f"{'':28}{'seconds':>9}{'wanted':>9}\n")
    _say(f"{f'{count[0]} key results':28}{one:9.2f}\n")
    _say(f"{f'{count[1]} key results':28}{two:9.2f}{SECONDS * count[1] / 5000:9.2f}\n")
    _say(f"{'time(2N) / time(N)':28}{two / one:9.2f}{GROWTH:9.2f}   {two:.2f} / {one:.2f}\n")


def _profile(world: World) -> None:
    profile = cProfile.Profile()
    profile.runcall(_evaluate, world)
    pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(40)


def _say(text: str) -> None:
    sys.stdout.write(text)
