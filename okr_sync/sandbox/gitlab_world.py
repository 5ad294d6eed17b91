"""A world of GitLab: groups, projects, milestones, epics and issues as they are, and what happened to issues."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from typing import Literal

__all__ = ["Epic", "GitlabWorld", "Group", "Happened", "Issue", "Kind", "Milestone", "Project"]

Kind = Literal["open", "done", "dropped"]


@dataclass(slots=True, eq=False)
class Group:
    """A group by its path; epics are there only where its subscription has them."""

    id: int
    path: str
    has_epics: bool = True
    hidden: bool = False


@dataclass(slots=True, eq=False)
class Project:
    """A project by its path; `role` is the access level that the token has in it, 0 for a stranger."""

    id: int
    path: str
    created: datetime
    role: int = 20
    hidden: bool = False
    issues: dict[int, Issue] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))


@dataclass(slots=True, eq=False)
class Milestone:
    """A milestone of a project or a group."""

    id: int
    iid: int
    owner: Project | Group
    title: str
    created: datetime
    closed: bool = False
    due: date | None = None


@dataclass(slots=True, eq=False)
class Epic:
    """An epic of a group."""

    id: int
    iid: int
    group: Group
    title: str
    created: datetime
    closed: datetime | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of an issue: closed, reopened, or a milestone added or removed."""

    id: int
    at: datetime
    what: Literal["closed", "reopened", "add", "remove"]
    milestone: Milestone | None = None


@dataclass(slots=True, eq=False)
class Issue:
    """An issue as it is now."""

    id: int
    iid: int
    project: Project
    title: str
    created: datetime
    updated: datetime
    closed: datetime | None = None
    milestone: Milestone | None = None
    epic: Epic | None = None
    labels: tuple[str, ...] = ()
    weight: int | None = None
    confidential: bool = False
    moved_to: Issue | None = None
    duplicate_of: Issue | None = None
    happened: list[Happened] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """Return what the issue is worth: duplicates are dropped."""
        if self.closed is None:
            return "open"
        return "dropped" if self.duplicate_of else "done"


class GitlabWorld:
    """Everything on a GitLab server; each change bears its instant. Ids count over the server, numbers by project."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.projects: list[Project] = []
        self.milestones: list[Milestone] = []
        self.epics: list[Epic] = []
        self.former: dict[str, Project] = {}
        """Paths that projects had once."""
        self._ids = count(101)

    def add_group(self, path: str) -> Group:
        """Return a new group."""
        self.groups.append(Group(next(self._ids), path))
        return self.groups[-1]

    def add_project(self, path: str, *, at: datetime) -> Project:
        """Return a new project."""
        self.projects.append(Project(next(self._ids), path, at))
        return self.projects[-1]

    def add_milestone(self, owner: Project | Group, title: str, *, at: datetime, due: date | None = None) -> Milestone:
        """Return a new milestone of a project or a group."""
        number = 1 + sum(each.owner is owner for each in self.milestones)
        self.milestones.append(Milestone(next(self._ids), number, owner, title, at, due=due))
        return self.milestones[-1]

    def add_epic(self, group: Group, title: str, *, at: datetime) -> Epic:
        """Return a new epic of a group."""
        number = 1 + sum(each.group is group for each in self.epics)
        self.epics.append(Epic(next(self._ids), number, group, title, at))
        return self.epics[-1]

    def add_issue(
        self,
        project: Project,
        title: str,
        *,
        at: datetime,
        milestone: Milestone | None = None,
        epic: Epic | None = None,
        weight: int | None = None,
        labels: tuple[str, ...] = (),
    ) -> Issue:
        """Return a new open issue."""
        issue = Issue(next(self._ids), next(project.numbers), project, title, at, at, None, None, epic, labels, weight)
        project.issues[issue.iid] = issue
        if milestone:
            self.set_milestone(issue, milestone, at=at)
        return issue

    def close(self, issue: Issue, *, at: datetime, duplicate_of: Issue | None = None) -> None:
        """Close an issue, maybe as a duplicate of another."""
        issue.closed = issue.updated = at
        issue.duplicate_of = duplicate_of
        self._tell(issue, at, "closed")

    def reopen(self, issue: Issue, *, at: datetime) -> None:
        """Open an issue again."""
        issue.closed, issue.duplicate_of, issue.updated = None, None, at
        self._tell(issue, at, "reopened")

    def set_milestone(self, issue: Issue, milestone: Milestone | None, *, at: datetime) -> None:
        """Put an issue into a milestone, or out of its own."""
        if issue.milestone:
            self._tell(issue, at, "remove", issue.milestone)
        if milestone:
            self._tell(issue, at, "add", milestone)
        issue.milestone, issue.updated = milestone, at

    def delete(self, issue: Issue) -> None:
        """Delete an issue; its number is not given again."""
        del issue.project.issues[issue.iid]

    def move(self, issue: Issue, project: Project, *, at: datetime) -> Issue:
        """Return the new issue in `project`; the old one stays, closed, and points to it."""
        moved = self.add_issue(project, issue.title, at=at, weight=issue.weight, labels=issue.labels, epic=issue.epic)
        self.close(issue, at=at)
        issue.moved_to = moved
        return moved

    def rename(self, project: Project, path: str) -> None:
        """Give a project another path; the old one leads to it until another project takes it."""
        self.former[project.path] = project
        project.path = path

    def truth(self, holder: Milestone | Epic) -> dict[str, Kind]:
        """Return id → kind of the issues that a milestone or an epic holds; of moved ones only the new ones."""
        every = (issue for project in self.projects for issue in project.issues.values() if not issue.moved_to)
        return {str(issue.id): issue.kind for issue in every if holder in (issue.milestone, issue.epic)}

    def _tell(
        self,
        issue: Issue,
        at: datetime,
        what: Literal["closed", "reopened", "add", "remove"],
        milestone: Milestone | None = None,
    ) -> None:
        issue.happened.append(Happened(next(self._ids), at, what, milestone))
