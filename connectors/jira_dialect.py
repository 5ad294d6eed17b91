"""How one Jira site speaks: Cloud or Data Center, its address, and the ids of its custom fields; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from okr_sync.connector import AccessError, ProtocolError

_ESTIMATE = "com.pyxis.greenhopper.jira:jsw-story-points"
_EPIC_LINK = "com.pyxis.greenhopper.jira:gh-epic-link"
_EPIC_NAME = "com.pyxis.greenhopper.jira:gh-epic-label"
_POINTS_NAMES = ("story points", "story point estimate")
_FIELDS = (
    "summary", "issuetype", "status", "resolution", "resolutiondate", "parent", "subtasks", "created", "updated",
    "duedate", "labels",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one site speaks: Cloud or not, its address for people, and the ids of its custom fields."""

    cloud: bool
    address: str
    points: tuple[str, ...]
    epic_link: str | None
    epic_name: str | None
    logged: Mapping[str, str] = field(default_factory=dict)
    """By id and by name, what a change log speaks of: the id of a points field, or "epic" (in Cloud's old logs too)."""

    @property
    def fields(self) -> list[str]:
        """The fields to ask for."""
        custom = (*self.points, *(each for each in (self.epic_link, self.epic_name) if each))
        return [*_FIELDS, *custom, *(("statuscategorychangedate",) if self.cloud else ())]


def read_site(info: Any) -> tuple[bool, str]:
    """Return whether serverInfo tells of Cloud, and the site's address; raises ProtocolError for another shape."""
    kind, address = (info.get(name) if isinstance(info, dict) else None for name in ("deploymentType", "baseUrl"))
    if not isinstance(kind, str) or not isinstance(address, str):
        raise ProtocolError("serverInfo has no deploymentType or baseUrl", fix="check `url`: is it a Jira site?")
    return kind == "Cloud", address.rstrip("/")


def read_dialect(fields: Any, *, cloud: bool, address: str, points: str | None) -> Dialect:
    """Return the dialect from the list of fields; `points` pins the points field by name or id.

    Raises ProtocolError when the list has another shape, AccessError when a field that is needed isn't there.
    """
    if not isinstance(fields, list) or not all(isinstance(each, dict) and "id" in each for each in fields):
        raise ProtocolError("the answer to GET field is no list of fields", fix="check `url`: is it a Jira site?")
    link, label = (None, None) if cloud else (_custom(fields, _EPIC_LINK), _custom(fields, _EPIC_NAME))
    if not cloud and link is None:
        raise AccessError("this Jira shows no Epic Link field", fix="give the account access to Jira Software")
    counted = _points_fields(fields, points)
    logged = _logged(fields, {**dict.fromkeys(reversed(counted)), _custom(fields, _EPIC_LINK): "epic"})
    return Dialect(cloud, address, counted, link, label, logged)


def _logged(fields: Sequence[Mapping[str, Any]], subjects: Mapping[str | None, str | None]) -> dict[str, str]:
    """Return subjects by the ids and names of their fields; old logs name Epic Link also where it is listed no more."""
    names = {str(each["id"]): str(each.get("name", "")) for each in fields}
    known = {id_: subject or id_ for id_, subject in subjects.items() if id_ in names}
    return {"Epic Link": "epic"} | {names[id_]: subject for id_, subject in known.items()} | known


def _custom(fields: Sequence[Mapping[str, Any]], kind: str) -> str | None:
    return next((str(each["id"]) for each in fields if _schema(each).get("custom") == kind), None)


def _schema(field: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = field.get("schema")
    return schema if isinstance(schema, dict) else {}


def _points_fields(fields: Sequence[Mapping[str, Any]], pinned: str | None) -> tuple[str, ...]:
    names = {str(each["id"]): str(each.get("name", "")) for each in fields}
    if pinned is not None:
        ids = tuple(id_ for id_, name in names.items() if pinned == id_ or pinned.casefold() == name.casefold())
        if not ids:
            near = get_close_matches(pinned, [*names, *names.values()], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AccessError(f"no field has the id or name {pinned!r}{hint}", fix="correct or drop `points_field`")
        return ids
    numbers = [each for each in fields if _schema(each).get("type") == "number"]
    ranked = sorted((_rank(each), str(each["id"])) for each in numbers)
    return tuple(id_ for rank, id_ in ranked if rank < len(_POINTS_NAMES))


def _rank(field: Mapping[str, Any]) -> int:
    name = str(field.get("name", "")).casefold()
    if name in _POINTS_NAMES:
        return _POINTS_NAMES.index(name)
    return 1 if _schema(field).get("custom") == _ESTIMATE else len(_POINTS_NAMES)
