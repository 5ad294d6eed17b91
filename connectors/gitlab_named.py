"""Finds out what the names in questions to GitLab lead to, and what the token may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from urllib.parse import quote, unquote

from pydantic import BaseModel, ValidationError

from connectors.gitlab_lists import Lists
from connectors.gitlab_rows import GitlabQuery, Row, places
from okr_sync.connector import Caller, Grant, Http, Miss, Named

PLANNER = 15  # the least role that sees confidential issues: to a lesser one they look deleted
_UNSEEN = (200, 403, 404)  # 403: a subscription without epics
_NEEDED = "read_api"
_RECENT = {"membership": "true", "order_by": "last_activity_at", "per_page": 100}


class _Token(BaseModel):
    scopes: tuple[str, ...]
    expires_at: date | None = None


def grant_of(http: Http, root: str) -> Grant | None:
    """Return the scopes and the end of an access token; None where GitLab tells neither, as of other tokens.

    It ends as its last day begins, in UTC. Raises SourceError.
    """
    answer = http.request("GET", f"{root}/personal_access_tokens/self", accept=(200, 400, 401, 403, 404))
    try:
        token = _Token.model_validate(answer.json()) if answer.status == 200 else None
    except ValidationError:
        return None  # a kind of token that has no scopes
    if token is None:
        return None
    end = datetime.combine(token.expires_at, time(), UTC) if token.expires_at else None
    missing = () if {_NEEDED, "api"} & set(token.scopes) else (_NEEDED,)
    return Grant((_NEEDED,), tuple(sorted(token.scopes)), missing, end)


def there(lists: Lists, caller: Caller, questions: Mapping[str, GitlabQuery]) -> dict[str, list[Row] | Miss]:
    """Return by path what stands where the questions point to, or why it can't be told. Raises SourceError."""
    paths = list(dict.fromkeys(path for query in questions.values() for path in query.paths))
    return dict(zip(paths, caller.map(lambda path: _rows(lists, path), paths), strict=True))


def _rows(lists: Lists, path: str) -> list[Row] | Miss:
    asked = {"include_ancestors": "true"} if path.endswith("/milestones") else {}
    rows, answer = lists.all(path, Row, asked, _UNSEEN if path.startswith("/groups/") else (200, 404))
    name = unquote(path.removesuffix("/milestones").partition("s/")[2]).replace("/epics/", "&")
    if answer.status == 403:
        return Miss("denied", f"{name}: the token may not read epics, or the subscription has none")
    if answer.status == 404:
        return Miss("not_found", f"{name} not found, or the token may not see it; check the name and the role")
    return rows


class GitlabNames:
    """One look at all names; `found`: path → what stands there."""

    def __init__(self, lists: Lists, found: Mapping[str, list[Row] | Miss]) -> None:
        self._lists = lists
        self._found = found
        self._recent: list[str] | None = None

    def named(self, questions: Mapping[str, GitlabQuery]) -> Iterator[Named]:
        """Yield for each question its projects, then its milestone or epic; raises SourceError."""
        roles: dict[str, str] = {}
        for ref, query in questions.items():
            for name in dict.fromkeys(query.projects):
                yield self._project(ref, query, name, roles)
            if not any(isinstance(self._found[path], Miss) for path in query.paths) or query.group:
                yield _place(ref, query, self._found)

    def _project(self, ref: str, query: GitlabQuery, name: str, roles: dict[str, str]) -> Named:
        path, at = ("projects", query.projects.index(name)), f"/projects/{quote(name, safe='')}"
        missed = self._found[at if query.labels else f"{at}/milestones"]
        if isinstance(missed, Miss):
            return Named(ref, path, f"{missed.message}{self._near(name)}", missed.why)
        if name not in roles:
            rows, _ = self._lists.all(at, Row, {})
            levels = [role.get("access_level", 0) for role in rows[0].permissions.values() if role]
            roles[name] = (
                "" if max(levels, default=0) >= PLANNER else "the token's role is less than Planner or Reporter"
            )
        if roles[name]:
            return Named(ref, path, f"{name}: {roles[name]}, so confidential issues look deleted", "denied")
        return Named(ref, path, name)

    def _near(self, name: str) -> str:
        if self._recent is None:
            self._recent = [row.place for row in self._lists.page("/projects", Row, _RECENT)[0]]
        near = get_close_matches(name, self._recent, 1)
        return f"; did you mean {near[0]}?" if near else ""


def _place(ref: str, query: GitlabQuery, found: Mapping[str, Sequence[Row] | Miss]) -> Named:
    path = ("epic",) if query.group else ("labels",) if query.labels else ("milestone",)
    some = places(query, {each: rows if isinstance(rows, Miss) else list(rows) for each, rows in found.items()})
    if isinstance(some, Miss):
        return Named(ref, path, some.message, some.why)
    return Named(ref, path, ", ".join(each.container.key for each in some))
