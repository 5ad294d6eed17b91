"""Worlds of GitHub for tests: the known work of the delivery suite, and a connector to any world."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import Caller, Referenced, TransientError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_truth import states_at
from okr_sync.sandbox.repositories import GithubWorld, Item, Milestone
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery import TOKEN, DeliveryWorld
from okr_sync.testing.delivery_world import Kind, Was
from okr_sync.testing.pulled import Pulled

START = datetime(2026, 10, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


T = TypeVar("T")
R = TypeVar("R")


class PatientCaller(Caller):
    """Asks up to five times after transient errors, without waiting, and several requests at a time.

    `retries` counts the tries after the first ones, `points` what GitHub says that the answers cost.
    """

    def __init__(self, concurrency: int = 1) -> None:
        self.retries = 0
        self.points: list[int] = []
        self._concurrency = concurrency

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`; raises what the fifth try raised."""
        for _ in range(4):
            try:
                return ask()
            except TransientError:
                self.retries += 1
        return ask()

    def spend(self, points: int) -> None:
        """Take note of what a request cost."""
        self.points.append(points)

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
        self.world.close(self._find(item), at=self.now)
        for kinds in self._kinds.values():
            kinds.update({item: "done"} if item in kinds else {})

    def take_out(self, item: str) -> None:
        """Take an issue out of its milestone."""
        self.world.set_milestone(self._items[item], None, at=self.now)
        del self._holder(item)[item]

    def delete(self, item: str) -> None:
        """Delete an issue."""
        self.world.delete(self._find(item), at=self.now)
        for kinds in self._kinds.values():
            kinds.pop(item, None)

    def conceal(self, container: str) -> None:
        """Hide the repository of `container`."""
        self.world.hide(self._milestones[container].repository, at=self.now)

    def truth(self, container: str) -> dict[str, Kind]:
        """Return the issues of `container` and their kind."""
        return dict(self._kinds[container])

    def tick(self, minutes: float) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=minutes)

    def live(self, seed: int) -> None:
        """Let things happen; for a while milestone alpha has another title, and an issue that came in then stays."""
        dice, alpha = Random(seed), self._milestones["alpha"]
        others = [self.world.add_milestone(each.repository, "Spare", at=self.now) for each in self._milestones.values()]
        for step in range(160):
            self.now += timedelta(seconds=dice.choice((0, 1, 20 * 60, 7 * 3600)))
            if step == 20:
                self.world.retitle_milestone(alpha, "Working title", at=self.now)
                self.world.add_issue(alpha.repository, "Witness", at=self.now, milestone=alpha)
            if step == 90:
                self.world.retitle_milestone(alpha, "Milestone alpha", at=self.now)
            living = [each for id_, each in self._items.items() if id_ in states_at(self.world, self.now)]
            self._do(dice, dice.choice(living), [*self._milestones.values(), *others])
        self.now += timedelta(minutes=1)

    def _do(self, dice: Random, item: Item, milestones: list[Milestone]) -> None:
        deed, was = dice.randrange(27), states_at(self.world, self.now)[item.node_id]
        if deed < 12 and was.state == "done" and was.resolution != "merged":
            self.world.reopen(item, at=self.now)
        elif deed < 12 and was.state == "open":
            merge = item.pull_request and dice.random() < 0.7
            reason = dice.choice(("completed", "not_planned", "duplicate"))
            self.world.merge(item, at=self.now) if merge else self.world.close(item, reason, at=self.now)  # type: ignore[arg-type]
        elif deed < 18:
            near = [each for each in milestones if each.repository is item.repository]
            self.world.set_milestone(item, dice.choice((None, *near, *near)), at=self.now)
        elif 18 <= deed < 24:
            home = dice.choice(milestones)
            add = self.world.add_pull_request if deed < 21 else self.world.add_issue
            self._keep(add(home.repository, "New", at=self.now, milestone=home))
        elif deed == 24 and not item.pull_request:
            target = next(each for each in milestones if each.repository is not item.repository)
            moved = self._keep(self.world.transfer(item, target.repository, at=self.now))
            self.world.set_milestone(moved, target, at=self.now)
        elif deed == 25:
            self.world.delete(item, at=self.now)

    def _find(self, item: str) -> Item:
        return next(each for each in self.world.items if each.node_id == item)

    def _keep(self, item: Item) -> Item:
        self._items[item.node_id] = item
        return item

    def was(self, at: datetime) -> dict[str, Was]:
        """Return the state and milestone of every item that was there; GitHub has no points and no parents."""
        return {
            id_: Was(was.state, was.resolution, None, None, was.milestone)
            for id_, was in states_at(self.world, at).items()
        }

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
