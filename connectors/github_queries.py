"""The words of the GraphQL queries; values travel as variables, inside the text only a name from the config, quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = tuple[str, str | None]
"""A repository, and the cursor after which to go on with its milestones."""
Further: TypeAlias = tuple[str, str, str]
"""A milestone's id, the name of one of its connections, and the cursor after which to go on."""

MOST_NODES = 500_000  # that GitHub lets one query ask for
_PROJECTS = 10  # of an issue that are looked at

_LISTED = "id number title url state dueOn closedAt createdAt updatedAt"
_COUNTS = f"""{_LISTED}
  issues_all: issues(first: 1) {{ totalCount }}
  issues_closed: issues(first: 1, states: [CLOSED]) {{ totalCount }}
  pulls_all: pullRequests(first: 1) {{ totalCount }}
  pulls_closed: pullRequests(first: 1, states: [CLOSED, MERGED]) {{ totalCount }}"""
_SHARED = "__typename id number title url closed createdAt closedAt updatedAt"
_LABELS = "labels(first: 20) { nodes { name } }"
_EVENTS = {
    "Issue": ("Closed", "Reopened", "Milestoned", "Demilestoned", "Transferred"),
    "PullRequest": ("Closed", "Reopened", "Milestoned", "Demilestoned", "Merged"),
}
_PARENTS = ("ParentIssueAdded", "ParentIssueRemoved")
_TOLD = {
    "Closed": "stateReason",
    "Milestoned": "milestoneTitle",
    "Demilestoned": "milestoneTitle",
    **dict.fromkeys(_PARENTS, "parent { id }"),
}
_LIMIT = "rateLimit { cost remaining resetAt }"

