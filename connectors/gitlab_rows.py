"""What people write about GitLab, what it answers, and what both become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode, urlsplit

from pydantic import AliasPath, AwareDatetime, BaseModel, Field, StrictInt, StrictStr, model_validator

from okr_sync import connector as api

ALL = {"state": "all", "scope": "all", "order_by": "created_at", "sort": "asc"}  # no change moves a row
_WORDS = frozenset({"any", "none", "started", "upcoming"})  # for GitLab no titles but all that have one, or none, …


class GitlabSettings(api.WebSettings):
    """Where GitLab is and how to ask it."""

    url: str = Field("https://gitlab.com", pattern=r"^https?://[^/?#@]+(/[^/?#@]+)*$", description="without /api/v4")
    token: api.Secret = Field(description="a personal, group or project access token, as ${NAME}")
    full_every_hours: float = Field(24, gt=0, description="read everything again when the last time is longer ago")


class GitlabQuery(api.Query):
    """Issues of a milestone, or with all of some labels, over projects; or those of an epic."""

    projects: tuple[StrictStr, ...] = Field((), description="projects, as group/project")
    milestone: StrictInt | StrictStr | None = Field(None, description="by title, or by its number in each project")
    labels: tuple[StrictStr, ...] = Field((), description="or labels; an issue must have all of them")
    group: StrictStr | None = Field(None, description="or a group, as group/subgroup, with one of its epics")
    epic: StrictInt | None = Field(None, description="the number of the epic")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        given = {name for name, value in self if value}
        if given not in ({"projects", "milestone"}, {"projects", "labels"}, {"group", "epic"}):
            raise ValueError("give `projects:` with `milestone:` or with `labels:`, or `group:` with `epic:`")
        if isinstance(self.milestone, str) and self.milestone.casefold() in _WORDS:
            raise ValueError(f"GitLab takes {self.milestone!r} for no title; give the number of the milestone")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of what the question names."""
        if self.group:
            return (f"/groups/{quote(self.group, safe='')}/epics/{self.epic}",)
        projects = [f"/projects/{quote(name, safe='')}" for name in dict.fromkeys(self.projects)]
        return tuple(projects if self.labels else [f"{path}/milestones" for path in projects])


class Row(BaseModel):
    """A user, project, milestone or epic."""

    id: int
    web_url: str
    iid: int = 0
    title: str = ""
    state: Literal["active", "opened", "closed"] = "opened"
    project_id: int | None = None
    due_date: date | None = None
    closed_at: AwareDatetime | None = None
    permissions: dict[str, dict[str, Any] | None] = {}

    @property
    def place(self) -> str:
        """Return the path of the project or group (or user) that the page stands in."""
        return urlsplit(self.web_url).path.partition("/-/")[0].strip("/").removeprefix("groups/")

    def container(self, kind: api.ContainerKind, id_: str, key: str) -> api.Container:
        """Return the row as a container."""
        state: api.ItemState = "done" if self.state == "closed" else "open"
        return api.Container(id_, key, self.title, self.web_url, kind, state, None, self.due_date, self.closed_at)


class Issue(Row):
    """An issue."""

    iid: int
    title: str
    state: Literal["opened", "closed"]
    key: str = Field(validation_alias=AliasPath("references", "full"))
    created_at: AwareDatetime
    updated_at: AwareDatetime
    labels: tuple[str, ...]
    milestone: int | None = Field(None, validation_alias=AliasPath("milestone", "id"))
    weight: float | None = Field(None, ge=0)
    moved_to_id: int | None = None
    duplicate_of: str | None = Field(None, validation_alias=AliasPath("_links", "closed_as_duplicate_of"))

    def item(self) -> api.WorkItem:
        """Return the issue as a work item; in place of a moved one there is another."""
        ended = "moved" if self.moved_to_id else "duplicate" if self.duplicate_of else None
        closed = self.state == "closed"
        return api.WorkItem(
            str(self.id), self.key, self.title, self.web_url, "issue", "done" if closed else "open",
            resolution=ended if closed else None, points=self.weight, created=self.created_at, due=self.due_date,
            done_at=self.closed_at if closed else None, updated=self.updated_at, labels=tuple(sorted(self.labels)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A container, and how to list its issues; `project`: they stay as they are as long as its mark does."""

    container: api.Container
    path: str
    asked: Mapping[str, Any]
    project: str = ""
    milestone: int | None = None


def places(query: GitlabQuery, named: Mapping[str, list[Row] | api.Miss]) -> list[Place] | api.Miss:
    """Return the places that a question means, or why that can't be told; `named`: path → what stands there."""
    lost = [some for path in query.paths if isinstance(some := named[path], api.Miss)]
    if lost:
        return api.Miss(lost[0].why, "; ".join(miss.message for miss in lost))
    rows = [(path, row) for path in query.paths if not isinstance(some := named[path], api.Miss) for row in some]
    if query.group:
        key = f"{query.group}&{query.epic}"
        return [Place(row.container("epic", f"epic {row.id}", key), f"{path}/issues", ALL) for path, row in rows]
    if query.labels:
        return [_labelled(path, row, sorted(set(query.labels))) for path, row in rows]
    wanted = [(path, row) for path, row in rows if query.milestone in (row.title, row.iid if row.project_id else "")]
    if not wanted or (isinstance(query.milestone, int) and len(wanted) < len(query.paths)):
        near = get_close_matches(str(query.milestone), [row.title for _, row in rows], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return api.Miss("not_found", f"no milestone {query.milestone!r} in {', '.join(query.projects)}{hint}")
    return [_of_milestone(path.removesuffix("/milestones"), row) for path, row in wanted]


def _of_milestone(project: str, row: Row) -> Place:
    """Return the part of a milestone that is in one project: one of a group spans many."""
    id_ = str(row.id) if row.project_id else f"{row.id} in {project}"
    container = row.container("milestone", id_, f"{row.place}%{row.iid}")
    return Place(container, f"{project}/issues", {**ALL, "milestone": row.title}, project, row.id)


def _labelled(project: str, row: Row, labels: list[str]) -> Place:
    """Return the issues of a project with all the labels. A label that is renamed changes no issue: no mark tells."""
    url = f"{row.web_url}/-/issues?{urlencode({'state': 'all', 'label_name[]': labels}, doseq=True)}"
    key = f"{row.place} {' '.join(f'~{label}' for label in labels)}"
    container = api.Container(f"{row.id} {','.join(labels)}", key, ", ".join(labels), url, "query", "open")
    return Place(container, f"{project}/issues", {**ALL, "labels": ",".join(labels)})
