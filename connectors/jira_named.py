"""Finds out what the names in a Jira source's questions lead to: epics, projects, queries, the points field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from connectors.jira_dialect import read_dialect
from connectors.jira_failures import RefusedError
from connectors.jira_http import JiraHttp
from connectors.jira_items import can_hold, need, texts_of
from connectors.jira_scopes import browses
from connectors.jira_search import MOST_PROJECTS, JiraSearch, chunks, quoted
from connectors.jira_settings import JiraQuery, JiraSettings
from okr_sync.connector import AccessError, Caller, Named, ProtocolError

_PAGE = 100  # projects on a page, Cloud's limit
_PAGES = 10  # pages of projects that are read to find the nearest name
_LEVELS = "give the account all levels: an issue that it may not see any more looks deleted"
_VALUE = re.compile(r"The value '([^']*)' does not exist for the field '([^']*)'", re.IGNORECASE)
_FIELD = re.compile(r"Field '([^']*)' does not exist", re.IGNORECASE)


class JiraNames:
    """One look at all names. It finds issues by a search of its own that knows no pinned points field."""

    def __init__(self, http: JiraHttp, caller: Caller, settings: JiraSettings) -> None:
        self._http = http
        self._caller = caller
        self._pinned = settings.points_field
        self._search = JiraSearch(http, caller, settings.deployment, None)
        self._projects: list[str] | None = None

    def named(self, questions: Mapping[str, JiraQuery]) -> Iterator[Named]:
        """Yield the points field and what issue security may do, then the epics and queries of each question.

        Raises SourceError.
        """
        yield self._points()
        keys = list(dict.fromkeys(key for query in questions.values() for key in query.epics))
        found = self._search.named(keys, dict) if keys else {}
        yield from self._protected(sorted({str(need(issue, "key")).rpartition("-")[0] for issue in found.values()}))
        lost = sorted({key.rpartition("-")[0] for key in keys if key not in found})
        seen = dict(zip(lost, self._caller.map(lambda project: browses(self._http, project), lost), strict=True))
        asked = [(ref, query.jql) for ref, query in questions.items() if query.jql]
        told = dict(zip(asked, self._caller.map(lambda one: self._query(*one), asked), strict=True))
        for ref, query in questions.items():
            if query.jql:
                yield told[ref, query.jql]
            for number, key in enumerate(query.epics):
                yield self._epic(ref, number, key, found.get(key), seen)

    def _points(self) -> Named:
        path = ("points_field",) if self._pinned else ()
        dialect = self._search.dialect
        if self._pinned:
            try:
                fields = self._http.get("2/field")
                dialect = read_dialect(fields, cloud=dialect.cloud, address=dialect.address, points=self._pinned)
            except AccessError as error:
                return Named("", path, f"{error}; {error.fix}", "not_found")
        return Named("", path, f"points are read from {', '.join(dialect.points) or 'no field'}")

    def _protected(self, projects: Sequence[str]) -> Iterator[Named]:
        """Yield a word when issues of these projects have a security level: what is hidden by one looks deleted."""
        for some in chunks(projects, MOST_PROJECTS):
            jql = f"project in ({', '.join(map(quoted, some))}) AND level is not EMPTY"
            try:
                count = self._count(jql)
            except RefusedError:  # the field is there once a site has such levels
                return
            if count:
                said = f"{count} issues of {', '.join(some)} have a security level; {_LEVELS}"
                yield Named("", (), said)

    def _epic(self, ref: str, number: int, key: str, issue: Any, seen: Mapping[str, bool]) -> Named:
        path = ("epics", number)
        if issue is None:
            return Named(ref, path, *self._lost(key, seen))
        kind, now = str(need(issue, "fields", "issuetype", "name")), str(need(issue, "key"))
        if not can_hold(issue, self._search.dialect):
            return Named(
                ref, path, f"{key} is no epic but a {kind}; name its epic, or write `jql: key = {key}`", "invalid"
            )
        moved = "" if now == key else f", which is {now} now"
        return Named(ref, path, f"{key}{moved}: {kind} {issue['fields'].get('summary') or ''!r}")

    def _lost(self, key: str, seen: Mapping[str, bool]) -> tuple[str, Any]:
        project = key.rpartition("-")[0]
        if seen[project]:
            return f"there is no issue {key} in project {project} that the account sees: correct the key", "not_found"
        hint = self._near_project(project)
        return f"the account may browse no project {project}{hint}; correct the key, or give Browse Projects", "denied"

    def _query(self, ref: str, jql: str) -> Named:
        try:
            count = self._count(jql)
        except RefusedError as error:
            return Named(ref, ("jql",), f"Jira refuses the query: {error}{self._hint(str(error))}", "invalid")
        return Named(ref, ("jql",), f"the query finds about {count} issues")

    def _count(self, jql: str) -> int:
        if self._search.dialect.cloud:
            said = self._http.post("3/search/approximate-count", {"jql": jql}), "count"
        else:
            said = self._http.post("2/search", {"jql": jql, "maxResults": 0, "fields": ["id"]}), "total"
        answer, name = said
        count = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(count, int):
            raise ProtocolError(f"the answer to a count has no {name}", fix="check `url` and `deployment`")
        return count

    def _hint(self, said: str) -> str:
        """Return the nearest project or field for the one that Jira, where it speaks English, doesn't know."""
        if (value := _VALUE.search(said)) and value[2].casefold() == "project":
            return self._near_project(value[1])
        if field := _FIELD.search(said):
            return _near(field[1], [str(each.get("name", "")) for each in self._http.get("2/field")])
        return ""

    def _near_project(self, project: str) -> str:
        if self._projects is None:
            self._projects = list(self._project_keys())
        return _near(project, self._projects)

    def _project_keys(self) -> Iterator[str]:
        """Yield the keys of the projects that the account sees, the first thousand."""
        if not self._search.dialect.cloud:
            yield from texts_of(self._http.get("2/project"), "key", "projects")
            return
        for page in range(_PAGES):
            said = self._http.get(f"3/project/search?startAt={page * _PAGE}&maxResults={_PAGE}")
            yield from texts_of(said.get("values") if isinstance(said, dict) else None, "key", "projects")
            if said.get("isLast", True):
                return


def _near(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""
