"""Everything a Jira site answers but searches: what it is, who asks, projects, issues, change logs."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from okr_sync.sandbox.issues import View
from okr_sync.sandbox.jira_catalogue import Project, fields_of
from okr_sync.sandbox.jira_visit import JiraError, Visit, texts, whole
from okr_sync.sandbox.server import Response

_BULK_ISSUES = ("issueIdsOrKeys", "fields", "expand", "fieldsByKeys", "properties")
_BULK_CHANGELOGS = ("issueIdsOrKeys", "fieldIds", "maxResults", "nextPageToken")


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
    return _page(visit, "project/search", [visit.writer.project(each) for each in values], default=50)


def issue(visit: Visit) -> Response:
    """Return one issue by id or any key it has had; with `expand=changelog`, with its change log."""
    view = visit.issue(unquote(visit.address.path.removeprefix("issue/")))
    shape = visit.writer.issue(view, visit.many("fields") or ["*all"])
    if "changelog" in visit.many("expand"):
        log = _histories(visit, view)
        head = {"startAt": 0, "maxResults": len(log), "total": len(log)}
        shape["changelog"] = {**head, "histories": log}
    return Response.of(shape)


def bulk_issues(visit: Visit) -> Response:
    """Return up to 100 issues in order of ids; those that can't be seen are left out without a word."""
    body = visit.body(_BULK_ISSUES)
    asked = _asked_issues(body, 100)
    wanted = texts(body.get("fields") or ["*navigable"], "fields", 1000)
    seen = _seen(visit, asked)
    return Response.of({"issues": [visit.writer.issue(view, wanted) for view in seen], "issueErrors": []})


def bulk_changelogs(visit: Visit) -> Response:
    """Return change logs of up to 1000 issues, oldest change first, a page at a time."""
    body = visit.body(_BULK_CHANGELOGS)
    only = texts(body.get("fieldIds") or [], "fieldIds", 10)
    limit = whole(1000 if body.get("maxResults") is None else body["maxResults"], "maxResults", least=1)
    start = _changelog_start(body.get("nextPageToken"))
    rows = [(view.id, row) for view in _seen(visit, _asked_issues(body, 1000)) for row in _histories(visit, view, only)]
    page = rows[start : start + min(limit, 10000)]
    logs: dict[str, list[dict[str, Any]]] = {}
    for id_, row in page:
        logs.setdefault(id_, []).append(row)
    payload: dict[str, Any] = {
        "issueChangeLogs": [{"issueId": id_, "changeHistories": log} for id_, log in logs.items()]
    }
    if start + len(page) < len(rows):
        payload["nextPageToken"] = f"changes:{start + len(page)}"
    return Response.of(payload)


def changelog(visit: Visit) -> Response:
    """Return a page of one issue's change log, oldest change first."""
    id_or_key = unquote(visit.address.path.split("/")[1])
    view = visit.issue(id_or_key)
    return _page(visit, f"issue/{id_or_key}/changelog", _histories(visit, view), default=100)


def _projects(visit: Visit) -> list[Project]:
    return sorted(visit.picture.projects.values(), key=lambda each: each.key)


def _histories(visit: Visit, view: View, only: list[str] | None = None) -> list[dict[str, Any]]:
    return visit.writer.histories(visit.world.issues[view.id], visit.now, only or ())


def _asked_issues(body: dict[str, Any], most: int) -> list[str]:
    asked = texts(body.get("issueIdsOrKeys") or [], "issueIdsOrKeys", most)
    if not asked:
        raise JiraError(400, "'issueIdsOrKeys' must have at least one entry.")
    return asked


def _seen(visit: Visit, asked: list[str]) -> list[View]:
    views = {view.id: view for each in asked if (view := visit.picture.get(each))}
    return sorted(views.values(), key=lambda view: int(view.id))


def _changelog_start(token: Any) -> int:
    if token is None:
        return 0
    if not isinstance(token, str) or not token.startswith("changes:"):
        raise JiraError(400, "The provided next page token is invalid or has expired.")
    return whole(token.removeprefix("changes:"), "nextPageToken")


def _page(visit: Visit, path: str, values: list[dict[str, Any]], default: int) -> Response:
    start = visit.number("startAt", 0)
    limit = min(visit.number("maxResults", default), 100)
    page = values[start : start + limit]
    link = f"{visit.address.api}/{path}?maxResults={limit}&startAt="
    payload: dict[str, Any] = {"self": f"{link}{start}", "maxResults": limit, "startAt": start, "total": len(values)}
    is_last = start + len(page) >= len(values)
    if not is_last:
        payload["nextPage"] = f"{link}{start + limit}"
    return Response.of({**payload, "isLast": is_last, "values": page})
