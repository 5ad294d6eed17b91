"""A played GitHub with one small milestone, and the ways to ask it: for the tests of its GraphQL API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from github import Auth, Github

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld, Milestone, Repository
from okr_sync.sandbox.server import Server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = "a-token"

PROGRESS = """
query($ids: [ID!]!) {
  rateLimit { cost limit remaining resetAt used nodeCount }
  nodes(ids: $ids) {
    ... on Milestone {
      id title state dueOn updatedAt repository { nameWithOwner }
      open: issues(states: OPEN) { totalCount }
      closed: issues(states: CLOSED, first: 100) {
        totalCount pageInfo { hasNextPage endCursor } nodes { number stateReason(enableDuplicate: true) closedAt }
      }
      merged: pullRequests(states: MERGED) { totalCount }
      waiting: pullRequests(states: [OPEN]) { totalCount }
      refused: pullRequests(states: [CLOSED]) { totalCount }
    }
  }
}
"""


def day(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


@dataclass
class Play:
    """A served world with one milestone of four issues and two pull requests."""

    world: GithubWorld
    home: Repository
    milestone: Milestone
    server: Server
    site: GithubSite

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.post({"query": query, "variables": variables})
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    def post(self, payload: Any, token: str = TOKEN, path: str = "/graphql") -> httpx.Response:
        return httpx.post(self.server.url + path, json=payload, headers={"Authorization": f"bearer {token}"})

    def client(self, base: str = "") -> Github:
        url = self.server.url + base
        return Github(base_url=url, auth=Auth.Token(TOKEN), retry=None, seconds_between_requests=0)


def small_world() -> tuple[GithubWorld, Repository, Milestone]:
    """A milestone of issues 1 (done), 2 (not planned), 3 (duplicate), 4 (reopened), pulls 5 (merged), 6 (closed)."""
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    milestone = world.add_milestone(home, "Reminder", at=day(1), due_on=day(90))
    issues = [world.add_issue(home, f"Issue {one}", at=day(2), milestone=milestone) for one in range(4)]
    for number, reason in enumerate(("completed", "not_planned", "duplicate", "completed")):
        world.close(issues[number], reason, at=day(3))  # type: ignore[arg-type]  # a tuple of literals widens
    world.reopen(issues[3], at=day(4))
    world.label(issues[3], "bug", at=day(4))
    world.merge(world.add_pull_request(home, "Fix", at=day(4), milestone=milestone), at=day(5))
    world.close(world.add_pull_request(home, "No", at=day(4), milestone=milestone), at=day(6))
    return world, home, milestone


def kinds(body: dict[str, Any]) -> list[str]:
    return [error.get("type", "") for error in body["errors"]]


@contextmanager
def played(world: GithubWorld | None = None, **options: Any) -> Iterator[Play]:
    """Serve `world`, or the small one, at `NOW`; `options` are those of the site."""
    chosen = world or small_world()[0]
    site = GithubSite(chosen, lambda: NOW, token=TOKEN, **options)
    with Server(site) as server:
        yield Play(chosen, chosen.repositories[0], chosen.milestones[0], server, site)
