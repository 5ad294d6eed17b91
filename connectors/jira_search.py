"""Reads issues from Jira by query, id or key: whole lists, in as few requests as the site allows."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from connectors.jira_dialect import Dialect, read_dialect, read_site
from connectors.jira_failures import AbsentError, RefusedError
from connectors.jira_http import JiraHttp
from connectors.jira_items import Found, need, read_issue
from okr_sync.connector import Caller, ProtocolError, TransientError

_FETCH = 100  # issues in one bulkfetch, Jira's limit
_CLOUD_PAGE = 5000  # issues on a page, Jira's limit; it grants fewer when many fields are asked for
_DC_PAGE = 1000  # issues on a page, the default limit of Data Center

T = TypeVar("T")


def chunks(many: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return `many` cut into pieces of at most `size`."""
    return [many[start : start + size] for start in range(0, len(many), size)]


class JiraSearch:
    """Finds issues of one site; learns its dialect with the first question."""

    def __init__(
        self, http: JiraHttp, caller: Caller, deployment: Literal["auto", "cloud", "dc"], points: str | None
    ) -> None:
        self._http = http
        self._caller = caller
        self._deployment = deployment
        self._points = points
        self._lock = threading.Lock()
        self._dialect: Dialect | None = None

    @property
    def dialect(self) -> Dialect:
        """How the site speaks; asked once, two requests."""
        with self._lock:
            if self._dialect is None:
                says_cloud, address = read_site(self._http.get("2/serverInfo"))
                cloud = says_cloud if self._deployment == "auto" else self._deployment == "cloud"
                fields = self._http.get("2/field")
                self._dialect = read_dialect(fields, cloud=cloud, address=address, points=self._points)
            return self._dialect

    def find(self, jql: str, epics: Mapping[str, str]) -> list[Found]:
        """Return all issues that `jql` finds; `epics` maps keys of epics to ids."""
        pages = self._pages(jql, self.dialect.fields)
        read = (read_issue(issue, self.dialect, epics) for page in pages for issue in page)
        return list({found.item.id: found for found in read}.values())

    def ids(self, jql: str) -> set[str]:
        """Return the ids of all issues that `jql` finds."""
        return {str(need(issue, "id")) for page in self._pages(jql, ["id"]) for issue in page}

    def visible(self, project: str) -> bool:
        """Return whether the account may see a project."""
        try:
            return bool(need(self._http.get(f"2/project/{project}"), "key"))
        except AbsentError:
            return False

    def fetch(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return the issues with these ids or keys (all of one sort) as raw JSON; what can't be seen is left out."""
        ask = self._bulk_fetch if self.dialect.cloud else self._search_names
        return [issue for found in self._caller.map(ask, chunks(list(names), _FETCH)) for issue in found]

    def items(self, ids: Sequence[str], epics: Mapping[str, str]) -> list[Found]:
        """Return the issues with these ids; what can't be seen is left out."""
        return [read_issue(issue, self.dialect, epics) for issue in self.fetch(ids)]

    def named(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return issues by the key asked, also where an issue has moved and has another key now."""
        found = {str(need(issue, "key")).upper(): issue for issue in self.fetch(keys)}
        known = {key: found[key] for key in keys if key in found}
        return known | self._moved([key for key in keys if key not in found])

    def _moved(self, lost: list[str]) -> dict[str, dict[str, Any]]:
        """Ask for lost keys in ever smaller parts: an answer doesn't say which old key an issue had."""
        issues = self.fetch(lost) if lost else []
        if not issues:
            return {}
        if len(lost) == 1:
            return {lost[0]: issues[0]}
        half = len(lost) // 2
        return self._moved(lost[:half]) | self._moved(lost[half:])

    def _bulk_fetch(self, names: Sequence[str]) -> list[dict[str, Any]]:
        body = {"issueIdsOrKeys": list(names), "fields": self.dialect.fields}
        answer = self._http.post("3/issue/bulkfetch", body)
        issues = _issues(answer)
        if answer.get("issueErrors"):
            raise TransientError(f"Jira could not read {len(answer['issueErrors'])} of {len(names)} issues just now")
        return issues

    def _search_names(self, names: Sequence[str]) -> list[dict[str, Any]]:
        word = "id" if names[0].isdigit() else "key"
        try:
            jql = f"{word} in ({', '.join(names)})"
            return [issue for page in self._dc_pages(jql, self.dialect.fields) for issue in page]
        except RefusedError:  # one unknown name spoils the query
            half = len(names) // 2
            return [*self._search_names(names[:half]), *self._search_names(names[half:])] if half else []

    def _pages(self, jql: str, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        return self._cloud_pages(jql, fields) if self.dialect.cloud else self._dc_pages(jql, fields)

    def _cloud_pages(self, jql: str, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        body: dict[str, Any] = {"jql": jql, "fields": fields, "maxResults": _CLOUD_PAGE}
        seen: set[str] = set()
        while True:
            answer = self._http.post("3/search/jql", body)
            issues = _issues(answer)
            yield issues
            token, last = answer.get("nextPageToken"), answer.get("isLast")
            if last or (not token and last is None):
                return
            if not token or token in seen or not issues:
                problem = (
                    "no token for the next page" if not token else "an empty page" if not issues else "a page twice"
                )
                raise ProtocolError(f"search/jql brought {problem} before the end of the list was reached")
            seen.add(token)
            body["nextPageToken"] = token

    def _dc_pages(self, jql: str, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        body: dict[str, Any] = {"jql": f"{jql} ORDER BY key", "fields": fields, "maxResults": _DC_PAGE, "startAt": 0}
        most = 0
        while True:
            answer = self._http.post("2/search", body)
            issues, total = _issues(answer), answer.get("total")
            if not isinstance(total, int):
                raise ProtocolError("the answer of search has no total")
            if total < most:
                raise TransientError(
                    "the list became shorter while its pages were read: an issue may have been skipped"
                )
            yield issues
            most = total
            body["startAt"] += len(issues)
            if body["startAt"] >= total:
                return
            if not issues:
                raise ProtocolError(f"search brought an empty page after {body['startAt']} of {total} issues")


def _issues(answer: Any) -> list[dict[str, Any]]:
    issues = answer.get("issues") if isinstance(answer, dict) else None
    if not isinstance(issues, list):
        raise ProtocolError("the answer has no list of issues", fix="check `url` and `deployment`")
    return issues
