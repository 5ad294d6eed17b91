"""Which points of which days are missing or have to be computed again: subject by subject, from when until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from okr_sync.core.definition import initiatives_of, metrics_of, scope_question
from okr_sync.core.model import Book, KeyResult, Objective
from okr_sync.core.past import Past
from okr_sync.store.interning import Subject

DAY = timedelta(days=1)
EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)

Spans: TypeAlias = dict[Subject, tuple[datetime, datetime]]
"""Subject → slots in [since, until)."""


@dataclass(frozen=True, slots=True)
class Known:
    """From when on the past of metrics and initiatives can be told; NEVER: it can't. One that is missing: no value."""

    metrics: Mapping[str, datetime] = field(default_factory=dict)
    initiatives: Mapping[str, datetime] = field(default_factory=dict)


def beginnings(book: Book, known: Known, held: frozenset[str]) -> dict[Subject, datetime]:
    """Return subject → the first instant at which it can be judged; NEVER: at none of the past.

    A key result begins with its start, an objective with its cycle, an initiative with the first cycle; each no sooner
    than all that it rests on is known. What belongs to the cycles `held` takes no writes and is left out, and so is
    what an initiative was before these ended.
    """
    cycles = {cycle.id: cycle for cycle in book.cycles}
    first = quiet_until(book, held)
    found: dict[Subject, datetime] = {
        ("initiative", each.id): max(first, known.initiatives.get(each.id, NEVER)) for each in book.initiatives
    }
    own = {key_result.id: _known_from(key_result, known) for key_result in book.key_results()}
    whole = _whole(book, own)
    for objective in book.objectives:
        if objective.cycle in held:
            continue
        found["objective", objective.id] = max(cycles[objective.cycle].start, whole[objective.id])
        for key_result in objective.key_results:
            since = own[key_result.id]
            if since is not None:
                found["key_result", key_result.id] = max(key_result.start, since)
    return found


def quiet_until(book: Book, held: frozenset[str]) -> datetime:
    """Return since when work can be written about: the first cycle's start, or the end of the last that is `held`."""
    ends = [cycle.end for cycle in book.cycles if cycle.id in held]
    return max(ends, default=min((cycle.start for cycle in book.cycles), default=NEVER))


def missing(
    timezone: str, begins: Mapping[Subject, datetime], firsts: Mapping[Subject, datetime], now: datetime
) -> Spans:
    """Return the spans from the end of each subject's first day to its first point."""
    ends = {since: _day_end(timezone, since) for since in set(begins.values()) if since != NEVER}
    spans = {subject: (ends[since], firsts.get(subject, now)) for subject, since in begins.items() if since in ends}
    return {subject: span for subject, span in spans.items() if span[0] < span[1]}


def touched(begins: Mapping[Subject, datetime], news: Mapping[Subject, datetime], book: Book, now: datetime) -> Spans:
    """Return the spans of the `news` of `resting_on` and of the objectives that they reach, up to now."""
    reached = {subject: since for subject, since in _upwards(book, news).items() if subject in begins}
    spans = {subject: (max(since, begins[subject]), now) for subject, since in reached.items()}
    return {subject: span for subject, span in spans.items() if span[0] < span[1]}


def resting_on(
    book: Book, metrics: Mapping[str, datetime], initiatives: Mapping[str, datetime]
) -> dict[Subject, datetime]:
    """Return the key results and initiatives that late readings and late work touch, since when."""
    found: dict[Subject, datetime] = {("initiative", name): since for name, since in initiatives.items()}
    for key_result in book.key_results():
        times = [metrics[name] for name in metrics_of(key_result.measure) if name in metrics]
        times += [initiatives[name] for name in initiatives_of(key_result.measure) if name in initiatives]
        if times:
            found["key_result", key_result.id] = min(times)
    return found


def untold(book: Book, past: Past) -> frozenset[Subject]:
    """Return what can't be told of a book of once: work that lies elsewhere by now, and what rests on it.

    Only the newest answer says which containers a scope has: how it was when it was asked otherwise nobody knows.
    """
    asked = {ref: scope.question for ref, scope in past.scopes.items()}
    lost = [
        each.id
        for each in book.initiatives
        if any((asked.get(scope.ref) or scope_question(scope)) != scope_question(scope) for scope in each.scopes)
    ]
    return frozenset(_upwards(book, resting_on(book, {}, dict.fromkeys(lost, EVER))))


