"""The scopes and permissions that reading a Jira site takes, and what a credential has of them."""

from __future__ import annotations

from typing import Any

from connectors.jira_failures import AbsentError
from connectors.jira_http import JiraHttp
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


def lacking(scopes: frozenset[str]) -> tuple[str, ...]:
    """Return the scopes to add: none when the classic or the granular ones are all there."""
    options = [[each for each in wanted if each not in scopes] for wanted in (CLASSIC, GRANULAR)]
    has_granular = bool(scopes.intersection(GRANULAR)) and not scopes.intersection(CLASSIC)
    return () if not all(options) else tuple(options[1 if has_granular else 0])


def oauth_grant(http: JiraHttp) -> Grant:
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


def account_grant(http: JiraHttp, *, scoped: bool) -> Grant:
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
