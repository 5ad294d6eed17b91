"""The part of the delivery suite about the past: what a tracker tells of it, undone from now, is what was true then."""
# ruff: noqa: S101 -- a contract suite asserts

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

import pytest

from okr_sync.connector import (
    AccessError,
    DeliverySource,
    ProtocolError,
    SourceError,
    TransientError,
    Transition,
    WorkItem,
)
from okr_sync.sandbox.server import Fault, Response
from okr_sync.testing.delivery_world import ALWAYS, BODY, DeliveryHarness, DeliveryWorld, Was
from okr_sync.testing.pulled import CountingCaller

_SEEDS = (1, 2, 3)
_INSTANTS = 30
"""Random instants at which the past of one life is compared."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What can be seen after a life since `since`: items, and the container that holds each of them."""

    since: datetime
    items: Mapping[str, WorkItem]
    holders: Mapping[str, str]
    containers: frozenset[str]

    def undone(self, told: Iterable[Transition], at: datetime) -> dict[str, Was]:
        """Return what was true of the items at `at`, by undoing what happened after it, newest first."""
        now = {id_: _as_it_is(item, self.holders.get(id_)) for id_, item in self.items.items()}
        for each in sorted(told, key=lambda one: one.at, reverse=True):
            if each.at > at:
                points = each.field == "points" and each.before is not None
                value: Any = float(str(each.before)) if points else each.before
                now[each.item] = replace(now[each.item], **{each.field: value})
        return {id_: self.seen(was) for id_, was in now.items()}

    def seen(self, was: Was) -> Was:
        """Return `was` without a container that nobody asked for."""
        return was if was.container in self.containers else replace(was, container=None)


def _as_it_is(item: WorkItem, holder: str | None) -> Was:
    return Was(item.state, item.resolution, item.points, item.parent, holder)


