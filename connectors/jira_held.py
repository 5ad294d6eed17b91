"""What the last pull from Jira held: the cursor, from which the next pull can tell what left."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_VERSION = 1


@dataclass(slots=True)
class Held:
    """Who holds whom, all by id. It is kept because Jira's cheap census tells ids only, not their epics."""

    above: dict[str, str] = field(default_factory=dict)
    """Issue → the epic (or higher) that it stands under."""
    containers: dict[str, str] = field(default_factory=dict)
    """Containers found below the mapped ones → key."""
    subtasks: dict[str, str] = field(default_factory=dict)
    """Sub-task → its issue."""
    picked: dict[str, set[str]] = field(default_factory=dict)
    """Container of a query → the issues that the query finds."""
    projects: set[str] = field(default_factory=set)
    """Keys of the projects of all issues."""
    types: set[str] = field(default_factory=set)
    """Ids of the issue types seen that are no sub-tasks."""

    def issues(self) -> set[str]:
        """Return all ids but those of sub-tasks below others."""
        return set(self.above).union(*self.picked.values())

    def prune(self, roots: Iterable[str]) -> None:
        """Forget what no container holds any more."""
        below = self._below()
        reached: set[str] = set().union(*(_reach(root, below) for root in roots))
        self.above = {child: parent for child, parent in self.above.items() if child in reached}
        self.containers = {id_: key for id_, key in self.containers.items() if id_ in reached}
        issues = self.issues()
        self.subtasks = {part: issue for part, issue in self.subtasks.items() if issue in issues}

    def members(self, containers: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return for each container all that it holds, at any depth, sub-tasks included."""
        below = self._below()
        parts: dict[str, set[str]] = defaultdict(set)
        for subtask, issue in self.subtasks.items():
            parts[issue].add(subtask)
        held = {}
        for container in containers:
            issues = self.picked.get(container, set()) | _reach(container, below)
            held[container] = frozenset(issues.union(*(parts[each] for each in issues if each in parts)))
        return held

    def _below(self) -> dict[str, set[str]]:
        below: dict[str, set[str]] = defaultdict(set)
        for child, parent in self.above.items():
            below[parent].add(child)
        return below


def _reach(root: str, below: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = set(below.get(root, ()))
    while ahead:
        reached |= ahead
        ahead = set().union(*(below.get(each, set()) for each in ahead)) - reached
    return reached


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the last pull ended: instants in ms since 1970, a hash of what was asked, and what was held."""

    since: int
    full: int
    asked: str
    held: Held

    def dump(self) -> str:
        """Return the cursor as text."""
        held = {name: getattr(self.held, name) for name in ("above", "containers", "subtasks")}
        sets = {name: sorted(getattr(self.held, name)) for name in ("projects", "types")}
        picked = {name: sorted(ids) for name, ids in self.held.picked.items()}
        packed = zlib.compress(json.dumps({**held, **sets, "picked": picked}, sort_keys=True).encode(), 9)
        head = {"v": _VERSION, "since": self.since, "full": self.full, "asked": self.asked}
        return json.dumps({**head, "held": base64.b85encode(packed).decode()})


def load_cursor(text: str | None) -> Cursor | None:
    """Return the cursor; None when there is none or it is not one of ours."""
    try:
        head: Any = json.loads(text or "")
        if head["v"] != _VERSION:
            return None
        held = json.loads(zlib.decompress(base64.b85decode(head["held"])))
        held["picked"] = {name: set(ids) for name, ids in held["picked"].items()}
        held.update({name: set(held[name]) for name in ("projects", "types")})
        return Cursor(int(head["since"]), int(head["full"]), str(head["asked"]), Held(**held))
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error, binascii.Error):
        return None
