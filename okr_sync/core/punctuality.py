"""The measure of punctuality: which share of the milestones, epics or items that were due was closed in time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from okr_sync.core.counting import join_inputs
from okr_sync.core.delivery import classify, items_of
from okr_sync.core.facts import Container, DueSeen, WorkItem
from okr_sync.core.flows import local_day
from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.kinds import OnTime
from okr_sync.core.model import Initiative, KeyResult
from okr_sync.core.numbers import show
from okr_sync.core.observing import Evidence, Unknown

__all__ = ["first_due", "measure_on_time"]

INSTANT = timedelta(microseconds=1)
NAMED = 3  # moved due dates that are told


@dataclass(frozen=True, slots=True)
class _Due:
    """Something whose due day is over, and whether it was closed by then."""

    thing: WorkItem | Container
    day: date
    in_time: bool


def measure_on_time(measure: OnTime, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return p = v / t, v = closed by the end of its due day / due; value and target are in %.

    Due is what has a due day inside the key result that is over now, each thing once; what was dropped is left out;
    what is closed without a known time counts as in time; open is late. A due day is that of the start, or else the
    first one seen since then: to move it later changes nothing.
    """
    t = measure.target
    if not (math.isfinite(t) and t > 0):
        return unknown("the target must be a share above 0", pace="attained", unit="%")
    unread = list(_unread(measure, evidence))
    if unread:
        why = Unknown("; ".join(each.reason for each in unread), join_inputs([each.inputs for each in unread]))
        return unknown(why, pace="attained", unit="%", target=100 * t)
    due = _due(measure, key_result, evidence, local_day(now, evidence.timezone))
    inputs = join_inputs([evidence.work[name].inputs for name in measure.initiatives])
    if not due:
        why = Unknown("not started: nothing has been due yet", inputs)
        return unknown(why, pace="attained", unit="%", target=100 * t)
    punctual = sum(each.in_time for each in due.values())
    v = punctual / len(due)
    p = v / t
    share = f"{punctual} of {len(due)} due were closed in time = {show(v)}"
    return Judgement(
        pace="attained",
        unit="%",
        value=100 * v,
        target=100 * t,
        progress=p,
        attainment=p,
        provisional=True,
        formula=f"{share}; {show(v)} / {show(t)} = {show(p)} (by the due dates as first seen)",
        notes=_say_moved(due.values()),
        inputs=inputs,
    )


def _unread(measure: OnTime, evidence: Evidence) -> Iterator[Unknown]:
    for name in measure.initiatives:
        state = evidence.work.get(name)
        if state is None:
            yield Unknown(f"initiative {name} is not defined: add it under initiatives")
        elif state.total is None:
            yield Unknown(f"initiative {name}: {state.reason}", state.inputs)


def _due(measure: OnTime, key_result: KeyResult, evidence: Evidence, today: date) -> dict[tuple[str, str], _Due]:
    """Return by (source, id) everything whose due day is over."""
    zone = evidence.timezone
    first, last = local_day(key_result.start, zone), local_day(key_result.due - INSTANT, zone)
    found: dict[tuple[str, str], _Due] = {}
    for name in measure.initiatives:
        initiative = evidence.initiatives[name]
        seen = _seen(initiative, evidence)
        for source, thing in _things(measure, initiative, evidence):
            word = classify(thing, initiative.dropped)
            day = first_due(thing, seen.get((source, thing.id), ()), key_result.start)
            if day is not None and first <= day <= last and day < today and word != "dropped":
                in_time = thing.done_at is None or local_day(thing.done_at, zone) <= day
                found[source, thing.id] = _Due(thing, day, in_time=word == "done" and in_time)
    return found


def first_due(thing: WorkItem | Container, seen: Sequence[DueSeen], since: datetime) -> date | None:
    """Return the due day that counts: the one seen last by `since`, or else the first one that was seen after it.

    None when there never was one. Of a thing of which no due day was kept, its present one.
    """
    if not seen:
        return thing.due
    before = [each for each in seen if each.at <= since]
    return next((each.due for each in (*before[-1:], *seen[len(before) :]) if each.due is not None), None)


def _seen(initiative: Initiative, evidence: Evidence) -> dict[tuple[str, str], tuple[DueSeen, ...]]:
    scopes = [evidence.scopes[scope.ref] for scope in initiative.scopes]
    return {(facts.source, name): seen for facts in scopes for name, seen in facts.dues.items()}


def _say_moved(due: Iterable[_Due]) -> tuple[str, ...]:
    moved = [each for each in due if each.day != each.thing.due]
    said = [
        f"{each.thing.key} due {each.day} when first seen, now {each.thing.due or 'none'}" for each in moved[:NAMED]
    ]
    return (*said, f"{len(moved) - NAMED} more due dates were moved") if len(moved) > NAMED else tuple(said)


def _things(measure: OnTime, initiative: Initiative, evidence: Evidence) -> Iterator[tuple[str, WorkItem | Container]]:
    if measure.of == "items":
        yield from ((source, item) for (source, _), item in items_of(initiative, evidence.scopes).items())
        return
    for scope in initiative.scopes:
        facts = evidence.scopes[scope.ref]
        yield from ((facts.source, held) for held in facts.containers if held.kind != "query")
