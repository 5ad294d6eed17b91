"""Trackers with more to tell than fits into ten requests, for pulls that break in their middle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import truth as github_truth
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_truth import truth as jira_truth
from okr_sync.sandbox.jira_world import Issue, JiraWorld
from okr_sync.sandbox.repositories import GithubWorld, Item
from okr_sync.sandbox.server import Server
from tests.edge.sync_play import START
from tests.edge.sync_trackers import EMAIL, TOKEN, Counts

SETTINGS: dict[str, Any] = {"token": "${TOKEN}", "full_every_hours": 100_000, "backfill": False, "concurrency": 2}
ISSUES = 3  # an epic or milestone, one of them done


class LargeJira:
    """Sixty epics with three stories each, every tenth with a sub-task, over pages of twelve; and a query."""

    source = "jira_epics"

    def __init__(self, kind: Literal["cloud", "dc"], epics: int = 60) -> None:
        self.now = START + timedelta(days=30)
        self.world = JiraWorld()
        for key in ("ALP", "BET"):
            self.world.add_project(key)
        self.world.add_project("FAR")
        self.epics = [self.world.add_epic(("ALP", "BET")[n % 2], f"Epic {n}", at=START) for n in range(epics)]
        self.stories = [[self._story(epic, n) for n in range(ISSUES)] for epic in self.epics]
        for some in self.stories[::10]:
            self.world.add_subtask(some[0], "A part", at=START)
        self.loose = [self.world.add_issue("FAR", f"Loose {n}", at=START) for n in range(90)]
        credentials = Credentials(email=EMAIL, token=TOKEN)
        self.site = JiraSite(self.world, lambda: self.now, kind, credentials=credentials, page_limit=12)
        self.server = Server(self.site)
        self.settings = {**SETTINGS, **({"email": EMAIL} if kind == "cloud" else {})}
        self.first, self.last = self.epics[: epics // 2], self.epics[epics // 2 :]
        self.initiatives: Mapping[str, Mapping[str, Any]] = {
            "first": {"delivery": [{"source": "tracker", "epics": [each.key for each in self.first]}]},
            "last": {"delivery": [{"source": "tracker", "epics": [each.key for each in self.last]}]},
            "loose": {"delivery": [{"source": "tracker", "jql": "project = FAR"}]},
        }

    def _story(self, epic: Issue, number: int) -> Issue:
        made = self.world.add_issue(epic.key.partition("-")[0], f"Story {number}", at=START, parent=epic)
        if number == 0:
            self.world.move(made, "Done", at=START, resolution="Done")
        return made

    def truth(self) -> dict[str, Counts]:
        """Return the counts of each initiative now."""
        found = jira_truth(self.world, [each.id for each in self.epics], self.now)
        sums = {
            name: tuple(sum(getattr(found[each.id], word) for each in epics) for word in WORDS)
            for name, epics in (("first", self.first), ("last", self.last))
        }
        loose = sum(not each.latest("deleted") for each in self.loose)
        return {**sums, "loose": (0, 0, loose, 0)}

    def move_between(self) -> None:
        """Move an issue of the first epic, which is read early, to the last one, and one back."""
        self.world.reparent(self.stories[0][1], self.epics[-1], at=self.now)
        self.world.reparent(self.stories[-1][1], self.epics[0], at=self.now)

    def finish_between(self) -> None:
        """Finish an issue that is read early, and one that is read late."""
        for some in (self.stories[1], self.stories[-2]):
            self.world.move(some[1], "Done", at=self.now, resolution="Done")

    def delete_between(self) -> None:
        """Delete an issue that is read early, and one that is read late."""
        self.world.delete(self.stories[0][2], at=self.now)
        self.world.delete(self.stories[-1][2], at=self.now)


WORDS = ("done", "in_progress", "open", "dropped")


class LargeGithub:
    """Forty-four milestones with three issues each, in two repositories."""

    source = "github_milestones"

    def __init__(self, kind: Literal["graphql", "rest"], milestones: int = 44) -> None:
        self.now = START + timedelta(days=30)
        self.world = GithubWorld()
        homes = [self.world.add_repository(f"acme/{name}", at=START) for name in ("alpha", "beta")]
        self.milestones = [self.world.add_milestone(homes[n % 2], f"M{n}", at=START) for n in range(milestones)]
        self.items = [[self._issue(each, n) for n in range(ISSUES)] for each in self.milestones]
        self.server = Server(GithubSite(self.world, lambda: self.now, token=TOKEN))
        self.settings = {**SETTINGS, "api": kind, "batch": 2}
        repos = ["acme/alpha", "acme/beta"]
        self.first, self.last = self.milestones[: milestones // 2], self.milestones[milestones // 2 :]
        self.initiatives: Mapping[str, Mapping[str, Any]] = {
            name: {"delivery": [{"source": "tracker", "repos": repos, "milestones": [each.title for each in some]}]}
            for name, some in (("first", self.first), ("last", self.last))
        }

    def _issue(self, milestone: Any, number: int) -> Item:
        made = self.world.add_issue(milestone.repository, f"Issue {number}", at=START, milestone=milestone)
        if number == 0:
            self.world.close(made, at=START)
        return made

    def truth(self) -> dict[str, Counts]:
        """Return the counts of each initiative now."""
        found = {
            name: github_truth(self.world, [each.node_id for each in some], self.now)
            for name, some in (("first", self.first), ("last", self.last))
        }
        return {name: (each.done, 0, each.open, each.dropped) for name, each in found.items()}

    def move_between(self) -> None:
        """Move an issue of the first milestone, which is read early, to one that is read late, and one back."""
        self.world.set_milestone(self.items[0][1], self.milestones[-2], at=self.now)
        self.world.set_milestone(self.items[-2][1], self.milestones[0], at=self.now)

    def finish_between(self) -> None:
        """Close an issue that is read early, and one that is read late."""
        for some in (self.items[1], self.items[-3]):
            self.world.close(some[1], at=self.now)

    def delete_between(self) -> None:
        """Delete an issue that is read early, and one that is read late."""
        self.world.delete(self.items[0][2], at=self.now)
        self.world.delete(self.items[-1][2], at=self.now)
