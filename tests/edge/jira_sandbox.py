"""A small Jira world with one of everything, and a client for a site that plays it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_world import Issue, JiraWorld
from okr_sync.sandbox.server import Server

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    """Return the instant so many days after MONDAY."""
    return MONDAY + timedelta(days=number)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Site:
    """A served site: its world, its clock, its requests, and a client that is signed in."""

    world: JiraWorld
    clock: Clock
    site: JiraSite
    server: Server
    http: httpx.Client
    api: str

    def get(self, path: str, status: int = 200, /, **query: Any) -> Any:
        """Return the JSON of a GET below the API, which must end with `status`."""
        return self._json(self.http.get(f"{self.api}/{path}", params=query), status)

    def post(self, path: str, status: int = 200, /, **body: Any) -> Any:
        """Return the JSON of a POST below the API, which must end with `status`."""
        return self._json(self.http.post(f"{self.api}/{path}", json=body), status)

    def pages(self, jql: str, fields: Sequence[str] = ("id",), **more: Any) -> list[dict[str, Any]]:
        """Return all pages of a Cloud search."""
        pages = [self.post("search/jql", jql=jql, fields=list(fields), **more)]
        while not pages[-1]["isLast"]:
            token = pages[-1]["nextPageToken"]
            pages.append(self.post("search/jql", jql=jql, fields=list(fields), nextPageToken=token, **more))
        return pages

    def keys(self, jql: str) -> list[str]:
        """Return the keys that a Cloud search finds, in its order."""
        return [issue["key"] for page in self.pages(jql, ["key"]) for issue in page["issues"]]

    @staticmethod
    def _json(response: httpx.Response, status: int) -> Any:
        assert response.status_code == status, response.text
        return response.json()


@contextmanager
def served(world: JiraWorld, now: datetime, flavour: Flavour = "cloud", **options: Any) -> Iterator[Site]:
    """Serve a world at `now`."""
    clock = Clock(now)
    site = JiraSite(world, clock, flavour, **options)
    token = site.credentials.token
    if flavour == "cloud":
        auth: Any = httpx.BasicAuth(site.credentials.email, token)
    else:
        auth = lambda request: _bearer(request, token)  # noqa: E731 -- httpx takes a callable
    with Server(site) as server, httpx.Client(base_url=server.url, auth=auth, trust_env=False) as http:
        yield Site(world, clock, site, server, http, "/rest/api/3" if flavour == "cloud" else "/rest/api/2")


def _bearer(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


@dataclass
class Small:
    """Epic A-1 (days 0 to …) with three stories over two projects, one sub-task, and a second epic without children."""

    world: JiraWorld
    epic: Issue
    empty: Issue
    done: Issue
    moving: Issue
    other: Issue
    task: Issue


def small_world() -> Small:
    """Return the small world; nothing happens after day 6."""
    world = JiraWorld()
    world.add_project("A", "Alpha")
    world.add_project("B", "Beta", managed="team")
    epic = world.add_epic("A", "Refill reminders", at=day(0), due=date(2026, 3, 31))
    empty = world.add_epic("A", "Nothing yet", at=day(0), type="长篇故事")
    done = world.add_issue("A", "Pick a time", at=day(1), parent=epic, points=3.0, labels=("Mobile",))
    moving = world.add_issue("A", "Snooze", at=day(1), parent=epic, points=None, type="Bug")
    other = world.add_issue("B", "Push service", at=day(2), parent=epic, points=5.0)
    task = world.add_subtask(done, "Draw it", at=day(2))
    world.move(done, "In Progress", at=day(3))
    world.move(done, "Done", at=day(4), resolution="Done")
    world.move(other, "Closed", at=day(6), resolution="Won't Do")
    return Small(world, epic, empty, done, moving, other, task)
