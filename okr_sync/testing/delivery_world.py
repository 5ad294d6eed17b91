"""What a delivery source is tried against: a small known world, and the harness that connects to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

import pytest

from okr_sync.connector import Caller, DeliverySource, Query, Referenced
from okr_sync.sandbox.server import Server
from okr_sync.testing.pulled import Mirror, Pulled

TOKEN = "planted-token-7f3a91"  # noqa: S105 -- planted so that the suite can look for leaks
COOKIE = "planted-cookie-55d0"
BODY = "planted-body-e81c"
ALWAYS = 1_000  # times: more often than any test asks

Kind = Literal["open", "done", "dropped"]


@dataclass(frozen=True, slots=True)
class Was:
    """What was true of an item at an instant: as a `WorkItem` has it, with the id of the container that held it."""

    state: str
    resolution: str | None
    points: float | None
    parent: str | None
    container: str | None


class DeliveryWorld(ABC):
    """Known work on a loopback server that plays the tracker.

    Two containers stand in different projects (repositories): "alpha" holds 2 done, 1 dropped and 3 open items,
    "beta" 1 done and 2 open ones. Changes happen at `now`, which `tick` moves.
    """

    server: Server
    now: datetime

    @abstractmethod
    def scope(self, *containers: str) -> dict[str, Any]:
        """Return the raw query (as in a config file) for containers by name."""

    @abstractmethod
    def missing_scope(self) -> tuple[dict[str, Any], str]:
        """Return the raw query for a container that isn't there, and a word that the miss must name."""

    @abstractmethod
    def add(self, container: str, kind: Kind) -> str:
        """Create an item in `container`; return its id as the connector reports it."""

    @abstractmethod
    def finish(self, item: str) -> None:
        """Turn an open item into a done one."""

    @abstractmethod
    def take_out(self, item: str) -> None:
        """Take an item out of its container; it lives on outside."""

    @abstractmethod
    def delete(self, item: str) -> None:
        """Delete an item."""

    @abstractmethod
    def conceal(self, container: str) -> None:
        """Take away the permission to see the project of `container`."""

    @abstractmethod
    def truth(self, container: str) -> dict[str, Kind]:
        """Return the items of `container` and their kind, by id, as the world knows them."""

    @abstractmethod
    def tick(self, minutes: float) -> None:
        """Let time pass."""

    @abstractmethod
    def many(self, count: int) -> list[dict[str, Any]]:
        """Create `count` containers with three items each over five projects; return a raw query for each."""

    def live(self, seed: int) -> None:
        """Let many things happen over days that `now` follows: items are finished, reopened, dropped, estimated, moved
        between containers, created and deleted, some in one instant. Only for trackers that keep history.
        """
        raise NotImplementedError("this world has no random life")

    def was(self, at: datetime) -> Mapping[str, Was]:
        """Return what was true at `at`, inclusive, of each item that was there, by id. Only with `live`."""
        raise NotImplementedError("this world has no random life")


class DeliveryHarness(ABC):
    """What the suites need: a source, its settings, a world, and how many requests are few."""

    source: ClassVar[type[DeliverySource]]
    full_batch: ClassVar[int]
    """Most requests for the first pull of `many(20)` scopes."""
    quiet_batch: ClassVar[int]
    """Most requests for the next pull of them when nothing changed."""
    past_batch: ClassVar[int] = 0
    """Most requests for the past of the sixty items of `many(20)`, once they were pulled; for sources with HISTORY."""
    quick: ClassVar[Mapping[str, object]] = {}
    """Settings that make time-outs shorter than a second; empty when the source has none."""
    dropped: ClassVar[frozenset[str]] = frozenset({"won't do", "not_planned"})
    """Casefolded resolutions that the world's dropped items carry."""
    secrets: ClassVar[tuple[str, ...]] = (TOKEN,)
    """All spellings of the planted token that must never come out."""

    @pytest.fixture
    @abstractmethod
    def world(self) -> Iterator[DeliveryWorld]:
        """Yield a fresh world whose server accepts `TOKEN`."""

    @abstractmethod
    def settings(self, url: str) -> dict[str, Any]:
        """Return raw settings of a source at `url` that signs in with `self.token()`."""

    def token(self) -> Referenced:
        """Return the planted token as a config file would give it."""
        return Referenced(TOKEN)

    @pytest.fixture
    def connect(self, world: DeliveryWorld) -> Iterator[Callable[..., DeliverySource]]:
        """Yield a maker of connectors: `connect(url=…, caller=…, **settings)`; all are closed afterwards."""
        made: list[DeliverySource] = []

        def make(url: str | None = None, caller: Caller | None = None, **more: Any) -> DeliverySource:
            raw = {**self.settings(url or world.server.url), **more}
            made.append(self.source(self.source.Settings(**raw), caller))
            return made[-1]

        yield make
        for connector in made:
            connector.close()

    def pull(
        self,
        connector: DeliverySource,
        world: DeliveryWorld,
        raw: Mapping[str, Mapping[str, Any]],
        cursor: str | None = None,
        mirror: Mirror | None = None,
    ) -> Pulled:
        """Return one checked pull of raw queries by ref; `mirror` is what the connector may see of earlier ones."""
        scopes: dict[str, Query] = {ref: self.source.Query(**query) for ref, query in raw.items()}
        connector.mirror = mirror
        pulled = Pulled.of(connector.pull(scopes, cursor, world.now))
        pulled.check(raw, world.now, mirror.containers if mirror is not None and cursor else ())
        return pulled

    def kinds(self, pulled: Pulled, ref: str) -> dict[str, Kind]:
        """Return the kind of each item held by `ref`."""
        return {id_: self.kind_of(item.state, item.resolution) for id_, item in pulled.held(ref).items()}

    def kind_of(self, state: str, resolution: str | None) -> Kind:
        """Return how the world would call an item in this state."""
        if state != "done":
            return "open"
        return "dropped" if (resolution or "").casefold() in self.dropped else "done"