class DeliveryPast(DeliveryHarness):
    """The laws of telling the past, for sources with HISTORY."""

    def live(self, world: DeliveryWorld, connector: DeliverySource, seed: int = 1) -> Lived:
        """Return what is there after a random life, those that left their container included."""
        if not self.source.HISTORY:
            pytest.skip("this source keeps no history")
        raw = {"a": world.scope("alpha"), "b": world.scope("beta")}
        first, since = self.pull(connector, world, raw), world.now
        world.live(seed)
        last = self.pull(connector, world, raw)
        left = frozenset(first.items.keys() - last.items.keys())
        found = {item.id: item for item in connector.look_up(left, first.items).found}
        holders = {item: each.container for each in last.members.values() for item in each.items}
        return Lived(since, last.items | found, holders, frozenset(last.containers))

    def tell(self, connector: DeliverySource, lived: Lived, now: datetime) -> list[Transition]:
        """Return all that the connector tells of a life, checked one by one."""
        told = [each for piece in connector.past(lived.items, lived.since, now) for each in piece]
        for each in told:
            assert each.item in lived.items, "it tells of an item that nobody asked for"
            assert each.at.tzinfo is not None, "an instant without a zone"
            assert lived.since <= each.at <= now, "an instant outside of the window"
            assert each.before != each.after, "a change that changes nothing"
        once = {(each.item, each.field, each.at) for each in told}
        assert len(once) == len(told), "two changes of one field in one instant have no order: they are one"
        return told

    @pytest.mark.parametrize("seed", _SEEDS)
    def test_the_past_undone_is_the_truth(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource], seed: int
    ) -> None:
        """At any instant of a life, undoing from the present what happened since gives what was true then."""
        connector = connect()
        lived = self.live(world, connector, seed)
        told = self.tell(connector, lived, world.now)
        assert {each.field for each in told} >= {"state", "resolution", "container"}, "a life without changes"
        dice, span = Random(seed), world.now - lived.since  # noqa: S311 -- repeatable instants, no secrets
        instants = [lived.since + dice.random() * span for _ in range(_INSTANTS)]
        for at in (lived.since, *instants, *(each.at for each in told), world.now):
            true, undone = world.was(at), lived.undone(told, at)
            for id_ in undone.keys() & true.keys():
                assert undone[id_] == lived.seen(true[id_]), f"{lived.items[id_].key} at {at.isoformat()}"

    def test_the_past_does_not_change(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """Asked again, or by another connector, or later, the past is the same."""
        connector = connect()
        lived = self.live(world, connector)
        told, now = self.tell(connector, lived, world.now), world.now
        assert set(self.tell(connector, lived, now)) == set(told)
        world.tick(60)
        assert set(self.tell(connect(), lived, now)) == set(told)
        assert set(self.tell(connect(), lived, world.now)) == set(told)

    def test_what_happens_later_is_told_later(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A change after the first question is in the second answer, beside all that was told before."""
        connector = connect()
        lived = self.live(world, connector)
        told = set(self.tell(connector, lived, world.now))
        world.tick(60)
        opened = min(id_ for id_, item in lived.items.items() if item.state == "open" and id_ in lived.holders)
        world.finish(opened)
        pulled = self.pull(connector, world, {"a": world.scope("alpha"), "b": world.scope("beta")})
        after = replace(lived, items={**lived.items, **pulled.items})
        new = set(self.tell(connector, after, world.now)) - told
        assert {(each.item, each.field, each.after, each.at) for each in new} >= {(opened, "state", "done", world.now)}
        assert {each.item for each in new} == {opened}

    def test_only_the_window_is_told(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """A later beginning leaves out what happened before it, and nothing else; so does an earlier end."""
        connector = connect()
        lived = self.live(world, connector)
        told = self.tell(connector, lived, world.now)
        half = sorted(told, key=lambda each: each.at)[len(told) // 2].at
        late = self.tell(connector, replace(lived, since=half), world.now)
        early = self.tell(connector, lived, half - timedelta(seconds=1))
        assert set(late) == {each for each in told if each.at >= half}
        assert set(early) == {each for each in told if each.at <= half - timedelta(seconds=1)}

    def test_no_past_asked_nothing_sent(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """The past of no items, or of items that nothing happened to since, costs no request and is empty."""
        connector = connect()
        lived = self.live(world, connector)
        world.server.forget()
        assert list(connector.past({}, lived.since, world.now)) == []
        world.tick(60)
        told = connector.past(lived.items, world.now, world.now)
        assert [each for piece in told for each in piece] == []
        assert world.server.log == []

    def test_the_past_of_many_costs_few_requests(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """The past of sixty items costs at most `past_batch` requests, all counted."""
        if not self.source.HISTORY:
            pytest.skip("this source keeps no history")
        caller = CountingCaller()
        connector = connect(caller=caller)
        pulled = self.pull(connector, world, {f"s{n}": query for n, query in enumerate(world.many(20))})
        assert len(pulled.items) == 60
        world.server.forget()
        caller.asked = 0
        born = min(item.created for item in pulled.items.values() if item.created)
        assert [
            each for piece in connector.past(pulled.items, born, world.now) for each in piece if each.at > born
        ] == []
        assert 0 < len(world.server.log) <= self.past_batch
        assert len(world.server.log) == caller.asked, "each request goes through Caller.call"

    def test_the_deleted_tell_nothing(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """An item that was deleted since it was seen is left out; the others are told."""
        connector = connect()
        lived = self.live(world, connector)
        told = self.tell(connector, lived, world.now)
        deleted = min(id_ for id_ in lived.holders if (lived.items[id_].created or world.now) <= lived.since)
        world.tick(1)
        world.delete(deleted)
        assert set(self.tell(connector, lived, world.now)) == {each for each in told if each.item != deleted}

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (Response(401, b"{}"), AccessError),
            (Response(403, b'{"message": "Forbidden"}'), AccessError),
            (Response(429), TransientError),
            (Response(500, b"<html>%s</html>" % BODY.encode()), TransientError),
            (Response(502, b"<html>%s</html>" % BODY.encode()), TransientError),
            (Response(200, b"<html>%s</html>" % BODY.encode(), {"Content-Type": "text/html"}), ProtocolError),
            (Response(200, b""), ProtocolError),
            (Response(200, b"{}"), ProtocolError),
            (Response(200, b"null"), ProtocolError),
            (Response(200, b'{"data": {"'), ProtocolError),
        ],
        ids=lambda value: f"{value.status}-{value.body[:12]!r}" if isinstance(value, Response) else "",
    )
    def test_no_failure_passes_for_a_quiet_past(
        self,
        world: DeliveryWorld,
        connect: Callable[..., DeliverySource],
        reply: Response,
        expected: type[SourceError],
    ) -> None:
        """Whichever request about the past fails, the answer fails with the right type, and it is sent once."""
        connector = connect()
        lived = self.live(world, connector)
        few = replace(lived, items={id_: lived.items[id_] for id_ in sorted(lived.items)[:3]})
        world.server.forget()
        self.tell(connector, few, world.now)
        for skip in range(len(world.server.log)):
            world.server.forget()
            world.server.inject(Fault("response", reply, times=ALWAYS, skip=skip))
            with pytest.raises(expected) as caught:
                self.tell(connector, few, world.now)
            world.server.heal()
            assert len(world.server.log) == skip + 1, "a failing request is sent once"
            assert not any(secret in str(caught.value) for secret in (*self.secrets, BODY))

    @pytest.mark.parametrize("kind", ["truncate", "drop"])
    def test_a_past_cut_short_may_be_asked_again(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource], kind: Literal["truncate", "drop"]
    ) -> None:
        """A body cut short or a connection dropped is a TransientError; afterwards the whole past is told."""
        connector = connect()
        lived = self.live(world, connector)
        told = set(self.tell(connector, lived, world.now))
        world.server.inject(Fault(kind))
        with pytest.raises(TransientError):
            self.tell(connector, lived, world.now)
        assert set(self.tell(connector, lived, world.now)) == told
