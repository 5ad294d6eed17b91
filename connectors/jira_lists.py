"""Reads lists of issues page by page, as Cloud (by tokens) and Data Center (by numbers) give them, each to its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.jira_http import JiraHttp
from okr_sync.connector import Caller, ProtocolError, TransientError

_CLOUD_PAGE = 5000  # issues on a page, Jira's limit; it grants fewer when many fields are asked for
DC_PAGE = 1000  # issues on a page, the default limit of Data Center


class JiraLists:
    """Lists of one site. A list that ends too early, repeats or shrinks raises ProtocolError or TransientError."""

    def __init__(self, http: JiraHttp, caller: Caller) -> None:
        self._http = http
        self._caller = caller
        self.page = DC_PAGE  # issues on a page that Data Center grants, as far as is known

    def cloud(self, jql: str, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield all pages of a list on Cloud."""
        issues, token = self.cloud_page(jql, fields, None)
        yield issues
        if token:
            yield from self.cloud_rest(jql, fields, token)

    def cloud_rest(self, jql: str, fields: list[str], token: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages from the one that `token` names on."""
        seen: set[str] = set()
        before: list[dict[str, Any]] = []
        ahead: str | None = token
        while ahead:
            seen.add(ahead)
            issues, ahead = self.cloud_page(jql, fields, ahead)
            if ahead in seen or issues == before != []:
                raise ProtocolError("search/jql brought a page twice before the end of the list was reached")
            yield issues
            before = issues

    def cloud_page(self, jql: str, fields: list[str], token: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return a page and the token of the next one; None: it is the last."""
        body: dict[str, Any] = {"jql": jql, "fields": fields, "maxResults": _CLOUD_PAGE}
        answer = self._http.post("3/search/jql", {**body, "nextPageToken": token} if token else body)
        issues, ahead, last = issues_of(answer), answer.get("nextPageToken"), answer.get("isLast")
        if last or (not ahead and last is None):
            return issues, None
        if not ahead or not issues:
            problem = "an empty page" if ahead else "no token for the next page"
            raise ProtocolError(f"search/jql brought {problem} before the end of the list was reached")
        return issues, str(ahead)

    def data_center(self, jql: str, fields: list[str], *, validate: bool = True) -> Iterator[list[dict[str, Any]]]:
        """Yield all pages of a list on Data Center, one after the other.

        Unless `validate`, names that can't be seen find nothing, where else Jira refuses the query for one of them.
        """
        issues, total = self._dc_page(jql, fields, 0, 0, validate=validate)
        yield issues
        yield from self._dc_rest(jql, fields, len(issues), total, validate=validate)

    def data_center_side_by_side(self, jql: str, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a list: the first, then all the others that it tells of, then what was added meanwhile."""
        first, total = self._dc_page(jql, fields, 0, 0)
        yield first
        most, width = total, len(first)
        if width:
            spans = ((start, min(start + width, total)) for start in range(width, total, width))
            for issues, now in self._caller.map(lambda span: self._dc_span(jql, fields, *span, total), spans):
                yield issues
                most = max(most, now)
        yield from self._dc_rest(jql, fields, total if width else 0, most)

    def _dc_rest(
        self, jql: str, fields: list[str], start: int, total: int, *, validate: bool = True
    ) -> Iterator[list[dict[str, Any]]]:
        while start < total:
            issues, total = self._dc_page(jql, fields, start, total, validate=validate)
            yield issues
            start += len(issues)

    def _dc_span(
        self, jql: str, fields: list[str], start: int, end: int, least: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Return the issues from `start` to `end`, also where the pages are shorter than they were, and the total."""
        found: list[dict[str, Any]] = []
        while start + len(found) < end:
            issues, least = self._dc_page(jql, fields, start + len(found), least)
            found += issues
        return found, least

    def _dc_page(
        self, jql: str, fields: list[str], start: int, least: int, *, validate: bool = True
    ) -> tuple[list[dict[str, Any]], int]:
        """Return a page and how many issues there are; raises TransientError when these are fewer than `least`."""
        body = {"jql": f"{jql} ORDER BY key", "fields": fields, "maxResults": DC_PAGE, "startAt": start}
        answer = self._http.post("2/search", body if validate else {**body, "validateQuery": False})
        issues, total = issues_of(answer), whole_number(answer, "total")
        if answer.get("startAt", start) != start:
            raise TransientError("search brought another page than the one asked for: issues may be missing")
        if total < least:
            raise TransientError("the list became shorter while its pages were read: an issue may have been skipped")
        if not issues and start < total:
            raise ProtocolError(f"search brought an empty page after {start} of {total} issues")
        if start + len(issues) < total:
            self.page = min(self.page, len(issues))
        return issues, total


def whole_number(answer: Any, name: str) -> int:
    """Return a whole number of an answer. Raises ProtocolError when it has none of that name."""
    number = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(number, int):
        raise ProtocolError(f"the answer of search has no {name}", fix="check `url` and `deployment`")
    return number


def issues_of(answer: Any) -> list[dict[str, Any]]:
    """Return the issues of an answer. Raises ProtocolError when it has no list of them."""
    issues = answer.get("issues") if isinstance(answer, dict) else None
    if not isinstance(issues, list):
        raise ProtocolError("the answer has no list of issues", fix="check `url` and `deployment`")
    return issues
