"""Turns Jira's raw JSON into work items and containers; pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from connectors.jira_dialect import Dialect
from okr_sync.connector import Container, ItemKind, ItemState, ProtocolError, WorkItem

STATES: dict[str, ItemState] = {
    "new": "open",
    "undefined": "open",
    "indeterminate": "in_progress",
    "done": "done",
}
"""Key of a status category → state."""


@dataclass(frozen=True, slots=True)
class Found:
    """An issue as a work item, with what the item alone doesn't say."""

    item: WorkItem
    type: str
    """Id of its issue type."""
    subtasks: tuple[str, ...]
    """Ids of its sub-tasks."""
    lacking: bool = False
    """Whether it is an issue that shows no field that holds points, not even empty: they may be others by now."""


@dataclass(frozen=True, slots=True)
class Epic:
    """What is kept of an issue that was named as an epic: raw, thousands of them take a hundred times the room."""

    id: str
    type: str
    """Name of its issue type where that can hold no issues."""
    level: int
    """Of its type in the hierarchy: 1 for an epic, and where the site tells none."""
    item: WorkItem | None
    """None: it is none that can hold issues."""


def need(issue: Any, *path: str) -> Any:
    """Return what stands at `path` in an issue; raises ProtocolError that names the issue and the field."""
    here = issue
    try:
        for name in path:
            here = here[name]
    except (KeyError, TypeError):
        here = None
    if here is None:
        key = issue.get("key") or issue.get("id") if isinstance(issue, dict) else "?"
        raise ProtocolError(f"issue {key} has no {'.'.join(path)}", fix="check that the account may see this field")
    return here


def texts_of(rows: Any, field: str, what: str) -> Iterator[str]:
    """Return the text at `field` of each of `rows`, a list of `what`. Raises ProtocolError."""
    if not isinstance(rows, list):
        raise ProtocolError(f"the answer has no list of {what}", fix="check `url` and `deployment`")
    return (str(need(row, field)) for row in rows)


def _table(issue: Any, *path: str) -> dict[str, Any]:
    found = need(issue, *path)
    if not isinstance(found, dict):
        raise _odd(issue, ".".join(path))
    return found


def _rows(issue: Any, name: str) -> list[Any]:
    found = issue["fields"].get(name) or []
    if not isinstance(found, list):
        raise _odd(issue, name)
    return found


def _odd(issue: Any, name: str) -> ProtocolError:
    said = f"issue {issue.get('key')}: {name} is of another type than Jira's"
    return ProtocolError(said, fix="check `url`; something in between may change what Jira answers")


def read_issue(issue: Any, dialect: Dialect, epics: Mapping[str, str]) -> Found:
    """Return an issue as a work item. `epics` maps keys of epics to ids: Data Center links by key.

    Raises ProtocolError when a field is missing or can't be read.
    """
    fields = _table(issue, "fields")
    subtasks = tuple(str(need(each, "id")) for each in _rows(issue, "subtasks"))
    key, state = str(need(issue, "key")), _state(issue)
    item = WorkItem(
        id=str(need(issue, "id")),
        key=key,
        title=str(fields.get("summary") or key),
        url=f"{dialect.address}/browse/{key}",
        kind=_kind(issue, dialect),
        state=state,
        resolution=_resolution(issue),
        parent=_parent(issue, dialect, epics),
        points=_points(issue, dialect),
        created=_time(issue, "created"),
        done_at=_done_at(issue, state),
        updated=_time(issue, "updated"),
        due=_date(issue, "duedate"),
        labels=tuple(str(label) for label in _rows(issue, "labels")),
    )
    lacking = item.kind == "issue" and fields.keys().isdisjoint(dialect.points)
    return Found(item, str(need(issue, "fields", "issuetype", "id")), subtasks, lacking)


