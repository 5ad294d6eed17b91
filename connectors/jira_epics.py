"""Brings the work of Jira epics and queries, from Cloud and Data Center."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar

from connectors.jira_dialect import read_site
from connectors.jira_http import JiraHttp
from connectors.jira_logs import JiraLogs
from connectors.jira_named import JiraNames
from connectors.jira_pull import JiraPull
from connectors.jira_scopes import account_grant, oauth_grant
from connectors.jira_search import JiraSearch
from connectors.jira_settings import EXAMPLE, JiraQuery, JiraSettings
from okr_sync.connector import (
    Caller,
    DeliverySource,
    Grant,
    LookUp,
    Named,
    Page,
    ProtocolError,
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
    permissions = (
        "The account needs Browse Projects in the mapped projects, a token with scopes also read:jira-work and "
        "read:jira-user; nothing is ever written."
    )
    example = EXAMPLE

    settings: JiraSettings

    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        token, gateway = settings.token.get_secret_value().strip(), settings.gateway if settings.asks_gateway else None
        self._http = JiraHttp(
            settings.url, token, email=settings.email, reach=settings, caller=self.caller, gateway=gateway
        )
        self._search = JiraSearch(self._http, self.caller, settings.deployment, settings.points_field)
        self._pull = JiraPull(self._search, self.caller, settings)

    def probe(self) -> str:
        """Return who we are at which site; raises SourceError."""
        me = self._http.get("2/myself")
        name = me.get("displayName") if isinstance(me, dict) else None
        if not name:
            raise ProtocolError("the answer to GET myself names nobody", fix="check `url`: is it a Jira site?")
        says_cloud, _ = read_site(self._http.get("2/serverInfo"))
        cloud = says_cloud if self.settings.deployment == "auto" else self.settings.deployment == "cloud"
        kind = "Cloud" if cloud else "Data Center"
        return f"signed in as {name} at {self.settings.url} (Jira {kind})"

    def grant(self) -> Grant:
        """Return the scopes of an OAuth 2 token, else whether the account may browse anything; raises SourceError."""
        if self.settings.sign_in == "oauth2":
            return oauth_grant(self._http)
        return account_grant(self._http, scoped="/ex/jira/" in self._http.base)

    def resolve(self, questions: Mapping[str, JiraQuery], now: datetime) -> Iterator[Named]:
        """Yield what epics, queries and the points field are; raises SourceError."""
        return JiraNames(self._http, self.caller, self.settings).named(questions)

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
        yield from self._pull.pages(scopes, cursor, now, self.mirror)

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of issues: those left out are gone if their project is still there to be seen."""
        return self._pull.look_up(ids, known) if ids else LookUp()

    def past(self, items: Mapping[str, WorkItem], since: datetime, now: datetime) -> Iterator[tuple[Transition, ...]]:
        """Yield what the change logs of `items` say about [since, now]; raises SourceError."""
        return JiraLogs(self._http, self.caller, self._search).past(items, since, now)
