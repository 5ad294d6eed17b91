"""Two served trackers with a config over them, their truth, and the deeds that change it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from okr_sync.core.snapshot import InitiativeState
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import truth as github_truth
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_truth import truth as jira_truth
from okr_sync.sandbox.jira_world import Issue, JiraWorld
from okr_sync.sandbox.repositories import GithubWorld, Item, Milestone
from okr_sync.sandbox.server import Server
from okr_sync.store.database import Store
from okr_sync.sync import RunReport
from tests.edge.sync_play import START, House, open_house
from tests.store.empty import empty, new_store

Kind: TypeAlias = Literal["cloud", "dc", "graphql", "rest"]
Counts: TypeAlias = tuple[int, int, int, int]
"""Done, in progress, open, dropped."""
TOKEN = "a-token-of-the-sandbox"
EMAIL = "ana@example.com"
INCREMENTAL: dict[str, Any] = {"token": "${TOKEN}", "full_every_hours": 100_000}
"""Settings under which only the first run reads everything."""


def counts(state: InitiativeState) -> Counts | None:
    """Return the counts of an initiative; None when they are unknown."""
    found = (state.done, state.in_progress, state.open, state.dropped)
    return None if None in found else found  # type: ignore[return-value] # all are numbers then


class Tracker(ABC):
    """A tracker at an instant; `initiatives` maps ids to what config says of each, `truth` to its counts now."""

    source: ClassVar[str]
    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]]
    settings: Mapping[str, Any]
    server: Server

    def __init__(self) -> None:
        self.now = START + timedelta(days=30)

    @abstractmethod
    def stock(self) -> None:
        """Create one item of everything that a deed may want."""

    @abstractmethod
    def truth(self) -> dict[str, Counts]:
        """Return the counts of each initiative now, whoever may see its items."""


class Jira(Tracker):
    """Epics ALP-1 and BET-1 with stories in three projects, some with sub-tasks."""

    source = "jira_epics"
    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "alpha": {"delivery": [{"source": "tracker", "epics": ["ALP-1"]}]},
        "beta": {"delivery": [{"source": "tracker", "epics": ["BET-1"]}]},
        "both": {"delivery": [{"source": "tracker", "epics": ["ALP-1", "BET-1"]}], "weight_by": "points"},
        "leaves": {"delivery": [{"source": "tracker", "epics": ["BET-1", "ALP-1"]}], "unit": "leaf"},
    }

    def __init__(self, kind: Literal["cloud", "dc"]) -> None:
        super().__init__()
        self.world = JiraWorld()
        for key in ("ALP", "BET", "FAR"):
            self.world.add_project(key)
        self.alpha = self.world.add_epic("ALP", "Alpha", at=START)
        self.beta = self.world.add_epic("BET", "Beta", at=START)
        self.stock()
        credentials = Credentials(email=EMAIL, token=TOKEN)
        self.server = Server(JiraSite(self.world, lambda: self.now, kind, credentials=credentials))
        self.settings = {**INCREMENTAL, **({"email": EMAIL} if kind == "cloud" else {})}

    def stock(self) -> None:
        """Create one item of everything that a deed may want."""
        self.open = self.story("ALP", self.alpha)
        self.done = self.story("ALP", self.alpha, "Done", "Done")
        self.dropped = self.story("ALP", self.alpha, "Done", "Won't Do")
        self.story("FAR", self.alpha, "In Progress")
        self.split = self.story("BET", self.beta)
        self.part = self.world.add_subtask(self.split, "Part", at=self.now)
        self.ready = self.world.add_subtask(self.split, "Ready part", at=self.now, status="Done")

    def story(self, project: str, epic: Issue | None, status: str = "To Do", resolution: str | None = None) -> Issue:
        """Return a new story of 3 points."""
        made = self.world.add_issue(project, "A story", at=self.now, parent=epic, points=3.0)
        self.world.move(made, status, at=self.now, resolution=resolution)
        return made

    def truth(self) -> dict[str, Counts]:
        found = jira_truth(self.world, [self.alpha.id, self.beta.id], self.now)
        alpha, beta = (
            (each.done, each.in_progress, each.open, each.dropped)
            for each in (found[self.alpha.id], found[self.beta.id])
        )
        members = [id_ for each in found.values() for id_ in each.members]
        return {"alpha": alpha, "beta": beta, "both": _sum(alpha, beta), "leaves": self._leaves(members)}

    def _leaves(self, members: list[str]) -> Counts:
        alive = [each for each in self.world.issues.values() if not each.latest("deleted")]
        below: dict[str, list[Issue]] = {id_: [] for id_ in members}
        for each in alive:
            if each.type.level < 0 and each.latest("parent") in below:
                below[each.latest("parent")].append(each)
        leaves = [leaf for id_, parts in below.items() for leaf in parts or [self.world.find(id_)]]
        classes = [self._class(leaf) for leaf in leaves]
        return (classes.count("done"), classes.count("indeterminate"), classes.count("new"), classes.count("dropped"))

    def _class(self, issue: Issue) -> str:
        category = self.world.status(issue.latest("status")).category.key
        dropped = category == "done" and issue.latest("resolution") in {"Won't Do", "Duplicate"}
        return "dropped" if dropped else category


class Github(Tracker):
    """A milestone "Release" in each of two repositories, with issues and pull requests."""

    source = "github_milestones"
    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "alpha": {"delivery": [{"source": "tracker", "repo": "acme/alpha", "milestone": 1}]},
        "beta": {"delivery": [{"source": "tracker", "repo": "acme/beta", "milestone": 1}]},
        "both": {
            "delivery": [{"source": "tracker", "repos": ["acme/alpha", "acme/beta"], "milestone": "Release"}],
            "include": "both",
        },
        "pulls": {"delivery": [{"source": "tracker", "repo": "acme/alpha", "milestone": 1}], "include": "prs"},
    }

    def __init__(self, kind: Literal["graphql", "rest"]) -> None:
        super().__init__()
        self.world = GithubWorld()
        self.home = self.world.add_repository("acme/alpha", at=START)
        self.away = self.world.add_repository("acme/beta", at=START)
        self.alpha = self.world.add_milestone(self.home, "Release", at=START)
        self.beta = self.world.add_milestone(self.away, "Release", at=START)
        self.spare = self.world.add_milestone(self.home, "Later", at=START)
        self.stock()
        self.server = Server(GithubSite(self.world, lambda: self.now, token=TOKEN))
        self.settings = {**INCREMENTAL, "api": kind}

    def stock(self) -> None:
        """Create one item of everything that a deed may want."""
        self.open, self.done, dropped, other = (self.issue(self.alpha) for _ in range(4))
        self.pull, merged = self.request(self.alpha), self.request(self.alpha)
        self.issue(self.beta)
        for each in (self.done, self.issue(self.beta)):
            self.world.close(each, at=self.now)
        self.world.close(dropped, "not_planned", at=self.now)
        self.world.label(other, "bug", at=self.now)
        self.world.merge(merged, at=self.now)

    def issue(self, milestone: Milestone) -> Item:
        """Return a new issue."""
        return self.world.add_issue(milestone.repository, "An issue", at=self.now, milestone=milestone)

    def request(self, milestone: Milestone) -> Item:
        """Return a new pull request."""
        return self.world.add_pull_request(milestone.repository, "A change", at=self.now, milestone=milestone)

    def truth(self) -> dict[str, Counts]:
        alpha, beta = (github_truth(self.world, [each.node_id], self.now) for each in (self.alpha, self.beta))
        issues = {name: (each.done, 0, each.open, each.dropped) for name, each in (("alpha", alpha), ("beta", beta))}
        pulls, others = ((each.pulls_done, 0, each.pulls_open, each.pulls_dropped) for each in (alpha, beta))
        return {**issues, "both": _sum(*issues.values(), pulls, others), "pulls": pulls}


def _sum(*many: Counts) -> Counts:
    done, in_progress, opened, dropped = (sum(each) for each in zip(*many, strict=True))
    return done, in_progress, opened, dropped


@dataclass
class Watched:
    """A tracker with a house that follows it, and another store for comparison."""

    tracker: Any
    house: House
    other: Store

    def sync(self, *, minutes: float = 60) -> RunReport:
        """Return an incremental run, `minutes` after the last one."""
        self.pass_time(minutes)
        return self.house.sync()

    def pass_time(self, minutes: float) -> None:
        self.tracker.now += timedelta(minutes=minutes)
        self.house.now = self.tracker.now

    def do(self, deed: Callable[[Any], Any]) -> None:
        """Let something happen a minute from now."""
        self.pass_time(1)
        deed(self.tracker)

    def fresh(self) -> dict[str, InitiativeState]:
        """Return the initiatives of a run at this instant into a store that knows nothing."""
        empty(self.other.path)
        return states(House(self.house.config, self.other, self.house.now).sync())


def states(report: RunReport) -> dict[str, InitiativeState]:
    """Return the initiatives by id."""
    return {each.id: each for each in report.snapshot.initiatives}


@contextmanager
def watched(kind: Kind, folder: Path) -> Iterator[Watched]:
    """Serve and watch a tracker of this kind."""
    with watching(Jira(kind) if kind in ("cloud", "dc") else Github(kind), folder) as home:  # type: ignore[arg-type]
        yield home


@contextmanager
def watching(tracker: Jira | Github, folder: Path, end: str = "2026-12-31", token: str = TOKEN) -> Iterator[Watched]:
    """Serve a tracker, with a config that maps an initiative and a key result to each of its `initiatives`.

    The cycle lasts until the day `end`; `token` is what the settings call ${TOKEN}.
    """
    names = list(tracker.initiatives)
    key_results = [{"id": f"finish-{name}", "title": name, "measure": {"delivery": name}} for name in names]
    team = {
        "cycle": "now",
        "objectives": [{"id": "all", "title": "All", "key_results": key_results}],
        "initiatives": [{"id": name, "title": name, **tracker.initiatives[name]} for name in names],
    }
    with tracker.server as server:
        source = {"kind": tracker.source, "url": server.url, "allow_hosts": ["127.0.0.1"], **tracker.settings}
        main = {
            "timezone": "UTC",
            "cycles": {"now": {"start": "2026-10-01", "end": end}},
            "sources": {"tracker": source},
        }
        house = open_house(folder / "config", main, team, {"TOKEN": token}, None)
        yield Watched(tracker, House(house.config, house.store, tracker.now), new_store(folder / "other.db"))
