"""Narrows a query to the issues that can match it, without looking at all of them: by what holds them or by when they
changed last.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, datetime, timedelta

from okr_sync.sandbox.issues import Picture, View
from okr_sync.sandbox.jql import Clause, Junction, Node

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"\d{6,14}")
_ABOVE = {"parent", "epic link"}
_CHANGED = {"updated", "updateddate"}


def narrow(node: Node, picture: Picture) -> list[View] | None:
    """Return a superset of what `node` matches, as small as can be told quickly; None when nothing can be told."""
    if isinstance(node, Clause):
        return _below(node, picture) if node.field.lower() in _ABOVE else _since(node, picture)
    if not isinstance(node, Junction) or node.how != "and":
        return None
    parts = [found for part in node.parts if (found := narrow(part, picture)) is not None]
    return min(parts, key=len, default=None)


def _below(clause: Clause, picture: Picture) -> list[View] | None:
    if clause.operator not in {"=", "in"} or any(word.is_empty for word in clause.values):
        return None
    above = {view.id for word in clause.values if (view := picture.get(word.text)) is not None}
    return [child for id_ in above for child in picture.children.get(id_, ())]


def _since(clause: Clause, picture: Picture) -> list[View] | None:
    bound = clause.values[0].text
    if clause.field.lower() not in _CHANGED or clause.operator not in {">", ">="}:
        return None
    if _MILLISECONDS.fullmatch(bound) is None:
        return None
    instants, views = picture.by_update
    return views[bisect_left(instants, _EPOCH + timedelta(milliseconds=int(bound))) :]
