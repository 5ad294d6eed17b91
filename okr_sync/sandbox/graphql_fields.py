"""How each GraphQL field is read from the state of a world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo

from okr_sync.sandbox.github_timeline import Told, event_node, timeline
from okr_sync.sandbox.graphql_pages import (
    issue_page,
    label_page,
    milestone_page,
    project_page,
    pull_request_page,
    timeline_page,
)
from okr_sync.sandbox.repositories import global_id, number_of
from okr_sync.sandbox.repositories_state import (
    ItemState,
    MilestoneState,
    NodeState,
    ProjectState,
    RepositoryState,
    WorldState,
)

__all__ = ["FIELDS", "Context", "Field", "instant", "type_name"]

Field: TypeAlias = Callable[..., Any]
"""A resolver: (source, info, **arguments) → value."""


@dataclass(frozen=True, slots=True)
class Context:
    """What one query sees: the world, the web address before owner/name, its bill and who asks."""

    world: WorldState
    web: str
    rate_limit: dict[str, Any] | None
    login: str


Info: TypeAlias = GraphQLResolveInfo[Context]
"""What a resolver learns of its query: `info.context` is our `Context`."""


def instant(at: datetime | None) -> str | None:
    """Return `at` as GitHub writes it: UTC, whole seconds, Z; None stays None."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def type_name(node: Any, *_: Any) -> str:
    """Return the GraphQL type of a node or an owner."""
    if isinstance(node, RepositoryState):
        return "Repository"
    if isinstance(node, MilestoneState):
        return "Milestone"
    if isinstance(node, ItemState):
        return "PullRequest" if node.item.pull_request else "Issue"
    if isinstance(node, ProjectState):
        return "ProjectV2"
    return "Organization"


def _not_found(what: str) -> GraphQLError:
    return GraphQLError(f"Could not resolve to a {what}.", extensions={"type": "NOT_FOUND"})


def _node(context: Context, node_id: str) -> NodeState:
    node = context.world.nodes.get(node_id)
    if node is None:
        raise _not_found(f"node with the global id of '{node_id}'")
    return node


def _nodes(_: Any, info: Info, ids: list[str]) -> list[NodeState | GraphQLError]:
    world = info.context.world
    return [world.nodes.get(one) or _not_found(f"node with the global id of '{one}'") for one in ids]


def _repository(
    _: Any,
    info: Info,
    owner: str,
    name: str,
    followRenames: bool = True,  # noqa: N803, FBT001, FBT002 -- GitHub's
) -> RepositoryState:
    world: WorldState = info.context.world
    wanted = f"{owner}/{name}".casefold()
    found = world.names.get(wanted) or (world.former_names.get(wanted) if followRenames else None)
    if found is None:
        raise _not_found(f"Repository with the name '{owner}/{name}'")
    return found


def _owner(repository: RepositoryState, info: Info) -> dict[str, Any]:
    login = repository.full_name.split("/")[0]
    host = info.context.web
    return {"id": global_id("O", number_of(login)), "login": login, "url": f"{host}/{login}"}


def issue_type(name: str) -> dict[str, Any] | None:
    """Return an issue type as GraphQL has it; None for none."""
    return {"id": global_id("IT", number_of(name)), "isEnabled": True, "name": name} if name else None


