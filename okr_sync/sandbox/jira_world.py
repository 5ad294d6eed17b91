"""The truth that a Jira site plays: issues whose every change has an instant, and the verbs that change them."""

from __future__ import annotations

import dataclasses
import threading
from bisect import insort
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeAlias, TypeVar

from okr_sync.sandbox.jira_catalogue import (
    CATEGORIES,
    CategoryKey,
    IssueType,
    Named,
    Project,
    Status,
    Version,
    default_resolutions,
    default_statuses,
    default_types,
)

ChangeField: TypeAlias = Literal[
    "summary",
    "status",
    "resolution",
    "parent",
    "points",
    "key",
    "due",
    "labels",
    "fix_versions",
    "level",
    "touched",
    "deleted",
]
Points: TypeAlias = float | str | None


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """From `at` on, `field` has `value`. `number` orders changes of one instant."""

    at: datetime
    number: int
    field: ChangeField = dataclasses.field(compare=False)
    value: Any = dataclasses.field(compare=False)


@dataclass(slots=True)
class Issue:
    """An issue: its stable numeric `id`, its type, and the timeline of everything else (oldest first).

    Values: `status` is a status id, `resolution` a name or None, `parent` the id of the issue above or None.
    """

    id: str
    type: IssueType
    created: datetime
    changes: list[Change] = dataclasses.field(default_factory=list)

    def latest(self, name: ChangeField) -> Any:
        """Return the last value of a field, whatever its instant; None when it was never set."""
        return next((change.value for change in reversed(self.changes) if change.field == name), None)

    @property
    def key(self) -> str:
        """The newest key."""
        return str(self.latest("key"))


@dataclass(frozen=True, slots=True)
class Visibility:
    """From `at` on, a project can or can't be seen."""

    at: datetime
    project: str
    visible: bool


Which: TypeAlias = Issue | str
"""An issue, its id, or any key it has had."""


Thing = TypeVar("Thing", Status, IssueType, Named)


