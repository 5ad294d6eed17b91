"""From work items to an initiative's progress: which items count, what each weighs, how many are done.

progress = done weight / (done + in progress + open weight). Dropped items are out of both. An item that stands in two
containers or scopes of one initiative counts once; one that stands in two initiatives counts in each and is reported
as shared.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from okr_sync.core.definition import work_question
from okr_sync.core.facts import Alike, Container, ItemKind, ScopeFacts, Tally, WorkItem
from okr_sync.core.instants import Instants
from okr_sync.core.model import Initiative
from okr_sync.core.snapshot import InitiativeState, InitiativeStatus, Input
from okr_sync.core.weighing import Weighing, weigh, weigh_numbers

__all__ = ["Work", "WorkClass", "classify", "deliver", "deliver_all", "deliver_works", "is_tallied", "items_of"]

WorkClass: TypeAlias = Literal["done", "in_progress", "open", "dropped"]

Ref: TypeAlias = tuple[str, str]
"""(source, id): an item's or container's identity; ids are only unique inside their source."""


@dataclass(frozen=True, slots=True)
class Work:
    """An initiative's state and the items that it counts (dropped ones too) with the keys that people say.

    `finished` says when each done item was done, where the tracker tells; `began` when the first item was created. Of
    what was counted by tallies nothing is `counted` one by one, and `finished` are the instants that these tell.
    """

    state: InitiativeState
    counted: Mapping[Ref, str]
    finished: Sequence[datetime] = ()
    began: datetime | None = None


class _Unit(NamedTuple):
    """What counts as one: an item, or a childless container that is itself finished."""

    kind: WorkClass
    key: str
    container: Ref
    points: float | None
    created: datetime | None = None
    done_at: datetime | None = None


def classify(thing: WorkItem | Container | Alike, dropped: frozenset[str], until: datetime | None = None) -> WorkClass:
    """Return the class of an item or container.

    Done with a resolution among `dropped` (letter case aside) is dropped. With `until`, what was done at that instant
    or later is still open; a thing without the time of its end counts as done before.
    """
    if thing.state != "done":
        return "in_progress" if thing.state == "in_progress" else "open"
    if thing.resolution is not None and _fold(thing.resolution) in _fold_all(dropped):
        return "dropped"
    done_at = None if isinstance(thing, Alike) else thing.done_at
    return "open" if until is not None and done_at is not None and done_at >= until else "done"


def deliver_all(initiatives: Iterable[Initiative], scopes: Mapping[str, ScopeFacts]) -> dict[str, InitiativeState]:
    """Return the state of each initiative by id, with the items that others count too named in `shared`."""
    return {name: each.state for name, each in deliver_works(initiatives, scopes).items()}


def deliver_works(
    initiatives: Iterable[Initiative],
    scopes: Mapping[str, ScopeFacts],
    tallies: Mapping[str, Tally] = MappingProxyType({}),
) -> dict[str, Work]:
    """Return the work of each initiative by id, its state as `deliver_all` has it.

    Scopes are not looked at where `tallies` tell all that is wanted.
    """
    work = {each.id: _deliver_tallied(each, tallies) or deliver(each, scopes) for each in initiatives}
    claims = Counter(chain.from_iterable(each.counted for each in work.values()))
    shared = {ref for ref, count in claims.items() if count > 1}
    return {name: _tell_shared(each, shared) for name, each in work.items()}


def deliver(initiative: Initiative, scopes: Mapping[str, ScopeFacts], until: datetime | None = None) -> Work:
    """Return an initiative's work as mirrored in `scopes` (scope ref → facts).

    With `until`, items finished at that instant or later count as open: what was done in time. A scope that was never
    answered makes all of it unknown; one whose newest question failed keeps its last numbers and is stale.
    """
    blank = _blank(initiative)
    facts = [scopes.get(scope.ref) for scope in initiative.scopes]
    unread = [_why_unread(scope.ref, fact) for scope, fact in zip(initiative.scopes, facts, strict=True)]
    if any(unread):
        return Work(replace(blank, reason="; ".join(filter(None, unread))), {})
    known = [fact for fact in facts if fact is not None]
    units = _units(initiative, known, until)
    state = _count(blank, initiative, units)
    counted = {ref: unit.key for ref, unit in units.items()}
    finished = [unit.done_at for unit in units.values() if unit.kind == "done" and unit.done_at is not None]
    begun = [unit.created for unit in units.values() if unit.created is not None]
    return Work(_aged(state, known), counted, tuple(sorted(finished)), min(begun, default=None))


def is_tallied(initiative: Initiative) -> bool:
    """Return whether the numbers of its items are all that matters about them: where each weighs the same."""
    return (initiative.weight_by, initiative.unit, initiative.containers) == ("count", "issue", "pooled")


def items_of(initiative: Initiative, scopes: Mapping[str, ScopeFacts]) -> dict[Ref, WorkItem]:
    """Return the items that an initiative counts by (source, id), dropped ones too, in the order of its scopes."""
    places: dict[Ref, tuple[WorkItem, Ref]] = {}
    for scope in initiative.scopes:
        facts = scopes.get(scope.ref, ScopeFacts(scope.ref, scope.source))
        for container, items in facts.items.items():
            for item in items:
                places.setdefault((facts.source, item.id), (item, (facts.source, container)))
    return {ref: item for ref, (item, _) in _countable(initiative, places).items()}


def _deliver_tallied(initiative: Initiative, tallies: Mapping[str, Tally]) -> Work | None:
    """Return an initiative's work by the tallies of its scopes; None when they don't tell it."""
    known = [tallies[scope.ref] for scope in initiative.scopes if scope.ref in tallies]
    if not known or len(known) < len(initiative.scopes) or not is_tallied(initiative):
        return None
    kinds = _kinds(initiative)
    alike = [each for tally in known for each in tally.alike if each.kind in kinds]
    chosen = [(each, classify(each, initiative.dropped)) for each in alike]
    counts: Counter[WorkClass] = Counter()
    for each, kind in chosen:
        counts[kind] += each.number
    weighing = weigh_numbers(counts["done"], counts.total() - counts["dropped"])
    state = _aged(_sum_up(_blank(initiative), initiative, counts, weighing), known)
    finished = Instants.together(each.finished for each, kind in chosen if kind == "done")
    began = min((each.began for each in alike if each.began is not None), default=None)
    return Work(state, {}, finished, began)


def _fold(name: str) -> str:
    return name.casefold().replace("’", "'")


@functools.lru_cache(maxsize=64)
def _fold_all(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(_fold, names))


def _tell_shared(work: Work, shared: AbstractSet[Ref]) -> Work:
    if shared.isdisjoint(work.counted):
        return work
    keys = tuple(key for ref, key in work.counted.items() if ref in shared)
    return replace(work, state=replace(work.state, shared=keys))


def _blank(initiative: Initiative) -> InitiativeState:
    sources = dict.fromkeys(scope.source for scope in initiative.scopes)
    return InitiativeState(
        id=initiative.id,
        title=initiative.title,
        owner=initiative.owner,
        key_results=initiative.key_results,
        question=work_question(initiative),
        inputs=tuple(Input(source=source, subject=initiative.id) for source in sources),
    )


def _why_unread(ref: str, facts: ScopeFacts | None) -> str | None:
    if facts is not None and facts.resolved:
        return None
    changed = "its query changed and has no answer yet: " if facts is not None and facts.asked_anew else ""
    if facts is not None and facts.miss is not None:
        return f"scope {ref}: {changed}{facts.miss.message}"
    if changed:
        return f"scope {ref}: {changed}run okr-sync sync"
    return f"scope {ref} has not been read yet: run okr-sync sync"


def _aged(state: InitiativeState, facts: Sequence[ScopeFacts | Tally]) -> InitiativeState:
    misses = [f"scope {fact.ref}: {fact.miss.message}" for fact in facts if fact.miss is not None]
    if not misses:
        return state
    suspect = any(fact.miss is not None and fact.miss.why == "suspect" for fact in facts)
    return replace(state, stale=True, suspect=suspect, reason=f"the last good numbers; {'; '.join(misses)}")


def _units(initiative: Initiative, facts: list[ScopeFacts], until: datetime | None) -> dict[Ref, _Unit]:
    """Return what counts, each once, in the order of the scopes: items, then childless finished containers."""
    places: dict[Ref, tuple[WorkItem, Ref]] = {}
    childless: dict[Ref, Container] = {}
    peopled: set[Ref] = set()
    for fact in facts:
        for container in fact.containers:
            items = fact.items.get(container.id, ())
            home = (fact.source, container.id)
            for item in items:
                places.setdefault((fact.source, item.id), (item, home))
            if items:
                peopled.add(home)
            elif container.kind != "query" and container.state == "done":
                childless[home] = container
    units = {
        ref: _Unit(classify(item, initiative.dropped, until), item.key, home, item.points, item.created, item.done_at)
        for ref, (item, home) in _countable(initiative, places).items()
    }
    for home, container in childless.items():
        if home in peopled:
            continue
        # An epic without children stands for one piece of work of weight 1, whatever items weigh.
        kind = classify(container, initiative.dropped, until)
        units[home] = _Unit(kind, container.key, home, 1.0, done_at=container.done_at)
    return units


def _countable(initiative: Initiative, places: Mapping[Ref, tuple[WorkItem, Ref]]) -> dict[Ref, tuple[WorkItem, Ref]]:
    """Return the items of the kinds that the initiative counts; with `unit: leaf` only those without children."""
    kinds = _kinds(initiative)
    chosen = {ref: place for ref, place in places.items() if place[0].kind in kinds}
    if initiative.unit == "issue":
        return chosen
    parents = {(ref[0], item.parent) for ref, (item, _) in chosen.items() if item.parent is not None}
    return {ref: place for ref, place in chosen.items() if ref not in parents}


def _kinds(initiative: Initiative) -> AbstractSet[ItemKind]:
    kinds: set[ItemKind] = set() if initiative.include == "prs" else {"issue"}
    if initiative.unit == "leaf" and kinds:
        kinds.add("subtask")
    return kinds if initiative.include == "issues" else kinds | {"pull_request"}


def _count(blank: InitiativeState, initiative: Initiative, units: Mapping[Ref, _Unit]) -> InitiativeState:
    counts = Counter([unit.kind for unit in units.values()])
    weighing = _weigh(initiative, [unit for unit in units.values() if unit.kind != "dropped"])
    return _sum_up(blank, initiative, counts, weighing)


def _sum_up(
    blank: InitiativeState, initiative: Initiative, counts: Mapping[WorkClass, int], weighing: Weighing
) -> InitiativeState:
    total = counts["done"] + counts["in_progress"] + counts["open"]
    return replace(
        blank,
        done=counts["done"],
        in_progress=counts["in_progress"],
        open=counts["open"],
        dropped=counts["dropped"],
        total=total,
        weight_done=weighing.done,
        weight_total=weighing.total,
        progress=weighing.progress,
        state=_state(counts, total),
        policy=weighing.policy,
        reason=weighing.reason if total else _why_empty(initiative, counts["dropped"]),
    )


def _weigh(initiative: Initiative, units: list[_Unit]) -> Weighing:
    return weigh(
        [(unit.key, unit.kind == "done", unit.points, unit.container) for unit in units],
        by=initiative.weight_by,
        missing=initiative.missing_points,
        containers=initiative.containers,
    )


def _state(counts: Mapping[WorkClass, int], total: int) -> InitiativeStatus:
    if total == 0:
        return "empty"
    if counts["done"] == total:
        return "done"
    return "in_progress" if counts["done"] or counts["in_progress"] else "not_started"


def _why_empty(initiative: Initiative, dropped: int) -> str:
    if not initiative.scopes:
        return f"no work is mapped to {initiative.id}: give it delivery scopes"
    if dropped:
        return f"nothing left: all {dropped} items were dropped"
    return "the scope holds no items that count"
