"""A Jira site's issues as they are at one instant, folded from their timelines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from okr_sync.sandbox.jira_catalogue import IssueType, Project, Status
from okr_sync.sandbox.jira_world import Change, Issue, JiraWorld, Points, instant, project_of

_START = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class View:
    """An issue at one instant. `resolved`: since when it has a resolution; `category_changed`: since when its status
    has the present category; `updated`: its last change; `level`: of security.
    """

    id: str
    key: str
    project: Project
    type: IssueType
    summary: str
    status: Status
    resolution: str | None
    parent: str | None
    points: Points
    due: date | None
    labels: tuple[str, ...]
    fix_versions: tuple[str, ...]
    created: datetime
    updated: datetime
    resolved: datetime | None
    category_changed: datetime
    level: str | None = None


@dataclass(frozen=True)
class Picture:
    """All that can be seen at one instant; it stays true in [since, until) while the world's version is the same.

    `by_key` has old keys too, in capitals. `children` maps an issue's id to what hangs below it, in order of ids.
    """

    version: int
    since: datetime
    until: datetime
    issues: Mapping[str, View]
    by_key: Mapping[str, str]
    children: Mapping[str, tuple[View, ...]]
    projects: Mapping[str, Project]
    strangers: Mapping[str, str]
    found: dict[str, tuple[View, ...]] = field(default_factory=dict)
    """JQL → its issues, kept by whoever searches."""
    written: dict[tuple[str, ...], dict[str, bytes]] = field(default_factory=dict)
    """(base of links, fields…) → issues as JSON by id, kept by whoever writes them."""

    @cached_property
    def by_update(self) -> tuple[list[datetime], list[View]]:
        """All issues by their last change, oldest first, and these instants."""
        views = sorted(self.issues.values(), key=lambda view: view.updated)
        return [view.updated for view in views], views

    def holds(self, version: int, at: datetime) -> bool:
        """Return whether this is how things are at `at` in that version of the world."""
        return self.version == version and self.since <= at < self.until

    def get(self, id_or_key: str) -> View | None:
        """Return an issue by id or by any key it has had so far, in any case; None when it can't be seen."""
        return self.issues.get(self.by_key.get(id_or_key.upper(), id_or_key))


def take_picture(world: JiraWorld, at: datetime) -> Picture:
    """Return what can be seen at `at`: changes at that very instant have happened."""
    when = instant(at)
    with world.lock:
        visible = _visible_projects(world, when)
        fold = _Fold(world, when)
        there = (view for issue in world.issues.values() if (view := fold.view(issue)))
        views = [view for view in there if view.project.key in visible and view.level not in world.beyond]
        fold.bound(each.at for each in world.visibility)
        return Picture(
            version=world.version,
            since=fold.since,
            until=fold.until,
            issues={view.id: view for view in views},
            by_key=fold.keys,
            children=_children(views),
            projects=visible,
            strangers=dict(world.strangers),
        )


def _visible_projects(world: JiraWorld, at: datetime) -> dict[str, Project]:
    seen = dict(world.projects)
    for change in world.visibility:
        if change.at <= at:
            seen.pop(change.project, None)
            if change.visible:
                seen[change.project] = world.projects[change.project]
    return seen


def _children(views: list[View]) -> dict[str, tuple[View, ...]]:
    below: dict[str, list[View]] = defaultdict(list)
    for view in sorted(views, key=lambda view: int(view.id)):
        if view.parent is not None:
            below[view.parent].append(view)
    return {parent: tuple(children) for parent, children in below.items()}


class _Fold:
    """Folds timelines up to `at`, and notes the keys and the nearest changes around it on the way."""

    def __init__(self, world: JiraWorld, at: datetime) -> None:
        self.world = world
        self.at = at
        self.since, self.until = _START, _END
        self.keys: dict[str, str] = {}
        self._statuses = {status.id: status for status in world.statuses}

    def bound(self, instants: Iterable[datetime]) -> None:
        for each in instants:
            if each <= self.at:
                self.since = max(self.since, each)
            else:
                self.until = min(self.until, each)

    def view(self, issue: Issue) -> View | None:
        """Return the issue at that instant; None before its creation and after its deletion."""
        past = [change for change in issue.changes if change.at <= self.at]
        self.bound(change.at for change in issue.changes[len(past) - 1 if past else 0 : len(past) + 1])
        values: dict[str, Any] = {change.field: change.value for change in past}
        if not past or "deleted" in values:
            return None
        for change in past:
            if change.field == "key":
                self.keys[change.value.upper()] = issue.id
        return self._render(issue, past, values)

    def _render(self, issue: Issue, past: list[Change], values: dict[str, Any]) -> View:
        return View(
            id=issue.id,
            key=values["key"],
            project=self.world.projects[project_of(values["key"])],
            type=issue.type,
            summary=values["summary"],
            status=self._statuses[values["status"]],
            resolution=values["resolution"],
            parent=self._parent(values["parent"]),
            points=values["points"],
            due=values["due"],
            labels=tuple(values["labels"]),
            fix_versions=tuple(values["fix_versions"]),
            created=issue.created,
            updated=past[-1].at,
            resolved=_since(past, "resolution", lambda value: value is not None),
            category_changed=self._category_changed(past) or issue.created,
            level=values.get("level"),
        )

    def _parent(self, parent: str | None) -> str | None:
        above = self.world.issues.get(parent or "")
        if above is None:
            return parent
        gone = any(change.field == "deleted" and change.at <= self.at for change in above.changes)
        return None if gone else parent

    def _category_changed(self, past: list[Change]) -> datetime | None:
        return _since(past, "status", lambda value: self._statuses[value].category.key)


def _since(past: list[Change], name: str, aspect: Any) -> datetime | None:
    """Return since when this aspect of a field is what it is; None when the field or the aspect is nothing."""
    start, seen = None, None
    for change in past:
        if change.field == name and aspect(change.value) != seen:
            start, seen = change.at, aspect(change.value)
    return start if seen else None
