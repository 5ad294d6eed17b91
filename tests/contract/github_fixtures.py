"""Worlds of GitHub for tests: the known work of the delivery suite, and a connector to any world."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import Caller, Referenced, TransientError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld, Item, Milestone
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery import TOKEN, DeliveryWorld
from okr_sync.testing.delivery_world import Kind
from okr_sync.testing.pulled import Pulled

START = datetime(2026, 10, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


T = TypeVar("T")
R = TypeVar("R")


class PatientCaller(Caller):
    """Asks up to five times after transient errors, without waiting, and several requests at a time.

    `retries` counts the tries after the first ones.
    """

    def __init__(self, concurrency: int = 1) -> None:
        self.retries = 0
        self._concurrency = concurrency

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`; raises what the fifth try raised."""
        for _ in range(4):
            try:
                return ask()
            except TransientError:
                self.retries += 1
        return ask()

    def map(self, ask: Callable[[T], R], many: Iterable[T]) -> Iterator[R]:
        """Yield `ask(each)` in the order of `many`."""
        with ThreadPoolExecutor(self._concurrency) as pool:
            yield from pool.map(ask, many)


@contextmanager
def connected(url: str, caller: Caller | None = None, **settings: Any) -> Iterator[GithubMilestones]:
    """Yield a connector to `url` that is closed afterwards."""
    raw = {"url": url, "token": Referenced(TOKEN), "allow_hosts": ["127.0.0.1"], **settings}
    connector = GithubMilestones(GithubMilestones.Settings(**raw), caller)
    try:
        yield connector
    finally:
        connector.close()


def pull(
    connector: GithubMilestones, raw: Mapping[str, Mapping[str, Any]], cursor: str | None = None, now: datetime = NOW
) -> Pulled:
    """Return one checked pull of raw queries by ref."""
    queries = {ref: GithubMilestones.Query(**query) for ref, query in raw.items()}
    pulled = Pulled.of(connector.pull(queries, cursor, now))
    pulled.check(raw, now)
    return pulled


class GithubWork(DeliveryWorld):
    """The suite's known work: milestone alpha in acme/alpha, milestone beta in acme/beta."""

    def __init__(self) -> None:
        self.now = NOW
        self.world = GithubWorld()
        self.site = GithubSite(self.world, lambda: self.now, token=TOKEN)
        self.server = Server(self.site)
        self._milestones: dict[str, Milestone] = {}
        self._items: dict[str, Item] = {}
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._make("alpha", ("done", "done", "dropped", "open", "open", "open"))
        self._make("beta", ("done", "open", "open"))

    def scope(self, *containers: str) -> dict[str, Any]:
        """Return a query by title over the repositories."""
        titles = [f"Milestone {name}" for name in containers]
        return {"repos": [f"acme/{name}" for name in containers], "milestones": titles}

    def missing_scope(self) -> tuple[dict[str, Any], str]:
        """Return a query for a title that no repository has."""
        return {"repo": "acme/alpha", "milestone": "Milestone omega"}, "omega"

    def add(self, container: str, kind: Kind) -> str:
        """Create an issue in `container`, closed at once unless open."""
        milestone = self._milestones[container]
        number = len(self._items) + 1
        item = self.world.add_issue(milestone.repository, f"Issue {number}", at=self.now, milestone=milestone)
        if kind != "open":
            self.world.close(item, "completed" if kind == "done" else "not_planned", at=self.now)
        self._items[item.node_id] = item
        self._kinds[container][item.node_id] = kind
        return item.node_id

    def finish(self, item: str) -> None:
        """Close an open issue as completed."""
        self.world.close(self._items[item], at=self.now)
        self._holder(item)[item] = "done"

    def take_out(self, item: str) -> None:
        """Take an issue out of its milestone."""
        self.world.set_milestone(self._items[item], None, at=self.now)
        del self._holder(item)[item]

    def delete(self, item: str) -> None:
        """Delete an issue."""
        self.world.delete(self._items[item], at=self.now)
        del self._holder(item)[item]

    def conceal(self, container: str) -> None:
        """Hide the repository of `container`."""
        self.world.hide(self._milestones[container].repository, at=self.now)

    def truth(self, container: str) -> dict[str, Kind]:
        """Return the issues of `container` and their kind."""
        return dict(self._kinds[container])

    def tick(self, minutes: float) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=minutes)

    def many(self, count: int) -> list[dict[str, Any]]:
        """Create milestones with three issues each over five repositories; return a query for each."""
        repositories = [self.world.add_repository(f"acme/many-{n}", at=START) for n in range(5)]
        queries = []
        for n in range(count):
            repository = repositories[n % 5]
            milestone = self.world.add_milestone(repository, f"Part {n}", at=START)
            for each in range(3):
                self.world.add_issue(repository, f"Task {n}.{each}", at=START, milestone=milestone)
            queries.append({"repo": repository.full_name, "milestone": milestone.number})
        return queries

    def _make(self, name: str, kinds: tuple[Kind, ...]) -> None:
        repository = self.world.add_repository(f"acme/{name}", at=START)
        self._milestones[name] = self.world.add_milestone(repository, f"Milestone {name}", at=START)
        self._kinds[name] = {}
        for kind in kinds:
            self.add(name, kind)

    def _holder(self, item: str) -> dict[str, Kind]:
        return next(kinds for kinds in self._kinds.values() if item in kinds)
