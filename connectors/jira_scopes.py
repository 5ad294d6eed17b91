"""Who we are at a Jira site, the scopes and permissions that reading it takes, and what a credential has of them."""

from __future__ import annotations

from typing import Any

from connectors.jira_dialect import read_site
from connectors.jira_failures import AbsentError
from connectors.jira_http import JiraHttp
from connectors.jira_settings import JiraSettings, Way
from okr_sync.connector import Grant, ProtocolError

CLASSIC = ("read:jira-work", "read:jira-user")
GRANULAR = (
    "read:application-role:jira", "read:avatar:jira", "read:field-configuration:jira", "read:field.default-value:jira",
    "read:field.option:jira", "read:field:jira", "read:group:jira", "read:issue-details:jira", "read:issue-meta:jira",
    "read:issue-security-level:jira", "read:issue-type-hierarchy:jira", "read:issue-type:jira",
    "read:issue.changelog:jira", "read:issue.vote:jira", "read:issue:jira", "read:permission:jira",
    "read:project-category:jira", "read:project-version:jira", "read:project.component:jira",
    "read:project.property:jira", "read:project:jira", "read:status:jira", "read:user:jira",
)  # fmt: skip
"""Or all of these: what each address that is asked names in Atlassian's own description."""
BROWSE = "Browse Projects"
PERMISSIONS = (
    "The account needs Browse Projects in the mapped projects, a token with scopes also read:jira-work and "
    "read:jira-user; nothing is ever written."
)


def introduce(http: JiraHttp, settings: JiraSettings) -> str:
    """Return who we are at which site. Raises SourceError."""
    me = http.get("2/myself")
    name = me.get("displayName") if isinstance(me, dict) else None
    if not name:
        raise ProtocolError("the answer to GET myself names nobody", fix="check `url`: is it a Jira site?")
    says_cloud, _ = read_site(http.get("2/serverInfo"))
    cloud = says_cloud if settings.deployment == "auto" else settings.deployment == "cloud"
    return f"signed in as {name} at {settings.url} (Jira {'Cloud' if cloud else 'Data Center'})"


def grant_of(http: JiraHttp, way: Way) -> Grant:
    """Return the scopes of an OAuth 2 token, else whether the account may browse anything. Raises SourceError."""
    return _oauth_grant(http) if way == "oauth2" else _account_grant(http, scoped="/ex/jira/" in http.base)


def lacking(scopes: frozenset[str]) -> tuple[str, ...]:
    """Return the scopes to add: none when the classic or the granular ones are all there."""
    options = [[each for each in wanted if each not in scopes] for wanted in (CLASSIC, GRANULAR)]
    has_granular = bool(scopes.intersection(GRANULAR)) and not scopes.intersection(CLASSIC)
    return () if not all(options) else tuple(options[1 if has_granular else 0])


def _oauth_grant(http: JiraHttp) -> Grant:
    """Return what an OAuth 2 token may do at its site, as the gateway says. Raises SourceError."""
    cloud_id, sites = http.base.rpartition("/")[2], http.at_gateway("oauth/token/accessible-resources")
    if not isinstance(sites, list) or not all(isinstance(site, dict) for site in sites):
        raise ProtocolError("accessible-resources has no list of sites", fix="check `gateway`")
    # A site is listed once for each product, each with that product's scopes.
    scopes = frozenset(str(scope) for site in sites if site.get("id") == cloud_id for scope in site.get("scopes") or ())
    return Grant(CLASSIC, tuple(sorted(scopes)), lacking(scopes))


def browses(http: JiraHttp, project: str = "") -> bool:
    """Return whether the account may browse a project, or, without a key, any at all. Raises SourceError."""
    where = f"&projectKey={project}" if project else ""
    try:
        said = http.get(f"2/mypermissions?permissions=BROWSE_PROJECTS{where}")
    except AbsentError:
        return False
    return _held(said)


def _account_grant(http: JiraHttp, *, scoped: bool) -> Grant:
    """Return whether the account may browse anything; `scoped`: its token has scopes, which nobody tells."""
    needed = (*CLASSIC, BROWSE) if scoped else (BROWSE,)
    may = browses(http)
    return Grant(needed, None if scoped else (BROWSE,) * may, () if may else (BROWSE,))


def _held(said: Any) -> bool:
    permissions = said.get("permissions") if isinstance(said, dict) else None
    browse = permissions.get("BROWSE_PROJECTS") if isinstance(permissions, dict) else None
    if not isinstance(browse, dict) or not isinstance(browse.get("havePermission"), bool):
        raise ProtocolError("mypermissions says nothing of BROWSE_PROJECTS", fix="check `url`: is it a Jira site?")
    return bool(browse["havePermission"])
