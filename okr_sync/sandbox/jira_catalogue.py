"""What an administrator sets up in a Jira site: projects, issue types, statuses, resolutions, versions and fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

CategoryKey: TypeAlias = Literal["undefined", "new", "indeterminate", "done"]
Flavour: TypeAlias = Literal["cloud", "dc"]

EPIC_LINK = "customfield_10008"
"""Data Center's field that holds the key of an issue's epic."""
ESTIMATE = "customfield_10016"
"""Cloud's points of team-managed projects."""
POINTS = "customfield_10028"
"""The points of company-managed projects; on Data Center, of all projects."""


@dataclass(frozen=True, slots=True)
class Category:
    """A status category; its key is the same at every site, its name may be translated."""

    id: int
    key: CategoryKey
    name: str
    colour: str


CATEGORIES: dict[str, Category] = {
    "undefined": Category(1, "undefined", "No Category", "medium-gray"),
    "new": Category(2, "new", "To Do", "blue-gray"),
    "done": Category(3, "done", "Done", "green"),
    "indeterminate": Category(4, "indeterminate", "In Progress", "yellow"),
}


@dataclass(frozen=True, slots=True)
class Status:
    """A status of some workflow."""

    id: str
    name: str
    category: Category


@dataclass(frozen=True, slots=True)
class IssueType:
    """An issue type; `level` is -1 for sub-tasks, 0 for stories, 1 for epics, 2 and more above them."""

    id: str
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class Named:
    """A thing of which only id and name matter, such as a resolution."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a project; issues name it as their fix version."""

    id: str
    name: str
    released: bool = False
    release_date: date | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project. Points of `managed="team"` projects stand in another field than those of company-managed ones."""

    id: str
    key: str
    name: str
    managed: Literal["company", "team"] = "company"

    def points_field(self, flavour: Flavour) -> str:
        """Return the id of the field that holds this project's story points."""
        return ESTIMATE if flavour == "cloud" and self.managed == "team" else POINTS


@dataclass(frozen=True, slots=True)
class Field:
    """A field as `GET /field` lists it; `custom` is the custom type, empty for system fields."""

    id: str
    name: str
    type: str
    custom: str = ""
    items: str = ""
    clauses: tuple[str, ...] = ()


_FLOAT = "com.atlassian.jira.plugin.system.customfieldtypes:float"
_SYSTEM = (
    Field("summary", "Summary", "string", clauses=("summary",)),
    Field("issuetype", "Issue Type", "issuetype", clauses=("issuetype", "type")),
    Field("project", "Project", "project", clauses=("project",)),
    Field("parent", "Parent", "issuelink", clauses=("parent",)),
    Field("status", "Status", "status", clauses=("status",)),
    Field("resolution", "Resolution", "resolution", clauses=("resolution",)),
    Field("resolutiondate", "Resolved", "datetime", clauses=("resolutiondate", "resolved")),
    Field("created", "Created", "datetime", clauses=("created", "createdDate")),
    Field("updated", "Updated", "datetime", clauses=("updated", "updatedDate")),
    Field("duedate", "Due date", "date", clauses=("due", "duedate")),
    Field("labels", "Labels", "array", items="string", clauses=("labels",)),
    Field("fixVersions", "Fix versions", "array", items="version", clauses=("fixVersion",)),
    Field("subtasks", "Sub-tasks", "array", items="issuelinks", clauses=("subtasks",)),
)
_CLOUD = (
    Field("statuscategorychangedate", "Status Category Changed", "datetime", clauses=("statusCategoryChangedDate",)),
    Field(ESTIMATE, "Story point estimate", "number", "com.pyxis.greenhopper.jira:jsw-story-points"),
    Field(POINTS, "Story Points", "number", _FLOAT),
    Field("customfield_10041", "QE Story Points", "number", _FLOAT),
)
_DC = (
    Field(EPIC_LINK, "Epic Link", "any", "com.pyxis.greenhopper.jira:gh-epic-link"),
    Field(POINTS, "Story Points", "number", _FLOAT),
    Field("customfield_10041", "QE Story Points", "number", _FLOAT),
)


def fields_of(flavour: Flavour) -> tuple[Field, ...]:
    """Return all fields of a site: several look like story points, as at most real sites."""
    return _SYSTEM + (_CLOUD if flavour == "cloud" else _DC)


def default_statuses() -> list[Status]:
    """Return the statuses of a new site; the last two are what real sites have: another language, and a status
    whose name says done while its category does not.
    """
    rows: tuple[tuple[str, str, CategoryKey], ...] = (
        ("1", "Open", "new"),
        ("3", "In Progress", "indeterminate"),
        ("5", "Resolved", "done"),
        ("6", "Closed", "done"),
        ("10000", "To Do", "new"),
        ("10001", "Done", "done"),
        ("10012", "进行中", "indeterminate"),
        ("10013", "已完成", "new"),
    )
    return [Status(id_, name, CATEGORIES[category]) for id_, name, category in rows]


def default_types() -> list[IssueType]:
    """Return the issue types of a new site; names are no proof of a level: 长篇故事 is an epic."""
    rows = (
        ("10100", "Initiative", 2),
        ("6", "Epic", 1),
        ("10104", "长篇故事", 1),
        ("7", "Story", 0),
        ("3", "Task", 0),
        ("1", "Bug", 0),
        ("5", "Sub-task", -1),
    )
    return [IssueType(*row) for row in rows]


def default_resolutions() -> list[Named]:
    """Return the resolutions of a new site."""
    names = ("Fixed", "Done", "Won't Do", "Won't Fix", "Duplicate", "Cannot Reproduce", "Invalid", "完成")
    return [Named(str(number), name) for number, name in enumerate(names, 1)]
