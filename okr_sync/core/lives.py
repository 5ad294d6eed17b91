"""The life of a work item: what it was from which instant on, and which containers held it when, from its changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from okr_sync.core.facts import Transition, TransitionField, WorkItem

__all__ = ["Logged", "Stay", "Version", "stays_below", "stays_of", "versions_of"]

FIELDS: tuple[TransitionField, ...] = ("state", "resolution", "points", "parent")


@dataclass(frozen=True, slots=True)
class Version:
    """What an item was from `since` on; None: from its beginning, which is not known."""

    since: datetime | None
    item: WorkItem


@dataclass(frozen=True, slots=True)
class Stay:
    """An item in a container in [since, until); None: since ever, and still."""

    container: str
    item: str
    since: datetime | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """The tracker's own changes of one item; all of [since, until] (both inclusive) are among the `moves`."""

    since: datetime
    until: datetime
    moves: tuple[Transition, ...]


def versions_of(item: WorkItem, moves: Iterable[Transition]) -> tuple[Version, ...]:
    """Return what the item was, oldest first; the first from its creation on, the last is the item as it is now.

    `moves` are its changes of state, resolution, points and parent, in any order; others are passed over. A field was,
    before its first change, what that change says it was before. It was done at the change that made it so.
    """
    ordered = sorted((move for move in moves if move.field in FIELDS), key=lambda move: move.at)
    if not ordered:
        return (Version(item.created, item),)
    last = {move.field: number for number, move in enumerate(ordered)}
    current = replace(item, **_beginning(ordered))
    found = [Version(item.created, current)]
    for number, move in enumerate(ordered):
        final = last[move.field] == number
        current = replace(current, **_changed(item, move, final=final))
        since = move.at if item.created is None else max(move.at, item.created)
        if found[-1].since == since:
            found.pop()
        found.append(Version(since, current))
    return tuple(found)


def stays_of(item: str, created: datetime | None, seen: Sequence[Stay], logged: Logged | None) -> tuple[Stay, ...]:
    """Return when which container held the item: as it was `seen`, put right by what the tracker logged.

    A container that the log names held the item when the log says so, up to the log's end; from then on, and for all
    other containers, what was seen counts. No item is held before it was `created`.
    """
    moves = [move for move in logged.moves if move.field == "container"] if logged is not None else []
    if logged is None or not moves:
        return tuple(seen)
    told = {name for move in moves for name in (move.before, move.after) if name is not None}
    found = [stay for stay in seen if stay.container not in told]
    for container in sorted(told):
        found += _stays_in(container, item, created, moves, logged.until)
        found += [_from(stay, logged.until) for stay in seen if stay.container == container and _lasts(stay, logged)]
    return tuple(found)


def stays_below(
    versions: Sequence[Version], own: Sequence[Stay], above: Mapping[str, Sequence[Stay]], followed: frozenset[str]
) -> tuple[Stay, ...]:
    """Return when which container held a sub-task: one of those `followed` held it while it held the item above.

    `above` has the stays of the items above by id; while there is none of them, and elsewhere, its `own` count.
    """
    found = [stay for stay in own if stay.container not in followed]
    ends = [*(version.since for version in versions[1:]), None]
    for version, until in zip(versions, ends, strict=True):
        parent = version.item.parent
        held = own if parent is None or parent not in above else above[parent]
        inside = (_within(stay, version, until) for stay in held if stay.container in followed)
        found += [stay for stay in inside if stay.until is None or stay.since is None or stay.since < stay.until]
    return tuple(found)


def _within(stay: Stay, version: Version, until: datetime | None) -> Stay:
    """Return the stay as long as an item was what a version says."""
    begins = [instant for instant in (stay.since, version.since) if instant is not None]
    ends = [instant for instant in (stay.until, until) if instant is not None]
    return Stay(stay.container, version.item.id, max(begins, default=None), min(ends, default=None))


def _beginning(ordered: Iterable[Transition]) -> dict[str, Any]:
    """Return the fields as they were before the first change of each."""
    first: dict[str, Any] = {}
    for move in ordered:
        first.setdefault(move.field, _value(move.field, move.before))
    if "state" in first:
        first["done_at"] = None
    return first


def _changed(item: WorkItem, move: Transition, *, final: bool) -> dict[str, Any]:
    """Return the fields that a change sets; the `final` one of a field leaves it as it is now."""
    value = getattr(item, move.field) if final else _value(move.field, move.after)
    if move.field != "state":
        return {move.field: value}
    own = item.done_at if final else None
    return {"state": value, "done_at": (own or move.at) if value == "done" else None}


def _value(field: TransitionField, text: str | None) -> str | float | None:
    return float(text) if field == "points" and text is not None else text


def _stays_in(
    container: str, item: str, created: datetime | None, moves: Iterable[Transition], end: datetime
) -> Iterator[Stay]:
    """Yield the stays in one container that its log tells until its `end`."""
    named = sorted((move for move in moves if container in (move.before, move.after)), key=lambda move: move.at)
    inside, since = named[0].before == container, created
    for move in named:
        if inside and move.before == container:
            yield Stay(container, item, since, move.at)
            inside = False
        if move.after == container:
            inside, since = True, move.at
    if inside:
        yield Stay(container, item, since, end)


def _lasts(stay: Stay, logged: Logged) -> bool:
    return stay.until is None or stay.until > logged.until


def _from(stay: Stay, instant: datetime) -> Stay:
    return replace(stay, since=instant if stay.since is None else max(stay.since, instant))