VIEWER = "query { viewer { login } rateLimit { cost limit remaining } }"
"""Whose token it is, and what is left of the hour."""
CONNECTIONS = ("issues", "pullRequests")
"""What a milestone holds, by GitHub's names."""
COUNTED = f"... on Milestone {{ {_COUNTS} }}"
"""A milestone with the counts that tell whether it changed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask of issues and pull requests; `points` is the name of a number field of projects.

    `types`: with the type of each issue. `lacks` holds the words that the server's schema is too old for: OPTIONAL ones
    are left out then.
    """

    labels: bool = True
    points: str | None = None
    types: bool = False
    lacks: frozenset[str] = frozenset()

    def fields(self) -> dict[str, str]:
        """Return by the name of a milestone's connection what to ask of each item."""
        # GitHub leaves DUPLICATE out unless asked to name it.
        reason = "stateReason" if "enableDuplicate" in self.lacks else "stateReason(enableDuplicate: true)"
        parent = "" if "parent" in self.lacks else " parent { id }"
        kind = " issueType { name }" if self.types else ""
        more = (f" {_LABELS}" if self.labels else "") + (f" {_number_field(self.points)}" if self.points else "")
        return {"issues": f"{_SHARED} {reason}{parent}{kind}{more}", "pullRequests": f"{_SHARED} merged{more}"}

    def most_milestones(self) -> int:
        """Return how many milestones fit into a query with their first items, 1 to 100."""
        each = 1 + (20 if self.labels else 0) + (_PROJECTS if self.points else 0)
        return min(100, MOST_NODES // (2 * 100 * each + 10))


OPTIONAL = frozenset({"enableDuplicate", "parent"})
"""Words that an older server may lack: nothing is closed as a duplicate there, or nothing has sub-issues."""


def lacking(words: Iterable[str]) -> frozenset[str]:
    """Return which OPTIONAL words a server lacks that stumbled over `words`."""
    found = {"parent" if word.startswith(("ParentIssue", "PARENT_ISSUE")) else word for word in words}
    return OPTIONAL & found


def _number_field(name: str) -> str:
    told = "... on ProjectV2ItemFieldNumberValue { number }"
    field = f"fieldValueByName(name: {json.dumps(name, ensure_ascii=False)}) {{ {told} }}"
    return f"projectItems(first: {_PROJECTS}) {{ nodes {{ project {{ id number }} {field} }} }}"


def by_ids(fields: str) -> str:
    """Return the query for `fields` of the nodes `$ids`."""
    return f"query($ids: [ID!]!) {{ {_LIMIT} nodes(ids: $ids) {{ __typename {fields} }} }}"


def single_items(fields: Mapping[str, str]) -> str:
    """Return what to ask of nodes that are issues or pull requests."""
    return f"... on Issue {{ {fields['issues']} }} ... on PullRequest {{ {fields['pullRequests']} }}"


def counted_with_items(fields: Mapping[str, str]) -> str:
    """Return what to ask of a milestone: counts, and the first page of each connection."""
    connections = " ".join(f"{name}{_connection('first: 100', text)}" for name, text in fields.items())
    return f"... on Milestone {{ {_COUNTS} {connections} }}"


def further_pages(wanted: Sequence[Further], fields: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the query, and its variables, for one more page of each connection, as `p0`, `p1` and so on."""
    declared, asked = [], []
    variables: dict[str, str] = {}
    for place, (id_, name, after) in enumerate(wanted):
        variables |= {f"i{place}": id_, f"a{place}": after}
        declared.append(f"$i{place}: ID!, $a{place}: String")
        connection = name + _connection(f"first: 100, after: $a{place}", fields[name])
        asked.append(f"p{place}: node(id: $i{place}) {{ ... on Milestone {{ {connection} }} }}")
    return f"query({', '.join(declared)}) {{ {_LIMIT} {' '.join(asked)} }}", variables


def seen(repos: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the query, and its variables, for whether repositories can be seen, as `r0`, `r1` and so on."""
    declared, asked = [], []
    variables: dict[str, str] = {}
    for place, repo in enumerate(repos):
        owner, _, name = repo.partition("/")
        variables |= {f"o{place}": owner, f"n{place}": name}
        declared.append(f"$o{place}: String!, $n{place}: String!")
        asked.append(f"r{place}: repository(owner: $o{place}, name: $n{place}) {{ id }}")
    return f"query({', '.join(declared)}) {{ {_LIMIT} {' '.join(asked)} }}", variables


def histories(lacks: frozenset[str]) -> str:
    """Return what to ask of nodes for their past: who holds them, and the first page of their events."""
    return _of_each_kind("id repository { nameWithOwner } milestone { id title createdAt }", "first: 100", lacks)


def further_events(lacks: frozenset[str]) -> str:
    """Return the query for the events of the node `$id` behind the cursor `$after`."""
    page = _of_each_kind("", "first: 100, after: $after", lacks)
    return f"query($id: ID!, $after: String) {{ {_LIMIT} node(id: $id) {{ {page} }} }}"


def _of_each_kind(known: str, page: str, lacks: frozenset[str]) -> str:
    more = {"Issue": () if "parent" in lacks else _PARENTS}
    kinds = {kind: (*names, *more.get(kind, ())) for kind, names in _EVENTS.items()}
    return " ".join(f"... on {kind} {{ {known} timelineItems{_events(page, names)} }}" for kind, names in kinds.items())


def _events(page: str, names: Sequence[str]) -> str:
    kinds = ", ".join(f"{_shouted(name)}_EVENT" for name in names)
    told = " ".join(f"... on {name}Event {{ createdAt {_TOLD.get(name, '')} }}" for name in names)
    return _connection(f"{page}, itemTypes: [{kinds}]", f"__typename {told}")


def _shouted(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def listing(wanted: Sequence[Place]) -> tuple[str, dict[str, str | None]]:
    """Return the query, and its variables, for a page of milestones of each place, as `r0`, `r1` and so on."""
    declared, asked = [], []
    variables: dict[str, str | None] = {}
    connection = "milestones" + _connection(
        "first: 100, after: $a%d, orderBy: {field: NUMBER, direction: ASC}", _LISTED
    )
    for place, (repo, after) in enumerate(wanted):
        owner, _, name = repo.partition("/")
        variables |= {f"o{place}": owner, f"n{place}": name, f"a{place}": after}
        declared.append(f"$o{place}: String!, $n{place}: String!, $a{place}: String")
        asked.append(f"r{place}: repository(owner: $o{place}, name: $n{place}) {{ {connection % place} }}")
    return f"query({', '.join(declared)}) {{ {_LIMIT} {' '.join(asked)} }}", variables


def _connection(arguments: str, fields: str) -> str:
    return f"({arguments}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {fields} }} }}"
