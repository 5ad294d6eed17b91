"""Brings the work of Jira epics and queries, from Cloud and Data Center."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar

from connectors.jira_http import JiraHttp
from connectors.jira_logs import JiraLogs
from connectors.jira_named import JiraNames
from connectors.jira_pull import JiraPull
from connectors.jira_resolutions import all_resolutions
from connectors.jira_scopes import PERMISSIONS, grant_of, introduce
from connectors.jira_search import JiraSearch
from connectors.jira_settings import EXAMPLE, JiraQuery, JiraSettings
from okr_sync.connector import (
    Caller,
    DeliverySource,
    Grant,
    LookUp,
    Named,
    Page,
    Query,
    Settings,
    Transition,
    WorkItem,
)


class JiraEpics(DeliverySource):
    """Reads epics with all that stands below them; see docs/connectors/jira_epics.md for how few requests it takes."""

    kind = "jira_epics"
    summary = "Work below Jira epics, or found by JQL (Cloud and Data Center)"
    Settings: ClassVar[type[Settings]] = JiraSettings
    Query: ClassVar[type[Query]] = JiraQuery
    HISTORY = True
    RESUMES = True
    permissions = PERMISSIONS
    example = EXAMPLE

    settings: JiraSettings

    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self._http = JiraHttp.of(settings, self.caller)
        self._search = JiraSearch(self._http, self.caller, settings.deployment, settings.points_field)
        logs = JiraLogs(self._http, self.caller, self._search)
        self._pull = JiraPull(self._search, logs, self.caller, settings)

    def probe(self) -> str:
        """Return who we are at which site; raises SourceError."""
        return introduce(self._http, self.settings)

    def grant(self) -> Grant:
        """Return the scopes of an OAuth 2 token, else whether the account may browse anything; raises SourceError."""
        return grant_of(self._http, self.settings.sign_in)

    def resolve(self, questions: Mapping[str, JiraQuery], now: datetime) -> Iterator[Named]:
        """Yield what epics, queries and the points field are; raises SourceError."""
        return JiraNames(self._http, self.caller, self.settings).named(questions)

    def resolutions(self) -> tuple[str, ...] | None:
        """Return the names of the site's resolutions; None: the token lacks a scope for it. Raises SourceError."""
        return all_resolutions(self._http, cloud=self._search.dialect.cloud)

    def close(self) -> None:
        """Close all connections; may be called twice."""
        self._http.close()

    def pull(self, scopes: Mapping[str, JiraQuery], cursor: str | None, now: datetime) -> Iterator[Page]:
        """Yield all work of `scopes`, or what changed since `cursor` where the mirror is at hand.

        Raises SourceError when Jira as a whole failed.
        """
        if not scopes:
            yield Page(cursor=cursor)
            return
        self._search.resolutions.droppings = self.droppings
        yield from self._pull.pages(scopes, cursor, now, self.mirror)

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of issues: those left out are gone if their project is still there to be seen."""
        return self._pull.look_up(ids, known) if ids else LookUp()

    def past(self, items: Mapping[str, WorkItem], since: datetime, now: datetime) -> Iterator[tuple[Transition, ...]]:
        """Yield what the change logs of `items` say about [since, now]; raises SourceError."""
        return JiraLogs(self._http, self.caller, self._search).past(items, since, now)
