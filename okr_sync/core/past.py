"""What was true at past instants: all facts with their valid times, walked forward or undone to one instant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeAlias

from okr_sync.core.facts import (
    Baseline,
    Container,
    DueSeen,
    History,
    MetricFacts,
    Miss,
    Override,
    Reading,
    ScopeFacts,
    SourceState,
    WorkItem,
)
from okr_sync.core.lives import Stay, Version

__all__ = ["MetricPast", "Past", "ScopePast", "Series", "TrackerPast", "Walk", "history_at"]

EVER = datetime.min.replace(tzinfo=UTC)
LEAVE, JOIN, BECOME, SEEN = range(4)  # what happens first at one instant: who leaves a container may join it again
NOTHING_ASKED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Series:
    """What counts of a metric for who asks one question: readings with their times, oldest first.

    `undated` are the times of readings that carried none of their own, `breaks` those of the first reading after each
    change of what was asked. From `answers` on the readings answer the question itself; None: none does.
    """

    readings: tuple[Reading, ...] = ()
    undated: frozenset[datetime] = frozenset()
    breaks: tuple[datetime, ...] = ()
    answers: datetime | None = EVER


@dataclass(frozen=True, slots=True)
class MetricPast:
    """The series of a metric by the hash of what is asked, and why it `miss`es since `missed`.

    None: what counts for every question that was never answered.
    """

    series: Mapping[str | None, Series] = field(default_factory=dict)
    miss: Miss | None = None
    missed: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrackerPast:
    """All that the mirror of one source knows: containers as they are now, items in all their versions, and stays.

    `hidden` says of items that can't be read since when, `dues` which due days items and containers were seen to have,
    oldest first: the first one holds for the time before anybody looked.
    """

    containers: Mapping[str, Container] = field(default_factory=dict)
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    stays: tuple[Stay, ...] = ()
    hidden: Mapping[str, datetime] = field(default_factory=dict)
    dues: Mapping[str, tuple[DueSeen, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScopePast:
    """A scope with its containers as they are now, the `question` they answer, and why it `miss`es since `missed`."""

    ref: str
    source: str
    containers: tuple[str, ...] = ()
    resolved: bool = False
    miss: Miss | None = None
    missed: datetime | None = None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Everything that the store knows of the past of a book; sources are those of now."""

    metrics: Mapping[str, MetricPast] = field(default_factory=dict)
    scopes: Mapping[str, ScopePast] = field(default_factory=dict)
    trackers: Mapping[str, TrackerPast] = field(default_factory=dict)
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    words: Mapping[str, tuple[tuple[datetime, Override | None], ...]] = field(default_factory=dict)
    """Key result id → what people said its status was, oldest first; None: taken back."""
    baselines: Mapping[tuple[str, str], tuple[Baseline, ...]] = field(default_factory=dict)
    """(key result id, subject) → the baselines captured for it, oldest first."""


def history_at(past: Past, instant: datetime, asked: Mapping[str, str] = NOTHING_ASKED) -> History:
    """Return what `evaluate` would have been given at `instant`, by all that is known now; `asked` as in `Walk.at`."""
    return Walk(past).at(instant, asked)


class Walk:
    """Goes through a past from instant to instant, never back; each change is applied once.

    An item is there from its creation until it leaves. A container that is done was open before. A failure counts
    from when it began: no day is stale because of a later one. A captured baseline counts from its newest reading on,
    and one that was captured anew from then on.
    """

    def __init__(self, past: Past) -> None:
        self._past = past
        self._trackers = {name: _Tracker(tracker) for name, tracker in past.trackers.items()}
        self._metrics = {name: _Metric(metric) for name, metric in past.metrics.items()}
        self._reached = EVER

    def at(self, instant: datetime, asked: Mapping[str, str] = NOTHING_ASKED) -> History:
        """Return the history as of `instant`, inclusive, for who asks `asked` (metric id or scope ref → hash).

        Raises ValueError when it lies before the last one asked for.
        """
        if instant < self._reached:
            raise ValueError(f"a walk goes forward: {instant} is before {self._reached}")
        self._reached = instant
        for tracker in self._trackers.values():
            tracker.advance(instant)
        return History(
            metrics={name: metric.at(instant, asked.get(name)) for name, metric in self._metrics.items()},
            scopes={ref: self._scope(scope, instant, asked.get(ref)) for ref, scope in self._past.scopes.items()},
            sources={name: _source_at(state, instant) for name, state in self._past.sources.items()},
            overrides=dict(_words_at(self._past.words, instant)),
            baselines=dict(_baselines_at(self._past.baselines, instant)),
        )

    def _scope(self, scope: ScopePast, instant: datetime, question: str | None) -> ScopeFacts:
        if scope.resolved and scope.question and question and scope.question != question:
            return ScopeFacts(scope.ref, scope.source, miss=_since(scope.miss, scope.missed, instant), asked_anew=True)
        tracker = self._trackers[scope.source]
        known = [name for name in scope.containers if name in tracker.past.containers]
        return ScopeFacts(
            ref=scope.ref,
            source=scope.source,
            containers=tuple(_container_at(tracker.past.containers[name], instant) for name in known),
            items={name: tracker.contents(name) for name in known},
            miss=_since(scope.miss, scope.missed, instant) or _blind(scope, tracker, instant),
            resolved=scope.resolved,
            dues=tracker.dues_of(known),
        )


