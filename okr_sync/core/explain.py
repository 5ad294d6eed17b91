"""Why a number is what it is: formula, questions, inputs, the items behind it, and what changed since before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from okr_sync.core.delivery import WorkClass, classify
from okr_sync.core.diagnosis import Cause
from okr_sync.core.facts import Container, ScopeFacts, WorkItem
from okr_sync.core.model import DROPPED_RESOLUTIONS, CountedUnit, IncludedItems
from okr_sync.core.revisions import Revision
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState

ItemClass: TypeAlias = WorkClass | Literal["not_counted"]

CLASSES: tuple[ItemClass, ...] = ("done", "in_progress", "open", "dropped", "not_counted")
"""In the order in which items are listed."""


@dataclass(frozen=True, slots=True)
class Counting:
    """Which items of an initiative count, as in `model.Initiative`."""

    unit: CountedUnit = "issue"
    include: IncludedItems = "issues"
    dropped: frozenset[str] = DROPPED_RESOLUTIONS


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a source: the metric or scope it is about, and its canonical text."""

    subject: str
    source: str
    query: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """An initiative with what was mirrored of its scopes; `counting` says which items count."""

    state: InitiativeState
    scopes: tuple[ScopeFacts, ...] = ()
    counting: Counting = Counting()


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item and the class in which it counts."""

    item: WorkItem
    counts_as: ItemClass


@dataclass(frozen=True, slots=True)
class ContainerLines:
    """A container with its items, ordered by class and key; `scope` and `source` say who asked whom for it."""

    scope: str
    source: str
    container: Container
    items: tuple[ItemLine, ...]

    def count(self, word: ItemClass) -> int:
        """Return how many items count as `word`."""
        return sum(line.counts_as == word for line in self.items)


@dataclass(frozen=True, slots=True)
class Work:
    """An initiative beneath the number. `misses` says which scopes could not be read, and why."""

    state: InitiativeState
    containers: tuple[ContainerLines, ...]
    misses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, then and now, as text; None: unknown or absent."""

    field: str
    before: str | float | None
    after: str | float | None


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What happened to one item since before ("open → done")."""

    key: str
    title: str
    field: str
    before: str | None
    after: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one key result or initiative; `subject` is its state."""

    subject: KeyResultState | InitiativeState
    asked: tuple[Asked, ...]
    inputs: tuple[Input, ...]
    work: tuple[Work, ...]
    since: datetime | None
    differences: tuple[Difference, ...]
    item_changes: tuple[ItemChange, ...]
    causes: tuple[Cause, ...] = ()
    """Why it moved since then, or did not although its work is done."""
    revision: Revision | None = None
    """The last change of its definition, or of what it rests on."""
    series_since: datetime | None = None
    """When its numbers began to answer what is asked now; None: as long as they are known."""


class KeyResultPoint(Protocol):
    """A stored point, or an earlier state, of a key result."""

    @property
    def value(self) -> float | None: ...  # noqa: D102 -- as in KeyResultState
    @property
    def baseline(self) -> float | None: ...  # noqa: D102
    @property
    def target(self) -> float | None: ...  # noqa: D102
    @property
    def progress(self) -> float | None: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def definition(self) -> str: ...  # noqa: D102


class DeliveryPoint(Protocol):
    """A stored point, or an earlier state, of an initiative."""

    @property
    def done(self) -> int | None: ...  # noqa: D102 -- as in InitiativeState
    @property
    def in_progress(self) -> int | None: ...  # noqa: D102
    @property
    def open(self) -> int | None: ...  # noqa: D102
    @property
    def dropped(self) -> int | None: ...  # noqa: D102
    @property
    def weight_done(self) -> float | None: ...  # noqa: D102
    @property
    def weight_total(self) -> float | None: ...  # noqa: D102


def explain_key_result(
    state: KeyResultState,
    *,
    asked: Sequence[Asked] = (),
    evidence: Iterable[Evidence] = (),
    before: KeyResultPoint | None = None,
    since: datetime | None = None,
    item_changes: Sequence[ItemChange] = (),
    causes: Sequence[Cause] = (),
) -> Explanation:
    """Return why the key result has its number, compared with `before`, its state at `since`."""
    fields = ("value", "baseline", "target", "progress", "status", "definition")
    return Explanation(
        subject=state,
        asked=tuple(asked),
        inputs=state.inputs,
        work=tuple(_lay_out(each) for each in evidence),
        since=since,
        differences=_compare(fields, before, state),
        item_changes=_in_order(item_changes),
        causes=tuple(causes),
    )


def explain_initiative(
    evidence: Evidence,
    *,
    asked: Sequence[Asked] = (),
    before: DeliveryPoint | None = None,
    since: datetime | None = None,
    item_changes: Sequence[ItemChange] = (),
    causes: Sequence[Cause] = (),
) -> Explanation:
    """Return what the initiative is made of, compared with `before`, its state at `since`."""
    fields = ("done", "in_progress", "open", "dropped", "weight_done", "weight_total")
    return Explanation(
        subject=evidence.state,
        asked=tuple(asked),
        inputs=evidence.state.inputs,
        work=(_lay_out(evidence),),
        since=since,
        differences=_compare(fields, before, evidence.state),
        item_changes=_in_order(item_changes),
        causes=tuple(causes),
    )


def _lay_out(evidence: Evidence) -> Work:
    parents = frozenset(
        (scope.source, item.parent)
        for scope in evidence.scopes
        for items in scope.items.values()
        for item in items
        if item.parent
    )
    return Work(
        evidence.state,
        tuple(
            ContainerLines(scope.ref, scope.source, container, _lines(scope, container, evidence.counting, parents))
            for scope in evidence.scopes
            for container in scope.containers
        ),
        tuple((scope.ref, scope.miss.message) for scope in evidence.scopes if scope.miss),
    )


def _lines(
    scope: ScopeFacts, container: Container, counting: Counting, parents: frozenset[tuple[str, str]]
) -> tuple[ItemLine, ...]:
    lines = [
        ItemLine(item, _class_of(item, counting, is_parent=(scope.source, item.id) in parents))
        for item in scope.items.get(container.id, ())
    ]
    return tuple(sorted(lines, key=lambda line: (CLASSES.index(line.counts_as), _natural(line.item.key), line.item.id)))


def _class_of(item: WorkItem, counting: Counting, *, is_parent: bool) -> ItemClass:
    """Return in which class an item counts: pull requests where included, sub-tasks only as leaves."""
    if item.kind == "pull_request":
        counted = counting.include != "issues"
    elif counting.include == "prs" or item.kind == "container":
        counted = False
    else:
        counted = not is_parent if counting.unit == "leaf" else item.kind == "issue"
    return classify(item, counting.dropped) if counted else "not_counted"


def _natural(key: str) -> tuple[str, int, str]:
    """Return a sort key that puts MED-9 before MED-10."""
    head = key.rstrip("0123456789")
    number = key[len(head) :].lstrip("0")
    return head, len(number), number


def _compare(fields: Iterable[str], before: object, after: object) -> tuple[Difference, ...]:
    if before is None:
        return ()
    pairs: Mapping[str, tuple[str | float | None, str | float | None]] = {
        name: (getattr(before, name), getattr(after, name)) for name in fields
    }
    return tuple(Difference(name, old, new) for name, (old, new) in pairs.items() if old != new)


def _in_order(changes: Iterable[ItemChange]) -> tuple[ItemChange, ...]:
    return tuple(sorted(changes, key=lambda change: (change.at, _natural(change.key), change.field)))
