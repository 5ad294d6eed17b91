"""Reads the change logs of many Jira issues, in as few requests as the site allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

from connectors.jira_failures import AbsentError
from connectors.jira_http import JiraHttp
from connectors.jira_items import need
from connectors.jira_lists import issues_of
from connectors.jira_past import (
    Change,
    Words,
    keys_only,
    learn_resolutions,
    read_log,
    read_states,
    read_transitions,
)
from connectors.jira_search import JiraSearch, chunks
from okr_sync.connector import Caller, ProtocolError, Transition, WorkItem

_ISSUES = 1000  # issues in one changelog/bulkfetch, Jira's limit
_FIELDS = 10  # fields in one changelog/bulkfetch, Jira's limit
_ENTRIES = 10_000  # entries on one page of it, Jira's limit
_MOVES = ("project", "parent", "IssueParentAssociation")  # what is logged of where an issue is
_TOGETHER = 50  # issues whose logs Data Center is asked for in one search
_PAGE = 100  # entries on a page of one issue's log, Jira's limit

Logs: TypeAlias = dict[str, list[Any]]
"""Issue id → its entries as raw JSON."""


class JiraLogs:
    """Tells what happened to issues of one site; an issue that is there no more has no log."""

    def __init__(self, http: JiraHttp, caller: Caller, search: JiraSearch) -> None:
        self._http = http
        self._caller = caller
        self._search = search
        self._issues: dict[str, str | None] = {}

    def past(self, items: Mapping[str, WorkItem], since: datetime, now: datetime) -> Iterator[tuple[Transition, ...]]:
        """Yield the transitions of `items` in [since, now]; raises SourceError.

        Items whose last update lies before `since` are not asked for: every line of a log is an update.
        """
        ids = [id_ for id_, item in items.items() if item.updated is None or item.updated >= since]
        if not ids:
            return
        dialect, states = self._search.dialect, read_states(self._http.get("2/status"))
        self._issues |= {item.key.upper(): item.id for item in items.values()}
        for found in self._read(ids):
            logs = {id_: read_log(histories, dialect) for id_, histories in found.items() if id_ in items}
            words = Words(states, _resolutions(items, logs), self._known(keys_only(_all(logs))))
            told = (each for id_, log in logs.items() for each in read_transitions(items[id_], log, words, dialect))
            yield tuple(each for each in told if since <= each.at <= now)

    def _read(self, ids: Sequence[str]) -> Iterator[Logs]:
        if self._search.dialect.cloud:
            return self._caller.map(lambda some: self._bulk(some, self._fields()), chunks(ids, _ISSUES))
        return self._caller.map(self._single, ids)

    def _known(self, keys: set[str]) -> Mapping[str, str | None]:
        """Return the ids by key, asking for keys not seen before; None for one that nobody can see."""
        new = sorted(keys - self._issues.keys())
        found = self._search.named(new, lambda issue: str(need(issue, "id"))) if new else {}
        self._issues |= {key: found.get(key) for key in new}
        return self._issues

    def _fields(self) -> list[str]:
        """Return the fields to ask for; none means all, where there are more than one request may name."""
        custom = [name for name in self._search.dialect.logged if name.startswith("customfield_")]
        fields = ["status", "resolution", "parent", "IssueParentAssociation", *custom]
        return fields if len(fields) <= _FIELDS else []

    def moves(self, ids: Sequence[str]) -> Logs:
        """Return the logs of issues, on Cloud what they say of projects and of what stands above; those that are not
        told whole are left out. Raises SourceError.
        """
        cloud = self._search.dialect.cloud
        told: Logs = {id_: [] for id_ in ids} if cloud else {}  # Cloud is silent about logs without such entries
        ask, most = (self._moves, _ISSUES) if cloud else (self._together, _TOGETHER)
        for logs in self._caller.map(ask, chunks(ids, most)):
            told |= logs
        return told

    def _moves(self, ids: Sequence[str]) -> Logs:
        return self._bulk(ids, _MOVES)

    def _together(self, ids: Sequence[str]) -> Logs:
        named = {"jql": f"id in ({', '.join(ids)})", "validateQuery": "false", "maxResults": _TOGETHER}
        answer = self._http.get(f"2/search?{urlencode({**named, 'fields': 'updated', 'expand': 'changelog'})}")
        logs = {str(need(each, "id")): need(each, "changelog") for each in issues_of(answer)}
        return {id_: rows for id_, log in logs.items() if len(rows := _rows(log, "histories")) >= _total(log)}

    def _bulk(self, ids: Sequence[str], fields: Sequence[str]) -> Logs:
        body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "fieldIds": list(fields), "maxResults": _ENTRIES}
        logs: Logs = {}
        seen: set[str] = set()
        while True:
            answer = self._http.post("3/changelog/bulkfetch", body)
            page = _rows(answer, "issueChangeLogs")
            for log in page:
                logs.setdefault(str(need(log, "issueId")), []).extend(_rows(log, "changeHistories"))
            token = answer.get("nextPageToken")
            if not token:
                return logs
            if token in seen or not page:
                problem = "a page twice" if page else "an empty page"
                raise ProtocolError(f"changelog/bulkfetch brought {problem} before the end of the logs was reached")
            seen.add(token)
            body["nextPageToken"] = token

    def _single(self, id_: str) -> Logs:
        """Return one issue's log: Data Center sends it along with the issue, and pages of it where that is cut."""
        try:
            answer = need(self._http.get(f"2/issue/{id_}?fields=updated&expand=changelog"), "changelog")
        except AbsentError:
            return {}
        entries, total = _rows(answer, "histories"), _total(answer)
        return {id_: entries if len(entries) >= total else list(self._pages(id_))}

    def _pages(self, id_: str) -> Iterator[Any]:
        start = 0
        while True:
            answer = self._http.get(f"2/issue/{id_}/changelog?startAt={start}&maxResults={_PAGE}")
            entries = _rows(answer, "values")
            yield from entries
            start += len(entries)
            if start >= _total(answer):
                return
            if not entries:
                raise ProtocolError(f"the change log of issue {id_} brought an empty page before its end")


def _resolutions(items: Mapping[str, WorkItem], logs: Mapping[str, list[Change]]) -> dict[str, str]:
    learned: dict[str, str] = {}
    for id_, log in logs.items():
        learned |= learn_resolutions(items[id_], log)
    return learned


def _all(logs: Mapping[str, list[Change]]) -> Iterable[Change]:
    return (each for log in logs.values() for each in log)


def _rows(answer: Any, name: str) -> list[Any]:
    rows = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise ProtocolError(f"the change log has no {name}", fix="check `url` and `deployment`")
    return rows


def _total(answer: Mapping[str, Any]) -> int:
    total = answer.get("total")
    if not isinstance(total, int):
        raise ProtocolError("a page of a change log has no total", fix="check `url` and `deployment`")
    return total
