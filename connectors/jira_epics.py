"""Brings the work of Jira epics and queries, from Cloud and Data Center."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.jira_dialect import Dialect
from connectors.jira_failures import RefusedError
from connectors.jira_held import Cursor, load_cursor
from connectors.jira_http import JiraHttp
from connectors.jira_items import can_hold, need, read_container
from connectors.jira_logs import JiraLogs
from connectors.jira_reach import Reach
from connectors.jira_search import JiraSearch
from connectors.jira_settings import EXAMPLE, JiraQuery, JiraSettings
from okr_sync.connector import (
    Caller,
    Container,
    DeliverySource,
    LookUp,
    Members,
    Miss,
    Page,
    ProtocolError,
    Query,
    Settings,
    Transition,
    WorkItem,
)

_MINUTE = 60_000  # ms
_HOUR = 3_600_000  # ms


class JiraEpics(DeliverySource):
    """Reads epics with all that stands below them; see docs/connectors/jira_epics.md for how few requests it takes."""

    kind = "jira_epics"
    summary = "Work below Jira epics, or found by JQL (Cloud and Data Center)"
    Settings: ClassVar[type[Settings]] = JiraSettings
    Query: ClassVar[type[Query]] = JiraQuery
    HISTORY = True
    permissions = "The account must be allowed to browse the projects; nothing is ever written."
    example = EXAMPLE

    settings: JiraSettings

    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        token = settings.token.get_secret_value()
        self._http = JiraHttp(settings.url, token, email=settings.email, reach=settings, caller=self.caller)
        self._search = JiraSearch(self._http, self.caller, settings.deployment, settings.points_field)
        self._epics: dict[str, str] = {}  # key in capitals → id, of those that were pulled

    def probe(self) -> str:
        """Return who we are at which site; raises SourceError."""
        me = self._http.get("2/myself")
        name = me.get("displayName") if isinstance(me, dict) else None
        if not name:
            raise ProtocolError("the answer to GET myself names nobody", fix="check `url`: is it a Jira site?")
        kind = "Cloud" if self._search.dialect.cloud else "Data Center"
        return f"signed in as {name} at {self.settings.url} (Jira {kind})"

    def close(self) -> None:
        """Close all connections; may be called twice."""
        self._http.close()

    def pull(self, scopes: Mapping[str, JiraQuery], cursor: str | None, now: datetime) -> Iterator[Page]:
        """Yield all work of `scopes`, or what changed since `cursor` and the whole membership of each container.

        Raises SourceError when Jira as a whole failed.
        """
        if not scopes:
            yield Page(cursor=cursor)
            return
        at, asked = round(now.timestamp() * 1000), self._fingerprint(scopes)
        epics, misses = self._resolve(scopes)
        good = {ref: scope for ref, scope in scopes.items() if ref not in misses}
        roots = {str(epics[key]["id"]): str(epics[key]["key"]) for scope in good.values() for key in scope.epics}
        self._epics = {key.upper(): id_ for id_, key in roots.items()}
        queries = {_query_id(scope.jql): scope.jql for scope in good.values() if scope.jql}
        reach, last = Reach(self._search, self.caller, roots, queries), self._last(cursor, asked, at)
        later = _later(reach, last)
        yield from (Page(items=items) for items in (reach.everything() if later is None else [later]))
        full = at if last is None or later is None else last.full
        misses |= {
            ref: _refused(scope.jql, reach) for ref, scope in good.items() if _query_id(scope.jql) in reach.refused
        }
        ids = {ref: _ids(scope, epics) for ref, scope in good.items() if ref not in misses}
        containers = self._containers({each for of in ids.values() for each in of}, epics, queries)
        held = reach.held.members(each.id for each in containers)
        yield Page(
            containers=containers,
            members=tuple(Members(container, items, whole=True) for container, items in held.items()),
            scopes=ids,
            misses=misses,
            cursor=Cursor(at - round(self.settings.overlap_minutes * _MINUTE), full, asked, reach.held).dump(),
        )

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of issues: those left out are gone if their project is still there to be seen."""
        if not ids:
            return LookUp()
        found = tuple(each.item for each in self._search.items(sorted(ids), self._epics))
        missing = ids - {item.id for item in found}
        projects = {known[id_].key.rpartition("-")[0] for id_ in missing if id_ in known}
        visible = dict(zip(projects, self.caller.map(self._search.visible, projects), strict=True))
        gone = frozenset(id_ for id_ in missing if id_ in known and visible[known[id_].key.rpartition("-")[0]])
        return LookUp(found, gone, missing - gone)

    def past(self, items: Mapping[str, WorkItem], since: datetime, now: datetime) -> Iterator[tuple[Transition, ...]]:
        """Yield what the change logs of `items` say about [since, now]; raises SourceError."""
        return JiraLogs(self._http, self.caller, self._search).past(items, since, now)

    def _last(self, cursor: str | None, asked: str, at: int) -> Cursor | None:
        """Return the cursor when a pull at `at` may start from it; None: everything must be read."""
        last = load_cursor(cursor)
        if last is None or last.asked != asked or not 0 <= at - last.full < self.settings.full_every_hours * _HOUR:
            return None
        return last

    def _fingerprint(self, scopes: Mapping[str, JiraQuery]) -> str:
        """Return a hash of all that makes the answer another one: what is asked, of whom, and which fields."""
        asked = sorted({scope.model_dump_json() for scope in scopes.values()})
        return _hash(json.dumps([asked, self.settings.url, self._search.dialect.fields]))

    def _resolve(self, scopes: Mapping[str, JiraQuery]) -> tuple[dict[str, Any], dict[str, Miss]]:
        """Return the epics by the key asked, and the scopes that name one that is none."""
        keys = list(dict.fromkeys(key for scope in scopes.values() for key in scope.epics))
        found = self._search.named(keys)
        bad = {key: _why_not(key, found, self._search.dialect) for key in keys}
        misses = {}
        for ref, scope in scopes.items():
            why = [miss for key in scope.epics if (miss := bad[key])]
            if why:
                misses[ref] = Miss(why[0].why, "; ".join(miss.message for miss in why))
        return found, misses

    def _containers(self, ids: set[str], epics: Mapping[str, Any], queries: Mapping[str, str]) -> tuple[Container, ...]:
        dialect = self._search.dialect
        known = {str(epic["id"]): epic for epic in epics.values()}
        return tuple(
            _query_container(id_, queries[id_], dialect) if id_ in queries else read_container(known[id_], dialect)
            for id_ in sorted(ids)
        )


