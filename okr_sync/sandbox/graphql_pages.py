"""Cursor pages: filters, orders and cuts a list into the connection that GraphQL clients see."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from graphql import GraphQLError

from okr_sync.sandbox.github_timeline import Told
from okr_sync.sandbox.repositories_state import ItemState, MilestoneState

__all__ = ["issue_page", "label_page", "milestone_page", "project_page", "pull_request_page", "timeline_page"]

Key: TypeAlias = tuple[str, int]
"""Where something stands in an order: the ordered value as text that sorts, then a number that breaks ties."""


def issue_page(items: Sequence[ItemState], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the connection of the issues among `items`: `states`, `labels`, `filterBy`, `orderBy`, cut by cursors."""
    filters = arguments.get("filterBy") or {}
    kept = [one for one in items if not one.item.pull_request and _fits(one, arguments) and _fits(one, filters)]
    since = _since(filters.get("since"))
    kept = [one for one in kept if since is None or one.updated_at >= since]
    return _cut(kept, _item_key(arguments), arguments)


def pull_request_page(items: Sequence[ItemState], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the connection of the pull requests among `items`: `states`, `labels`, `orderBy`, cut by cursors."""
    kept = [one for one in items if one.item.pull_request and _fits(one, arguments)]
    return _cut(kept, _item_key(arguments), arguments)


def milestone_page(milestones: Sequence[MilestoneState], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the connection of `milestones`: `states`, `query` (a part of the title), `orderBy`, cut by cursors."""
    states = arguments.get("states")
    word = (arguments.get("query") or "").casefold()
    kept = [one for one in milestones if (states is None or one.state in states) and word in one.title.casefold()]
    return _cut(kept, _milestone_key(arguments), arguments)


def label_page(names: Sequence[str], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the connection of labels by name."""
    return _cut(sorted(names), lambda name: (name, 0), arguments)


def project_page(rows: Sequence[dict[str, Any]], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the connection of an item's places in projects."""
    return _cut(rows, lambda row: ("", row["project"]), arguments)


def timeline_page(told: Sequence[Told], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the connection of events: `itemTypes`, `since` (inclusive), cut by cursors."""
    kinds, since = arguments.get("itemTypes"), _since(arguments.get("since"))
    places = {id(one): place for place, one in enumerate(told)}
    kept = [one for one in told if kinds is None or f"{one.kind.upper()}_EVENT" in kinds]
    kept = [one for one in kept if since is None or one.at >= since]
    return _cut(kept, lambda one: (_instant(one.at), places[id(one)]), arguments)


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise GraphQLError(f"'{text}' is no ISO 8601 instant") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _fits(one: ItemState, filters: dict[str, Any]) -> bool:
    states, labels = filters.get("states"), filters.get("labels")
    return (states is None or one.state in states) and (labels is None or not set(labels).isdisjoint(one.labels))


def _item_key(arguments: dict[str, Any]) -> Callable[[ItemState], Key]:
    if (arguments.get("orderBy") or {}).get("field") == "UPDATED_AT":
        return lambda one: (_instant(one.updated_at), one.item.number)
    return lambda one: (_instant(one.item.created_at), one.item.number)


def _milestone_key(arguments: dict[str, Any]) -> Callable[[MilestoneState], Key]:
    keys: dict[str, Callable[[MilestoneState], Key]] = {
        "CREATED_AT": lambda one: (_instant(one.milestone.created_at), one.milestone.number),
        "DUE_DATE": lambda one: (_instant(one.due_on) if one.due_on else "~", one.milestone.number),
        "NUMBER": lambda one: ("", one.milestone.number),
        "UPDATED_AT": lambda one: (_instant(one.updated_at), one.milestone.number),
    }
    return keys[(arguments.get("orderBy") or {}).get("field", "NUMBER")]


def _instant(at: datetime) -> str:
    return f"{at.timestamp():020.6f}"


def _cut(kept: Sequence[Any], key: Callable[[Any], Key], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return one page: what lies strictly between `after` and `before`, its `first` or `last` ones."""
    descending = (arguments.get("orderBy") or {}).get("direction") == "DESC"
    ordered = sorted(kept, key=key, reverse=descending)
    keys = [key(one) for one in ordered]
    start = _place(arguments.get("after"), keys, descending=descending, past=True) or 0
    stop = _place(arguments.get("before"), keys, descending=descending, past=False)
    stop = len(ordered) if stop is None else stop
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None:
        stop = min(stop, start + first)
    elif last is not None:
        start = max(start, stop - last)
    nodes, cursors = ordered[start:stop], [_cursor(one) for one in keys[start:stop]]
    page = {
        "hasNextPage": stop < len(ordered),
        "hasPreviousPage": start > 0,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }
    edges = [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)]
    return {"nodes": nodes, "edges": edges, "pageInfo": page, "totalCount": len(ordered)}


def _cursor(key: Key) -> str:
    return b64encode(b"cursor:v2:" + json.dumps(key).encode()).decode()


def _place(cursor: str | None, keys: list[Key], *, descending: bool, past: bool) -> int | None:
    """Return the index right behind (`past`) or right at the cursor, also when what it named is gone."""
    if cursor is None:
        return None
    try:
        _, _, body = b64decode(cursor, validate=True).partition(b"v2:")
        value, number = json.loads(body)
        wanted = (str(value), int(number))
    except (binascii.Error, ValueError, TypeError) as error:
        message = f"`{cursor}` does not appear to be a valid cursor."
        raise GraphQLError(message, extensions={"type": "INVALID_CURSOR_ARGUMENTS"}) from error
    if descending:
        return sum(key >= wanted if past else key > wanted for key in keys)
    return sum(key <= wanted if past else key < wanted for key in keys)
