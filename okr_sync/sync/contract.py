"""What the facts of a connector must be before they are believed; a plugin's mistake must not reach the store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import get_args

from okr_sync.connector import Container, ContainerKind, ItemKind, ItemState, Miss, MissKind, ProtocolError, WorkItem

ITEMS, CONTAINERS, STATES = get_args(ItemKind), get_args(ContainerKind), get_args(ItemState)
FIX = "this is a fault of the connector; report it"


def require_sound(items: Iterable[WorkItem], containers: Iterable[Container], misses: Mapping[str, Miss]) -> None:
    """Return if all of it can be kept and counted. Raises ProtocolError that names the first thing that can't."""
    for item in items:
        if fault := _fault_of_item(item) or _fault(item, (item.created, item.updated, item.done_at)):
            raise ProtocolError(f"{item.id} came with {fault}", fix=FIX)
    for held in containers:
        unknown = "" if held.kind in CONTAINERS else f"the kind {held.kind!r}"
        if fault := unknown or _fault(held, (held.done_at,)):
            raise ProtocolError(f"{held.id} came with {fault}", fix=FIX)
    for ref, miss in misses.items():
        if not is_known(miss):
            raise ProtocolError(f"{ref} came with the unknown reason {miss.why!r} for having no answer", fix=FIX)


def is_known(miss: Miss) -> bool:
    """Return whether a miss gives one of the reasons that there are."""
    return miss.why in get_args(MissKind) and miss.why != "suspect"


def _fault_of_item(item: WorkItem) -> str:
    if item.kind not in ITEMS:
        return f"the kind {item.kind!r}"
    countable = item.points is None or 0 <= item.points < math.inf
    return "" if countable else f"{item.points} points"


def _fault(thing: WorkItem | Container, times: tuple[datetime | None, ...]) -> str:
    thing.id.encode()  # half a letter can't be stored; it raises here, before anything is written
    if thing.state not in STATES:
        return f"the state {thing.state!r}"
    for time in times:
        if time is not None and time.tzinfo is None:
            return f"a time without a zone: {time}"
    return ""
