"""Where the last pull from Jira ended: the cursor, with what stands above what among epics. Issues are not in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from connectors.jira_dialect import Dialect

_VERSION = 3


@dataclass(slots=True)
class Tree:
    """The mapped containers (`roots`) and those found below them (`inner`), each id → key, and what is above each."""

    roots: dict[str, str] = field(default_factory=dict)
    inner: dict[str, str] = field(default_factory=dict)
    above: dict[str, str] = field(default_factory=dict)

    def __contains__(self, id_: str | None) -> bool:
        return id_ in self.roots or id_ in self.inner

    def keys(self) -> dict[str, str]:
        """Return id → key of all containers."""
        return {**self.roots, **self.inner}

    def ids(self) -> dict[str, str]:
        """Return key in capitals → id of all containers."""
        return {key.upper(): id_ for id_, key in self.keys().items()}

    def roots_of(self, parent: str | None) -> frozenset[str]:
        """Return the roots that hold what stands below `parent`."""
        found: set[str] = set()
        seen: set[str] = set()
        while parent is not None and parent in self and parent not in seen:
            seen.add(parent)
            found |= {parent} & self.roots.keys()
            parent = self.above.get(parent)
        return frozenset(found)

    def put(self, id_: str, key: str, parent: str | None) -> bool:
        """Note where a container stands now; return whether what it holds has moved with it."""
        before = (id_ in self, self.above.get(id_))
        known = parent if parent in self else None
        if id_ in self.roots:
            self.roots[id_] = key
        elif known is not None and self.roots_of(known):
            self.inner[id_] = key
        else:
            self.inner.pop(id_, None)
            known = None
        if known is None:
            self.above.pop(id_, None)
        else:
            self.above[id_] = known
        return before != (id_ in self, known)


@dataclass(slots=True)
class Cursor:
    """Where the last pull ended. `since` and `full` are instants in ms since 1970, `asked` is a hash of the question,
    `dialect` is how the site spoke at `heard` (ms since 1970).

    `epics` maps the keys that were asked for to ids, also where an epic has another key by now. `projects` and `types`
    are those of all issues (keys; ids, sub-tasks aside), `subtasks` says whether there are any. `count` is how many
    issues created before `since` the site showed. `resolutions` are the names of those that issues have, by id.
    """

    since: int
    full: int
    asked: str
    dialect: Dialect
    epics: dict[str, str] = field(default_factory=dict)
    tree: Tree = field(default_factory=Tree)
    projects: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    subtasks: bool = False
    count: int = 0
    heard: int = 0
    resolutions: dict[str, str] = field(default_factory=dict)

    def dump(self) -> str:
        """Return the cursor as text."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        tree = {each.name: getattr(self.tree, each.name) for each in fields(self.tree)}
        sets = {"projects": sorted(self.projects), "types": sorted(self.types)}
        site = {"dialect": asdict(self.dialect)}
        return json.dumps({"v": _VERSION, **told, "tree": tree, **site, **sets}, sort_keys=True)


def load_cursor(text: str | None) -> Cursor | None:
    """Return the cursor; None when there is none or it is not one of ours."""
    try:
        told: Any = json.loads(text or "")
        if told.pop("v") != _VERSION:
            return None
        tree, projects, types = Tree(**told.pop("tree")), set(told.pop("projects")), set(told.pop("types"))
        dialect = told.pop("dialect")
        spoken = Dialect(**{**dialect, "points": tuple(dialect["points"])})
        return Cursor(tree=tree, projects=projects, types=types, dialect=spoken, **told)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
