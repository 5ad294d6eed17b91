"""Reads lists of issues page by page, as Cloud (by tokens) and Data Center (by numbers) give them, each to its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from connectors.jira_http import JiraHttp
from connectors.jira_items import need
from okr_sync.connector import Caller, ProtocolError, TransientError

_CLOUD_PAGE = 5000  # issues on a page, Jira's limit; it grants fewer when many fields are asked for
DC_PAGE = 1000  # issues on a page, the default limit of Data Center


class JiraLists:
    """Lists of one site. One that ends too early, repeats, shrinks or moves raises ProtocolError or TransientError."""

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

    def data_center(
        self, jql: str, fields: list[str], *, validate: bool = True, most: int | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield all pages of a list on Data Center, one after the other; of a list of at most `most` none behind them.

        Unless `validate`, names that can't be seen find nothing, where else Jira refuses the query for one of them.
        """
        first = self._dc_page(jql, fields, 0, 0, validate=validate)
        yield first.issues
        yield from self._dc_rest(jql, fields, first, validate=validate, most=most)

    def data_center_side_by_side(self, jql: str, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a list: the first, then all the others that it tells of, then what was added meanwhile."""
        last = self._dc_page(jql, fields, 0, 0)
        yield last.issues
        total, step = last.total, max(1, len(last.issues) - 1)
        ahead = range(last.end, total, step) if last.issues else range(0)
        spans = ((start, min(start + step, total)) for start in ahead)
        for page in self._caller.map(lambda span: self._dc_span(jql, fields, *span, total), spans):
            yield page.behind(last)
            last = replace(page, total=max(last.total, page.total))
        yield from self._dc_rest(jql, fields, last)

    def _dc_rest(
        self, jql: str, fields: list[str], last: _Numbered, *, validate: bool = True, most: int | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield what comes behind a page. What is counted may lag behind what is listed: a full page is never the last,
        whatever the total.
        """
        while last.end < last.total or (last.is_full and last.end != most):
            page = self._dc_next(jql, fields, last, validate=validate)
            yield page.behind(last)
            last = page

    def _dc_span(self, jql: str, fields: list[str], start: int, end: int, least: int) -> _Numbered:
        """Return the issues from the one before `start` to `end`, also where the pages are shorter than they were."""
        first = last = self._dc_page(jql, fields, start - 1, least)
        issues = first.issues
        while last.end < end:
            page = self._dc_next(jql, fields, last)
            issues, last = issues + page.behind(last), page
        return replace(last, start=first.start, issues=issues)

    def _dc_next(self, jql: str, fields: list[str], last: _Numbered, *, validate: bool = True) -> _Numbered:
        page = self._dc_page(jql, fields, last.following, last.total, validate=validate)
        if last.end >= page.end < page.total:
            raise ProtocolError(f"search brought an empty page after {page.end} of {page.total} issues")
        return page

    def _dc_page(self, jql: str, fields: list[str], start: int, least: int, *, validate: bool = True) -> _Numbered:
        """Return a page; raises TransientError when there are fewer issues than `least`."""
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
        granted = answer.get("maxResults")
        return _Numbered(issues, start, total, len(issues) >= (granted if isinstance(granted, int) else DC_PAGE) > 0)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A page by numbers: the issues from `start` on, of so many in `total`; `is_full`: no more were granted."""

    issues: list[dict[str, Any]]
    start: int
    total: int
    is_full: bool

    @property
    def end(self) -> int:
        """The number of the first issue behind it."""
        return self.start + len(self.issues)

    @property
    def following(self) -> int:
        """Where the next page begins: with the last issue of this one, unless pages hold no more than one."""
        return self.end - (len(self.issues) > 1)

    def behind(self, last: _Numbered) -> list[dict[str, Any]]:
        """Return the issues that come behind the page `last`. Raises TransientError when the list has moved up between
        the two: it is as long as before where as many were added.
        """
        if self.start >= last.end:
            return self.issues
        edge = need(last.issues[-1], "id")
        for at, issue in enumerate(self.issues, 1):
            if need(issue, "id") == edge:
                return self.issues[at:]
        raise TransientError("the list moved while its pages were read: an issue may have been skipped")


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
