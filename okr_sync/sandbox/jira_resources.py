"""Everything a Jira site answers but searches and single issues: what it is, who asks, projects, many issues."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from okr_sync.sandbox.issues import View
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_catalogue import Project, fields_of
from okr_sync.sandbox.jira_visit import JiraError, Visit, texts
from okr_sync.sandbox.server import Request, Response

_BULK_ISSUES = ("issueIdsOrKeys", "fields", "expand", "fieldsByKeys", "properties")


def server_info(visit: Visit) -> Response:
    """Return what the site is; `baseUrl` names the site, also behind the gateway."""
    cloud = visit.flavour == "cloud"
    version = "1001.0.0-SNAPSHOT" if cloud else "9.12.8"
    info: dict[str, Any] = {
        "baseUrl": visit.address.site,
        "version": version,
        "versionNumbers": [int(part) for part in version.partition("-")[0].split(".")],
        "deploymentType": "Cloud" if cloud else "Server",
        "buildNumber": 100279 if cloud else 9120008,
        "serverTime": visit.writer.time(visit.now),
        "scmInfo": "0" * 40,
        "serverTitle": "Jira",
    }
    return Response.of(info)


def fields(visit: Visit) -> Response:
    """Return all fields."""
    return Response.of([visit.writer.field(field) for field in fields_of(visit.flavour)])


def statuses(visit: Visit) -> Response:
    """Return all statuses."""
    return Response.of([visit.writer.status(status) for status in visit.world.statuses])


def resolution_list(visit: Visit) -> Response:
    """Return all resolutions (Data Center)."""
    return Response.of([visit.writer.resolution(each) for each in visit.world.resolutions])


def resolution_search(visit: Visit) -> Response:
    """Return a page of the resolutions (Cloud)."""
    values = [visit.writer.resolution(each) for each in visit.world.resolutions]
    return page(visit, "resolution/search", values, default=50)


def issue_types(visit: Visit) -> Response:
    """Return all issue types."""
    return Response.of([visit.writer.issue_type(kind) for kind in visit.world.types])


def myself(visit: Visit, email: str) -> Response:
    """Return the account."""
    name = email.partition("@")[0]
    user: dict[str, Any] = {"self": f"{visit.address.api}/myself", "displayName": name.title(), "active": True}
    user |= {"emailAddress": email, "timeZone": visit.zone.key, "locale": "en_US"}
    cloud = {"accountId": "5b10a2844c20165700ede21g", "accountType": "atlassian"}
    return Response.of(user | (cloud if visit.flavour == "cloud" else {"name": name, "key": name}))


def my_permissions(visit: Visit) -> Response:
    """Return whether the account may browse: anywhere, or the project named by `projectKey`; 404 if that is hidden."""
    asked = {"BROWSE_PROJECTS"} if visit.flavour == "dc" else set(visit.many("permissions"))
    if asked != {"BROWSE_PROJECTS"}:
        raise JiraError(400, "The 'permissions' query parameter is required.")
    shown, key = visit.picture.projects, visit.request.query.get("projectKey")
    if key and key.upper() not in {each.key for each in shown.values()}:
        raise JiraError(404, f"No project could be found with key '{key}'.")
    told = {"id": "10", "key": "BROWSE_PROJECTS", "name": "Browse Projects", "type": "PROJECT"}
    return Response.of({"permissions": {"BROWSE_PROJECTS": {**told, "havePermission": bool(shown)}}})


def accessible_resources(request: Request, accepted: Credentials) -> Response:
    """Return the sites that an OAuth 2 token opens, and its scopes at each."""
    site = f"http://{request.headers.get('host', 'localhost')}"
    told = {"id": accepted.cloud_id, "url": site, "name": "acme", "scopes": sorted(accepted.scopes), "avatarUrl": site}
    return Response.of([told])


def project(visit: Visit) -> Response:
    """Return one project by key or id; 404 when it can't be seen."""
    wanted = unquote(visit.address.path.removeprefix("project/"))
    for each in visit.picture.projects.values():
        if wanted.upper() == each.key or wanted == each.id:
            return Response.of(visit.writer.project(each))
    raise JiraError(404, f"No project could be found with key '{wanted}'.")


def project_list(visit: Visit) -> Response:
    """Return all projects that can be seen, by key (Data Center)."""
    return Response.of([visit.writer.project(each) for each in _projects(visit)])


def project_search(visit: Visit) -> Response:
    """Return a page of the projects that can be seen, by key; `keys`, `id` and `query` restrict them."""
    keys, ids = [key.upper() for key in visit.many("keys")], visit.many("id")
    text = visit.request.query.get("query", "").lower()
    values = [
        each
        for each in _projects(visit)
        if (not keys or each.key in keys) and (not ids or each.id in ids) and text in f"{each.key} {each.name}".lower()
    ]
    return page(visit, "project/search", [visit.writer.project(each) for each in values], default=50)


def bulk_issues(visit: Visit) -> Response:
    """Return up to 100 issues in order of ids; those that can't be seen are left out without a word."""
    body = visit.body(_BULK_ISSUES)
    asked = asked_issues(body, 100)
    wanted = texts(body.get("fields") or ["*navigable"], "fields", 1000)
    views = seen(visit, asked)
    return Response.of({"issues": [visit.writer.issue(view, wanted) for view in views], "issueErrors": []})


def _projects(visit: Visit) -> list[Project]:
    return sorted(visit.picture.projects.values(), key=lambda each: each.key)


def asked_issues(body: dict[str, Any], most: int) -> list[str]:
    """Return the ids and keys asked for; raises JiraError 400 for none or more than `most`."""
    asked = texts(body.get("issueIdsOrKeys") or [], "issueIdsOrKeys", most)
    if not asked:
        raise JiraError(400, "'issueIdsOrKeys' must have at least one entry.")
    return asked


def seen(visit: Visit, asked: list[str]) -> list[View]:
    """Return the issues that can be seen among those asked for, each once, in order of ids."""
    views = {view.id: view for each in asked if (view := visit.picture.get(each))}
    return sorted(views.values(), key=lambda view: int(view.id))


def page(visit: Visit, path: str, values: list[dict[str, Any]], default: int) -> Response:
    """Return a page of at most 100 of `values`, by `startAt` and `maxResults`."""
    start = visit.number("startAt", 0)
    limit = min(visit.number("maxResults", default), 100)
    shown = values[start : start + limit]
    link = f"{visit.address.api}/{path}?maxResults={limit}&startAt="
    payload: dict[str, Any] = {"self": f"{link}{start}", "maxResults": limit, "startAt": start, "total": len(values)}
    is_last = start + len(shown) >= len(values)
    if not is_last:
        payload["nextPage"] = f"{link}{start + limit}"
    return Response.of({**payload, "isLast": is_last, "values": shown})
