"""What GitHub's REST API shows of repositories, milestones, issues and pull requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from okr_sync.sandbox.graphql_fields import instant
from okr_sync.sandbox.repositories import global_id, number_of
from okr_sync.sandbox.repositories_state import ItemState, MilestoneState, RepositoryState

__all__ = ["Addresses", "issue_json", "milestone_json", "repository_json", "type_json", "user_json"]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the site was reached: `api` before /repos, `web` before /owner/name; no slash at the end."""

    api: str
    web: str


def user_json(login: str, at: Addresses) -> dict[str, Any]:
    """Return a user."""
    return {
        "login": login,
        "id": 1,
        "node_id": global_id("U", 1),
        "url": f"{at.api}/users/{login}",
        "html_url": f"{at.web}/{login}",
        "type": "User",
        "site_admin": False,
    }


def repository_json(state: RepositoryState, at: Addresses) -> dict[str, Any]:
    """Return a repository; `open_issues` counts pull requests."""
    owner, name = state.full_name.split("/")
    url = f"{at.api}/repos/{state.full_name}"
    open_items = sum(item.state == "OPEN" for item in state.items.values())
    return {
        "id": state.repository.id,
        "node_id": state.repository.node_id,
        "name": name,
        "full_name": state.full_name,
        "private": state.repository.private,
        "owner": {**user_json(owner, at), "node_id": global_id("O", number_of(owner)), "type": "Organization"},
        "html_url": f"{at.web}/{state.full_name}",
        "description": None,
        "fork": False,
        "url": url,
        "issues_url": f"{url}/issues{{/number}}",
        "milestones_url": f"{url}/milestones{{/number}}",
        "created_at": instant(state.repository.created_at),
        "has_issues": True,
        "archived": False,
        "disabled": False,
        "visibility": "private" if state.repository.private else "public",
        "open_issues_count": open_items,
        "open_issues": open_items,
        "default_branch": "main",
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
    }


def milestone_json(state: MilestoneState, at: Addresses, login: str) -> dict[str, Any]:
    """Return a milestone; `open_issues` and `closed_issues` count pull requests, whatever the reason of closing."""
    number = state.milestone.number
    url = f"{at.api}/repos/{state.repository.full_name}/milestones/{number}"
    open_items = sum(item.state == "OPEN" for item in state.items)
    return {
        "url": url,
        "html_url": f"{at.web}/{state.repository.full_name}/milestone/{number}",
        "labels_url": f"{url}/labels",
        "id": state.milestone.id,
        "node_id": state.milestone.node_id,
        "number": number,
        "title": state.title,
        "description": state.milestone.description,
        "creator": user_json(login, at),
        "open_issues": open_items,
        "closed_issues": len(state.items) - open_items,
        "state": state.state.lower(),
        "created_at": instant(state.milestone.created_at),
        "updated_at": instant(state.updated_at),
        "due_on": instant(state.due_on),
        "closed_at": instant(state.closed_at),
    }


def issue_json(state: ItemState, at: Addresses, login: str) -> dict[str, Any]:
    """Return an issue, or a pull request as the issues API shows it: with the key `pull_request`."""
    base = f"{at.api}/repos/{state.repository.full_name}"
    url = f"{base}/issues/{state.item.number}"
    part = "pull" if state.item.pull_request else "issues"
    shown = {
        "url": url,
        "repository_url": base,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{at.web}/{state.repository.full_name}/{part}/{state.item.number}",
        "id": state.item.id,
        "node_id": state.item.node_id,
        "number": state.item.number,
        "title": state.item.title,
        "user": user_json(login, at),
        "labels": [_label_json(name, base, state.repository.repository.id) for name in state.labels],
        "state": "open" if state.state == "OPEN" else "closed",
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": milestone_json(state.milestone, at, login) if state.milestone else None,
        "comments": 0,
        "created_at": instant(state.item.created_at),
        "updated_at": instant(state.updated_at),
        "closed_at": instant(state.closed_at),
        "author_association": "MEMBER",
        "active_lock_reason": None,
        "body": None,
        "state_reason": state.reason.lower() if state.reason else None,
    }
    return {**shown, **(_pull_json(state, base, at) if state.item.pull_request else _issue_json(state))}


def _label_json(name: str, base: str, repository: int) -> dict[str, Any]:
    number = number_of(name)
    return {
        "id": number,
        "node_id": global_id("LA", repository, number),
        "url": f"{base}/labels/{name}",
        "name": name,
        "color": "ededed",
        "default": False,
        "description": None,
    }


def _pull_json(state: ItemState, base: str, at: Addresses) -> dict[str, Any]:
    web = f"{at.web}/{state.repository.full_name}/pull/{state.item.number}"
    links = {
        "url": f"{base}/pulls/{state.item.number}",
        "html_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "merged_at": instant(state.closed_at) if state.state == "MERGED" else None,
    }
    return {"draft": False, "pull_request": links}


def type_json(name: str) -> dict[str, Any]:
    """Return an issue type."""
    number = number_of(name)
    told = {"description": None, "color": "gray", "is_enabled": True}
    return {"id": number, "node_id": global_id("IT", number), "name": name, **told}


def _issue_json(state: ItemState) -> dict[str, Any]:
    return {**_sub_issues_json(state), "type": type_json(state.type) if state.type else None}


def _sub_issues_json(state: ItemState) -> dict[str, Any]:
    total = len(state.children)
    closed = sum(child.state != "OPEN" for child in state.children)
    percent = 100 * closed // total if total else 0
    return {"sub_issues_summary": {"total": total, "completed": closed, "percent_completed": percent}}
