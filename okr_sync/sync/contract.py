"""What the facts of a connector must be before they are believed; a plugin's mistake must not reach the store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import get_args

from okr_sync.connector import Container, ContainerKind, ItemKind, ItemState, Miss, MissKind, ProtocolError, WorkItem

FIX = "this is a fault of the connector; report it"


def require_sound(items: Iterable[WorkItem], containers: Iterable[Container], misses: Mapping[str, Miss]) -> None:
    """Return if all of it can be kept and counted. Raises ProtocolError that names the first thing that can't."""
    for item in items:
        _require(item.id, item.kind in get_args(ItemKind), f"the kind {item.kind!r}")
        _require(item.id, item.points is None or 0 <= item.points < math.inf, f"{item.points} points")
        _require_ending(item, (item.created, item.updated, item.done_at))
    for container in containers:
        _require(container.id, container.kind in get_args(ContainerKind), f"the kind {container.kind!r}")
        _require_ending(container, (container.done_at,))
    for ref, miss in misses.items():
        _require(ref, is_known(miss), f"the unknown reason {miss.why!r} for having no answer")


def is_known(miss: Miss) -> bool:
    """Return whether a miss gives one of the reasons that there are."""
    return miss.why in get_args(MissKind) and miss.why != "suspect"


def _require_ending(thing: WorkItem | Container, times: tuple[datetime | None, ...]) -> None:
    thing.id.encode()  # half a letter can't be stored; it raises here, before anything is written
    _require(thing.id, thing.state in get_args(ItemState), f"the state {thing.state!r}")
    for time in times:
        naive = time is not None and time.tzinfo is None
        _require(thing.id, not naive, f"a time without a zone: {time}")


def _require(id_: str, holds: bool, what: str) -> None:  # noqa: FBT001 -- it is the thing required
    if not holds:
        raise ProtocolError(f"{id_} came with {what}", fix=FIX)
