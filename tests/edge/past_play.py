"""A tracker with a past: items with all that ever happened to them, told as they are now and as a change log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from okr_sync.connector import (
    Container,
    DeliverySource,
    LookUp,
    Members,
    Page,
    Settings,
    SourceError,
    Transition,
    TransitionField,
    WorkItem,
)
from tests.edge.sync_play import Place

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOLDERS = ("e1", "e2")
ENDS = (("done", "Done"), ("done", None), ("done", "Duplicate"), ("in_progress", None), ("open", None))


@dataclass
class Life:
    """One item: what it was when it was created, and every change since."""

    born: WorkItem
    holder: str | None
    moves: list[Transition] = field(default_factory=list)
    deleted: datetime | None = None

    def at(self, instant: datetime) -> tuple[WorkItem, str | None]:
        """Return the item and its container as a tracker shows them."""
        item, holder = self.born, self.holder
        for move in self.moves:
            if move.at > instant:
                break
            if move.field == "container":
                holder = move.after
            else:
                item = _changed(item, move)
            item = replace(item, updated=move.at)
        return item, holder

    def change(self, name: TransitionField, after: str | None, at: datetime) -> None:
        """Let a field become something else; nothing happens when it is that already."""
        item, holder = self.at(at)
        value = holder if name == "container" else getattr(item, name)
        before = None if value is None else str(value)
        if before != after:
            self.moves.append(Transition(self.born.id, name, before, after, at))


def _changed(item: WorkItem, move: Transition) -> WorkItem:
    value: Any = float(move.after) if move.field == "points" and move.after is not None else move.after
    if move.field != "state":
        return replace(item, **{move.field: value})
    return replace(item, state=value, done_at=move.at if value == "done" else None)


@dataclass
class World:
    """All items of a tracker; `asked` counts how often its change log was asked for, `broken` makes that fail."""

    lives: list[Life] = field(default_factory=list)
    asked: int = 0
    broken: bool = False

    def add(self, at: datetime, holder: str | None, points: float | None = 1.0) -> Life:
        """Create an open item."""
        id_ = f"{len(self.lives):03}"
        plain = WorkItem(id_, f"A-{id_}", f"Item {id_}", f"https://t.example/{id_}", "issue", "open")
        self.lives.append(Life(replace(plain, points=points, created=at, updated=at), holder))
        return self.lives[-1]

    def alive(self, now: datetime) -> list[Life]:
        """Return what is there at an instant."""
        return [
            each
            for each in self.lives
            if each.born.created is not None
            and each.born.created <= now
            and (each.deleted is None or each.deleted > now)
        ]

    def page(self, names: list[str], now: datetime) -> Page:
        """Return all items of these containers, whole."""
        shown = [each.at(now) for each in self.alive(now)]
        held = {name: [item for item, holder in shown if holder == name] for name in names}
        return Page(
            items=tuple(item for items in held.values() for item in items),
            containers=tuple(_epic(name) for name in names),
            members=tuple(Members(name, frozenset(item.id for item in held[name]), whole=True) for name in names),
        )

    def source(self, log: Iterable[Transition] | None = None) -> type[DeliverySource]:
        """Return a connector that asks this world, and keeps no cursor; `log` is what its change log says instead."""
        world = self

        class Tracker(DeliverySource):
            kind = "tracker"
            summary = "a tracker with a past"
            Settings = Settings
            Query = Place
            HISTORY = True

            def probe(self) -> str:
                return "played"

            def pull(self, scopes: Mapping[str, Any], cursor: str | None, now: datetime) -> Iterator[Page]:
                assert cursor is None
                names = sorted({query.place for query in scopes.values()})
                yield replace(world.page(names, now), scopes={ref: (query.place,) for ref, query in scopes.items()})

            def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
                latest = datetime.max.replace(tzinfo=UTC)
                there = {each.born.id: each.at(latest)[0] for each in world.lives if each.deleted is None}
                found = tuple(there[id_] for id_ in sorted(ids) if id_ in there)
                return LookUp(found=found, gone=ids - there.keys())

            def past(
                self, items: Mapping[str, WorkItem], since: datetime, now: datetime
            ) -> Iterator[tuple[Transition, ...]]:
                world.asked += 1
                if world.broken:
                    raise SourceError("the change log is closed", fix="open it")
                if log is not None:
                    yield tuple(log)
                    return
                for life in world.lives:
                    yield tuple(move for move in life.moves if life.born.id in items and since <= move.at <= now)

        return Tracker


def _epic(name: str) -> Container:
    return Container(name, name, name, f"https://t.example/{name}", "epic", "open")


def random_world(seed: int, days: int, *, leaving: bool = False) -> World:
    """Return a world in which things happen for some days; with `leaving` items are deleted and leave, too."""
    dice, world = Random(seed), World()
    for _ in range(4):
        world.add(FIRST - 3 * DAY, dice.choice(HOLDERS), dice.choice([None, 1.0, 5.0]))
    at = FIRST
    while (at := at + timedelta(hours=dice.uniform(0.5, 18))) < FIRST + days * DAY:
        _happen(world, dice, at, leaving=leaving)
    return world


def _happen(world: World, dice: Random, at: datetime, *, leaving: bool) -> None:
    alive = world.alive(at)
    deeds = ["add", "end", "end", "end", "point", "parent", "move", *(["leave", "delete"] if leaving else [])]
    deed = dice.choice(deeds)
    if deed == "add" or not alive:
        world.add(at, dice.choice(HOLDERS), dice.choice([None, 2.0, 3.0]))
        return
    life = dice.choice(alive)
    match deed:
        case "end":
            state, resolution = dice.choice(ENDS)
            life.change("state", state, at)
            life.change("resolution", resolution, at)
        case "point":
            life.change("points", dice.choice([None, "0.0", "3.0", "8.0"]), at)
        case "parent":
            life.change("parent", dice.choice([None, *(each.born.id for each in alive if each is not life)]), at)
        case "move" | "leave":
            life.change("container", dice.choice([*HOLDERS, *([None] if deed == "leave" else [])]), at)
        case _:
            life.deleted = at
