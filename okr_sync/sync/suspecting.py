"""What the store holds of a question, so that an answer far below it can be asked anew before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from okr_sync.core.definition import questions_of
from okr_sync.core.facts import Miss, Outcome, Reading, Sight, Suspicion, Unchanged, Verdict
from okr_sync.core.model import Book, DeliveryScope, Initiative, Metric
from okr_sync.core.suspecting import agree, compare, doubt
from okr_sync.errors import SourceError
from okr_sync.store.database import Store
from okr_sync.store.readings import load_metrics
from okr_sync.store.suspicions import load_suspicions
from okr_sync.store.work import answered_scopes

__all__ = ["HeldMetric", "HeldScope", "Memory", "StoredMemory", "believe", "suspect"]

WHAT_CONFIRMS = (
    "the last confirmed numbers stay; the next run confirms it if it finds the same, and `okr-sync confirm ID "
    "--reason …` accepts it at once"
)


@dataclass(frozen=True, slots=True)
class HeldMetric:
    """A guarded metric with its confirmed readings, oldest first, and what is pending about it."""

    metric: Metric
    guard: float
    question: str
    readings: tuple[Reading, ...]
    pending: Suspicion | None = None

    def judge(self, outcome: Outcome) -> tuple[str, Sight]:
        """Return why an answer needs a second look (empty: it does not), and what it amounts to."""
        compared = compare(self.readings, outcome, self.metric.type)
        if compared is None:
            return "", Sight(None, 0)
        before, now = compared
        return doubt(before, now, self.guard, self.metric.unit), now

    def expects(self, sight: Sight) -> bool:
        """Return whether an earlier run saw the same, or a person accepts it."""
        return self.pending is not None and agree(self.pending.sight, sight, self.guard)


@dataclass(frozen=True, slots=True)
class HeldScope:
    """A guarded scope as it was answered last: its containers, and what is pending about it."""

    guard: float
    question: str
    containers: tuple[str, ...]
    pending: Suspicion | None = None


class Memory(Protocol):
    """What the store holds of questions that are guarded; read from the source's own thread."""

    def metrics(self, source: str) -> Mapping[str, HeldMetric]:
        """Return the guarded metrics of a source that were answered as they are asked now, by id."""
        ...

    def scopes(self, source: str) -> Mapping[str, HeldScope]:
        """Return the guarded scopes of a source that were answered as they are asked now, by ref."""
        ...


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """The memory in the store; each question is a short read of its own."""

    store: Store
    book: Book

    def metrics(self, source: str) -> Mapping[str, HeldMetric]:
        """Return the guarded metrics of a source that were answered as they are asked now, by id."""
        guarded = {each.id: each for each in self.book.metrics if each.source == source and each.guard is not None}
        asked = questions_of(self.book)
        with self.store.reading() as session:
            known = load_metrics(session, frozenset(guarded), asked)
            pending = load_suspicions(session, frozenset(guarded))
        return {
            name: HeldMetric(metric, metric.guard, asked[name], facts.readings, _same(pending.get(name), asked[name]))
            for name, metric in guarded.items()
            if metric.guard is not None and (facts := known[name]).readings and facts.answered
        }

    def scopes(self, source: str) -> Mapping[str, HeldScope]:
        """Return the guarded scopes of a source that were answered as they are asked now, by ref."""
        guards = {scope.ref: each.guard for each, scope in _scopes(self.book) if scope.source == source}
        asked = questions_of(self.book)
        with self.store.reading() as session:
            known = answered_scopes(session, frozenset(guards))
            pending = load_suspicions(session, frozenset(guards))
        return {
            ref: HeldScope(guard, question, containers, _same(pending.get(ref), question))
            for ref, (question, containers) in known.items()
            if (guard := guards[ref]) is not None and question == asked[ref]
        }


@dataclass(slots=True)
class Believed:
    """Answers as they may be saved, and what was found about those that are not believed at sight."""

    answers: dict[str, Outcome]
    suspicions: list[Suspicion] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Whether any answer has to be seen again before it is saved."""
        return any(each.verdict == "suspect" for each in self.suspicions)

    def note(self, held: HeldMetric, verdict: Verdict, reason: str, sight: Sight, now: datetime) -> None:
        """Keep a step of a suspicion about a metric."""
        self.suspicions.append(Suspicion(held.metric.id, verdict, reason, now, held.question, sight))


def believe(
    answers: Mapping[str, Outcome], held: Mapping[str, HeldMetric], ask: Callable[[str], Outcome], now: datetime
) -> Believed:
    """Return the answers, those that fell too far to be believed at sight replaced by a miss that says why.

    `ask` asks one metric anew, alone. A fall is believed when an earlier run saw the same or a person accepts it, and
    when the second reading is another one that agrees; a mere repetition of the first is none.
    """
    believed = Believed(dict(answers))
    for ref, known in held.items():
        if ref in answers:
            believed.answers[ref] = _believe_one(known, answers[ref], ask, now, believed)
    return believed


def suspect(why: str) -> Miss:
    """Return the miss that says why an answer is not believed, and what would confirm it."""
    return Miss("suspect", f"{why}; {WHAT_CONFIRMS}")


def _believe_one(
    held: HeldMetric, first: Outcome, ask: Callable[[str], Outcome], now: datetime, believed: Believed
) -> Outcome:
    why, sight = held.judge(first)
    if not why:
        return _take_ordinary(held, first, now, believed)
    if held.expects(sight):
        believed.note(held, "confirmed", why, sight, now)
        return first
    second = _ask_again(held, ask)
    again, seen = held.judge(second)
    if isinstance(second, tuple) and not again:
        return _take_ordinary(held, second, now, believed)
    if again and (held.expects(seen) or (_is_another(first, second) and agree(sight, seen, held.guard))):
        believed.note(held, "confirmed", again, seen, now)
        return second
    why, sight = (again, seen) if again else (why, sight)
    believed.note(held, "suspect", why, sight, now)
    return suspect(why)


def _take_ordinary(held: HeldMetric, outcome: Outcome, now: datetime, believed: Believed) -> Outcome:
    """Return the answer; one that holds no values says nothing about what is pending."""
    if held.pending is None:
        return outcome
    if isinstance(outcome, Unchanged):
        return suspect(held.pending.reason)
    if isinstance(outcome, tuple):
        believed.note(held, "cleared", "the source came back to what was known", Sight(None, 0), now)
    return outcome


def _ask_again(held: HeldMetric, ask: Callable[[str], Outcome]) -> Outcome:
    try:
        return ask(held.metric.id)
    except SourceError as error:
        return Miss("unreachable", str(error))


def _is_another(first: Outcome, second: Outcome) -> bool:
    """Return whether both are measurements, and not one told twice."""
    if not isinstance(first, tuple) or not isinstance(second, tuple):
        return False
    return [(each.time, each.value) for each in first] != [(each.time, each.value) for each in second]


def _same(pending: Suspicion | None, question: str) -> Suspicion | None:
    return pending if pending is not None and pending.question == question else None


def _scopes(book: Book) -> list[tuple[Initiative, DeliveryScope]]:
    return [(initiative, scope) for initiative in book.initiatives for scope in initiative.scopes]
