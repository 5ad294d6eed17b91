"""GitLab in the whole house: written in YAML, asked by a run, counted, and kept when it can't be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.registry import GROUP, Registry
from okr_sync.sandbox.gitlab import GitlabSite
from okr_sync.sandbox.gitlab_world import GitlabWorld
from okr_sync.sandbox.server import Server
from okr_sync.store.database import Store
from okr_sync.sync import RunReport, sync
from okr_sync.sync.run import World

START = datetime(2026, 10, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
TOKEN = "glpat-s3cret-of-the-lab"
MAIN = """\
cycles:
  2026-Q4: {{start: 2026-10-01, end: 2026-12-31}}
sources:
  lab: {{kind: gitlab, url: "{url}", token: "${{TOKEN}}", allow_hosts: [127.0.0.1]}}
"""
OKRS = """\
cycle: 2026-Q4
objectives:
  - id: assistant
    title: There is an assistant
    key_results:
      - {id: shipped, title: It is out, measure: {delivery: ship}}
      - {id: helped, title: They are helped, measure: {delivery: help}}
initiatives:
  - {id: ship, title: Ship, delivery: [{source: lab, projects: [acme/app, acme/api], milestone: "1.0"}]}
  - {id: help, title: Help, delivery: [{source: lab, group: acme, epic: 1}]}
"""


class Lab:
    """Milestone 1.0 in two projects with 1 of 4 issues done and a duplicate beside; an epic with 1 of 2 done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.world = GitlabWorld()
        self.server = Server(GitlabSite(self.world, token=TOKEN))
        self.group = self.world.add_group("acme")
        epic = self.world.add_epic(self.group, "Help", at=START)
        self.issues = []
        for name in ("acme/app", "acme/api"):
            project = self.world.add_project(name, at=START)
            milestone = self.world.add_milestone(project, "1.0", at=START)
            self.issues += [self.world.add_issue(project, "Ship", at=START, milestone=milestone) for _ in range(2)]
            self.issues.append(self.world.add_issue(project, "Help", at=START, epic=epic))
        twin = self.world.add_issue(self.issues[0].project, "Twin", at=START, milestone=self.issues[0].milestone)
        self.world.close(twin, at=START, duplicate_of=self.issues[0])
        for issue in (self.issues[0], self.issues[2]):
            self.world.close(issue, at=START + timedelta(days=1))

    def run(self) -> tuple[RunReport, dict[str, float | None]]:
        """Sync once; return what the run says, and the value of each key result."""
        registry = Registry([EntryPoint("gitlab", "connectors.gitlab:Gitlab", GROUP)])
        (self.folder / "okrs").mkdir(exist_ok=True)
        (self.folder / "okrs" / "team.yaml").write_text(OKRS, "utf-8")
        (self.folder / "okr-sync.yaml").write_text(MAIN.format(url=self.server.url), "utf-8")
        config = load(self.folder, {"TOKEN": TOKEN}, registry)
        world = World(clock=lambda: self.now, sleep=lambda _: None)
        report = sync(Store.open(config.store_url), config, world, registry=registry)
        return report, {each.id: each.value for each in report.snapshot.key_results}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    with lab.server:
        yield lab


def test_a_run_counts_milestones_and_epics(lab: Lab) -> None:
    """Duplicates leave numerator and denominator; what is closed later moves the number at the next run."""
    report, values = lab.run()
    assert values == {"shipped": 25.0, "helped": 50.0}
    assert TOKEN not in repr(report)
    lab.now += timedelta(hours=1)
    lab.world.close(lab.issues[3], at=lab.now - timedelta(minutes=5))
    assert lab.run()[1] == {"shipped": 50.0, "helped": 50.0}


def test_an_issue_that_is_deleted_leaves_the_count(lab: Lab) -> None:
    """One of four open ones gone: one of three is done."""
    lab.run()
    lab.now += timedelta(hours=1)
    lab.world.delete(lab.issues[1])
    shipped = lab.run()[1]["shipped"]
    assert shipped is not None
    assert round(shipped, 3) == 33.333


def test_a_project_that_is_hidden_keeps_its_numbers(lab: Lab) -> None:
    """Its mapping is stale, never smaller; so is the epic that held an issue of it."""
    lab.run()
    lab.now += timedelta(hours=1)
    lab.issues[3].project.hidden = True
    report, values = lab.run()
    assert values == {"shipped": 25.0, "helped": 50.0}
    assert [each.why for collected in report.collected for each in collected.misses.values()] == ["not_found", "denied"]


def test_a_subscription_without_epics_leaves_the_milestones(lab: Lab) -> None:
    """403 for epics is one wrong question, not a source that failed."""
    lab.run()
    lab.now += timedelta(hours=1)
    lab.group.has_epics = False
    lab.world.close(lab.issues[1], at=lab.now - timedelta(minutes=5))
    report, values = lab.run()
    assert values == {"shipped": 50.0, "helped": 50.0}
    assert [each.why for collected in report.collected for each in collected.misses.values()] == ["denied"]
