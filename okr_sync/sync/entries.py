"""What happened to each key result in a run: updated, unchanged, skipped with why, failed with why and the fix."""

from __future__ import annotations

from collections.abc import Mapping

from okr_sync.core.changes import Change
from okr_sync.core.facts import Collected, Miss
from okr_sync.core.model import Book
from okr_sync.core.snapshot import KeyResultState, Snapshot
from okr_sync.store.ledger import Entry

_Failures = Mapping[str, tuple[str, str]]
"""Subject (metric or initiative id) → what failed, what to do."""

FIX_BY_MISS = {
    "not_found": "correct the name in the config, then `okr-sync check` and `okr-sync plan`",
    "invalid": "correct the query or the data at its source",
    "denied": "give the credential read permission there",
    "gone": "map the key result to what replaced it",
    "unreachable": "see `okr-sync sources`",
    "suspect": "wait for the next run; if you know that it is true, `okr-sync confirm ID --reason …`",
}


def judge_entries(
    book: Book,
    snapshot: Snapshot,
    changed: tuple[Change, ...],
    collected: tuple[Collected, ...],
    skipped: Mapping[str, str],
) -> tuple[Entry, ...]:
    """Return one entry for every key result of the snapshot, in its order.

    `skipped` says of those that take no more writes why: key result id → sentence.
    """
    failures = _failures(book, collected)
    untold = _untold(collected)
    touched = {change.id for change in changed if change.subject == "key_result"}
    return tuple(
        Entry(state.id, "skipped", skipped[state.id])
        if state.id in skipped
        else _entry(state, failures, untold, touched)
        for state in snapshot.key_results
    )


def _entry(state: KeyResultState, failures: _Failures, untold: _Failures, touched: set[str]) -> Entry:
    if state.withheld and state.value is None:
        return Entry(state.id, "skipped", state.reason)
    for each in state.inputs:
        if each.subject in failures:
            reason, fix = failures[each.subject]
            if fix == FIX_BY_MISS["suspect"]:
                return Entry(state.id, "skipped", f"suspect: {reason}", fix.replace(" ID ", f" {state.id} "))
            return Entry(state.id, "failed", reason, fix)
        if state.progress is None and each.subject in untold:
            reason, fix = untold[each.subject]
            return Entry(state.id, "failed", f"{state.reason}; {reason}", fix)
    if state.value is None:
        return Entry(state.id, "skipped", state.reason, "")
    return Entry(state.id, "updated" if state.id in touched else "unchanged", state.reason, "")


def _failures(book: Book, collected: tuple[Collected, ...]) -> _Failures:
    found: dict[str, tuple[str, str]] = {}
    down = {brought.source: brought for brought in collected if brought.outcome == "failed"}
    misses: dict[str, Miss] = {}
    for brought in collected:
        misses.update(brought.misses)
        misses.update((ref, answer) for ref, answer in brought.answers.items() if isinstance(answer, Miss))
    misses = {ref: miss for ref, miss in misses.items() if miss.why != "no_data"}
    for subject, ref, source in _places(book):
        if source in down:
            found[subject] = (f"{source}: {down[source].error}", down[source].fix or FIX_BY_MISS["unreachable"])
        elif ref in misses:
            found.setdefault(subject, (f"{source}: {misses[ref].message}", FIX_BY_MISS[misses[ref].why]))
    return found


def _untold(collected: tuple[Collected, ...]) -> _Failures:
    """Return the metrics whose source could not tell the time before a start, where baselines are captured."""
    return {
        metric: (f"{brought.source} can't tell the time before the start: {outcome.message}", FIX_BY_MISS[outcome.why])
        for brought in collected
        for answers in brought.windows.values()
        for metric, outcome in answers.items()
        if isinstance(outcome, Miss) and outcome.why != "no_data"
    }


def _places(book: Book) -> list[tuple[str, str, str]]:
    """(subject, ref, source) of every question of the book."""
    metrics = [(metric.id, metric.id, metric.source) for metric in book.metrics]
    scopes = [(each.id, scope.ref, scope.source) for each in book.initiatives for scope in each.scopes]
    return metrics + scopes
