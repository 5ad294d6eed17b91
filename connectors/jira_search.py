"""Reads issues from Jira by query, id or key: whole lists, in as few requests as the site allows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Literal, TypeVar

from connectors.jira_dialect import Dialect, read_dialect, read_site
from connectors.jira_failures import AbsentError, RefusedError
from connectors.jira_http import JiraHttp
from connectors.jira_items import Epic, Found, need, read_epic, read_issue
from connectors.jira_lists import JiraLists, issues_of, whole_number
from connectors.jira_resolutions import Resolutions
from okr_sync.connector import Caller, ProtocolError, TransientError

_FETCH = 100  # issues in one bulkfetch, Cloud's limit
MOST_PROJECTS = 50  # projects that one question may name, Cloud's limit

T = TypeVar("T")


def chunks(many: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return `many` cut into pieces of at most `size`."""
    return [many[start : start + size] for start in range(0, len(many), size)]


def quoted(project: str) -> str:
    """Return the key of a project as JQL takes it: one may be called AND."""
    return f'"{project}"'


class JiraSearch:
    """Finds issues of one site; learns its dialect with the first question, and `resolutions` from what it finds."""

    def __init__(
        self, http: JiraHttp, caller: Caller, deployment: Literal["auto", "cloud", "dc"], points: str | None
    ) -> None:
        self._http = http
        self._caller = caller
        self._lists = JiraLists(http, caller)
        self._deployment = deployment
        self._points = points
        self.resolutions = Resolutions()
        self._lock = threading.Lock()
        self._dialect: Dialect | None = None
        self._recalled = False
        self._heard = False

    def recall(self, dialect: Dialect) -> None:
        """Take it that the site still speaks as it did, unless it was asked meanwhile."""
        with self._lock:
            if self._dialect is None:
                self._dialect, self._recalled = dialect, True

    def ask_anew(self) -> None:
        """Forget a dialect that was only recalled."""
        with self._lock:
            if self._recalled:
                self._dialect, self._recalled, self._heard = None, False, False

    @property
    def dialect(self) -> Dialect:
        """How the site speaks; asked once, two requests, unless it is recalled."""
        with self._lock:
            if self._dialect is None:
                says_cloud, address = read_site(self._http.get("2/serverInfo"))
                cloud = says_cloud if self._deployment == "auto" else self._deployment == "cloud"
                fields = self._http.get("2/field")
                self._dialect = read_dialect(fields, cloud=cloud, address=address, points=self._points)
                self._heard = True
            return self._dialect

    @property
    def heard(self) -> bool:
        """Whether the site said meanwhile which fields it has."""
        return self._heard

    def speaks_still(self) -> bool:
        """Return whether the site has the fields that were recalled; one request, once."""
        with self._lock:
            known = self._dialect
            if known is None or self._heard:
                return True
            fields = self._http.get("2/field")
            self._heard = True
            return read_dialect(fields, cloud=known.cloud, address=known.address, points=self._points) == known

    def until(self, at: int) -> int:
        """Return up to when what was asked since `at` is known (both ms since 1970): our clock may be ahead of the
        site's, by which it dates its issues. The earliest answer counts.
        """
        served = self._http.served
        return at if served is None else min(at, served)

    @property
    def fetched_at_once(self) -> int:
        """How many issues are fetched by name in one request."""
        return _FETCH if self.dialect.cloud else self._lists.page

    def pages(self, jql: str, epics: Mapping[str, str]) -> Iterator[list[Found]]:
        """Yield all issues that `jql` finds, page by page; `epics` maps keys of epics to ids."""
        for page in self._pages(jql, self.dialect.fields):
            yield self._read(page, epics)

    def gather(self, clauses: Sequence[str], epics: Mapping[str, str]) -> Iterator[list[Found]]:
        """Yield all issues that any of `clauses` finds, in pieces and side by side, in any order; maybe one twice."""
        if not self.dialect.cloud:
            fields = self.dialect.fields
            pages: Iterator[list[dict[str, Any]]] = chain.from_iterable(
                self._lists.data_center_side_by_side(jql, fields) for jql in clauses
            )
        elif len(clauses) == 1:
            pages = self._lists.cloud(clauses[0], self.dialect.fields)
        else:
            yield from self._cloud_side_by_side(clauses, epics)
            return
        yield from (self._read(page, epics) for page in pages)

    def _cloud_side_by_side(self, clauses: Sequence[str], epics: Mapping[str, str]) -> Iterator[list[Found]]:
        """Yield first pages, then the rest: a page names the next one, so the ids are listed, and the issues fetched by
        id in any order, unless the site grants larger pages than that.
        """
        fields = self.dialect.fields
        ahead: dict[str, frozenset[str]] = {}
        firsts = self._caller.map(lambda jql: self._lists.cloud_page(jql, fields, None), clauses)
        for jql, (first, token) in zip(clauses, firsts, strict=True):
            found = self._read(first, epics)
            yield found
            if token and len(first) > _FETCH:
                yield from (self._read(page, epics) for page in self._lists.cloud_rest(jql, fields, token))
            elif token:
                ahead[jql] = frozenset(each.item.id for each in found)
        ids = (id_ for jql, known in ahead.items() for page in self._id_pages(jql) for id_ in page if id_ not in known)
        yield from self._fetch_all(ids, epics)

    def ids(self, jql: str) -> set[str]:
        """Return the ids of all issues that `jql` finds."""
        return {id_ for page in self._id_pages(jql) for id_ in page}

    def ids_of_each(self, clauses: Sequence[str]) -> Iterator[set[str]]:
        """Yield the ids of all issues that each of `clauses` finds, in their order."""
        return self._caller.map(self.ids, clauses) if self.dialect.cloud else map(self.ids, clauses)

    def count(self, jql: str) -> int:
        """Return how many issues `jql` finds; Cloud's index may know of the last changes a little later."""
        if self.dialect.cloud:
            return whole_number(self._http.post("3/search/approximate-count", {"jql": jql}), "count")
        return whole_number(self._http.post("2/search", {"jql": jql, "fields": ["id"], "maxResults": 0}), "total")

    def visible(self, projects: Collection[str]) -> set[str]:
        """Return which of these projects (keys, also former ones) the account may see now."""
        some = sorted(projects)
        if len(some) > 1:
            seen = set(chain.from_iterable(map(self._seen_together, chunks(some, MOST_PROJECTS))))
            some = [key for key in some if key not in seen]
        else:
            seen = set()
        return seen.union(key for key, is_seen in zip(some, self._caller.map(self._seen, some), strict=True) if is_seen)

    def _seen_together(self, projects: Sequence[str]) -> Collection[str]:
        """Return the keys of some of these projects that can be seen: Data Center says so of all or of none."""
        if self.dialect.cloud:
            keys = "&".join(f"keys={key}" for key in projects)
            answer = self._http.get(f"3/project/search?maxResults={MOST_PROJECTS}&{keys}")
            return {str(need(each, "key")) for each in need(answer, "values")}.intersection(projects)
        try:
            self.count(f"project in ({', '.join(map(quoted, projects))})")
        except RefusedError:
            return ()
        return projects

    def _seen(self, project: str) -> bool:
        try:
            return bool(need(self._http.get(f"2/project/{project}"), "key"))
        except AbsentError:
            return False

    def items(self, ids: Iterable[str], epics: Mapping[str, str]) -> list[Found]:
        """Return the issues with these ids; what can't be seen is left out."""
        return list(chain.from_iterable(self._fetch_all(ids, epics)))

    def named(self, keys: Sequence[str], take: Callable[[Any], T]) -> dict[str, T]:
        """Return what `take` makes of issues' raw JSON, by the key asked, also where an issue has moved and has another
        key now; of what is raw, nothing is kept. What can't be seen is left out.
        """
        found = dict(self._fetch(keys, take))
        known = {key: found[key] for key in keys if key in found}
        return known | self._moved([key for key in keys if key not in found], take)

    def epics(self, keys: Sequence[str]) -> dict[str, Epic]:
        """Return the issues that were named as epics, as `named` does."""

        def take(issue: Any) -> Epic:
            epic = read_epic(issue, self.dialect)
            self.resolutions.check(issue)
            return epic

        return self.named(keys, take)

    def _fetch(self, keys: Sequence[str], take: Callable[[Any], T]) -> list[tuple[str, T]]:
        """Return the keys that issues have now, in capitals, each with what `take` makes of it."""

        def ask(some: Sequence[str]) -> list[tuple[str, T]]:
            return [(str(need(issue, "key")).upper(), take(issue)) for issue in self._named(some)]

        return list(chain.from_iterable(self._caller.map(ask, chunks(keys, self.fetched_at_once))))

    def _fetch_all(self, ids: Iterable[str], epics: Mapping[str, str]) -> Iterator[list[Found]]:
        return self._caller.map(lambda some: self._read(self._named(some), epics), _pieces(ids, self.fetched_at_once))

    def _named(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return self._bulk_fetch(names) if self.dialect.cloud else self._search_names(names)

    def _read(self, issues: Iterable[Any], epics: Mapping[str, str]) -> list[Found]:
        return list({found.item.id: found for found in (self._read_one(each, epics) for each in issues)}.values())

    def _read_one(self, issue: Any, epics: Mapping[str, str]) -> Found:
        found = read_issue(issue, self.dialect, epics)
        self.resolutions.check(issue)
        return found

    def _moved(self, lost: list[str], take: Callable[[Any], T]) -> dict[str, T]:
        """Ask for lost keys in ever smaller parts: an answer doesn't say which old key an issue had."""
        issues = self._fetch(lost, take) if lost else []
        if not issues:
            return {}
        if len(lost) == 1:
            return {lost[0]: issues[0][1]}
        half = len(lost) // 2
        return self._moved(lost[:half], take) | self._moved(lost[half:], take)

    def _bulk_fetch(self, names: Sequence[str]) -> list[dict[str, Any]]:
        body = {"issueIdsOrKeys": list(names), "fields": self.dialect.fields}
        answer = self._http.post("3/issue/bulkfetch", body)
        issues = issues_of(answer)
        if answer.get("issueErrors"):
            raise TransientError(f"Jira could not read {len(answer['issueErrors'])} of {len(names)} issues just now")
        return issues

    def _search_names(self, names: Sequence[str]) -> list[dict[str, Any]]:
        jql = f"{'id' if names[0].isdigit() else 'key'} in ({', '.join(names)})"
        found: list[dict[str, Any]] = []
        try:
            for page in self._lists.data_center(jql, self.dialect.fields, validate=False, most=len(names)):
                found += page
                if len(found) > len(names):
                    raise ProtocolError(
                        f"search brought more issues than the {len(names)} that it was asked for by name"
                    )
        except RefusedError:  # a server that validates nevertheless: one unknown name spoils the query
            half = len(names) // 2
            return [*self._search_names(names[:half]), *self._search_names(names[half:])] if half else []
        return found

    def _id_pages(self, jql: str) -> Iterator[list[str]]:
        if self.dialect.cloud:
            pages = self._lists.cloud(jql, ["id"])
        else:
            pages = self._lists.data_center_side_by_side(jql, ["id"])
        for page in pages:
            yield [str(need(issue, "id")) for issue in page]

    def _pages(self, jql: str, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        return self._lists.cloud(jql, fields) if self.dialect.cloud else self._lists.data_center(jql, fields)


def _pieces(many: Iterable[T], size: int) -> Iterator[list[T]]:
    ahead = iter(many)
    while piece := list(islice(ahead, size)):
        yield piece
