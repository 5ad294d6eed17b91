"""GitHub's REST routes over the state of a world: repositories, milestones, issues."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlencode

from okr_sync.sandbox.github_json import Addresses, issue_json, milestone_json, repository_json, type_json, user_json
from okr_sync.sandbox.github_timeline import event_json, timeline
from okr_sync.sandbox.graphql_fields import instant
from okr_sync.sandbox.repositories import ISSUE_TYPES
from okr_sync.sandbox.repositories_state import ItemState, MilestoneState, RepositoryState, WorldState
from okr_sync.sandbox.server import Request, Response

__all__ = ["Rest", "problem"]

Route: TypeAlias = Callable[[RepositoryState, list[str]], Response]
"""What answers below a repository: (repository, the numbers in the path) → response."""

T = TypeVar("T")

_DOCUMENTATION = "https://docs.github.com/rest"


def problem(status: int, message: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return GitHub's JSON form of an error."""
    body = {"message": message, **more, "documentation_url": _DOCUMENTATION, "status": str(status)}
    return Response.of(body, status, headers)


@dataclass(frozen=True, slots=True)
class Rest:
    """One REST request with the world as the token sees it; `path` is what follows the base of the API."""

    request: Request
    path: str
    world: WorldState
    addresses: Addresses
    login: str
    modern: bool = True

    def answer(self) -> Response:
        """Return the response: 404 for what is unknown, hidden or no route, 301 (307 for writes) for old names."""
        if self.path == "/user" and self.request.method in ("GET", "HEAD"):
            return Response.of(user_json(self.login, self.addresses))
        if self.path == "/installation/repositories":
            return Response.of({"total_count": len(self.world.names), "repositories": []})
        if owned := re.fullmatch(r"/(?:orgs|users)/([^/]+)/repos", self.path):
            return self._owned(owned[1].casefold())
        return self._repository()

    def _repository(self) -> Response:
        named = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", self.path)
        if named:
            wanted = named[1].casefold()
            if wanted in self.world.names:
                return self._within(self.world.names[wanted], named[2] or "")
            return self._moved(self.world.former_names.get(wanted), named[2] or "")
        numbered = re.fullmatch(r"/repositories/(\d+)(/.*)?", self.path)
        if numbered and int(numbered[1]) in self.world.ids:
            return self._within(self.world.ids[int(numbered[1])], numbered[2] or "")
        return problem(404, "Not Found")

    def _owned(self, owner: str) -> Response:
        kept = [one for name, one in self.world.names.items() if name.startswith(f"{owner}/")]
        return self._page(kept, lambda one: repository_json(one, self.addresses)) if kept else problem(404, "Not Found")

    def _moved(self, repository: RepositoryState | None, rest: str) -> Response:
        if repository is None:
            return problem(404, "Not Found")
        url = f"{self.addresses.api}/repositories/{repository.repository.id}{rest}"
        if self.request.query:
            url += f"?{urlencode(self.request.query)}"
        if self.request.method in ("GET", "HEAD"):
            return problem(301, "Moved Permanently", {"Location": url}, url=url)
        return problem(307, "Temporary Redirect", {"Location": url}, url=url)

    def _within(self, repository: RepositoryState, rest: str) -> Response:
        routes: list[tuple[str, Route]] = [
            ("", lambda one, _: Response.of(repository_json(one, self.addresses))),
            ("/milestones", lambda one, _: self._milestones(one)),
            (r"/milestones/(\d+)", lambda one, numbers: self._milestone(one, int(numbers[0]))),
            ("/issues", lambda one, _: self._issues(one)),
            ("/issue-types", lambda _one, _: self._types()),
            ("/pulls", lambda one, _: self._pulls(one)),
            (r"/issues/(\d+)", lambda one, numbers: self._issue(one, int(numbers[0]))),
            (r"/issues/(\d+)/events", lambda one, numbers: self._events(one, int(numbers[0]))),
        ]
        if self.request.method in ("GET", "HEAD"):
            for pattern, route in routes:
                if match := re.fullmatch(pattern, rest):
                    return route(repository, list(match.groups()))
        return problem(404, "Not Found")

    def _types(self) -> Response:
        return Response.of([type_json(name) for name in ISSUE_TYPES]) if self.modern else problem(404, "Not Found")

    def _milestone(self, repository: RepositoryState, number: int) -> Response:
        state = repository.milestones.get(number)
        return problem(404, "Not Found") if state is None else Response.of(self._shown(state))

    def _milestones(self, repository: RepositoryState) -> Response:
        kept = [one for one in repository.milestones.values() if self._wants_state(one.state)]
        if self.request.query.get("sort") == "completeness":
            kept.sort(key=lambda one: (one.closed_share, one.milestone.number), reverse=self._is_descending("asc"))
        else:
            kept.sort(key=_due_key, reverse=self._is_descending("asc"))
        return self._page(kept, self._shown)

    def _issue(self, repository: RepositoryState, number: int) -> Response:
        if number in repository.items:
            return Response.of(self._shown(repository.items[number]))
        if number in repository.deleted_items:
            return problem(410, "This issue was deleted")
        target = self.world.nodes.get(repository.moved.get(number, ""))
        if isinstance(target, ItemState):
            home = target.repository.repository.id
            url = f"{self.addresses.api}/repositories/{home}/issues/{target.item.number}"
            return problem(301, "Moved Permanently", {"Location": url}, url=url)
        return problem(404, "Not Found")

    def _events(self, repository: RepositoryState, number: int) -> Response:
        item = repository.items.get(number)
        if item is None:
            return self._issue(repository, number)
        url = f"{self.addresses.api}/repos/{repository.full_name}/issues/events"
        told = timeline(item, self.world.milestones)
        return self._page(told, lambda one: event_json(one, str(instant(one.at)), url))

    def _issues(self, repository: RepositoryState) -> Response:
        wanted = self.request.query.get("milestone")
        if wanted not in (None, "*", "none") and not (wanted.isdigit() and int(wanted) in repository.milestones):
            error = {"value": wanted, "resource": "Issue", "field": "milestone", "code": "invalid"}
            return problem(422, "Validation Failed", errors=[error])
        since = self._since()
        if isinstance(since, Response):
            return since
        labels = {name for name in self.request.query.get("labels", "").split(",") if name}
        kept = [
            one
            for one in repository.items.values()
            if self._wants_state(one.state)
            and _lies_in(one, wanted)
            and (since is None or one.updated_at >= since)
            and labels <= set(one.labels)
        ]
        key = _updated_key if self.request.query.get("sort") == "updated" else _created_key
        kept.sort(key=key, reverse=self._is_descending("desc"))
        return self._page(kept, self._shown)

    def _pulls(self, repository: RepositoryState) -> Response:
        kept = [one for one in repository.items.values() if one.item.pull_request and self._wants_state(one.state)]
        return self._page(kept, self._shown)

    def _since(self) -> datetime | Response | None:
        text = self.request.query.get("since")
        if text is None:
            return None
        try:
            since = datetime.fromisoformat(text)
        except ValueError:
            return problem(
                422, "Validation Failed", errors=[{"resource": "Issue", "field": "since", "code": "invalid"}]
            )
        return since if since.tzinfo else since.replace(tzinfo=UTC)

    def _shown(self, state: MilestoneState | ItemState) -> dict[str, Any]:
        if isinstance(state, MilestoneState):
            return milestone_json(state, self.addresses, self.login)
        shown = issue_json(state, self.addresses, self.login)
        return shown if self.modern else {name: value for name, value in shown.items() if name != "type"}

    def _wants_state(self, state: str) -> bool:
        wanted = self.request.query.get("state", "open")
        return wanted == "all" or (wanted == "open") == (state == "OPEN")

    def _is_descending(self, default: str) -> bool:
        return self.request.query.get("direction", default) == "desc"

    def _page(self, kept: Sequence[T], show: Callable[[T], dict[str, Any]]) -> Response:
        """Return one page of at most 100 (30 unless asked), with links where there are more pages."""
        size = min(_positive(self.request.query.get("per_page"), 30), 100)
        page = _positive(self.request.query.get("page"), 1)
        last = max(1, -(-len(kept) // size))
        shown = [show(one) for one in kept[(page - 1) * size : page * size]]
        links = self._links(page, last)
        return Response.of(shown, headers={"Link": links} if links else None)

    def _links(self, page: int, last: int) -> str:
        wanted = [("prev", page - 1), ("next", page + 1), ("last", last), ("first", 1)]
        kept = wanted[1:3] if page == 1 else wanted
        if page >= last:
            kept = [wanted[0], wanted[3]] if page > 1 else []
        url = self.addresses.api + self.path
        return ", ".join(f'<{url}?{urlencode({**self.request.query, "page": at})}>; rel="{rel}"' for rel, at in kept)


def _positive(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() and int(text) > 0 else default


def _lies_in(state: ItemState, milestone: str | None) -> bool:
    if milestone is None:
        return True
    if milestone in ("*", "none"):
        return (state.milestone is not None) == (milestone == "*")
    return state.milestone is not None and state.milestone.milestone.number == int(milestone)


def _due_key(state: MilestoneState) -> tuple[float, int]:
    return (state.due_on.timestamp() if state.due_on else float("inf"), state.milestone.number)


def _created_key(state: ItemState) -> tuple[datetime, int]:
    return state.item.created_at, state.item.number


def _updated_key(state: ItemState) -> tuple[datetime, int]:
    return state.updated_at, state.item.number
