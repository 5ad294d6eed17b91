"""Whether what a delivery answer lacks, or ends all at once, is so by the word of the items themselves.

A list that is too short looks like work that left. An item has left when it is gone, when it stands below something
else now, or when its own record changed since it was in; an epic's item that still names the epic as its parent has
not, whatever the list says. What says nothing is kept, and leaves when the next run finds the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from okr_sync.core.facts import Container, Members, Miss, Suspicion, Verdict, WorkItem
from okr_sync.sync.suspecting import HeldScope, suspect

__all__ = ["Answer", "Kept", "keep", "sudden"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source answered about some scopes, with what the mirror had: `known` members by container, `mirrored`
    items. Of `items` only those that left a container count.
    """

    items: Mapping[str, WorkItem]
    containers: Mapping[str, Container]
    members: Mapping[str, Members]
    scopes: Mapping[str, tuple[str, ...]]
    known: Mapping[str, frozenset[str]]
    mirrored: Mapping[str, WorkItem]
    absent: frozenset[str] = frozenset()
    """Ids that are gone or hidden."""


@dataclass(slots=True)
class Kept:
    """What stays although the answer lacks it: items by container, containers by scope; why, and since when."""

    members: dict[str, frozenset[str]] = field(default_factory=dict)
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    misses: dict[str, Miss] = field(default_factory=dict)
    suspicions: list[Suspicion] = field(default_factory=list)

    def add(self, more: Kept) -> None:
        """Keep what stays of other scopes, too."""
        for container, items in more.members.items():
            self.members[container] = self.members.get(container, frozenset()) | items
        self.scopes |= more.scopes
        self.misses |= more.misses
        self.suspicions += more.suspicions


def sudden(
    turned: Mapping[str, Collection[str]],
    sizes: Mapping[str, int],
    scopes: Mapping[str, tuple[str, ...]],
    held: Mapping[str, HeldScope],
) -> frozenset[str]:
    """Return the ids to ask one by one: of containers where more than the guard's share ended or reopened at once.

    `turned` are the items that did, by container, `sizes` says how many each container held before.
    """
    asked: set[str] = set()
    for ref, scope in held.items():
        for container in scopes.get(ref, ()):
            some = turned.get(container, ())
            if len(some) > max(1.0, scope.guard * sizes.get(container, 0)):
                asked.update(some)
    return frozenset(asked)


def keep(answer: Answer, held: Mapping[str, HeldScope], now: datetime) -> Kept:
    """Return what stays of the guarded scopes that were answered, and what is to be said about it.

    What a person accepts leaves; what an earlier run missed, too, unless the items themselves contradict it.
    """
    kept = Kept()
    for ref, scope in held.items():
        if ref in answer.scopes:
            _keep_scope(ref, scope, answer, now, kept)
    return kept


def _keep_scope(ref: str, scope: HeldScope, answer: Answer, now: datetime, kept: Kept) -> None:
    lost = tuple(each for each in scope.containers if each not in answer.scopes[ref])
    silent: dict[str, frozenset[str]] = {}
    against: set[str] = set()
    for container in answer.scopes[ref]:
        denied, untold = _unsaid(answer, container, scope.guard)
        silent[container] = denied | untold
        against |= denied
    missing = frozenset().union(lost, *silent.values())
    left = _confirmed(missing, against, scope.pending)
    stay = missing - left
    for container, items in silent.items():
        kept.members[container] = kept.members.get(container, frozenset()) | (items & stay)
    kept.scopes[ref] = (*answer.scopes[ref], *(each for each in lost if each in stay))
    why = _why(len(stay), len(stay & against), len(stay.intersection(lost)))
    if stay:
        kept.misses[ref] = suspect(why)
    verdict = _verdict(missing, stay, scope.pending)
    if verdict is not None:
        kept.suspicions.append(Suspicion(ref, verdict, why, now, scope.question, missing=stay))


def _confirmed(missing: frozenset[str], against: set[str], pending: Suspicion | None) -> frozenset[str]:
    if pending is None:
        return frozenset()
    seen = missing & pending.missing
    return seen if pending.verdict == "accepted" else seen - against


def _verdict(missing: frozenset[str], stay: frozenset[str], pending: Suspicion | None) -> Verdict | None:
    """Return what is new about the scope; None when nothing is."""
    if stay:
        return None if pending is not None and pending.missing == stay else "suspect"
    if pending is None:
        return None
    return "confirmed" if missing else "cleared"


def _unsaid(answer: Answer, container: str, guard: float) -> tuple[frozenset[str], frozenset[str]]:
    """Return the items that left a container though they say that they are in it, and those that say nothing."""
    members, known = answer.members.get(container), answer.known.get(container, frozenset())
    if members is None or not members.whole:
        return frozenset(), frozenset()
    left = {id_: answer.items[id_] for id_ in known - members.items - answer.absent if id_ in answer.items}
    denied: frozenset[str] = frozenset()
    if answer.containers[container].kind == "epic":
        denied = _below({container, *members.items}, left.values())
        telling = {id_ for id_, item in left.items() if item != answer.mirrored.get(id_)}
    else:
        telling = {id_ for name, each in answer.members.items() if name != container for id_ in each.items}
        if len(left) <= guard * len(known):
            telling |= {id_ for id_, item in left.items() if item != answer.mirrored.get(id_)}
    telling -= denied
    said = telling | _below(telling, left.values())
    return denied, frozenset(left) - denied - said


def _below(above: Collection[str], left: Collection[WorkItem]) -> frozenset[str]:
    """Return the ids of the items that stand below any of `above`, at any depth."""
    inside = set(above)
    found: set[str] = set()
    while more := {item.id for item in left if item.id not in found and item.parent in inside}:
        found |= more
        inside |= more
    return frozenset(found)


def _why(stay: int, against: int, containers: int) -> str:
    items = stay - containers
    parts = [
        f"{containers} containers are missing from the answer" if containers else "",
        f"{items} items are missing from the answer" if items else "",
        f"{against} of them still say that they belong to it" if against else "",
    ]
    return ", ".join(filter(None, parts)) or "the items themselves say so"
