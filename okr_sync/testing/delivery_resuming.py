"""The laws of delivery sources that go on with an interrupted pull."""
# ruff: noqa: S101 -- a contract suite asserts

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import pytest

from okr_sync.connector import DeliverySource, TransientError
from okr_sync.testing.delivery_world import DeliveryHarness, DeliveryWorld
from okr_sync.testing.pulled import CountingCaller

__all__ = ["BreakingCaller", "DeliveryResuming"]

T = TypeVar("T")
SPARE = 2  # requests that going on may cost beyond what is missing


class BreakingCaller(CountingCaller):
    """Breaks after `most` requests, and has the answers that an earlier one kept."""

    def __init__(self, most: int | None = None, earlier: BreakingCaller | None = None) -> None:
        super().__init__()
        self._most = most
        self._earlier = dict(earlier.answers) if earlier else {}
        self.answers: dict[str, bytes] = dict(self._earlier)

    @property
    def goes_on(self) -> bool:
        """Whether there are answers of an earlier part."""
        return bool(self._earlier)

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`, counted; raises TransientError once there were enough."""
        if self._most is not None and self.asked >= self._most:
            raise TransientError("the line broke")
        return super().call(ask)

    def kept(self, question: str) -> Any | None:
        """Return what an earlier part was answered."""
        return orjson.loads(self._earlier[question]) if question in self._earlier else None

    def keep(self, question: str, answer: Any) -> None:
        """Keep an answer, as the text that it is in a store."""
        assert answer is not None
        self.answers.setdefault(question, orjson.dumps(answer))


class DeliveryResuming(DeliveryHarness):
    """What a source with RESUMES keeps; the others skip these laws."""

    def test_a_pull_goes_on_wherever_it_broke(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """Broken after any of its requests and gone on with, a pull brings what an unbroken one brings, and asks for no
        more than what is missing and two requests.
        """
        if not self.source.RESUMES:
            pytest.skip("this source does not go on with an interrupted pull")
        raw = {f"s{n}": query for n, query in enumerate(world.many(20))}
        raw |= {"a": world.scope("alpha"), "both": world.scope("alpha", "beta"), "bad": world.missing_scope()[0]}
        unbroken = CountingCaller()
        whole = self.pull(connect(caller=unbroken), world, raw)
        for most in range(1, unbroken.asked):
            first = BreakingCaller(most)
            with pytest.raises(TransientError):
                self.pull(connect(caller=first), world, raw)
            then = BreakingCaller(earlier=first)
            pulled = self.pull(connect(caller=then), world, raw)
            for name in ("items", "containers", "members", "scopes", "misses"):
                assert getattr(pulled, name) == getattr(whole, name), f"broken after {most} requests"
            assert then.asked <= unbroken.asked - most + SPARE, f"broken after {most} requests"

    def test_what_is_kept_is_no_more_than_the_question(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """Answers that were kept say nothing to other questions: another scope is answered as if there were none."""
        if not self.source.RESUMES:
            pytest.skip("this source does not go on with an interrupted pull")
        earlier = BreakingCaller()
        self.pull(connect(caller=earlier), world, {"a": world.scope("alpha")})
        pulled = self.pull(connect(caller=BreakingCaller(earlier=earlier)), world, {"b": world.scope("beta")})
        assert self.kinds(pulled, "b") == world.truth("beta")

    def test_what_is_kept_holds_no_secret(self, world: DeliveryWorld, connect: Callable[..., DeliverySource]) -> None:
        """Neither questions nor answers name the token."""
        caller = BreakingCaller()
        self.pull(connect(caller=caller), world, {"a": world.scope("alpha")})
        assert bool(caller.answers) is self.source.RESUMES
        for secret in self.secrets:
            assert not any(secret in question or secret.encode() in said for question, said in caller.answers.items())
