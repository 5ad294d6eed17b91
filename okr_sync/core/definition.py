"""What makes a number, as one hash: it tells a moved number from a moved yardstick."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from okr_sync.core.kinds import All, Counted, Gate, OnTime, Range, Rate, Ratio, Samples, Total, Weighted, Zone
from okr_sync.core.model import (
    Book,
    Change,
    Delivery,
    DeliveryScope,
    Done,
    DoneSubject,
    Initiative,
    KeyResult,
    Measure,
    Metric,
    Steps,
    Threshold,
)

__all__ = [
    "canonical",
    "define",
    "definition_hash",
    "fields_said",
    "initiatives_of",
    "metric_question",
    "metrics_of",
    "question_of",
    "questions_of",
    "scope_question",
    "work_question",
]

REMEMBERED = 100_000  # hashes of equal questions: a past day asks what the next one asks
HASH_LENGTH = 16  # hex digits
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
PLAIN = frozenset({str, int, float, bool, type(None)})
"""Most of what is said: looked for first."""


def canonical(value: object) -> str:
    """Return canonical JSON: keys sorted, sets sorted, instants in UTC, dataclasses with their type's name.

    Raises `TypeError` for a type that has no canonical form, `ValueError` for a number that is not finite.
    """
    return _CANONICAL.encode(_plain(value))


def definition_hash(*parts: object) -> str:
    """Return the first 16 hex digits of the SHA-256 of the parts' canonical JSON."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:HASH_LENGTH]


def fields_said(value: object) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each field of a dataclass, but of those that came later and are at their default.

    So a new release changes no hash and makes no new version.
    """
    kind: Any = type(value)
    for name, later, default in _fields(kind):
        item = getattr(value, name)
        if not (later and item == default):
            yield name, item


def define(book: Book) -> Book:
    """Return the book with each key result's `definition` filled.

    It covers the measure, start and due, what each of its metrics asks, in which unit and what is made of its readings,
    and the scopes and policies of each initiative that it rests on; not titles of metrics, owners or the weight in the
    roll-up.
    """
    metrics = {metric.id: metric for metric in book.metrics}
    initiatives = {initiative.id: initiative for initiative in book.initiatives}

    def defined(key_result: KeyResult) -> KeyResult:
        parts = (
            key_result.measure,
            key_result.start,
            key_result.due,
            [_question(metrics[name]) for name in metrics_of(key_result.measure) if name in metrics],
            [_work(initiatives[name]) for name in initiatives_of(key_result.measure) if name in initiatives],
        )
        return replace(key_result, definition=definition_hash(*parts))

    objectives = (replace(o, key_results=tuple(map(defined, o.key_results))) for o in book.objectives)
    return replace(book, objectives=tuple(objectives))


@functools.lru_cache(maxsize=REMEMBERED)
def metric_question(metric: Metric) -> str:
    """Return the hash of what is asked for a metric: another source, query, unit or type begins another series."""
    return definition_hash(metric.source, metric.query, metric.unit, metric.type)


@functools.lru_cache(maxsize=REMEMBERED)
def scope_question(scope: DeliveryScope) -> str:
    """Return the hash of what is asked for one place of work."""
    return definition_hash(scope.source, scope.query)


def questions_of(book: Book) -> dict[str, str]:
    """Return metric id or scope ref → hash of what is asked, for all that a book asks."""
    scopes = (scope for initiative in book.initiatives for scope in initiative.scopes)
    metrics = {metric.id: metric_question(metric) for metric in book.metrics}
    return metrics | {scope.ref: scope_question(scope) for scope in scopes}


@functools.lru_cache(maxsize=REMEMBERED)
def work_question(initiative: Initiative) -> str:
    """Return the hash of where an initiative's work lies and how its items are counted."""
    return definition_hash(*_work(initiative)[1:])


def question_of(measure: Measure, metrics: Mapping[str, Metric], initiatives: Mapping[str, Initiative]) -> str:
    """Return the hash of everything that is asked for a measure; both mappings by id; what they lack is left out."""
    return definition_hash(
        [(name, metric_question(metrics[name])) for name in metrics_of(measure) if name in metrics],
        [(name, work_question(initiatives[name])) for name in initiatives_of(measure) if name in initiatives],
    )


def metrics_of(measure: Measure) -> tuple[str, ...]:
    """Return the ids of the metrics that a measure reads, each once, in its order."""
    match measure:
        case Change() | Threshold() | Range() | Zone() | Samples():
            names = [measure.metric]
        case Ratio():
            names = [measure.part, measure.whole]
        case All() | Weighted() | Gate():
            names = [name for part in measure.parts for name in metrics_of(part.measure)]
        case _:
            names = [subject.metric for subject in _subjects(measure) if subject.metric is not None]
    return tuple(dict.fromkeys(names))


def initiatives_of(measure: Measure) -> tuple[str, ...]:
    """Return the ids of the initiatives that a measure rests on, each once, in its order."""
    match measure:
        case Delivery() | OnTime():
            names = list(measure.initiatives)
        case All() | Weighted() | Gate():
            names = [name for part in measure.parts for name in initiatives_of(part.measure)]
        case _:
            names = [subject.initiative for subject in _subjects(measure) if subject.initiative is not None]
    return tuple(dict.fromkeys(names))


def _subjects(measure: Measure) -> tuple[DoneSubject | Counted, ...]:
    match measure:
        case Done():
            return (measure.subject,)
        case Steps():
            return tuple(step.subject for step in measure.steps)
        case Total():
            return measure.counted
        case Rate():
            return (measure.counted,)
        case _:
            return ()


def _question(metric: Metric) -> tuple[object, ...]:
    asked = (metric.id, metric.source, metric.query, metric.unit, metric.type, metric.minimum, metric.maximum)
    question = asked if metric.readings is None else (*asked, metric.readings)
    return (*question, metric.population, metric.privacy_k) if metric.personal else question


def _work(work: Initiative) -> tuple[object, ...]:
    places = [(scope.source, scope.query) for scope in work.scopes]
    policies = (work.weight_by, work.missing_points, work.unit, work.include, work.containers, work.dropped)
    return (work.id, places, policies)


def _plain(value: object) -> Any:
    if type(value) in PLAIN:
        return value
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case int() | float() | str():
            return value
        case _:
            return _plain_group(value)


def _plain_group(value: object) -> Any:
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted((_plain(item) for item in value), key=canonical)
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return {"type": type(value).__name__, **_plain_fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form; add a case to okr_sync.core.definition")


def _plain_fields(value: Any) -> dict[str, Any]:
    return {f".{name}": _plain(item) for name, item in fields_said(value)}


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, bool, Any], ...]:
    """Return (name, whether it came later, default) of the fields of a dataclass."""
    return tuple((each.name, bool(each.metadata.get("later")), each.default) for each in dataclasses.fields(kind))
