"""Runs GraphQL requests against the state of a world and words the answers and errors as GitHub does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values

from okr_sync.sandbox.graphql_cost import Bill, reckon
from okr_sync.sandbox.graphql_fields import FIELDS, Context, type_name
from okr_sync.sandbox.graphql_schema import SDL

__all__ = ["Query", "github_schema", "prepare", "run"]

QUESTIONS = 256  # texts that are remembered
_WORDS = (
    (
        r"Cannot query field '(\w+)' on type '(\w+)'",
        "undefinedField",
        "Field '{0}' doesn't exist on type '{1}'",
        ("fieldName", "typeName"),
    ),
    (
        r"Unknown argument '(\w+)' on field '\w+\.(\w+)'",
        "argumentNotAccepted",
        "Field '{1}' doesn't accept argument '{0}'",
        ("argumentName", "name"),
    ),
    (
        r"Value '(\w+)' does not exist in '(\w+)' enum",
        "argumentLiteralsIncompatible",
        "Argument 'itemTypes' on Field 'timelineItems' has an invalid value ([{0}]). Expected type '[{1}!]'.",
        ("value", "typeName"),
    ),
)
"""What the library says, and GitHub's code and words for it (graphql-ruby, static validation)."""


@dataclass(frozen=True, slots=True)
class Query:
    """A request that was read: its errors so far, or what to run and its bill."""

    errors: list[dict[str, Any]]
    document: DocumentNode | None = None
    variables: Mapping[str, Any] | None = None
    operation: str | None = None
    bill: Bill | None = None
    key: bytes = b""
    """Equal for equal questions: text, variables and operation."""
    modern: bool = True


@lru_cache(maxsize=4)
def github_schema(*, modern: bool = True) -> GraphQLSchema:
    """Return the executable schema, built once; not `modern`: of a server without sub-issues and duplicates."""
    schema = build_schema(SDL)
    for type_, fields in FIELDS.items():
        target = schema.type_map[type_]
        if isinstance(target, GraphQLObjectType):
            for name, resolve in fields.items():
                target.fields[name].resolve = resolve
    for name in ("Node", "RepositoryOwner"):
        interface = schema.type_map[name]
        if isinstance(interface, GraphQLInterfaceType):
            interface.resolve_type = type_name
    if not modern:
        _forget(schema)
    return schema


def _forget(schema: GraphQLSchema) -> None:
    issue, kinds = schema.type_map["Issue"], schema.type_map["IssueTimelineItemsItemType"]
    if isinstance(issue, GraphQLObjectType) and isinstance(kinds, GraphQLEnumType):
        del issue.fields["parent"], issue.fields["issueType"], issue.fields["stateReason"].args["enableDuplicate"]
        del kinds.values["PARENT_ISSUE_ADDED_EVENT"], kinds.values["PARENT_ISSUE_REMOVED_EVENT"]


def prepare(payload: Any, *, modern: bool = True) -> Query:
    """Return the query in a decoded request body: parsed, validated, its limits checked and its cost reckoned."""
    text = payload.get("query") if isinstance(payload, dict) else None
    if not isinstance(text, str):
        return Query([{"message": "A query attribute must be specified and must be a string."}])
    document = _read(text, modern=modern)
    if not isinstance(document, DocumentNode):
        return Query([dict(error) for error in document])
    operation = get_operation_ast(document, payload.get("operationName"))
    if operation is None:
        return Query([{"message": "An operation name is required"}])
    return replace(_reckoned(github_schema(modern=modern), document, operation, payload), modern=modern)


@lru_cache(maxsize=QUESTIONS)
def _read(text: str, *, modern: bool) -> DocumentNode | tuple[Mapping[str, Any], ...]:
    """Return the parsed and valid question, or its errors. A program asks the same text again and again, with other
    variables: to read it anew took four fifths of an answer's time.
    """
    try:
        document = parse(text)
    except GraphQLError as error:
        return (_worded(error),)
    broken = validate(github_schema(modern=modern), document)
    return tuple(map(_refused, broken)) if broken else document


def run(query: Query, context: Context) -> dict[str, Any]:
    """Return the body of the answer: data, and errors where there are some; what resolved stays."""
    if query.document is None:
        return {"errors": query.errors}
    done = execute_sync(
        github_schema(modern=query.modern),
        query.document,
        context_value=context,
        variable_values=dict(query.variables or {}),
        operation_name=query.operation,
    )
    for error in done.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    body: dict[str, Any] = {"data": done.data}
    if done.errors:
        body["errors"] = [_worded(error) for error in done.errors]
    return body


def _reckoned(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, payload: Any) -> Query:
    variables = payload.get("variables") or {}
    values = get_variable_values(schema, operation.variable_definitions or (), variables)
    if not isinstance(values, VariableValues):
        return Query([_worded(error) for error in values])
    bill = reckon(schema, document, operation, values)
    if bill.broken:
        return Query(
            [
                {
                    "type": one.type,
                    "path": list(one.path),
                    "locations": [{"line": one.line, "column": one.column}],
                    "message": one.message,
                }
                for one in bill.broken
            ]
        )
    name = payload.get("operationName")
    return Query([], document, variables, name, bill, orjson.dumps([payload["query"], variables, name]))


def _refused(error: GraphQLError) -> dict[str, Any]:
    """Return an error of a query that the schema does not fit, in GitHub's words where they are known."""
    worded = _worded(error)
    for said, code, message, names in _WORDS:
        if match := re.match(said, error.message):
            told = dict(zip(names, match.groups(), strict=True))
            return {**worded, "message": message.format(*match.groups()), "extensions": {"code": code, **told}}
    return worded


def _worded(error: GraphQLError) -> dict[str, Any]:
    kind = (error.extensions or {}).get("type")
    worded: dict[str, Any] = {"type": kind} if kind else {}
    if error.path is not None:
        worded["path"] = list(error.path)
    worded["locations"] = [{"line": one.line, "column": one.column} for one in error.locations or ()]
    return {**worded, "message": error.message}