def joined(first: Spans, second: Spans) -> Spans:
    """Return both; a subject in both has all from the first instant to the last."""
    both = first.keys() & second.keys()
    wide = {each: (min(first[each][0], second[each][0]), max(first[each][1], second[each][1])) for each in both}
    return {**first, **second, **wide}


def day_ends(timezone: str, spans: Iterable[tuple[datetime, datetime]]) -> Iterator[datetime]:
    """Yield the local midnights in the union of the spans [since, until), oldest first.

    Where midnight is skipped, the instant of the skip.
    """
    bounds = set(spans)
    if not bounds:
        return
    zone = ZoneInfo(timezone)
    since, until = min(span[0] for span in bounds), max(span[1] for span in bounds)
    day = since.astimezone(zone).date()
    while (midnight := datetime.combine(day, time(), zone).astimezone(UTC)) < until:
        if any(begin <= midnight < end for begin, end in bounds):
            yield midnight
        day += DAY


def _day_end(timezone: str, instant: datetime) -> datetime:
    """Return the first local midnight after an instant."""
    zone = ZoneInfo(timezone)
    return datetime.combine(instant.astimezone(zone).date() + DAY, time(), zone).astimezone(UTC)


def narrowed(book: Book, subjects: Iterable[Subject]) -> Book:
    """Return the part of a book that the subjects rest on: what is left gives the same states as in the whole."""
    wanted = set(subjects)
    objectives = _downwards(book, {each.id for each in book.objectives if _holds(each, wanted)})
    key_results = [each for objective in objectives for each in objective.key_results]
    metrics = {name for each in key_results for name in metrics_of(each.measure)}
    metrics |= {each.population for each in book.metrics if each.id in metrics and each.population is not None}
    initiatives = {name for each in key_results for name in initiatives_of(each.measure)}
    initiatives |= {name for kind, name in wanted if kind == "initiative"}
    return replace(
        book,
        objectives=objectives,
        metrics=tuple(each for each in book.metrics if each.id in metrics),
        initiatives=tuple(each for each in book.initiatives if each.id in initiatives),
    )


def _known_from(key_result: KeyResult, known: Known) -> datetime | None:
    """Return from when on the key result's past can be told; None when no value of it ever was."""
    times = [known.metrics.get(name) for name in metrics_of(key_result.measure)]
    times += [known.initiatives.get(name, NEVER) for name in initiatives_of(key_result.measure)]
    found = [each for each in times if each is not None]
    return max([EVER, *found]) if len(found) == len(times) else None


def _whole(book: Book, own: Mapping[str, datetime | None]) -> dict[str, datetime]:
    """Return objective → from when on all that counts in it can be told; what never had a value is unknown anyhow."""
    above = {each.id: each.contributes_to for each in book.objectives}
    found = dict.fromkeys(above, EVER)
    for objective in book.objectives:
        parts = [own[each.id] for each in objective.key_results if each.weight > 0]
        since = max([EVER, *(each for each in parts if each is not None)])
        name: str | None = objective.id
        while name is not None:
            found[name] = max(found[name], since)
            name = above.get(name)
    return found


def _downwards(book: Book, names: set[str]) -> tuple[Objective, ...]:
    """Return the objectives of these names with all that contribute to them, in the order of the book."""
    found = set(names)
    while more := {each.id for each in book.objectives if each.contributes_to in found} - found:
        found |= more
    return tuple(each for each in book.objectives if each.id in found)


def _upwards(book: Book, news: Mapping[Subject, datetime]) -> dict[Subject, datetime]:
    """Return the news with the objectives that they reach."""
    found = dict(news)
    above = {each.id: each.contributes_to for each in book.objectives}
    for objective in book.objectives:
        times = [found["key_result", each.id] for each in objective.key_results if ("key_result", each.id) in news]
        name: str | None = objective.id if times else None
        while name is not None:
            found["objective", name] = min([*times, found.get(("objective", name), NEVER)])
            name = above.get(name)
    return found


def _holds(objective: Objective, wanted: set[Subject]) -> bool:
    subjects: list[Subject] = [("key_result", each.id) for each in objective.key_results]
    return not wanted.isdisjoint([("objective", objective.id), *subjects])
