"""Why a number moved between two snapshots, as data: scope, finished work, the metric, the yardstick, the sources.

A number that did not move although its work is done is a finding, too: delivered but not moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias

from okr_sync.core.numbers import at_least, close
from okr_sync.core.snapshot import InitiativeState, KeyResultState, Snapshot

__all__ = [
    "Cause",
    "CauseKind",
    "Past",
    "comparable",
    "diagnose_key_result",
    "diagnose_work",
    "index_past",
    "reopened_items",
]

CauseKind: TypeAlias = Literal[
    "scope",
    "done",
    "dropped",
    "reopened",
    "value",
    "baseline",
    "target",
    "query",
    "definition",
    "suspect",
    "stale",
    "outdated",
    "fresh",
    "delivered_not_moved",
]

DELIVERED = 0.9  # share of an initiative's work from which its key results should have moved
FLAT = 0.1  # progress below this never moved
STILL = 0.02  # progress that moved less than this since then stands still
LONG_ENOUGH = timedelta(days=6)  # between two snapshots, to call standing still a finding: weekly reports vary
DOUBTS = frozenset({"suspect", "stale", "outdated"})


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason: what it is about (`subject`: an initiative's or the key result's id), then and now.

    `amount` is how much: items that came (less those that left), were done, dropped or reopened; the change of the
    value; of work delivered without effect its share. `at` is when it happened, where that is known.
    """

    kind: CauseKind
    subject: str
    amount: float | None = None
    before: float | None = None
    after: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What there is to compare with: states by id as they were at `at`, and how many items were reopened since.

    `broken` says by id when the present series began: what was asked before is not known to be comparable.
    """

    at: datetime | None = None
    key_results: Mapping[str, KeyResultState] = field(default_factory=dict)
    initiatives: Mapping[str, InitiativeState] = field(default_factory=dict)
    reopened: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, datetime] = field(default_factory=dict)


class ItemMove(Protocol):
    """One field of one item that changed, in the order in which it was seen."""

    @property
    def key(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def before(self) -> str | None: ...
    @property
    def after(self) -> str | None: ...


def index_past(
    before: Snapshot | None,
    reopened: Mapping[str, int] | None = None,
    broken: Mapping[str, datetime] | None = None,
) -> Past:
    """Return `before` by ids, with initiative id → items reopened since, and id → when its present series began.

    An empty past when there is none.
    """
    if before is None:
        return Past()
    return Past(
        before.at,
        {state.id: state for state in before.key_results},
        {state.id: state for state in before.initiatives},
        reopened or {},
        broken or {},
    )


def comparable(before: KeyResultState | InitiativeState, after: KeyResultState | InitiativeState) -> bool:
    """Return whether both answer the same question, as far as that is known."""
    return not (before.question and after.question) or before.question == after.question


def reopened_items(changes: Iterable[ItemMove], dropped: AbstractSet[str]) -> int:
    """Return how many items were done and are not any more; what had been dropped (resolutions, casefolded) aside."""
    left_done: dict[str, bool] = {}
    revived: set[str] = set()
    for each in changes:
        if each.field == "state" and "done" in (each.before, each.after):
            left_done[each.key] = each.after != "done"
        if each.field == "resolution" and each.before is not None and each.before.casefold() in dropped:
            revived.add(each.key)
    return sum(left and key not in revived for key, left in left_done.items())


def diagnose_work(after: InitiativeState, past: Past) -> tuple[Cause, ...]:
    """Return how an initiative's items moved since then: scope, done, dropped, reopened; what did not is left out.

    Items done = more done than then + those reopened. Nothing when the items are unknown, then or now. What is asked
    comes first, when that changed.
    """
    before = past.initiatives.get(after.id)
    if before is None or before.total is None or after.total is None:
        return ()
    reopened = past.reopened.get(after.id, 0)
    dropped = (before.dropped or 0, after.dropped or 0)
    done = (before.done or 0, after.done or 0)
    scope = (before.total + dropped[0], after.total + dropped[1])
    causes = (
        Cause("scope", after.id, scope[1] - scope[0], *scope),
        Cause("done", after.id, done[1] - done[0] + reopened, *done),
        Cause("dropped", after.id, dropped[1] - dropped[0], *dropped),
        Cause("reopened", after.id, reopened),
    )
    asked = () if comparable(before, after) else (Cause("query", after.id, at=past.broken.get(after.id)),)
    return (*asked, *(cause for cause in causes if cause.amount))


def diagnose_key_result(
    after: KeyResultState, initiatives: Mapping[str, InitiativeState], past: Past, now: datetime
) -> tuple[Cause, ...]:
    """Return why a key result moved since then: the yardstick, its work or its value, its freshness.

    `initiatives` are the states now, by id. Delivered but not moved is: an initiative for a `change` has at least 90 %
    of its work done, while the progress is below 0.1, or moved by less than 0.02 in 6 days or more.
    """
    before = past.key_results.get(after.id)
    found = [] if before is None else [*_yardstick(before, after, past), *_facts(before, after, initiatives, past)]
    return (*found, *_undelivered(before, after, initiatives, past, now))


def _yardstick(before: KeyResultState, after: KeyResultState, past: Past) -> list[Cause]:
    asked = [] if comparable(before, after) else [Cause("query", after.id, at=past.broken.get(after.id))]
    moved = [
        Cause(kind, after.id, before=old, after=new)
        for kind, old, new in _yardsticks(before, after)
        if old is not None and new is not None and not close(old, new)
    ]
    if not (asked or moved) and before.definition and before.definition != after.definition:
        return [Cause("definition", after.id)]
    return asked + moved


def _yardsticks(
    before: KeyResultState, after: KeyResultState
) -> tuple[tuple[CauseKind, float | None, float | None], ...]:
    return (("baseline", before.baseline, after.baseline), ("target", before.target, after.target))


def _facts(
    before: KeyResultState, after: KeyResultState, initiatives: Mapping[str, InitiativeState], past: Past
) -> list[Cause]:
    beneath = dict.fromkeys(each.subject for each in after.inputs if each.subject in initiatives)
    causes = [cause for name in beneath for cause in diagnose_work(initiatives[name], past)]
    old, new = before.value, after.value
    if not beneath and old is not None and new is not None and old != new and comparable(before, after):
        causes.append(Cause("value", after.id, new - old, old, new))
    doubted = before.status in DOUBTS or before.stale
    if after.stale and not doubted:
        causes.append(Cause(_doubt(after), after.id))
    elif doubted and not after.stale and after.value is not None:
        causes.append(Cause("fresh", after.id))
    return causes


def _doubt(state: KeyResultState) -> CauseKind:
    if state.status == "suspect":
        return "suspect"
    return "outdated" if state.status == "outdated" else "stale"


def _undelivered(
    before: KeyResultState | None,
    after: KeyResultState,
    initiatives: Mapping[str, InitiativeState],
    past: Past,
    now: datetime,
) -> list[Cause]:
    if after.kind != "change" or after.progress is None or after.stale or not _stands_still(before, after, past, now):
        return []
    linked = [state for state in initiatives.values() if after.id in state.key_results]
    return [
        Cause("delivered_not_moved", state.id, state.progress)
        for state in linked
        if state.progress is not None and at_least(state.progress, DELIVERED)
    ]


def _stands_still(before: KeyResultState | None, after: KeyResultState, past: Past, now: datetime) -> bool:
    p = after.progress or 0.0
    if p < FLAT:
        return True
    if before is None or before.progress is None or past.at is None or at_least(p, 1.0):
        return False
    return now - past.at >= LONG_ENOUGH and abs(p - before.progress) < STILL