def instant(at: datetime) -> datetime:
    """Return `at` in UTC, cut to whole milliseconds as Jira stores it; raises ValueError when it is naive."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone; give an aware datetime")
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)


class JiraWorld:
    """Projects and issues through time; safe for several threads. Every verb takes the instant `at` of the change.

    `version` grows with each change. `strangers` maps ids of epics that this site doesn't have to their keys. `levels`
    are security levels; the account is in none of `beyond` (names), so it can't see their issues.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.version = 0
        self.statuses = default_statuses()
        self.types = default_types()
        self.resolutions = default_resolutions()
        self.projects: dict[str, Project] = {}
        self.versions: dict[str, Version] = {}
        self.issues: dict[str, Issue] = {}
        self.visibility: list[Visibility] = []
        self.strangers: dict[str, str] = {}
        self.levels: list[Named] = []
        self.beyond: set[str] = set()
        self._by_key: dict[str, str] = {}
        self._ever_below: dict[str, dict[str, Issue]] = {}
        self._last_number: dict[str, int] = {}
        self._last_id = 10000
        self._last_change = 0

    def add_status(self, name: str, category: CategoryKey, *, id: str = "") -> Status:  # noqa: A002 -- Jira's word
        """Return a new status of one of the four categories."""
        return self._keep(self.statuses, Status(id or self._next_id(), name, CATEGORIES[category]))

    def add_issue_type(self, name: str, level: int, *, id: str = "") -> IssueType:  # noqa: A002 -- Jira's word
        """Return a new issue type: level -1 sub-task, 0 story, 1 epic, 2 and more above."""
        return self._keep(self.types, IssueType(id or self._next_id(), name, level))

    def add_resolution(self, name: str) -> Named:
        """Return a new resolution."""
        return self._keep(self.resolutions, Named(self._next_id(), name))

    def add_level(self, name: str, *, seen: bool) -> Named:
        """Return a new security level, whose issues the account can see or not."""
        with self.lock:
            self.beyond |= set() if seen else {name}
            return self._keep(self.levels, Named(self._next_id(), name))

    def add_version(self, name: str, *, released: bool = False, release_date: date | None = None) -> Version:
        """Return a new version, which issues may name among their `fix_versions`."""
        with self.lock:
            self.version += 1
            return self.versions.setdefault(name, Version(self._next_id(), name, released, release_date))

    def add_project(
        self,
        key: str,
        name: str = "",
        *,
        managed: Literal["company", "team"] = "company",
        id: str = "",  # noqa: A002
    ) -> Project:
        """Return a new project; it is there from the beginning of time."""
        with self.lock:
            self.version += 1
            project = Project(id or self._next_id(), key, name or key.title(), managed)
            self.projects[key] = project
            return project

    def add_stranger(self, id: str, key: str) -> str:  # noqa: A002 -- Jira's word
        """Return the id of an epic that issues name as their parent but that this site doesn't have."""
        with self.lock:
            self.strangers[id] = key
        return id

    def add_epic(self, project: str, summary: str, *, at: datetime, type: str = "Epic", **more: Any) -> Issue:  # noqa: A002
        """Return a new epic; `more` as in `add_issue`."""
        return self.add_issue(project, summary, at=at, type=type, **more)

    def add_subtask(self, parent: Which, summary: str, *, at: datetime, **more: Any) -> Issue:
        """Return a new sub-task of an issue, in its project; `more` as in `add_issue`."""
        above = self.find(parent)
        return self.add_issue(project_of(above.key), summary, at=at, parent=above, type="Sub-task", **more)

    def add_issue(
        self,
        project: str,
        summary: str,
        *,
        at: datetime,
        parent: Which | None = None,
        type: str = "Story",  # noqa: A002 -- Jira's word
        status: str = "To Do",
        resolution: str | None = None,
        points: Points = None,
        due: date | None = None,
        labels: tuple[str, ...] = (),
        fix_versions: tuple[str, ...] = (),
        key: str = "",
        id: str = "",  # noqa: A002 -- Jira's word
    ) -> Issue:
        """Return a new issue. `points` may be text or negative: real sites have both."""
        if project not in self.projects:
            raise ValueError(f"no project {project!r}; add_project first, or use one of {sorted(self.projects)}")
        with self.lock:
            issue = Issue(id or self._next_id(), self.issue_type(type), instant(at))
            self.issues[issue.id] = issue
            self.record(
                issue,
                at,
                key=key or self._next_key(project),
                summary=summary,
                status=self.status(status).id,
                parent=self._parent_id(parent),
                points=points,
                due=due,
                labels=labels,
                resolution=resolution,
                fix_versions=fix_versions,
            )
            return issue

    def move(self, issue: Which, to_status: str, *, at: datetime, resolution: str | None = None) -> None:
        """Put an issue into a status (id or name) with this resolution; None clears it."""
        known = {each.name for each in self.resolutions}
        if resolution is not None and resolution not in known:
            raise ValueError(f"no resolution {resolution!r}; add_resolution first, or use one of {sorted(known)}")
        self.record(self.find(issue), at, status=self.status(to_status).id, resolution=resolution)

    def edit(self, issue: Which, *, at: datetime, **values: Any) -> None:
        """Set any of summary, points, due, labels, fix_versions."""
        strange = values.keys() - {"summary", "points", "due", "labels", "fix_versions"}
        if strange:
            raise ValueError(f"edit can't set {sorted(strange)}; use move, reparent or change_project")
        self.record(self.find(issue), at, **values)

    def protect(self, issue: Which, level: str | None, *, at: datetime) -> None:
        """Give an issue a security level (by name), or take it away; raises ValueError when there is no such level."""
        known = {each.name for each in self.levels}
        if level is not None and level not in known:
            raise ValueError(f"no security level {level!r}; add_level first, or use one of {sorted(known)}")
        self.record(self.find(issue), at, level=level)

    def touch(self, issue: Which, *, at: datetime) -> None:
        """Move `updated` and nothing else, as a comment does."""
        self.record(self.find(issue), at, touched=True)

    def reparent(self, issue: Which, parent: Which | None, *, at: datetime) -> None:
        """Put an issue under another one, or under none."""
        self.record(self.find(issue), at, parent=self._parent_id(parent))

    def change_project(self, issue: Which, project: str, *, at: datetime) -> str:
        """Move an issue, with its sub-tasks, to another project; return its new key. The id stays."""
        if project not in self.projects:
            raise ValueError(f"no project {project!r}; add_project first, or use one of {sorted(self.projects)}")
        with self.lock:
            moved = self.find(issue)
            self.record(moved, at, key=self._next_key(project))
            for child in self._subtasks(moved):
                self.record(child, at, key=self._next_key(project))
            return moved.key

    def delete(self, issue: Which, *, at: datetime) -> None:
        """Delete an issue with its sub-tasks; issues of a deleted epic have no parent afterwards."""
        with self.lock:
            doomed = self.find(issue)
            for each in (doomed, *self._subtasks(doomed)):
                self.record(each, at, deleted=True)

    def hide_project(self, key: str, *, at: datetime) -> None:
        """Take away the permission to browse a project: it and its issues look as if they weren't there."""
        self._set_visible(key, at, visible=False)

    def show_project(self, key: str, *, at: datetime) -> None:
        """Give back the permission to browse a project."""
        self._set_visible(key, at, visible=True)

    def find(self, which: Which) -> Issue:
        """Return an issue by id or by any key it has had; raises KeyError when it never existed."""
        if isinstance(which, Issue):
            return which
        with self.lock:
            found = self.issues.get(self._by_key.get(which.upper(), which))
        if found is None:
            raise KeyError(f"this world never had an issue {which!r}")
        return found

    def status(self, which: str) -> Status:
        """Return a status by id or name; raises ValueError when there is none."""
        return _pick(self.statuses, which, "status")

    def issue_type(self, which: str) -> IssueType:
        """Return an issue type by id or name; raises ValueError when there is none."""
        return _pick(self.types, which, "issue type")

    def record(self, issue: Issue, at: datetime, **values: Any) -> None:
        """Write changes of one instant into an issue's timeline; raises ValueError before its creation."""
        when = instant(at)
        if when < issue.created:
            raise ValueError(f"{when.isoformat()} is before the issue was created, {issue.created.isoformat()}")
        strange = set(values.get("fix_versions") or ()) - self.versions.keys()
        if strange:
            raise ValueError(f"no version {sorted(strange)}; add_version first")
        with self.lock:
            self.version += 1
            for name, value in values.items():
                self._last_change += 1
                change = Change(when, self._last_change, name, value)  # type: ignore[arg-type] # **values
                if issue.changes and change < issue.changes[-1]:
                    insort(issue.changes, change)
                else:
                    issue.changes.append(change)
                if name == "key":
                    self._claim_key(value, issue.id)
                elif name == "parent" and value is not None:
                    self._ever_below.setdefault(value, {})[issue.id] = issue

    def _claim_key(self, key: str, id_: str) -> None:
        project, _, number = key.rpartition("-")
        self._by_key[key.upper()] = id_
        self._last_number[project] = max(self._last_number.get(project, 0), int(number))

    def _next_key(self, project: str) -> str:
        return f"{project}-{self._last_number.get(project, 0) + 1}"

    def _next_id(self) -> str:
        with self.lock:
            self._last_id += 1
            while str(self._last_id) in self.issues:
                self._last_id += 1
            return str(self._last_id)

    def _parent_id(self, parent: Which | None) -> str | None:
        if parent is None or (isinstance(parent, str) and parent in self.strangers):
            return parent
        return self.find(parent).id

    def _subtasks(self, issue: Issue) -> list[Issue]:
        below = self._ever_below.get(issue.id, {}).values()
        return [each for each in below if each.type.level < 0 and each.latest("parent") == issue.id]

    def _set_visible(self, key: str, at: datetime, *, visible: bool) -> None:
        with self.lock:
            self.version += 1
            self.visibility.append(Visibility(instant(at), self.projects[key].key, visible))
            self.visibility.sort(key=lambda each: each.at)

    def _keep(self, into: list[Thing], thing: Thing) -> Thing:
        with self.lock:
            self.version += 1
            into.append(thing)
        return thing


def project_of(key: str) -> str:
    """Return the project's part of an issue key."""
    return key.rpartition("-")[0]


def _pick(among: list[Thing], which: str, word: str) -> Thing:
    for each in among:
        if which in {each.id, each.name}:
            return each
    raise ValueError(f"no {word} {which!r}; there are {sorted(each.name for each in among)}")
