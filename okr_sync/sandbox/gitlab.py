"""A site that plays GitLab's REST API v4: issues, milestones, epics and the events of issues."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlencode

from okr_sync.sandbox.gitlab_json import Writer
from okr_sync.sandbox.gitlab_world import Epic, GitlabWorld, Group, Issue, Project
from okr_sync.sandbox.server import Request, Response

__all__ = ["GitlabSite"]

T = TypeVar("T")

_LARGEST = 100  # rows of a page, whatever is asked
_USUAL = 20
_PLANNER = 15  # the least role that sees confidential issues
_WORDS: dict[str, Callable[[Issue], bool]] = {
    "any": lambda issue: issue.milestone is not None,
    "none": lambda issue: issue.milestone is None,
}


class GitlabSite:
    """GitLab over `world`. Rows are counted (`x-total`) up to `counted` of them, as gitlab.com does; `keyset`: pages
    follow one another by a cursor in the Link header, uncounted and without numbers.
    """

    def __init__(
        self,
        world: GitlabWorld,
        *,
        token: str = "sandbox-token",  # noqa: S107 -- the sandbox's own, worth nothing elsewhere
        login: str = "okr-bot",
        counted: int = 10_000,
        keyset: bool = False,
    ) -> None:
        self.world = world
        self.counted = counted
        self.keyset = keyset
        self.scopes = ["read_api"]
        self.expires: str | None = None
        """The day on which the token ends, as 2026-12-01."""
        self._token = token
        self._login = login

    def respond(self, request: Request) -> Response:
        """Return the answer: 401 without the token, 404 for what is unknown or hidden, 301 for a former path."""
        given = request.headers.get("private-token") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self._token:
            return _problem(401, "401 Unauthorized")
        writer = Writer(f"http://{request.headers.get('host', 'gitlab.example.com')}")
        path = request.path.removeprefix("/api/v4")
        if path == request.path or request.method not in ("GET", "HEAD"):
            return Response.of({"error": "404 Not Found"}, 404)
        if told := self._told(request, writer, path):
            return told
        if named := re.fullmatch(r"/projects/([^/]+)(/.*)?", path):
            return self._project(request, writer, unquote(named[1]), named[2] or "")
        if named := re.fullmatch(r"/groups/([^/]+)/epics(?:/(\d+)(/issues)?)?", path):
            return self._epics(request, writer, unquote(named[1]), *named.groups()[1:])
        return Response.of({"error": "404 Not Found"}, 404)

    def _told(self, request: Request, writer: Writer, path: str) -> Response | None:
        """Return who asks, with what token, or which projects there are."""
        if path == "/user":
            return Response.of(writer.user(self._login))
        if path == "/projects":
            return self._page(request, [each for each in self.world.projects if not each.hidden], writer.project)
        if path == "/personal_access_tokens/self":
            return Response.of({"id": 7, "active": True, "scopes": self.scopes, "expires_at": self.expires})
        return None

    def _project(self, request: Request, writer: Writer, name: str, rest: str) -> Response:
        project = next((each for each in self.world.projects if name in (each.path, str(each.id))), None)
        found = project or self.world.former.get(name)
        if found is None or found.hidden:
            return _problem(404, "404 Project Not Found")
        if project is None:
            there = f"{writer.url}/api/v4/projects/{found.id}{rest}?{request.raw_query}".rstrip("?")
            return Response.of({"message": "Moved"}, 301, {"Location": there})
        return self._within(request, writer, project, rest)

    def _within(self, request: Request, writer: Writer, project: Project, rest: str) -> Response:
        if not rest:
            return Response.of(writer.project(project))
        if rest == "/milestones":
            owners = [project, *self._above(project)] if request.query.get("include_ancestors") == "true" else [project]
            found = [each for each in self.world.milestones if each.owner in owners]
            return self._page(request, found, writer.milestone)
        if rest == "/issues":
            return self._page(request, _filtered(request, self._visible(project)), writer.issue)
        if named := re.fullmatch(r"/issues/(\d+)(?:/resource_(state|milestone)_events)?", rest):
            return self._issue(request, writer, project, int(named[1]), named[2])
        return Response.of({"error": "404 Not Found"}, 404)

    def _issue(self, request: Request, writer: Writer, project: Project, iid: int, events: str | None) -> Response:
        issue = next((each for each in self._visible(project) if each.iid == iid), None)
        if issue is None:
            return _problem(404, "404 Not found")
        if events is None:
            return Response.of(writer.issue(issue))
        found = [each for each in issue.happened if (each.milestone is not None) == (events == "milestone")]
        return self._page(request, found, lambda event: writer.event(issue, event))

    def _epics(self, request: Request, writer: Writer, name: str, number: str | None, issues: str | None) -> Response:
        group = next((each for each in self.world.groups if name in (each.path, str(each.id))), None)
        if group is None or group.hidden:
            return _problem(404, "404 Group Not Found")
        if not group.has_epics:
            return _problem(403, "403 Forbidden")
        epics = [each for each in self.world.epics if each.group is group]
        if number is None:
            return self._page(request, epics, writer.epic)
        epic = next((each for each in epics if each.iid == int(number)), None)
        if epic is None:
            return _problem(404, "404 Not found")
        return self._page(request, self._held(epic), writer.issue) if issues else Response.of(writer.epic(epic))

    def _held(self, epic: Epic) -> list[Issue]:
        shown = [project for project in self.world.projects if not project.hidden]
        return [issue for project in shown for issue in self._visible(project) if issue.epic is epic]

    def _visible(self, project: Project) -> list[Issue]:
        return [each for each in project.issues.values() if project.role >= _PLANNER or not each.confidential]

    def _above(self, project: Project) -> list[Group]:
        return [each for each in self.world.groups if project.path.startswith(f"{each.path}/")]

    def _page(self, request: Request, rows: Sequence[T], write: Callable[[T], dict[str, Any]]) -> Response:
        size = max(1, min(int(request.query.get("per_page", _USUAL)), _LARGEST))
        if self.keyset:
            start = int(base64.urlsafe_b64decode(request.query.get("cursor", "MA==")))
            headers = {}
            following = {"cursor": base64.urlsafe_b64encode(str(start + size).encode()).decode()}
        else:
            page = max(1, int(request.query.get("page", "1")))
            start = (page - 1) * size
            following = {"page": str(page + 1)}
            headers = {
                "x-page": str(page),
                "x-per-page": str(size),
                "x-next-page": "",
                "x-prev-page": str(page - 1 or ""),
            }
            if len(rows) <= self.counted:
                headers |= {"x-total": str(len(rows)), "x-total-pages": str(-(-len(rows) // size))}
        if start + size < len(rows):
            asked = {**parse_qs(request.raw_query), **following}
            url = f"http://{request.headers.get('host')}{request.path}?{urlencode(asked, doseq=True)}"
            headers |= {"link": f'<{url}>; rel="next"'} | (
                {"x-next-page": following["page"]} if "page" in following else {}
            )
        return Response.of([write(row) for row in rows[start : start + size]], 200, headers)


def _filtered(request: Request, issues: list[Issue]) -> list[Issue]:
    """Return issues as the parameters of the list say; newest first unless they say otherwise."""
    asked = request.query
    numbers = {int(each) for each in parse_qs(request.raw_query).get("iids[]", [])}
    title, labels = asked.get("milestone"), set(filter(None, asked.get("labels", "").split(",")))
    after = datetime.fromisoformat(asked["updated_after"]) if "updated_after" in asked else None
    found = [
        each for each in issues
        if (not numbers or each.iid in numbers) and labels <= set(each.labels)
        and (title is None or _is_in(each, title)) and (after is None or each.updated >= after)
        and asked.get("state", "all") in ("all", "closed" if each.closed else "opened")
    ]  # fmt: skip
    by_update = asked.get("order_by") == "updated_at"
    found.sort(
        key=lambda each: (each.updated if by_update else each.created, each.id),
        reverse=asked.get("sort", "desc") == "desc",
    )
    return found


def _is_in(issue: Issue, title: str) -> bool:
    if title.casefold() in _WORDS:
        return _WORDS[title.casefold()](issue)
    return issue.milestone is not None and issue.milestone.title == title


def _problem(status: int, message: str) -> Response:
    return Response.of({"message": message}, status)