class _Tracker:
    """The mirror of one source while it is walked through."""

    def __init__(self, past: TrackerPast) -> None:
        self.past = past
        self._items: dict[str, WorkItem] = {}
        self._held: dict[str, set[str]] = {}
        self._holders: dict[str, set[str]] = {}
        self._contents: dict[str, tuple[WorkItem, ...]] = {}
        self._dues: dict[str, tuple[DueSeen, ...]] = {}
        self._changes = sorted(_changes(past), key=lambda change: change[:2])
        self._next = 0

    def advance(self, instant: datetime) -> None:
        """Apply everything up to `instant`, inclusive."""
        while self._next < len(self._changes) and self._changes[self._next][0] <= instant:
            _, kind, name, thing = self._changes[self._next]
            self._next += 1
            if isinstance(thing, DueSeen):
                self._dues[name] = (*self._dues.get(name, ()), thing)
            elif isinstance(thing, WorkItem):
                self._items[name] = thing
                for holder in self._holders.get(name, ()):
                    self._contents.pop(holder, None)
            else:
                self._move(name, thing.container, joins=kind == JOIN)

    def contents(self, container: str) -> tuple[WorkItem, ...]:
        """Return the items that a container holds, in the order of their ids."""
        found = self._contents.get(container)
        if found is None:
            held = sorted(self._held.get(container, ()))
            found = tuple(self._items[name] for name in held if name in self._items)
            self._contents[container] = found
        return found

    def dues_of(self, containers: Sequence[str]) -> dict[str, tuple[DueSeen, ...]]:
        """Return the due days seen so far of these containers and their items."""
        if not self._dues:
            return {}
        things = {*containers, *(item.id for name in containers for item in self.contents(name))}
        return {name: self._dues[name] for name in sorted(things & self._dues.keys())}

    def holds(self, container: str) -> set[str]:
        """Return the ids of what a container holds."""
        return self._held.get(container, set())

    def _move(self, item: str, container: str, *, joins: bool) -> None:
        held, holders = self._held.setdefault(container, set()), self._holders.setdefault(item, set())
        if joins:
            held.add(item)
            holders.add(container)
        else:
            held.discard(item)
            holders.discard(container)
        self._contents.pop(container, None)


class _Metric:
    """The readings of one metric, cut at an instant; the same facts again as long as nothing new is there."""

    def __init__(self, past: MetricPast) -> None:
        self._past = past
        self._times: dict[str | None, list[datetime]] = {}
        self._last: tuple[tuple[str | None, int, Miss | None], MetricFacts] | None = None

    def at(self, instant: datetime, question: str | None) -> MetricFacts:
        asked = question if question in self._past.series else None
        series = self._past.series.get(asked, Series())
        times = self._times.setdefault(asked, [reading.time or EVER for reading in series.readings])
        miss = _since(self._past.miss, self._past.missed, instant)
        key = (asked, bisect_right(times, instant), miss)
        if self._last is None or self._last[0] != key:
            self._last = (key, _facts(series, key[1], miss))
        return self._last[1]


def _facts(series: Series, count: int, miss: Miss | None) -> MetricFacts:
    """Return the facts that the first `count` readings of a series are."""
    readings = series.readings[:count]
    if not readings:
        return MetricFacts(miss=miss)
    newest = readings[-1].time or EVER
    return MetricFacts(
        readings,
        undated=newest in series.undated,
        miss=miss,
        breaks=tuple(time for time in series.breaks if time <= newest),
        answered=series.answers is not None and series.answers <= newest,
    )


_Happened: TypeAlias = WorkItem | Stay | DueSeen


def _changes(past: TrackerPast) -> Iterator[tuple[datetime, int, str, _Happened]]:
    for name, seen in past.dues.items():
        yield from ((EVER if each is seen[0] else each.at, SEEN, name, each) for each in seen)
    for name, versions in past.versions.items():
        yield from ((version.since or EVER, BECOME, name, version.item) for version in versions)
    for stay in past.stays:
        if stay.until is not None and stay.until <= (stay.since or EVER):
            continue
        yield (stay.since or EVER, JOIN, stay.item, stay)
        if stay.until is not None:
            yield (stay.until, LEAVE, stay.item, stay)


def _container_at(container: Container, instant: datetime) -> Container:
    if container.state == "done" and container.done_at is not None and container.done_at > instant:
        return replace(container, state="open", resolution=None, done_at=None)
    return container


def _blind(scope: ScopePast, tracker: _Tracker, instant: datetime) -> Miss | None:
    """Return that something in the scope could not be read at the instant, if so."""
    lost = {name for name in scope.containers if name not in tracker.past.containers}
    for container in scope.containers:
        held = tracker.holds(container)
        lost |= held - tracker.past.versions.keys()
        lost |= {name for name in held & tracker.past.hidden.keys() if tracker.past.hidden[name] <= instant}
    return Miss("denied", f"{scope.source} listed {len(lost)} that it did not show") if lost else None


def _since(miss: Miss | None, missed: datetime | None, instant: datetime) -> Miss | None:
    return miss if missed is None or missed <= instant else None


def _source_at(state: SourceState, instant: datetime) -> SourceState:
    """Return the source as it was: one that answered later than the instant counts as having answered then."""
    if state.last_success is None or state.last_success < instant:
        return state
    return replace(state, last_success=instant, error=None, fix=None)


def _words_at(
    words: Mapping[str, tuple[tuple[datetime, Override | None], ...]], instant: datetime
) -> Iterator[tuple[str, Override]]:
    for name, said in words.items():
        newest = [word for at, word in said if at <= instant][-1:]
        yield from ((name, word) for word in newest if word is not None)


def _baselines_at(
    captured: Mapping[tuple[str, str], tuple[Baseline, ...]], instant: datetime
) -> Iterator[tuple[tuple[str, str], Baseline]]:
    """Yield the newest one captured by the instant, else the first, once all its readings were there."""
    for key, versions in captured.items():
        newest = [each for each in versions if each.at <= instant][-1:] or versions[:1]
        yield from ((key, each) for each in newest if each.time <= instant)
