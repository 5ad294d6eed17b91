"""Answers JQL: checks a query against a site's fields and values, and finds and sorts what it matches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from okr_sync.sandbox.issues import Picture, View
from okr_sync.sandbox.jira_catalogue import CATEGORIES, EPIC_LINK, Flavour
from okr_sync.sandbox.jira_narrow import narrow
from okr_sync.sandbox.jira_world import JiraWorld, project_of
from okr_sync.sandbox.jql import Clause, Jql, JqlError, Junction, Node, Sort, Word, parse

Match: TypeAlias = Callable[[View], bool]
Rank: TypeAlias = Callable[[View], Any]

_ALIASES = {
    "id": "key",
    "issue": "key",
    "issuekey": "key",
    "type": "issuetype",
    "fixversions": "fixversion",
    "updateddate": "updated",
    "createddate": "created",
    "due": "duedate",
    "resolved": "resolutiondate",
    "epic link": "parent",
    f"cf[{EPIC_LINK.removeprefix('customfield_')}]": "parent",
}
_DATES = {"updated", "created", "resolutiondate", "duedate", "statuscategorychangeddate"}
_NAMED = {"status", "statuscategory", "resolution", "issuetype", "labels", "fixversion", "level"}
_SETS = _NAMED | {"key", "project", "parent"}
_NO_FIELD = "Field '{field}' does not exist or you do not have permission to view it."
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: (\d{1,2}):(\d{2}))?")
_PERIOD = re.compile(r"([-+]?\d+)([wdhm])")
_PERIODS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_BAD_DATE = (
    "Date value '{value}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
    "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
)

KEPT_ANSWERS = 256
"""How many queries' answers are kept for one picture: the pages of a search ask for the same one."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose eyes a query is read with: the site, and the account's clock and time zone."""

    world: JiraWorld
    picture: Picture
    flavour: Flavour
    zone: ZoneInfo
    now: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """All issues that match, sorted; `rank` gives the place of an issue in that order."""

    views: tuple[View, ...]
    rank: Rank


def find(text: str, reader: Reader, *, strict: bool = True) -> Found:
    """Return what a bounded query finds; raises JqlError (unbounded, unknown field or value, more than 7 sorts).

    Unless `strict`, a value that is not there finds nothing instead.
    """
    query = parse(text)
    if query.where is None and reader.flavour == "cloud":
        raise JqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    rank = _rank(query, reader)
    kept_as = text if strict else f"any {text}"
    views = reader.picture.found.get(kept_as)
    if views is None:
        views = _search(query, reader, rank, strict=strict)
        if not _depends_on_now(text):
            _keep(reader.picture.found, kept_as, views)
    return Found(views, rank)


def _search(query: Jql, reader: Reader, rank: Rank, *, strict: bool) -> tuple[View, ...]:
    match = _Compiler(reader).compile(query.where, strict=strict) if query.where else None
    views = narrow(query.where, reader.picture) if query.where else None
    return tuple(sorted(filter(match, reader.picture.issues.values() if views is None else views), key=rank))


def _keep(found: dict[str, tuple[View, ...]], text: str, views: tuple[View, ...]) -> None:
    if len(found) >= KEPT_ANSWERS:
        found.clear()
    found[text] = views


def _depends_on_now(text: str) -> bool:
    return _PERIOD.search(text) is not None


def milliseconds(at: datetime) -> int:
    """Return whole milliseconds since 1970 of an aware datetime."""
    return int(at.timestamp() * 1000 + 0.5)


class _Compiler:
    """Turns a tree into a predicate; collects every unknown value before it refuses, if it is to be `strict`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._mistakes: list[str] = []

    def compile(self, node: Node, *, strict: bool) -> Match:
        match = self._node(node)
        if strict and self._mistakes:
            raise JqlError(*self._mistakes)
        return match

    def _node(self, node: Node) -> Match:
        if isinstance(node, Clause):
            return self._clause(node)
        if isinstance(node, Junction):
            parts = [self._node(part) for part in node.parts]
            together = all if node.how == "and" else any
            return lambda view: together(part(view) for part in parts)
        inner = self._node(node.part)
        return lambda view: not inner(view)

    def _clause(self, clause: Clause) -> Match:
        name = field_name(clause.field, self._reader.flavour)
        if name == "level" and not self._reader.world.levels:
            raise JqlError(_NO_FIELD.format(field=clause.field))
        if clause.operator in {"is", "is not"} and not clause.values[0].is_empty:
            raise JqlError(f"The operator '{clause.operator}' can only be used with EMPTY or NULL.")
        if name in _DATES:
            return self._dates(name, clause)
        if clause.operator in {">", ">=", "<", "<="}:
            raise JqlError(f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")
        return self._sets(name, clause)

    def _sets(self, name: str, clause: Clause) -> Match:
        have = _values(name, self._reader, clause.field)
        wanted: set[str] = set()
        empty = False
        for word in clause.values:
            if word.is_empty or (name == "resolution" and word.text.lower() == "unresolved"):
                empty = True
            else:
                wanted |= self._resolve(name, clause.field, word)
        if clause.operator in {"=", "in", "is"}:
            return lambda view: empty if not (held := have(view)) else not wanted.isdisjoint(held)
        return lambda view: bool(held := have(view)) and wanted.isdisjoint(held)

    def _dates(self, name: str, clause: Clause) -> Match:
        have = _instants(name, self._reader.zone)
        if any(word.is_empty for word in clause.values):
            wants_empty = clause.operator in {"=", "is", "in"}
            return lambda view: (have(view) is None) is wants_empty
        wanted = [read_date(word.text, clause.field, self._reader) for word in clause.values]
        compare = _COMPARE.get(clause.operator)
        if compare is None:
            inside = clause.operator in {"=", "in"}
            return lambda view: (value := have(view)) is not None and (value in wanted) is inside
        return lambda view: (value := have(view)) is not None and compare(value, wanted[0])

    def _resolve(self, name: str, field: str, word: Word) -> set[str]:
        if name in {"key", "parent"}:
            return self._issue(field, word.text)
        text = word.text.lower()
        known = _known(name, self._reader)
        if known is None:
            return {text}
        ids = {id_ for id_, names in known if text in names}
        if not ids:
            self._mistakes.append(f"The value '{word.text}' does not exist for the field '{field}'.")
        return ids

    def _issue(self, field: str, text: str) -> set[str]:
        view = self._reader.picture.get(text)
        if view is not None:
            return {view.id}
        if text.isdigit():
            self._mistakes.append(f"A value with ID '{text}' does not exist for the field '{field}'.")
        else:
            self._mistakes.append(f"An issue with key '{text}' does not exist for field '{field}'.")
        return set()


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def field_name(field: str, flavour: Flavour) -> str:
    """Return the one name of a field that a query may call by several; raises JqlError when there is none.

    "Epic Link" is Data Center's; Cloud says `parent` for all levels.
    """
    lower = field.lower()
    name = _ALIASES.get(lower, lower)
    is_epic_link = name == "parent" and lower != "parent"
    if name not in _DATES | _SETS or (is_epic_link and flavour == "cloud"):
        raise JqlError(_NO_FIELD.format(field=field))
    return name


def read_date(text: str, field: str, reader: Reader) -> int:
    """Return the instant, in ms since 1970, that a query's date means.

    A number is ms since 1970. A date, with or without hours and minutes, is one in the account's zone. A period
    ("-2d") counts from now. Raises JqlError for anything else, seconds too.
    """
    if re.fullmatch(r"-?\d{6,}", text):
        return int(text)
    if period := _PERIOD.fullmatch(text):
        return milliseconds(reader.now + int(period[1]) * _PERIODS[period[2]])
    match = _DATE.fullmatch(text)
    if match is None:
        raise JqlError(_BAD_DATE.format(value=text, field=field))
    try:
        numbers = [int(part or 0) for part in match.groups()]
        return milliseconds(datetime(*numbers, tzinfo=reader.zone))  # type: ignore[arg-type, misc] # five numbers
    except ValueError as error:
        raise JqlError(_BAD_DATE.format(value=text, field=field)) from error


def _values(name: str, reader: Reader, asked_as: str) -> Callable[[View], Iterable[str]]:
    if name == "parent":
        return _parents(reader, sub_tasks_only=reader.flavour == "dc" and asked_as.lower() == "parent")
    getters: dict[str, Callable[[View], Iterable[str]]] = {
        "key": lambda view: (view.id,),
        "project": lambda view: (view.project.id,),
        "status": lambda view: (view.status.id,),
        "statuscategory": lambda view: (view.status.category.key,),
        "resolution": lambda view: (view.resolution.lower(),) if view.resolution else (),
        "issuetype": lambda view: (view.type.id,),
        "labels": lambda view: [label.lower() for label in view.labels],
        "fixversion": lambda view: [name.lower() for name in view.fix_versions],
        "level": lambda view: (view.level.lower(),) if view.level else (),
    }
    return getters[name]


def _parents(reader: Reader, *, sub_tasks_only: bool) -> Callable[[View], Iterable[str]]:
    """On Data Center `parent` is for sub-tasks and "Epic Link" for the rest; on Cloud `parent` is for all."""

    def have(view: View) -> Iterable[str]:
        fits = reader.flavour == "cloud" or (view.type.level < 0) is sub_tasks_only
        return (view.parent,) if view.parent and fits else ()

    return have


def _known(name: str, reader: Reader) -> list[tuple[str, set[str]]] | None:
    """Return what values a field can have: (what it is compared by, the lower-case words for it); None: any."""
    world = reader.world
    known: dict[str, Callable[[], list[tuple[str, set[str]]]]] = {
        "project": lambda: [(p.id, {p.id, p.key.lower(), p.name.lower()}) for p in reader.picture.projects.values()],
        "status": lambda: [(status.id, {status.id, status.name.lower()}) for status in world.statuses],
        "statuscategory": lambda: [(c.key, {str(c.id), c.key, c.name.lower()}) for c in CATEGORIES.values()],
        "issuetype": lambda: [(kind.id, {kind.id, kind.name.lower()}) for kind in world.types],
        "resolution": lambda: [(each.name.lower(), {each.id, each.name.lower()}) for each in world.resolutions],
        "fixversion": lambda: [(each.name.lower(), {each.id, each.name.lower()}) for each in world.versions.values()],
        "level": lambda: [(each.name.lower(), {each.id, each.name.lower()}) for each in world.levels],
    }
    return known[name]() if name in known else None


def _instants(name: str, zone: tzinfo) -> Callable[[View], int | None]:
    def of(value: datetime | date | None) -> int | None:
        if value is None:
            return None
        return milliseconds(value if isinstance(value, datetime) else datetime(*value.timetuple()[:3], tzinfo=zone))

    getters: dict[str, Callable[[View], datetime | date | None]] = {
        "updated": lambda view: view.updated,
        "created": lambda view: view.created,
        "resolutiondate": lambda view: view.resolved,
        "duedate": lambda view: view.due,
        "statuscategorychangeddate": lambda view: view.category_changed,
    }
    get = getters[name]
    return lambda view: of(get(view))


@dataclass(frozen=True, slots=True)
class _Falling:
    value: Any

    def __lt__(self, other: _Falling) -> bool:
        return bool(other.value < self.value)


def _rank(query: Jql, reader: Reader) -> Rank:
    if len(query.order) > 7:
        raise JqlError("The 'ORDER BY' clause can have at most 7 fields.")
    if not query.order:
        return lambda view: -int(view.id)
    parts = [_sort_key(sort, reader) for sort in query.order]
    return lambda view: (*[part(view) for part in parts], int(view.id))


def _sort_key(sort: Sort, reader: Reader) -> Rank:
    name = field_name(sort.field, reader.flavour)
    rise = _rising(name, reader)
    return (lambda view: _Falling(rise(view))) if sort.descending else rise


def _rising(name: str, reader: Reader) -> Rank:
    if name in _DATES:
        get = _instants(name, reader.zone)
        return lambda view: get(view) or 0
    if name == "key":
        return lambda view: (project_of(view.key), int(view.key.rpartition("-")[2]))
    have = _values(name, reader, name)
    return lambda view: tuple(have(view))