def read_epic(issue: Any, dialect: Dialect) -> Epic:
    """Return an issue that was named as an epic; raises ProtocolError like `read_issue`."""
    level = _table(issue, "fields", "issuetype").get("hierarchyLevel")
    holds = can_hold(issue, dialect)
    kind = "" if holds else str(need(issue, "fields", "issuetype", "name"))
    item = read_issue(issue, dialect, {}).item if holds else None
    return Epic(str(need(issue, "id")), kind, level if isinstance(level, int) else 1, item)


def container_of(item: WorkItem) -> Container:
    """Return an epic as a container."""
    return Container(
        item.id, item.key, item.title, item.url, "epic", item.state, item.resolution, due=item.due, done_at=item.done_at
    )


def can_hold(issue: Any, dialect: Dialect) -> bool:
    """Return whether an issue is an epic or above, told by level, never by the type's name, which is translated.

    Data Center knows no levels: there it is what has an epic's name; an issue with an epic link is none.
    """
    kind, fields = _table(issue, "fields", "issuetype"), _table(issue, "fields")
    if isinstance(kind.get("hierarchyLevel"), int):
        return bool(kind["hierarchyLevel"] >= 1)
    if kind.get("subtask") or dialect.cloud or (dialect.epic_link and fields.get(dialect.epic_link)):
        return False
    return dialect.epic_name is None or bool(fields.get(dialect.epic_name))


def _kind(issue: Any, dialect: Dialect) -> ItemKind:
    kind = _table(issue, "fields", "issuetype")
    if kind.get("subtask") or kind.get("hierarchyLevel") == -1:
        return "subtask"
    certain = dialect.cloud or dialect.epic_name is not None
    return "container" if certain and can_hold(issue, dialect) else "issue"


def _state(issue: Any) -> ItemState:
    category = need(issue, "fields", "status", "statusCategory", "key")
    if not isinstance(category, str) or category not in STATES:
        raise ProtocolError(f"issue {issue['key']} has the unknown status category {category!r}")
    return STATES[category]


def _resolution(issue: Any) -> str | None:
    return str(need(issue, "fields", "resolution", "name")) if issue["fields"].get("resolution") else None


def _parent(issue: Any, dialect: Dialect, epics: Mapping[str, str]) -> str | None:
    fields = issue["fields"]
    if fields.get("parent"):
        return str(need(issue, "fields", "parent", "id"))
    linked = fields.get(dialect.epic_link) if dialect.epic_link else None
    return epics.get(str(linked).upper()) if linked else None


def _points(issue: Any, dialect: Dialect) -> float | None:
    for name in dialect.points:
        raw = issue["fields"].get(name)
        if raw is not None:
            return _number(issue, name, raw)
    return None


def _number(issue: Any, name: str, raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ProtocolError(f"issue {issue['key']}: field {name} holds no number", fix="set `points_field`")
    return points_of(raw)


def points_of(raw: float | str) -> float | None:
    """Return points; None for what is no estimate: below zero (Jira's own -1), infinite, or words."""
    try:
        points = float(raw)
    except (ValueError, OverflowError):
        return None
    return points if math.isfinite(points) and points >= 0 else None


def _done_at(issue: Any, state: ItemState) -> datetime | None:
    if state != "done":
        return None
    return _time(issue, "statuscategorychangedate") or _time(issue, "resolutiondate")


def _time(issue: Any, name: str) -> datetime | None:
    raw = issue["fields"].get(name)
    if raw is None:
        return None
    try:
        time = datetime.fromisoformat(raw)
    except (ValueError, TypeError):
        time = None
    if time is None or time.tzinfo is None:
        raise ProtocolError(f"issue {issue['key']}: {name} is no instant with a zone")
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def _date(issue: Any, name: str) -> date | None:
    raw = issue["fields"].get(name)
    try:
        return date.fromisoformat(raw) if raw else None
    except (ValueError, TypeError):
        raise ProtocolError(f"issue {issue['key']}: {name} is no date") from None