def _query_container(id_: str, jql: str, dialect: Dialect) -> Container:
    return Container(id_, id_, jql, f"{dialect.address}/issues/?jql={quote(jql)}", "query", "open")


def _later(reach: Reach, last: Cursor | None) -> tuple[WorkItem, ...] | None:
    """Return what changed; None when everything must be read: a project or epic that was held is there no more."""
    try:
        return reach.later(last) if last else None
    except RefusedError:
        return None


def _ids(scope: JiraQuery, epics: Mapping[str, Any]) -> tuple[str, ...]:
    if scope.jql:
        return (_query_id(scope.jql),)
    return tuple(dict.fromkeys(str(epics[key]["id"]) for key in scope.epics))


def _query_id(jql: str) -> str:
    return f"jql:{_hash(jql)[:16]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _refused(jql: str, reach: Reach) -> Miss:
    return Miss("invalid", f"Jira refuses the query {jql!r}: {reach.refused[_query_id(jql)]}; correct the `jql`")


def _why_not(key: str, found: Mapping[str, Any], dialect: Dialect) -> Miss | None:
    if key not in found:
        near = get_close_matches(key, found, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return Miss(
            "not_found",
            f"Jira shows no issue {key}{hint}: it was deleted, or the account lacks the permission to browse project "
            f"{key.rpartition('-')[0]}; correct the key or give the permission",
        )
    if not can_hold(found[key], dialect):
        kind = need(found[key], "fields", "issuetype", "name")
        return Miss("invalid", f"{key} is no epic but a {kind}; name its epic, or use `jql: key = {key}`")
    return None
