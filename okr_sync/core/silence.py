"""Says why a question was never answered when the reason is that its whole source fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from okr_sync.core.facts import History, MetricFacts, Miss, ScopeFacts, SourceState
from okr_sync.core.model import Book

__all__ = ["explain_silence"]


def explain_silence(book: Book, history: History) -> History:
    """Return the history with the error of its source at every question of the book that has no answer of its own.

    What was ever answered, or missed for a reason of its own, stays as it is.
    """
    scopes = {
        scope.ref: replace(history.scopes.get(scope.ref, ScopeFacts(scope.ref, scope.source)), miss=miss)
        for initiative in book.initiatives
        for scope in initiative.scopes
        if scope.ref not in history.tallies
        and (miss := _failure(history.sources, scope.source))
        and _is_silent(history.scopes.get(scope.ref))
    }
    metrics = {
        metric.id: replace(history.metrics.get(metric.id, MetricFacts()), miss=miss)
        for metric in book.metrics
        if (miss := _failure(history.sources, metric.source)) and _is_silent(history.metrics.get(metric.id))
    }
    told = {**history.scopes, **scopes} if scopes else history.scopes  # maybe far more than one wants in memory
    return replace(history, scopes=told, metrics={**history.metrics, **metrics})


def _failure(sources: Mapping[str, SourceState], name: str) -> Miss | None:
    source = sources.get(name)
    if source is None or source.error is None:
        return None
    fix = f" ({source.fix})" if source.fix else ""
    return Miss("unreachable", f"source {name} failed: {source.error}{fix}")


def _is_silent(facts: ScopeFacts | MetricFacts | None) -> bool:
    if facts is None:
        return True
    answered = facts.resolved if isinstance(facts, ScopeFacts) else bool(facts.readings) and facts.answered
    return not answered and facts.miss is None
