"""Jira's searches: Cloud's pages by token, Data Center's by offset, and the ways in which they go wrong."""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from okr_sync.sandbox.issues import View
from okr_sync.sandbox.jira_query import Found, find
from okr_sync.sandbox.jira_visit import PAYLOAD, JiraError, Visit, texts, whole
from okr_sync.sandbox.jql import JqlError
from okr_sync.sandbox.server import JSON, Response

IDS_PAGE = 5000
"""Issues on a page of Cloud's search when only ids or keys are asked for."""
TOKEN_LIFE = timedelta(days=7)
_TOKEN = "The provided next page token is invalid or has expired."  # noqa: S105 -- an error text
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/{api}/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_CLOUD_BODY = (
    "jql", "fields", "maxResults", "nextPageToken", "expand", "properties", "reconcileIssues", "fieldsByKeys",
)  # fmt: skip
_DC_BODY = ("jql", "fields", "maxResults", "startAt", "expand", "validateQuery", "fieldsByKeys", "properties")


@dataclass(slots=True)
class Quirks:
    """What a search does wrong. `repeat_token`: hands out the token it was given. `empty_page_with_token`: after the
    first page, pages are empty and never the last. `short_pages`: pages have half of what they could have.
    `always_validates`: refuses unknown names also with `validateQuery: false`.
    """

    repeat_token: bool = False
    empty_page_with_token: bool = False
    short_pages: bool = False
    always_validates: bool = False

    def size(self, size: int) -> int:
        """Return how many issues a page of `size` gets."""
        return max(1, size // 2) if self.short_pages else size


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a token stands for: go on after `rank` in the answer to `jql`."""

    jql: str
    rank: Any
    issued: datetime


@dataclass(frozen=True, slots=True)
class _Ask:
    jql: str
    fields: tuple[str, ...]
    limit: int
    token: str | None


class TokenSearch:
    """Cloud's search. A token goes on after the last issue of its page, wherever that now is."""

    def __init__(self, page_limit: int, quirks: Quirks) -> None:
        self._page_limit = page_limit
        self._quirks = quirks
        self._marks: dict[str, _Mark] = {}

    def answer(self, visit: Visit) -> Response:
        """Return one page; 400 for bad JQL, an unknown property, or a token that is unknown, foreign or expired."""
        ask = self._ask(visit)
        found = search(visit, ask.jql)
        start = self._start(ask, found, visit.now)
        page = found.views[start : start + self._quirks.size(ask.limit)]
        if ask.token and self._quirks.empty_page_with_token:
            page = ()
        more = start + len(page) < len(found.views)
        payload: dict[str, Any] = {"nextPageToken": self._next(ask, found, page, visit.now)} if more else {}
        return _page(visit, page, ask.fields, {**payload, "isLast": not more}, first=True)

    def count(self, visit: Visit) -> Response:
        """Return how many issues a bounded query finds."""
        body = visit.body(("jql",))
        return Response.of({"count": len(search(visit, str(body.get("jql") or "")).views)})

    def _ask(self, visit: Visit) -> _Ask:
        if visit.request.method == "GET":
            query = visit.request.query
            asked: dict[str, Any] = {**query, "fields": visit.many("fields")}
        else:
            asked = visit.body(_CLOUD_BODY)
        fields = tuple(texts(asked.get("fields") or ["id"], "fields", 1000))
        ids_only = set(fields) <= {"id", "key"}
        limit = whole(asked.get("maxResults") or 50, "maxResults", least=1)
        token = asked.get("nextPageToken") or None
        if token is not None and not isinstance(token, str):
            raise JiraError(400, PAYLOAD)
        granted = min(limit, IDS_PAGE if ids_only else self._page_limit)
        return _Ask(str(asked.get("jql") or ""), fields, granted, token)

    def _start(self, ask: _Ask, found: Found, now: datetime) -> int:
        if ask.token is None:
            return 0
        mark = self._marks.get(ask.token)
        if mark is None or mark.jql != ask.jql or now - mark.issued > TOKEN_LIFE:
            raise JiraError(400, _TOKEN)
        return bisect_right(found.views, mark.rank, key=found.rank)

    def _next(self, ask: _Ask, found: Found, page: tuple[View, ...], now: datetime) -> str:
        if self._quirks.repeat_token and ask.token:
            return ask.token
        rank = found.rank(page[-1]) if page else self._marks[ask.token or ""].rank
        seed = f"{len(self._marks)}|{ask.jql}|{page[-1].id if page else ask.token}|{now.isoformat()}"
        token = base64.urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()).decode()
        self._marks[token] = _Mark(ask.jql, rank, now)
        return token


class OffsetSearch:
    """Data Center's search: pages by `startAt`, with the total on each.

    With `expand=changelog` (GET) each issue brings its log along.
    With `validateQuery: false`, names of issues that are not there find nothing instead of spoiling the query.
    """

    def __init__(self, page_limit: int, quirks: Quirks) -> None:
        self._page_limit = page_limit
        self._quirks = quirks

    def answer(self, visit: Visit) -> Response:
        """Return one page; 400 for bad JQL."""
        if visit.request.method == "GET":
            asked: dict[str, Any] = {**visit.request.query, "fields": visit.many("fields")}
        else:
            asked = visit.body(_DC_BODY)
        start = whole(asked.get("startAt") or 0, "startAt")
        limit = min(
            whole(50 if asked.get("maxResults") is None else asked["maxResults"], "maxResults"), self._page_limit
        )
        fields = texts(asked.get("fields") or ["*navigable"], "fields", 1000)
        strict = self._quirks.always_validates or asked.get("validateQuery") not in (False, "false")
        found = search(visit, str(asked.get("jql") or ""), strict=strict)
        page = found.views[start : start + (self._quirks.size(limit) if limit else 0)]
        head = {"expand": "schema,names", "startAt": start, "maxResults": limit, "total": len(found.views)}
        if "changelog" in visit.many("expand"):
            return Response.of({**head, "issues": [_with_log(visit, view, fields) for view in page]})
        return _page(visit, page, fields, head, first=False)


def _with_log(visit: Visit, view: View, fields: Sequence[str]) -> dict[str, Any]:
    log = visit.writer.histories(visit.world.issues[view.id], visit.now, ())
    shown = {"startAt": 0, "maxResults": len(log), "total": len(log), "histories": log}
    return {**visit.index_writer.issue(view, fields), "changelog": shown}


def _page(
    visit: Visit, page: Sequence[View], fields: Sequence[str], beside: Mapping[str, Any], *, first: bool
) -> Response:
    """Return issues in JSON with what stands `beside` them; they come `first` or last."""
    written = visit.index_writer.pages(page, fields)
    others = orjson.dumps(beside)[1:-1]
    body = b'{"issues":%b,%b}' % (written, others) if first else b'{%b,"issues":%b}' % (others, written)
    return Response(200, body, JSON)


def removed(visit: Visit) -> Response:
    """Raise JiraError 410: what Cloud answers where its old search was, naming where to go."""
    raise JiraError(410, REMOVED.format(api=visit.address.api.rpartition("/")[2]))


def search(visit: Visit, jql: str, *, strict: bool = True) -> Found:
    """Return what a query finds in the index; raises JiraError 400 with Jira's words for a bad one."""
    try:
        return find(jql, visit.reader, strict=strict)
    except JqlError as error:
        raise JiraError(400, *error.args) from error
