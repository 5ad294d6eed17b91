"""A world of GitLab for tests: the known work of the delivery suite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from okr_sync.sandbox.gitlab import GitlabSite
from okr_sync.sandbox.gitlab_world import GitlabWorld, Issue, Milestone
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery import TOKEN, DeliveryWorld
from okr_sync.testing.delivery_world import Kind

START = datetime(2026, 10, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


class GitlabWork(DeliveryWorld):
    """Milestone "Release 1" in acme/alpha and in acme/beta."""

    def __init__(self, **site: Any) -> None:
        self.now = NOW
        self.world = GitlabWorld()
        self.site = GitlabSite(self.world, token=TOKEN, **site)
        self.server = Server(self.site)
        self.milestones: dict[str, Milestone] = {}
        self._issues: dict[str, Issue] = {}
        self._make("alpha", ("done", "done", "dropped", "open", "open", "open"))
        self._make("beta", ("done", "open", "open"))

    def issue(self, id_: str) -> Issue:
        """Return an issue by its id."""
        return self._issues[id_]

    def scope(self, *containers: str) -> dict[str, Any]:
        """Return a query by title over the projects."""
        return {"projects": [f"acme/{name}" for name in containers], "milestone": "Release 1"}

    def missing_scope(self) -> tuple[dict[str, Any], str]:
        """Return a query for a title that the project doesn't have."""
        return {"projects": ["acme/alpha"], "milestone": "Release omega"}, "omega"

    def add(self, container: str, kind: Kind) -> str:
        """Create an issue, closed at once unless open; a dropped one is the duplicate of an issue elsewhere."""
        milestone = self.milestones[container]
        project = next(each for each in self.world.projects if each is milestone.owner)
        issue = self.world.add_issue(project, f"Issue {len(self._issues)}", at=self.now, milestone=milestone)
        if kind != "open":
            other = self.world.add_issue(project, "The first of two", at=self.now) if kind == "dropped" else None
            self.world.close(issue, at=self.now, duplicate_of=other)
        self._issues[str(issue.id)] = issue
        return str(issue.id)

    def finish(self, item: str) -> None:
        """Close an issue."""
        self.world.close(self._issues[item], at=self.now)

    def take_out(self, item: str) -> None:
        """Take an issue out of its milestone."""
        self.world.set_milestone(self._issues[item], None, at=self.now)

    def delete(self, item: str) -> None:
        """Delete an issue."""
        self.world.delete(self._issues[item])

    def conceal(self, container: str) -> None:
        """Hide the project of `container`."""
        next(each for each in self.world.projects if each is self.milestones[container].owner).hidden = True

    def truth(self, container: str) -> dict[str, Kind]:
        """Return the issues of `container` and their kind."""
        return dict(self.world.truth(self.milestones[container]))

    def tick(self, minutes: float) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=minutes)

    def many(self, count: int) -> list[dict[str, Any]]:
        """Create milestones with three issues each over five projects; return a query for each."""
        projects = [self.world.add_project(f"acme/many-{n}", at=START) for n in range(5)]
        queries = []
        for n in range(count):
            milestone = self.world.add_milestone(projects[n % 5], f"Part {n}", at=START)
            for each in range(3):
                self.world.add_issue(projects[n % 5], f"Task {n}.{each}", at=START, milestone=milestone)
            queries.append({"projects": [projects[n % 5].path], "milestone": milestone.iid})
        return queries

    def _make(self, name: str, kinds: tuple[Kind, ...]) -> None:
        project = self.world.add_project(f"acme/{name}", at=START)
        self.milestones[name] = self.world.add_milestone(project, "Release 1", at=START)
        for kind in kinds:
            self.add(name, kind)