def _sub_issues(issue: ItemState) -> dict[str, int]:
    total = len(issue.children)
    closed = sum(child.state != "OPEN" for child in issue.children)
    return {"total": total, "completed": closed, "percentCompleted": 100 * closed // total if total else 0}


def _state_reason(issue: ItemState, enable_duplicate: bool) -> str | None:  # noqa: FBT001 -- GitHub's argument
    return None if issue.reason == "DUPLICATE" and not enable_duplicate else issue.reason


def _labels(item: ItemState, _info: Info, **arguments: Any) -> dict[str, Any]:
    page = label_page(item.labels, arguments)
    repository = item.repository.repository.id
    labels = [
        {"id": global_id("LA", repository, number_of(name)), "name": name, "color": "ededed"} for name in page["nodes"]
    ]
    edges = [{**edge, "node": label} for edge, label in zip(page["edges"], labels, strict=True)]
    return {**page, "nodes": labels, "edges": edges}


def _timeline(item: ItemState, info: Info, **arguments: Any) -> dict[str, Any]:
    page = timeline_page(timeline(item, info.context.world.milestones), arguments)
    nodes = info.context.world.nodes
    return {**page, "nodes": [event_node(told, str(instant(told.at)), _issue(nodes, told)) for told in page["nodes"]]}


def _issue(nodes: Mapping[str, NodeState], told: Told) -> ItemState | None:
    parent = nodes.get(told.parent)
    return parent if isinstance(parent, ItemState) else None


def _project_items(item: ItemState, _info: Info, **arguments: Any) -> dict[str, Any]:
    rows = [{"project": project, "values": values} for project, values in item.estimates.items()]
    return project_page(rows, arguments)


def _project_value(row: dict[str, Any], _info: Info, name: str) -> dict[str, Any] | None:
    value = row["values"].get(name)
    if isinstance(value, str):
        return {"__typename": "ProjectV2ItemFieldTextValue", "text": value}
    return None if value is None else {"__typename": "ProjectV2ItemFieldNumberValue", "number": value}


def _project(row: dict[str, Any], info: Info) -> NodeState:
    return info.context.world.nodes[global_id("PVT", row["project"])]


def _url(part: str) -> Field:
    def resolve(state: Any, info: Info) -> str:
        number = state.milestone.number if isinstance(state, MilestoneState) else state.item.number
        return f"{info.context.web}/{state.repository.full_name}/{part}/{number}"

    return resolve


def _plain(read: Callable[[Any], Any]) -> Field:
    return lambda source, _info: read(source)


_REPOSITORY: dict[str, Field] = {
    "createdAt": _plain(lambda one: instant(one.repository.created_at)),
    "databaseId": _plain(lambda one: one.repository.id),
    "id": _plain(lambda one: one.repository.node_id),
    "isPrivate": _plain(lambda one: one.repository.private),
    "milestone": lambda one, _info, number: one.milestones.get(number),
    "milestones": lambda one, _info, **arguments: milestone_page(list(one.milestones.values()), arguments),
    "name": _plain(lambda one: one.full_name.split("/")[1]),
    "nameWithOwner": _plain(lambda one: one.full_name),
    "owner": _owner,
    "url": lambda one, info: f"{info.context.web}/{one.full_name}",
}

_MILESTONE: dict[str, Field] = {
    "closed": _plain(lambda one: one.closed_at is not None),
    "closedAt": _plain(lambda one: instant(one.closed_at)),
    "createdAt": _plain(lambda one: instant(one.milestone.created_at)),
    "description": _plain(lambda one: one.milestone.description),
    "dueOn": _plain(lambda one: instant(one.due_on)),
    "id": _plain(lambda one: one.milestone.node_id),
    "issues": lambda one, _info, **arguments: issue_page(one.items, arguments),
    "number": _plain(lambda one: one.milestone.number),
    "progressPercentage": _plain(lambda one: 100.0 * one.closed_share),
    "pullRequests": lambda one, _info, **arguments: pull_request_page(one.items, arguments),
    "repository": _plain(lambda one: one.repository),
    "state": _plain(lambda one: one.state),
    "title": _plain(lambda one: one.title),
    "updatedAt": _plain(lambda one: instant(one.updated_at)),
    "url": _url("milestone"),
}

_ITEM: dict[str, Field] = {
    "closed": _plain(lambda one: one.state != "OPEN"),
    "closedAt": _plain(lambda one: instant(one.closed_at)),
    "createdAt": _plain(lambda one: instant(one.item.created_at)),
    "databaseId": _plain(lambda one: one.item.id),
    "id": _plain(lambda one: one.item.node_id),
    "labels": _labels,
    "milestone": _plain(lambda one: one.milestone),
    "number": _plain(lambda one: one.item.number),
    "projectItems": _project_items,
    "repository": _plain(lambda one: one.repository),
    "state": _plain(lambda one: one.state),
    "timelineItems": _timeline,
    "title": _plain(lambda one: one.item.title),
    "updatedAt": _plain(lambda one: instant(one.updated_at)),
}

FIELDS: dict[str, dict[str, Field]] = {
    "Query": {
        "node": lambda _root, info, id: _node(info.context, id),  # noqa: A006 -- GitHub's argument
        "nodes": _nodes,
        "rateLimit": lambda _root, info, **_arguments: info.context.rate_limit,
        "repository": _repository,
        "viewer": lambda _root, info: {
            "id": global_id("U", 1),
            "login": info.context.login,
            "url": f"{info.context.web}/{info.context.login}",
        },
    },
    "Repository": _REPOSITORY,
    "Milestone": _MILESTONE,
    "Issue": {
        **_ITEM,
        "issueType": _plain(lambda one: issue_type(one.type)),
        "parent": _plain(lambda one: one.parent),
        "stateReason": lambda one, _info, enableDuplicate=False: _state_reason(one, enableDuplicate),  # noqa: N803
        "subIssuesSummary": _plain(_sub_issues),
        "url": _url("issues"),
    },
    "ProjectV2": {"id": _plain(lambda one: global_id("PVT", one.number))},
    "ProjectV2Item": {
        "fieldValueByName": _project_value,
        "id": _plain(lambda one: global_id("PVTI", one["project"])),
        "project": _project,
    },
    "PullRequest": {
        **_ITEM,
        "merged": _plain(lambda one: one.state == "MERGED"),
        "mergedAt": _plain(lambda one: instant(one.closed_at) if one.state == "MERGED" else None),
        "url": _url("pull"),
    },
}
"""The resolver of each field by type; types left out (pages, labels, owners) are plain mappings."""
