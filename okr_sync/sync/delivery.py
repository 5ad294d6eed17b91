"""Asks a delivery source, compares its answer with the mirror, and looks up what left or turned up unseen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from okr_sync.config import Source
from okr_sync.connector import DeliverySource, LookUp, Page, ProtocolError
from okr_sync.core.facts import Collected, Container, Members, Miss, WorkItem
from okr_sync.sync.contract import FIX, require_sound
from okr_sync.sync.leaving import Answer, keep, sudden
from okr_sync.sync.mirror import Mirror
from okr_sync.sync.suspecting import HeldScope


@dataclass(slots=True)
class _Gathered:
    """All pages of one pull, put together."""

    items: dict[str, WorkItem] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    members: dict[str, Members] = field(default_factory=dict)
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    misses: dict[str, Miss] = field(default_factory=dict)
    cursor: str | None = None

    def add(self, page: Page) -> None:
        self.items.update((item.id, item) for item in page.items)
        self.containers.update((container.id, container) for container in page.containers)
        self.scopes.update(page.scopes)
        self.misses.update(page.misses)
        self.cursor = page.cursor or self.cursor
        for members in page.members:
            self.members[members.container] = _joined(self.members.get(members.container), members)


def gather_items(
    connector: DeliverySource,
    source: Source,
    mirror: Mirror,
    now: datetime,
    *,
    full: bool = False,
    held: Mapping[str, HeldScope] = MappingProxyType({}),
) -> Collected:
    """Return everything that changed since the mirror's cursor, with what became of items that are gone from their
    containers.

    What is missing from `held` scopes (ref → as they were answered last) without saying so itself stays, and the cursor
    with it, so that the next run asks for it again. Raises SourceError when the source failed or broke its contract.
    """
    gathered = _Gathered()
    cursor = None if full else mirror.cursor(source.name)
    for page in connector.pull(source.questions, cursor, now):
        gathered.add(page)
    _hold_to_contract(source, gathered, full=cursor is None)
    known = mirror.members(source.name)
    answer = _answer(gathered, known, mirror, source.name, held)
    asked_again = _to_look_up(gathered, known, mirror, source.name) | sudden(answer, held)
    looked_up = _look_up(connector, mirror, source.name, asked_again)
    require_sound(looked_up.found, (), {})
    gathered.items.update((item.id, item) for item in looked_up.found)
    kept = keep(replace(answer, absent=looked_up.gone | looked_up.hidden), held, now)
    misses = kept.misses | gathered.misses | _hidden_misses(gathered, known, looked_up.hidden)
    staying = _keeping(gathered.members.values(), known, _out_of_sight(looked_up))
    return Collected(
        source.name,
        now,
        "partial" if misses else "ok",
        cursor=None if kept.misses else gathered.cursor,
        items=tuple(gathered.items.values()),
        containers=tuple(gathered.containers.values()),
        members=tuple(
            replace(each, items=each.items | kept.members.get(each.container, frozenset())) for each in staying
        ),
        scopes=gathered.scopes | kept.scopes,
        misses=misses,
        gone=looked_up.gone,
        hidden=looked_up.hidden,
        suspicions=tuple(kept.suspicions),
    )


def _answer(
    gathered: _Gathered,
    known: Mapping[str, frozenset[str]],
    mirror: Mirror,
    source: str,
    held: Mapping[str, HeldScope],
) -> Answer:
    guarded = {container for ref in held for container in gathered.scopes.get(ref, ())}
    ids = frozenset(id_ for container in guarded for id_ in known.get(container, frozenset()))
    return Answer(
        gathered.items, gathered.containers, gathered.members, gathered.scopes, known, mirror.items(source, ids)
    )


def _joined(first: Members | None, second: Members) -> Members:
    """A later whole list is the whole truth; partial lists add up."""
    if first is None or second.whole:
        return second
    return replace(first, items=first.items | second.items)


def _hold_to_contract(source: Source, gathered: _Gathered, *, full: bool) -> None:
    answered = gathered.scopes.keys() | gathered.misses.keys()
    silent, unasked = source.questions.keys() - answered, answered - source.questions.keys()
    if silent or unasked:
        said = (
            f"no answer for {', '.join(sorted(silent))}" if silent else f"answers nobody asked for: {sorted(unasked)}"
        )
        raise ProtocolError(said, fix=FIX)
    for ref, containers in gathered.scopes.items():
        missing = [container for container in containers if container not in gathered.containers]
        if missing:
            raise ProtocolError(f"{ref} names containers that were not described: {missing}", fix=FIX)
        unlisted = [container for container in containers if container not in gathered.members]
        if full and unlisted:  # else they would count as empty
            raise ProtocolError(f"{ref} names containers whose items were not listed: {unlisted}", fix=FIX)
    require_sound(gathered.items.values(), gathered.containers.values(), gathered.misses)


def _to_look_up(
    gathered: _Gathered, known: Mapping[str, frozenset[str]], mirror: Mirror, source: str
) -> frozenset[str]:
    """Ids that left a container, and ids in a container that nobody described yet."""
    left: set[str] = set()
    unseen: set[str] = set()
    for members in gathered.members.values():
        if members.whole:
            left |= known.get(members.container, frozenset()) - members.items
        unseen |= members.items - gathered.items.keys()
    unseen -= mirror.items(source, frozenset(unseen)).keys()
    return frozenset((left - gathered.items.keys()) | unseen)


def _look_up(connector: DeliverySource, mirror: Mirror, source: str, ids: frozenset[str]) -> LookUp:
    if not ids:
        return LookUp()
    known = mirror.items(source, ids)
    answer = connector.look_up(ids, known)
    told = {item.id for item in answer.found} | answer.gone | answer.hidden
    if ids - told:
        raise ProtocolError(
            f"{len(ids - told)} items were asked by id and not answered",
            fix=FIX,
        )
    found = (_where_it_was(item, known.get(item.id), answer.hidden) for item in answer.found)
    return replace(answer, found=tuple(found))


def _where_it_was(item: WorkItem, known: WorkItem | None, hidden: frozenset[str]) -> WorkItem:
    """Return the item below what it stood under when that is hidden now: trackers don't name what can't be seen."""
    if item.parent is None and known is not None and known.parent in hidden:
        return replace(item, parent=known.parent)
    return item


def _out_of_sight(looked_up: LookUp) -> frozenset[str]:
    """Return the hidden ids, and those found below them: nobody can reach them from the container any more."""
    hidden = set(looked_up.hidden)
    while below := {item.id for item in looked_up.found if item.parent in hidden} - hidden:
        hidden |= below
    return frozenset(hidden)


def _keeping(
    members: Iterable[Members], known: Mapping[str, frozenset[str]], kept: frozenset[str]
) -> Iterable[Members]:
    """Lost permission looks like deletion: what may only be out of sight stays where it was."""
    for each in members:
        yield replace(each, items=each.items | (known.get(each.container, frozenset()) & kept))


def _hidden_misses(gathered: _Gathered, known: Mapping[str, frozenset[str]], hidden: frozenset[str]) -> dict[str, Miss]:
    misses = {}
    for ref, containers in gathered.scopes.items():
        lost = {item for container in containers for item in known.get(container, frozenset())} & hidden
        if lost:
            misses[ref] = Miss(
                "denied",
                f"{len(lost)} items that were here can't be seen any more; give the credential permission to browse "
                "their project again, or remove them from the container",
            )
    return misses
