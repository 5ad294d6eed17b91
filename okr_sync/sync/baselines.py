"""Baselines in a run: which windows of the past to ask for, and what is captured and frozen from what came."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmodel import Session

from okr_sync.config import Config, Source
from okr_sync.core.capturing import Wanted, capture_before, capture_first, wanted_baselines
from okr_sync.core.definition import definition_hash, metric_question, metrics_of
from okr_sync.core.facts import Baseline, Collected, MetricFacts, Miss, Outcome, Reading, Window
from okr_sync.core.model import Book
from okr_sync.core.observing import Evidence
from okr_sync.store import baselines, readings
from okr_sync.sync.freezing import frozen_at, why_skipped

__all__ = ["Again", "Past", "capture_baselines", "sources_behind", "what_to_ask", "whole_past", "with_windows"]


@dataclass(frozen=True, slots=True)
class Again:
    """A key result whose baselines are to be captured anew, although they are frozen, and why."""

    key_result: str
    reason: str


@dataclass(frozen=True, slots=True)
class Past:
    """What one source is to tell of the past: all of `first` (metric → hash of its question) since the first cycle's
    start, and of `windows` (time before a start → metrics) what was true in them.
    """

    first: Mapping[str, str] = field(default_factory=dict)
    windows: Mapping[Window, frozenset[str]] = field(default_factory=dict)


def what_to_ask(session: Session, config: Config, now: datetime, again: Again | None = None) -> dict[str, Past]:
    """Return source → what to ask it of the past, for the sources that keep history and have anything to tell.

    That is the past of metrics which were never answered, or to another question, and the windows of baselines that are
    not captured yet; nothing in a quiet run.
    """
    metrics = [metric for metric in config.book.metrics if config.sources[metric.source].keeps_history]
    known = readings.past_questions(session, frozenset(metric.id for metric in metrics))
    questions = {metric.id: definition_hash(metric.source, metric.query) for metric in metrics}
    news = {name: question for name, question in questions.items() if known.get(name) != question}
    wanted = _due(session, config.book, now, again)
    asked = {}
    for source in dict.fromkeys(metric.source for metric in metrics):
        mine = frozenset(metric.id for metric in metrics if metric.source == source)
        first = {name: question for name, question in news.items() if name in mine}
        windows = _windows(wanted, mine)
        if first or windows:
            asked[source] = Past(first, windows)
    return asked


def whole_past(config: Config) -> dict[str, Past]:
    """Return source → the past of all its metrics, for the sources that keep history."""
    found: dict[str, dict[str, str]] = {}
    for metric in config.book.metrics:
        if config.sources[metric.source].keeps_history:
            found.setdefault(metric.source, {})[metric.id] = definition_hash(metric.source, metric.query)
    return {source: Past(first) for source, first in found.items()}


def with_windows(whole: Mapping[str, Past], due: Mapping[str, Past]) -> dict[str, Past]:
    """Return the whole past of each source, with what baselines want of the time before."""
    return {name: replace(past, windows=due[name].windows) if name in due else past for name, past in whole.items()}


def sources_behind(config: Config, again: Again | None) -> Mapping[str, Source]:
    """Return all sources, or those of the metrics of the key result whose baselines are taken anew."""
    if again is None:
        return config.sources
    named = [each for each in config.book.key_results() if each.id == again.key_result]
    metrics = {name for each in named for name in metrics_of(each.measure)}
    behind = {metric.source for metric in config.book.metrics if metric.id in metrics}
    return {name: source for name, source in config.sources.items() if name in behind}


def capture_baselines(  # noqa: PLR0917 -- in the order in which one says it
    session: Session,
    run_id: int,
    config: Config,
    collected: Sequence[Collected],
    now: datetime,
    author: str,
    again: Again | None = None,
) -> int:
    """Freeze every baseline that is due and that the facts give by now; return how many.

    From what the sources that keep history told of the time before the start, and from what the store holds of it;
    without any of that from the first value since. Where a source could not tell its past, nothing is captured yet: it
    may tell the next time.
    """
    wanted = _due(session, config.book, now, again)
    if not wanted:
        return 0
    evidence = _evidence(session, config, wanted)
    told = _told(collected)
    found = [_capture(each, evidence, told, _historic(config, each), now) for each in wanted]
    captured = [each for each in found if each is not None]
    return baselines.freeze_baselines(session, run_id, captured, author, again.reason if again else "")


def _due(session: Session, book: Book, now: datetime, again: Again | None) -> tuple[Wanted, ...]:
    """Return what is to be captured by now: what is not frozen yet, or wanted again, outside of closed cycles."""
    begun = [each for kr in book.key_results() if kr.start <= now for each in wanted_baselines(kr)]
    known = baselines.load_baselines(session, frozenset(each.key_result.id for each in begun))
    anew = "" if again is None else again.key_result
    lacking = [each for each in begun if each.key not in known or each.key_result.id == anew]
    closed = why_skipped(book, frozen_at(session, book, now)) if lacking else {}
    return tuple(each for each in lacking if each.key_result.id not in closed)


def _windows(wanted: Sequence[Wanted], metrics: Collection[str]) -> dict[Window, frozenset[str]]:
    """Return each window once, with all metrics of these that are wanted in it: one question each."""
    found: dict[Window, frozenset[str]] = {}
    for each in wanted:
        mine = frozenset(each.metrics).intersection(metrics)
        if mine:
            found[each.window] = found.get(each.window, frozenset()) | mine
    return found


def _evidence(session: Session, config: Config, wanted: Sequence[Wanted]) -> Evidence:
    """Return what the store holds of the wanted metrics, as answers to the questions that these ask now.

    What answered an older question stays out, also where it was answered before the first answer to the present one.
    """
    metrics = {metric.id: metric for metric in config.book.metrics}
    names = frozenset(name for each in wanted for name in each.metrics)
    held = readings.load_metrics(session, names, {name: metric_question(metrics[name]) for name in names})
    present = {name: _present(facts) for name, facts in held.items()}
    return Evidence(metrics=metrics, readings=present, timezone=config.book.timezone)


def _present(facts: MetricFacts) -> MetricFacts:
    """Return the readings of the present series only; none while what is asked now has no answer."""
    begin = facts.breaks[-1] if facts.breaks else None
    mine = tuple(each for each in facts.readings if begin is None or each.time is None or each.time >= begin)
    return replace(facts, readings=mine if facts.answered else (), breaks=())


def _told(collected: Sequence[Collected]) -> dict[tuple[Window, str], Outcome]:
    """Return (window, metric) → what was told of it."""
    return {
        (window, metric): outcome
        for brought in collected
        for window, answers in brought.windows.items()
        for metric, outcome in answers.items()
    }


def _historic(config: Config, wanted: Wanted) -> frozenset[str]:
    """Return the metrics whose source keeps history."""
    sources = {metric.id: config.sources[metric.source] for metric in config.book.metrics}
    return frozenset(name for name in wanted.metrics if sources[name].keeps_history)


def _capture(
    wanted: Wanted,
    evidence: Evidence,
    told: Mapping[tuple[Window, str], Outcome],
    historic: frozenset[str],
    now: datetime,
) -> Baseline | None:
    answers = {name: told.get((wanted.window, name)) for name in historic}
    if any(answer is None or _failed(answer) for answer in answers.values()):
        return None
    past = {name: MetricFacts(tuple(_joined(name, evidence, answers.get(name)))) for name in wanted.metrics}
    return capture_before(wanted, replace(evidence, readings=past), now) or capture_first(wanted, evidence, now)


def _failed(outcome: Outcome) -> bool:
    return isinstance(outcome, Miss) and outcome.why != "no_data"


def _joined(name: str, evidence: Evidence, outcome: Outcome | None) -> Iterator[Reading]:
    """Yield what the source told of the past and what people typed; if it told nothing, all that the store holds."""
    held = evidence.readings[name].readings
    if isinstance(outcome, tuple):
        yield from outcome
        held = tuple(each for each in held if each.author is not None)
    yield from held
