"""The contract suite for delivery sources: subclass `DeliverySourceContract` with a world of the tracker."""
# ruff: noqa: S101 -- a contract suite asserts

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from okr_sync.connector import DeliverySource, Referenced
from okr_sync.testing.delivery_failures import DeliveryFailures
from okr_sync.testing.delivery_past import DeliveryPast
from okr_sync.testing.delivery_resuming import DeliveryResuming
from okr_sync.testing.delivery_world import TOKEN, DeliveryWorld
from okr_sync.testing.pulled import CountingCaller, Mirror, Pulled

__all__ = ["TOKEN", "DeliverySourceContract", "DeliveryWorld"]


class DeliverySourceContract(DeliveryFailures, DeliveryPast, DeliveryResuming):
    """The laws that every delivery source keeps.

    A subclass gives `source`, `full_batch`, `quiet_batch`, `settings` and a fixture `world`, and for a source with
    HISTORY `past_batch`; see `DeliveryHarness`.
    """

    def test_the_answer_is_the_truth(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """Items, states and resolutions of each scope are those of the tracker."""
        pulled = self.pull(connect(), world, {"a": world.scope("alpha"), "b": world.scope("beta")})
        assert self.kinds(pulled, "a") == world.truth("alpha")
        assert self.kinds(pulled, "b") == world.truth("beta")
        assert sorted(world.truth("alpha").values()) == ["done", "done", "dropped", "open", "open", "open"]
        assert all(item.done_at for item in pulled.items.values() if item.state == "done")

    def test_all_resolutions_are_told_or_none(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """`resolutions` names those that items have; None where the source doesn't list them."""
        connector = connect()
        told = connector.resolutions()
        found = self.pull(connector, world, {"a": world.scope("alpha"), "b": world.scope("beta")}).items.values()
        assert told is None or {item.resolution for item in found} - {None} <= set(told)

    def test_one_scope_may_hold_two_containers(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A scope over two containers holds the items of both, and names both."""
        pulled = self.pull(connect(), world, {"both": world.scope("alpha", "beta")})
        assert len(set(pulled.scopes["both"])) == 2
        assert self.kinds(pulled, "both") == {**world.truth("alpha"), **world.truth("beta")}

    def test_the_order_of_scopes_does_not_matter(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """The same scopes in another order, or asked twice under two refs, bring the same facts."""
        raw = {"a": world.scope("alpha"), "b": world.scope("beta"), "again": world.scope("alpha")}
        forth = self.pull(connect(), world, raw)
        back = self.pull(connect(), world, dict(reversed(raw.items())))
        assert (forth.items, forth.containers, forth.members) == (back.items, back.containers, back.members)
        assert forth.scopes == back.scopes
        assert forth.scopes["a"] == forth.scopes["again"]

    def test_answers_repeat(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """Asking the same connector twice brings equal answers."""
        connector = connect()
        raw = {"a": world.scope("alpha")}
        assert self.pull(connector, world, raw) == self.pull(connector, world, raw)

    def test_one_bad_scope_leaves_the_others(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A scope that isn't there is a miss that names it; the others are answered."""
        missing, word = world.missing_scope()
        pulled = self.pull(connect(), world, {"good": world.scope("alpha"), "bad": missing})
        assert self.kinds(pulled, "good") == world.truth("alpha")
        assert pulled.misses["bad"].why == "not_found"
        assert word.casefold() in pulled.misses["bad"].message.casefold()

    def test_only_bad_scopes_bring_misses(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """With nothing but bad scopes there is no fact and no failure."""
        pulled = self.pull(connect(), world, {"bad": world.missing_scope()[0]})
        assert (set(pulled.misses), pulled.items, pulled.members) == ({"bad"}, {}, {})

    def test_another_thread_may_ask(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """A connector made in one thread answers in another, also to two at once."""
        connector = connect()
        raw = {"a": world.scope("alpha")}
        here = self.pull(connector, world, raw)
        with ThreadPoolExecutor(2) as pool:
            there = list(pool.map(lambda _: self.pull(connector, world, raw), range(4)))
        assert there == [here] * 4

    def test_nothing_asked_nothing_sent(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """Neither construction, nor a pull of no scopes, nor a look-up of no ids sends a request."""
        connector = connect()
        assert self.pull(connector, world, {}).items == {}
        assert connector.look_up(frozenset(), {}).found == ()
        assert world.server.log == []

    def test_a_full_batch_costs_few_requests(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """Twenty scopes over five projects cost at most `full_batch` requests, later `quiet_batch`, all counted."""
        caller = CountingCaller()
        connector = connect(caller=caller)
        raw = {f"s{n}": query for n, query in enumerate(world.many(20))}
        pulled = self.pull(connector, world, raw)
        assert all(len(pulled.held(ref)) == 3 for ref in raw)
        assert len(world.server.log) <= self.full_batch
        assert len(world.server.log) == caller.asked, "each request goes through Caller.call"
        mirror = Mirror()
        mirror.take(pulled)
        world.tick(60)
        world.server.forget()
        self.pull(connector, world, raw, pulled.cursor, mirror)
        assert 0 < len(world.server.log) <= self.quiet_batch

    def test_a_pull_only_reads(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """Only GET and POST are sent."""
        connector = connect()
        pulled = self.pull(connector, world, {"a": world.scope("alpha")})
        connector.look_up(frozenset(pulled.items), pulled.items)
        assert connector.probe()
        assert {each.method for each in world.server.log} <= {"GET", "POST"}

    def test_a_later_pull_equals_a_fresh_one(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """After finishing, adding, removing and deleting, the mirror shows what a pull of everything would."""
        connector = connect()
        raw = {"a": world.scope("alpha"), "b": world.scope("beta")}
        first, mirror = self.pull(connector, world, raw), Mirror()
        mirror.take(first)
        world.tick(60)
        opened = sorted(id_ for id_, kind in world.truth("alpha").items() if kind == "open")
        world.finish(opened[0])
        world.take_out(opened[1])
        world.delete(opened[2])
        new = world.add("beta", "open")
        world.tick(5)
        later = self.pull(connector, world, raw, first.cursor, mirror)
        assert mirror.take(later) == {opened[1], opened[2]}
        assert new in mirror.held(first.scopes["b"][0])
        self.assert_equal_to_fresh(mirror, self.pull(connect(), world, raw), later)

    def assert_equal_to_fresh(self, mirror: Mirror, fresh: Pulled, later: Pulled) -> None:
        """Assert that mirrored memberships and facts equal those of a fresh pull."""
        assert later.scopes == fresh.scopes
        assert mirror.containers == fresh.containers
        for container, members in fresh.members.items():
            assert mirror.held(container) == {item: fresh.items[item] for item in members.items}

    def test_changes_add_up_over_many_pulls(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """Pull after pull, each from the last one's cursor, nothing is lost."""
        connector, mirror = connect(), Mirror()
        raw = {"a": world.scope("alpha"), "b": world.scope("beta")}
        later = self.pull(connector, world, raw)
        mirror.take(later)
        for step in range(4):
            world.tick(30)
            world.finish(world.add("alpha" if step % 2 else "beta", "open"))
            world.take_out(world.add("alpha", "done"))
            later = self.pull(connector, world, raw, later.cursor, mirror)
            mirror.take(later)
        self.assert_equal_to_fresh(mirror, self.pull(connect(), world, raw), later)

    def test_without_a_mirror_a_later_pull_is_right_too(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A connector that nobody hands a mirror to counts on none: what it says is the truth all the same."""
        connector, mirror = connect(), Mirror()
        raw = {"a": world.scope("alpha"), "b": world.scope("beta")}
        first = self.pull(connector, world, raw)
        mirror.take(first)
        world.tick(60)
        opened = sorted(id_ for id_, kind in world.truth("alpha").items() if kind == "open")
        world.take_out(opened[0])
        world.delete(opened[1])
        world.finish(opened[2])
        later = self.pull(connector, world, raw, first.cursor)
        mirror.take(later)
        self.assert_equal_to_fresh(mirror, self.pull(connect(), world, raw), later)

    def test_a_strange_cursor_means_everything(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A cursor that can't be read, or that belongs to other scopes, is answered with all facts."""
        connector = connect()
        raw = {"a": world.scope("alpha")}
        other = self.pull(connector, world, {"b": world.scope("beta")})
        fresh = self.pull(connector, world, raw)
        for cursor in ("", "no cursor", "{}", "[1, 2]", '{"v": 99}', other.cursor):
            pulled = self.pull(connector, world, raw, cursor)
            assert (pulled.items, pulled.members) == (fresh.items, fresh.members)

    def test_a_look_up_tells_living_from_deleted(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """Items that left are found where they are, deleted ones are gone."""
        connector = connect()
        pulled = self.pull(connector, world, {"a": world.scope("alpha")})
        left, deleted, stays = sorted(id_ for id_, kind in world.truth("alpha").items() if kind == "open")
        world.tick(1)
        world.take_out(left)
        world.delete(deleted)
        looked = connector.look_up(frozenset({left, deleted, stays}), pulled.items)
        assert {item.id for item in looked.found} == {left, stays}
        assert looked.gone == {deleted}
        assert looked.hidden == set()

    def test_lost_permission_is_not_deletion(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """When a project can't be seen any more, its scope misses and its items are hidden, not gone."""
        connector = connect()
        raw = {"a": world.scope("alpha"), "b": world.scope("beta")}
        before, mirror = self.pull(connector, world, raw), Mirror()
        mirror.take(before)
        lost = frozenset(before.held("b"))
        world.tick(1)
        world.conceal("beta")
        for cursor in (None, before.cursor):
            pulled = self.pull(connector, world, raw, cursor, mirror)
            assert set(pulled.misses) == {"b"}
            assert pulled.scopes == {"a": before.scopes["a"]}
        looked = connector.look_up(lost, before.items)
        assert (looked.hidden, looked.gone, looked.found) == (lost, frozenset(), ())

    def test_permission_lost_before_a_look_up_is_not_deletion(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """What a pull could see and a look-up after it can't is hidden, not gone, whatever else was deleted."""
        connector = connect()
        raw = {"a": world.scope("alpha"), "b": world.scope("beta")}
        before, mirror = self.pull(connector, world, raw), Mirror()
        mirror.take(before)
        lost = frozenset(before.held("b"))
        deleted = min(id_ for id_, kind in world.truth("beta").items() if kind == "open")
        world.tick(1)
        world.delete(deleted)
        assert not self.pull(connector, world, raw, before.cursor, mirror).misses
        world.tick(1)
        world.conceal("beta")
        looked = connector.look_up(lost, before.items)
        assert lost - {deleted} <= looked.hidden
        assert looked.gone <= {deleted}
        assert looked.found == ()

    def test_unknown_keys_are_refused(self, world: DeliveryWorld) -> None:
        """A key that nobody knows is refused, in settings and in queries."""
        with pytest.raises(ValidationError, match="typo"):
            self.source.Settings(**{**self.settings(world.server.url), "typo": 1})
        with pytest.raises(ValidationError, match="typo"):
            self.source.Query(**{**world.scope("alpha"), "typo": 1})

    def test_a_literal_secret_is_refused(self, world: DeliveryWorld) -> None:
        """A token that stands in the file itself, or an empty one, is refused; the message doesn't repeat it."""
        for token in (TOKEN, Referenced("")):
            raw = {name: value for name, value in self.settings(world.server.url).items() if value != TOKEN}
            raw.update({name: token for name in self.settings(world.server.url) if name not in raw})
            with pytest.raises(ValidationError):
                self.source.Settings(**raw)

    def test_closing_twice_is_fine(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """`close` may be called twice, before and after use."""
        connect().close()
        connector = connect()
        pulled = self.pull(connector, world, {"a": world.scope("alpha")})
        connector.close()
        connector.close()
        assert self.pull(connect(), world, {"a": world.scope("alpha")}) == pulled

    def test_the_probe_says_who_we_are(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """`probe` answers in one line that names the place."""
        line = connect().probe()
        assert "\n" not in line
        assert "127.0.0.1" in line
