"""How a Jira site writes issues, projects, fields and change logs as JSON, on Cloud and on Data Center."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import orjson

from okr_sync.sandbox.issues import Picture, View
from okr_sync.sandbox.jira_catalogue import EPIC_LINK, Field, Flavour, IssueType, Named, Project, Status, fields_of
from okr_sync.sandbox.jira_world import Change, Issue, JiraWorld, project_of

KEPT_FORMS = 8
"""In how many ways (base of links, fields) the issues of a picture are kept as written."""
End: TypeAlias = tuple[str | None, str | None]
"""A value in the change log: its id where it has one, and its text."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes what a picture shows, with links below `api` ("http://host/rest/api/3"), times in the account's zone."""

    world: JiraWorld
    picture: Picture
    flavour: Flavour
    zone: ZoneInfo
    api: str

    def time(self, at: datetime | None) -> str | None:
        """Return an instant as `2021-03-28T16:06:08.713+0545`, in the account's offset; None for None."""
        if at is None:
            return None
        written = at.astimezone(self.zone).isoformat(timespec="milliseconds")
        return f"{written[:-3]}{written[-2:]}"

    def pages(self, views: Iterable[View], wanted: Sequence[str]) -> bytes:
        """Return issues with the wanted fields as a list in JSON; each is written once for a picture."""
        forms = self.picture.written
        if len(forms) >= KEPT_FORMS:
            forms.clear()
        kept = forms.setdefault((self.api, *wanted), {})
        return b"[%b]" % b",".join(kept.get(view.id) or self._keep(kept, view, wanted) for view in views)

    def _keep(self, kept: dict[str, bytes], view: View, wanted: Sequence[str]) -> bytes:
        written = kept[view.id] = orjson.dumps(self.issue(view, wanted))
        return written

    def issue(self, view: View, wanted: Collection[str]) -> dict[str, Any]:
        """Return an issue with the wanted fields; `*all` and `*navigable` mean all, `-x` all but x."""
        bare = {"id": view.id}
        if set(wanted) == {"id"}:
            return bare
        issue: dict[str, Any] = {**bare, "self": f"{self.api}/issue/{view.id}", "key": view.key}
        if set(wanted) - {"id", "key"}:
            issue["fields"] = self._fields(view, wanted)
        return issue

    def project(self, project: Project) -> dict[str, Any]:
        """Return a project."""
        shape: dict[str, Any] = {
            "self": f"{self.api}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
        }
        if self.flavour == "cloud":
            team = project.managed == "team"
            shape |= {"simplified": team, "style": "next-gen" if team else "classic", "isPrivate": False}
        return shape

    def field(self, field: Field) -> dict[str, Any]:
        """Return a field as `GET /field` has it."""
        schema: dict[str, Any] = {"type": field.type}
        clauses = list(field.clauses)
        if field.items:
            schema["items"] = field.items
        if field.custom:
            number = int(field.id.removeprefix("customfield_"))
            schema |= {"custom": field.custom, "customId": number}
            clauses = [f"cf[{number}]", field.name]
        else:
            schema["system"] = field.id
        shape: dict[str, Any] = {"id": field.id, "name": field.name, "custom": bool(field.custom), "orderable": True}
        shape |= {"navigable": True, "searchable": True, "clauseNames": clauses, "schema": schema}
        return shape | ({"key": field.id} if self.flavour == "cloud" else {})

    def resolution(self, resolution: Named) -> dict[str, Any]:
        """Return a resolution."""
        known = resolution.id, resolution.name
        return {"self": f"{self.api}/resolution/{known[0]}", "id": known[0], "name": known[1], "description": ""}

    def status(self, status: Status) -> dict[str, Any]:
        """Return a status with its category."""
        category = status.category
        return {
            "self": f"{self.api}/status/{status.id}",
            "id": status.id,
            "name": status.name,
            "description": "",
            "statusCategory": {
                "self": f"{self.api}/statuscategory/{category.id}",
                "id": category.id,
                "key": category.key,
                "colorName": category.colour,
                "name": category.name,
            },
        }

    def issue_type(self, kind: IssueType) -> dict[str, Any]:
        """Return an issue type; Data Center knows no levels."""
        shape: dict[str, Any] = {
            "self": f"{self.api}/issuetype/{kind.id}",
            "id": kind.id,
            "name": kind.name,
            "description": "",
            "subtask": kind.level < 0,
        }
        return shape | ({"hierarchyLevel": kind.level} if self.flavour == "cloud" else {})

    def histories(self, issue: Issue, until: datetime, only: Collection[str] = ()) -> list[dict[str, Any]]:
        """Return the change log up to `until` (inclusive), oldest first; `only` keeps changes of these field ids."""
        with self.world.lock:
            changes = list(issue.changes)
        before: dict[str, Any] = {"level": None}
        before |= {change.field: change.value for change in changes if change.at == issue.created}
        past = [change for change in changes if issue.created < change.at <= until]
        log = []
        for at, together in groupby(past, key=lambda change: change.at):
            joint = list(together)
            items: list[dict[str, Any]] = []
            for change in joint:
                items += self._items(issue, change, before)
                before[change.field] = change.value
            kept = [self._told(item) for item in items if not only or _is_of(item, only)]
            if kept:
                log.append({"id": str(joint[0].number), "created": self.time(at), "items": kept})
        return log

    def _fields(self, view: View, wanted: Collection[str]) -> dict[str, Any]:
        makers = self._makers(view)
        removed = {name[1:] for name in wanted if name.startswith("-")}
        named = {name for name in wanted if not name.startswith("-")}
        if not named or named & {"*all", "*navigable"}:
            named = set(makers)
        return {name: make() for name, make in makers.items() if name in named and name not in removed}

    def _makers(self, view: View) -> dict[str, Callable[[], Any]]:
        """Return what makes the value of each field that the issue has."""
        makers: dict[str, Callable[[], Any]] = {
            "summary": lambda: view.summary,
            "issuetype": lambda: self.issue_type(view.type),
            "project": lambda: self.project(view.project),
            "status": lambda: self.status(view.status),
            "resolution": lambda: self._resolution(view.resolution),
            "resolutiondate": lambda: self.time(view.resolved),
            "created": lambda: self.time(view.created),
            "updated": lambda: self.time(view.updated),
            "duedate": lambda: view.due.isoformat() if view.due else None,
            "labels": lambda: list(view.labels),
            "fixVersions": lambda: [self._version(name) for name in view.fix_versions],
            "subtasks": lambda: self._subtasks(view),
        }
        makers |= _nothing(self.flavour)
        makers[view.project.points_field(self.flavour)] = lambda: view.points
        return makers | self._above(view)

    def _subtasks(self, view: View) -> list[dict[str, Any]]:
        return [self._linked(each) for each in self.picture.children.get(view.id, ()) if each.type.level < 0]

    def _above(self, view: View) -> dict[str, Callable[[], Any]]:
        id_ = view.parent
        parent: dict[str, Callable[[], Any]] = {"parent": lambda: self._parent(id_)} if id_ else {}
        if self.flavour == "cloud":
            return {"statuscategorychangedate": lambda: self.time(view.category_changed), **parent}
        if view.type.level < 0:
            return parent
        return {EPIC_LINK: lambda: self._parent(id_)["key"] if id_ else None}

    def _parent(self, id_: str) -> dict[str, Any]:
        above = self.picture.issues.get(id_)
        if above is not None:
            return self._linked(above)
        key = self.picture.strangers.get(id_) or self.world.find(id_).key
        return {"id": id_, "key": key, "self": f"{self.api}/issue/{id_}"}

    def _linked(self, view: View) -> dict[str, Any]:
        return {
            "id": view.id,
            "key": view.key,
            "self": f"{self.api}/issue/{view.id}",
            "fields": {
                "summary": view.summary,
                "status": self.status(view.status),
                "issuetype": self.issue_type(view.type),
            },
        }

    def _resolution(self, name: str | None) -> dict[str, Any] | None:
        if name is None:
            return None
        return self.resolution(next(each for each in self.world.resolutions if each.name == name))

    def _version(self, name: str) -> dict[str, Any]:
        version = self.world.versions[name]
        shape: dict[str, Any] = {
            "self": f"{self.api}/version/{version.id}",
            "id": version.id,
            "name": name,
            "archived": False,
            "released": version.released,
        }
        return shape | ({"releaseDate": version.release_date.isoformat()} if version.release_date else {})

    def _items(self, issue: Issue, change: Change, before: dict[str, Any]) -> list[dict[str, Any]]:
        if change.field in {"touched", "deleted"} or before[change.field] == change.value:
            return []
        old, new = before[change.field], change.value
        if change.field == "key":
            move = self._item("project", "project", self._project_end(old), self._project_end(new))
            return [self._item("Key", "", (None, old), (None, new)), move]
        if change.field == "points":
            id_ = self.world.projects[project_of(before["key"])].points_field(self.flavour)
            name = next(field.name for field in fields_of(self.flavour) if field.id == id_)
            return [self._item(name, id_, _text_end(old), _text_end(new))]
        if change.field == "parent":
            return [self._above_item(issue, self._issue_end(old), self._issue_end(new))]
        ends: dict[str, Callable[[Any], End]] = {"status": self._status_end, "resolution": self._resolution_end}
        end = ends.get(change.field, _text_end)
        name = {"due": "duedate", "fix_versions": "fixVersions", "level": "security"}.get(change.field, change.field)
        return [self._item(name, name, end(old), end(new))]

    def _above_item(self, issue: Issue, old: End, new: End) -> dict[str, Any]:
        """Return the line about what stands above, which has no field id; Data Center's sub-tasks have another one."""
        if self.flavour == "cloud" or issue.type.level < 0:
            return self._item("IssueParentAssociation" if self.flavour == "cloud" else "Parent", "", old, new)
        return self._item("Epic Link", EPIC_LINK, old, new)

    def _told(self, item: dict[str, Any]) -> dict[str, Any]:
        """Data Center's change log has names of fields only."""
        return {name: value for name, value in item.items() if self.flavour == "cloud" or name != "fieldId"}

    def _item(self, field: str, id_: str, old: End, new: End) -> dict[str, Any]:
        custom = id_.startswith("customfield_")
        item = {"field": field, "fieldtype": "custom" if custom else "jira", **({"fieldId": id_} if id_ else {})}
        return item | {"from": old[0], "fromString": old[1], "to": new[0], "toString": new[1]}

    def _project_end(self, key: str) -> tuple[str, str]:
        project = self.world.projects[project_of(key)]
        return project.id, project.name

    def _status_end(self, id_: str) -> End:
        return id_, self.world.status(id_).name

    def _resolution_end(self, name: str | None) -> End:
        return (self._resolution(name) or {}).get("id"), name

    def _issue_end(self, id_: str | None) -> End:
        if id_ is None:
            return None, None
        return id_, self.world.strangers.get(id_) or self.world.find(id_).key


@lru_cache(maxsize=2)
def _nothing(flavour: Flavour) -> dict[str, Callable[[], None]]:
    """Return makers of the custom fields, which are empty unless said otherwise."""
    return {field.id: lambda: None for field in fields_of(flavour) if field.custom}


def _is_of(item: dict[str, Any], only: Collection[str]) -> bool:
    """Return whether an item passes a filter by field ids; Cloud's items about parents have none."""
    if item["field"] == "IssueParentAssociation":
        return "parent" in only or "IssueParentAssociation" in only
    return item.get("fieldId") in only


def _text_end(value: Any) -> tuple[None, str | None]:
    if value is None:
        return None, None
    return None, " ".join(value) if isinstance(value, tuple) else str(value)
