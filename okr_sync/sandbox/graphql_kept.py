"""Answers the same GraphQL question about the same world without working it out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import DocumentNode, FieldNode, OperationDefinitionNode, SelectionSetNode, get_operation_ast

from okr_sync.sandbox.graphql_engine import Query, run
from okr_sync.sandbox.graphql_fields import Context

__all__ = ["answer"]

_MOST = 512
"""How many answers are kept for one state of a world."""
_LIVE = "rateLimit"
"""The field that differs from request to request."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Fields of an answer in JSON by the name that they have there, and its errors."""

    fields: dict[str, bytes]
    errors: list[Any] | None


def answer(query: Query, context: Context) -> bytes:
    """Return what `run` returns, in JSON; only the rate limit is worked out anew for a question asked before."""
    operation = get_operation_ast(query.document, query.operation) if query.document else None
    if query.document is None or operation is None or not _is_plain(operation):
        return orjson.dumps(run(query, context))
    known, key = context.world.answers, (context.web, query.key)
    found = known.get(key)
    if found is None:
        body = run(_only(query, query.document, operation, live=False), context)
        if body["data"] is None:
            return orjson.dumps(body)
        found = _Kept({name: orjson.dumps(value) for name, value in body["data"].items()}, body.get("errors"))
        if len(known) >= _MOST:
            known.clear()
        known[key] = found
    fresh = run(_only(query, query.document, operation, live=True), context)["data"]
    fields = found.fields | {name: orjson.dumps(value) for name, value in fresh.items()}
    names = dict.fromkeys(_name(each) for each in _fields(operation))
    data = {name: orjson.Fragment(fields[name]) for name in names if name in fields}
    return orjson.dumps({"data": data} | ({"errors": found.errors} if found.errors else {}))


def _is_plain(operation: OperationDefinitionNode) -> bool:
    return all(isinstance(each, FieldNode) for each in operation.selection_set.selections)


def _fields(operation: OperationDefinitionNode) -> Sequence[FieldNode]:
    return [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]


def _name(field: FieldNode) -> str:
    return (field.alias or field.name).value


def _only(query: Query, document: DocumentNode, operation: OperationDefinitionNode, *, live: bool) -> Query:
    """Return the query with the field that differs each time, or with all the others."""
    chosen = tuple(each for each in _fields(operation) if (each.name.value == _LIVE) is live)
    part = replace(operation, selection_set=SelectionSetNode(selections=chosen))
    definitions = tuple(part if each is operation else each for each in document.definitions)
    return replace(query, document=replace(document, definitions=definitions))
