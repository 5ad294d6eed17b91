"""Asks a delivery source, compares its answer with the mirror, and looks up what left or turned up unseen.

The answer is spooled and compared a batch at a time: nothing here grows with the site, but with what changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from okr_sync.config import Source
from okr_sync.connector import DeliverySource, LookUp, ProtocolError
from okr_sync.core.facts import Collected, Members, Miss, WorkItem
from okr_sync.sync.contract import FIX, require_sound
from okr_sync.sync.leaving import Answer, Kept, keep, sudden
from okr_sync.sync.mirror import Known, Mirror
from okr_sync.sync.spool import Spool, SpooledItems, SpooledMembers, batches
from okr_sync.sync.suspecting import HeldScope

Left = dict[str, frozenset[str]]
"""Container id → the items that it held and holds no more."""


def gather_items(
    connector: DeliverySource,
    source: Source,
    mirror: Mirror,
    now: datetime,
    *,
    cursor: str | None = None,
    held: Mapping[str, HeldScope] = MappingProxyType({}),
    begun: datetime | None = None,
) -> Collected:
    """Return everything that changed since the cursor (None: all there is), with what became of items that are gone
    from their containers.

    What is missing from `held` scopes (ref → as they were answered last) without saying so itself stays, and the cursor
    with it, so that the next run asks for it again. `begun` is when the pull began, where that was before `now`.
    Raises SourceError when the source failed or broke its contract.
    """
    known = connector.mirror = mirror.of(source.name)
    spool = Spool()
    for page in connector.pull(source.questions, cursor, begun or now):
        require_sound(page.items, page.containers, page.misses)
        spool.add(page)
    _hold_to_contract(source, spool, known, full=cursor is None)
    left = _departed(spool, known)
    asked_again = _undescribed(spool, known, left) | _unseen(spool, known) | _turned(spool, known, held)
    looked_up = _look_up(connector, known, asked_again)
    require_sound(looked_up.found, (), {})
    spool.describe(looked_up.found)
    doubtful = {ref: scope for ref, scope in held.items() if _is_doubtful(spool.scopes.get(ref), scope, left)}
    kept = Kept()
    for refs in batches(doubtful):
        answer = _answer(spool, known, {ref: spool.scopes[ref] for ref in refs}, left)
        absent = looked_up.gone | looked_up.hidden
        kept.add(keep(replace(answer, absent=absent), {ref: held[ref] for ref in refs}, now))
    stays = _out_of_sight(looked_up)
    misses = kept.misses | spool.misses | _hidden_misses(spool, known, looked_up.hidden)
    return Collected(
        source.name,
        now,
        "partial" if misses else "ok",
        begun=begun if begun and begun < now else None,
        cursor=None if kept.misses else spool.cursor,
        items=SpooledItems(spool),
        containers=tuple(spool.containers.values()),
        members=SpooledMembers(spool),
        left={each: items - stays - kept.members.get(each, frozenset()) for each, items in left.items()},
        scopes=spool.scopes | kept.scopes,
        misses=misses,
        gone=looked_up.gone,
        hidden=looked_up.hidden,
        suspicions=tuple(kept.suspicions),
    )


def _hold_to_contract(source: Source, spool: Spool, known: Known, *, full: bool) -> None:
    answered = spool.scopes.keys() | spool.misses.keys()
    silent, unasked = source.questions.keys() - answered, answered - source.questions.keys()
    if silent or unasked:
        said = (
            f"no answer for {', '.join(sorted(silent))}" if silent else f"answers nobody asked for: {sorted(unasked)}"
        )
        raise ProtocolError(said, fix=FIX)
    named = frozenset(container for containers in spool.scopes.values() for container in containers)
    strange = named - spool.containers.keys()
    strange = strange if full else strange - known.containers(strange).keys()
    unlisted = named - spool.listed() if full else frozenset()  # else they would count as empty
    for ref, containers in spool.scopes.items():
        missing = [container for container in containers if container in strange]
        if missing:
            raise ProtocolError(f"{ref} names containers that were not described: {missing}", fix=FIX)
        empty = [container for container in containers if container in unlisted]
        if empty:
            raise ProtocolError(f"{ref} names containers whose items were not listed: {empty}", fix=FIX)


def _departed(spool: Spool, known: Known) -> Left:
    left: dict[str, set[str]] = {}
    for whole in batches(sorted(spool.whole)):
        before = known.members(whole)
        listed = spool.members(before)
        for container, items in before.items():
            if gone := items - listed.get(container, frozenset()):
                left[container] = set(gone)
    for placed in batches(spool.placed()):
        here = spool.holders(placed)
        for item, containers in known.holders(placed).items():
            for container in containers - here.get(item, frozenset()) - spool.whole:
                left.setdefault(container, set()).add(item)
    return {container: frozenset(items) for container, items in left.items()}


def _undescribed(spool: Spool, known: Known, left: Left) -> frozenset[str]:
    """Return the ids of what left and was not described: it may be gone, or elsewhere. What left a query, too: it may
    have been described before it could not be seen any more.
    """
    ids: frozenset[str] = frozenset().union(*left.values())
    queries = [id_ for id_, each in known.containers(left).items() if each.kind == "query"]
    return (ids - spool.facts(ids).keys()).union(*(left[each] for each in queries))


def _unseen(spool: Spool, known: Known) -> frozenset[str]:
    """Return the ids of what is in a container and was never described."""
    unseen: set[str] = set()
    for ids in batches(spool.undescribed()):
        unseen.update(set(ids) - known.states(ids).keys())
    return frozenset(unseen)


def _turned(spool: Spool, known: Known, held: Mapping[str, HeldScope]) -> frozenset[str]:
    """Return the ids of what ended or was reopened where too much did so at once to be believed at sight."""
    turned: dict[str, set[str]] = {}
    for items in batches(spool.items() if held else ()):
        before = known.states([item.id for item in items])
        changed = {item.id for item in items if _has_turned(before.get(item.id), item)}
        for id_, containers in known.holders(changed).items():
            for container in containers:
                turned.setdefault(container, set()).add(id_)
    sizes = {container: len(items) for container, items in known.members(turned).items()}
    return sudden(turned, sizes, spool.scopes, held)


def _has_turned(before: str | None, after: WorkItem) -> bool:
    return before is not None and (before == "done") is not (after.state == "done")


def _is_doubtful(answered: tuple[str, ...] | None, scope: HeldScope, left: Left) -> bool:
    """Return whether the answer lacks anything that was there, or did so last time."""
    if answered is None:
        return False
    lost = not set(scope.containers) <= set(answered)
    return lost or scope.pending is not None or any(container in left for container in answered)


def _answer(spool: Spool, known: Known, scopes: Mapping[str, tuple[str, ...]], left: Left) -> Answer:
    """Return the answer about some scopes, as far as it tells what left them."""
    guarded = {container for containers in scopes.values() for container in containers}
    before, listed = known.members(guarded), spool.members(guarded)
    ids = frozenset(id_ for container in guarded for id_ in left.get(container, ()))
    inside = {
        each: (before.get(each, frozenset()) - left.get(each, frozenset())) | listed.get(each, frozenset())
        for each in guarded
    }
    elsewhere: dict[str, set[str]] = {}
    for id_, containers in spool.holders(ids).items():
        for container in containers - guarded:
            elsewhere.setdefault(container, set()).add(id_)
    members = {each: Members(each, items, whole=True) for each, items in inside.items()}
    members |= {each: Members(each, frozenset(items), whole=False) for each, items in elsewhere.items()}
    described = {each: spool.containers[each] for each in guarded & spool.containers.keys()}
    return Answer(
        spool.facts(ids), {**known.containers(guarded), **described}, members, scopes, before, known.items(ids)
    )


def _look_up(connector: DeliverySource, mirror: Known, ids: frozenset[str]) -> LookUp:
    if not ids:
        return LookUp()
    known = mirror.items(ids)
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
    """Return the hidden ids, and those found below them, which nobody can reach from the container any more: lost
    permission looks like deletion, and what may only be out of sight stays where it was.
    """
    hidden = set(looked_up.hidden)
    while below := {item.id for item in looked_up.found if item.parent in hidden} - hidden:
        hidden |= below
    return frozenset(hidden)


def _hidden_misses(spool: Spool, known: Known, hidden: Collection[str]) -> dict[str, Miss]:
    lost: dict[str, set[str]] = {}
    for id_, containers in known.holders(hidden).items():
        for container in containers:
            lost.setdefault(container, set()).add(id_)
    misses = {}
    for ref, named in spool.scopes.items():
        here: set[str] = set().union(*(lost[container] for container in named if container in lost))
        if here:
            misses[ref] = Miss(
                "denied",
                f"{len(here)} items that were here can't be seen any more; give the credential permission to browse "
                "their project again, or remove them from the container",
            )
    return misses
