"""The words of the GraphQL queries; values travel as variables, never inside the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Place: TypeAlias = tuple[str, str | None]
"""A repository, and the cursor after which to go on with its milestones."""

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
_TOLD = {"Closed": "stateReason", "Milestoned": "milestoneTitle", "Demilestoned": "milestoneTitle"}
_LIMIT = "rateLimit { cost remaining resetAt }"

VIEWER = "query { viewer { login } rateLimit { limit remaining } }"
"""Whose token it is, and what is left of the hour."""
COUNTED = f"... on Milestone {{ {_COUNTS} }}"
"""A milestone with the counts that tell whether it changed."""


def item_fields(*, with_labels: bool) -> dict[str, str]:
    """Return by the name of a milestone's connection what to ask of each item."""
    labels = f" {_LABELS}" if with_labels else ""
    # GitHub leaves DUPLICATE out unless asked to name it.
    return {
        "issues": f"{_SHARED} stateReason(enableDuplicate: true){labels}",
        "pullRequests": f"{_SHARED} merged{labels}",
    }


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


def further_page(name: str, fields: str) -> str:
    """Return the query for the page of the connection `name` of the milestone `$id` behind the cursor `$after`."""
    connection = _connection("first: 100, after: $after", fields)
    return (
        f"query($id: ID!, $after: String) {{ {_LIMIT} node(id: $id) {{ ... on Milestone {{ {name}{connection} }} }} }}"
    )


def histories() -> str:
    """Return what to ask of nodes for their past: who holds them, and the first page of their events."""
    return _of_each_kind("id repository { nameWithOwner } milestone { id title createdAt }", "first: 100")


def further_events() -> str:
    """Return the query for the events of the node `$id` behind the cursor `$after`."""
    page = _of_each_kind("", "first: 100, after: $after")
    return f"query($id: ID!, $after: String) {{ {_LIMIT} node(id: $id) {{ {page} }} }}"


def _of_each_kind(known: str, page: str) -> str:
    return " ".join(
        f"... on {kind} {{ {known} timelineItems{_events(page, names)} }}" for kind, names in _EVENTS.items()
    )


def _events(page: str, names: Sequence[str]) -> str:
    kinds = ", ".join(f"{name.upper()}_EVENT" for name in names)
    told = " ".join(f"... on {name}Event {{ createdAt {_TOLD.get(name, '')} }}" for name in names)
    return _connection(f"{page}, itemTypes: [{kinds}]", f"__typename {told}")


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
