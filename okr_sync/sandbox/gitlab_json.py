"""Writes GitLab's objects as its REST API v4 does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from okr_sync.sandbox.gitlab_world import Epic, Group, Happened, Issue, Milestone, Project

__all__ = ["Writer", "instant"]


def instant(at: datetime | None) -> str | None:
    """Return an instant with milliseconds, as GitLab spells it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z" if at else None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes objects with the addresses of the server at `url`."""

    url: str

    def user(self, login: str) -> dict[str, Any]:
        """Return whom a token belongs to."""
        return {"id": 1, "username": login, "name": login, "state": "active", "web_url": f"{self.url}/{login}"}

    def project(self, project: Project) -> dict[str, Any]:
        """Return a project with the roles that the token has in it."""
        role = {"access_level": project.role, "notification_level": 3} if project.role else None
        name = project.path.rpartition("/")[2]
        return {
            "id": project.id, "name": name, "path": name, "path_with_namespace": project.path,
            "created_at": instant(project.created), "web_url": f"{self.url}/{project.path}", "visibility": "private",
            "permissions": {"project_access": role, "group_access": None},
        }  # fmt: skip

    def milestone(self, milestone: Milestone) -> dict[str, Any]:
        """Return a milestone; one of a group names its group instead of a project."""
        owner = milestone.owner
        is_group = isinstance(owner, Group)
        return {
            "id": milestone.id, "iid": milestone.iid, "group_id" if is_group else "project_id": owner.id,
            "title": milestone.title, "description": "", "state": "closed" if milestone.closed else "active",
            "created_at": instant(milestone.created), "updated_at": instant(milestone.created),
            "due_date": milestone.due.isoformat() if milestone.due else None, "start_date": None, "expired": False,
            "web_url": f"{self.url}/{'groups/' if is_group else ''}{owner.path}/-/milestones/{milestone.iid}",
        }  # fmt: skip

    def epic(self, epic: Epic) -> dict[str, Any]:
        """Return an epic."""
        page = f"/groups/{epic.group.path}/-/epics/{epic.iid}"
        short = f"&{epic.iid}"
        return {
            "id": epic.id, "iid": epic.iid, "group_id": epic.group.id, "parent_id": None, "title": epic.title,
            "state": "closed" if epic.closed else "opened", "closed_at": instant(epic.closed),
            "created_at": instant(epic.created), "updated_at": instant(epic.created), "labels": [],
            "due_date": epic.due.isoformat() if epic.due else None, "web_url": self.url + page,
            "references": {"short": short, "relative": short, "full": f"{epic.group.path}{short}"},
        }  # fmt: skip

    def issue(self, issue: Issue) -> dict[str, Any]:
        """Return an issue."""
        page = f"{issue.project.path}/-/issues/{issue.iid}"
        there = f"{self.url}/api/v4/projects/{issue.project.id}"
        other = issue.duplicate_of
        duplicate = f"{self.url}/api/v4/projects/{other.project.id}/issues/{other.iid}" if other else None
        short = f"#{issue.iid}"
        return {
            "id": issue.id, "iid": issue.iid, "project_id": issue.project.id, "title": issue.title, "description": "",
            "state": "closed" if issue.closed else "opened", "created_at": instant(issue.created),
            "updated_at": instant(issue.updated), "closed_at": instant(issue.closed), "labels": list(issue.labels),
            "milestone": self.milestone(issue.milestone) if issue.milestone else None, "due_date": None,
            "confidential": issue.confidential, "issue_type": "issue", "weight": issue.weight,
            "moved_to_id": issue.moved_to.id if issue.moved_to else None, "web_url": f"{self.url}/{page}",
            "references": {"short": short, "relative": short, "full": f"{issue.project.path}{short}"},
            "epic_iid": issue.epic.iid if issue.epic else None,
            "_links": {"self": f"{there}/issues/{issue.iid}", "project": there, "closed_as_duplicate_of": duplicate},
        }  # fmt: skip

    def event(self, issue: Issue, event: Happened) -> dict[str, Any]:
        """Return an event of an issue, about its state or its milestone."""
        said = {"id": event.id, "created_at": instant(event.at), "resource_type": "Issue", "resource_id": issue.id}
        if event.milestone:
            return {**said, "action": event.what, "milestone": self.milestone(event.milestone)}
        return {**said, "state": event.what}
