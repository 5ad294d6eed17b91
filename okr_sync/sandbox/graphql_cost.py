"""What GitHub works out of a GraphQL query before running it: page limits, nodes asked for, and cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
)
from graphql.execution.values import VariableValues

__all__ = ["NODE_LIMIT", "PAGE_LIMIT", "Bill", "Broken", "reckon"]

PAGE_LIMIT = 100
"""The greatest `first` or `last`, and the most ids of one `nodes`."""

NODE_LIMIT = 500_000
"""The most nodes that one query may ask for."""

Composite: TypeAlias = GraphQLObjectType | GraphQLInterfaceType


@dataclass(frozen=True, slots=True)
class Broken:
    """A limit that the query breaks, in the form of GitHub's `errors`."""

    type: str
    message: str
    path: tuple[str, ...]
    line: int
    column: int


@dataclass(slots=True)
class Bill:
    """What a query asks for: requests per connection, nodes, milestones among them, and broken limits."""

    requests: int = 0
    nodes: int = 0
    milestones: int = 0
    broken: list[Broken] = field(default_factory=list)

    @property
    def cost(self) -> int:
        """Points: requests / 100, rounded, at least 1 (docs.github.com, rate limits for the GraphQL API)."""
        return max(1, (self.requests + 50) // 100)


def reckon(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, values: VariableValues
) -> Bill:
    """Return the bill of a validated operation.

    Each connection costs one request per parent node, where every parent is assumed to be full; each asks for
    parents × (`first` or `last`) nodes. `nodes(ids:)` multiplies what is below it by the number of ids.
    """
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    walk = _Walk(schema, fragments, values)
    if schema.query_type is not None:
        walk.down(schema.query_type, operation.selection_set, 1, ())
    return walk.bill


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], values: VariableValues
    ) -> None:
        self.bill = Bill()
        self._schema = schema
        self._fragments = fragments
        self._values = values
        self._seen: set[tuple[str, ...]] = set()

    def down(self, parent: Composite, selections: SelectionSetNode, parents: int, path: tuple[str, ...]) -> None:
        for owner, node in self._fields(parent, selections):
            definition = owner.fields.get(node.name.value)
            if definition is None or node.selection_set is None:
                continue
            below = (*path, node.alias.value if node.alias else node.name.value)
            each = self._multiply(definition, node, parents, below)
            target = get_named_type(definition.type)
            if isinstance(target, GraphQLObjectType | GraphQLInterfaceType):
                self.down(target, node.selection_set, parents * each, below)

    def _fields(self, parent: Composite, selections: SelectionSetNode) -> Iterator[tuple[Composite, FieldNode]]:
        for node in selections.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield parent, node
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode):
                yield from self._fields(self._condition(parent, fragment), fragment.selection_set)

    def _condition(self, parent: Composite, fragment: FragmentDefinitionNode | InlineFragmentNode) -> Composite:
        narrowed = self._schema.type_map.get(fragment.type_condition.name.value) if fragment.type_condition else None
        return narrowed if isinstance(narrowed, GraphQLObjectType | GraphQLInterfaceType) else parent

    def _is_included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._values)
        include = get_directive_values(GraphQLIncludeDirective, node, self._values)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _multiply(self, definition: GraphQLField, node: FieldNode, parents: int, path: tuple[str, ...]) -> int:
        """Return how many nodes this field gives for each parent, and note its price once."""
        arguments = get_argument_values(definition, node, self._values)
        target = get_named_type(definition.type).name
        is_new = path not in self._seen
        self._seen.add(path)
        if node.name.value == "nodes" and "ids" in arguments:
            return self._several(len(arguments["ids"]), node, parents, path, is_new=is_new)
        if target.endswith("Connection"):
            return self._page(arguments, node, parents, path, is_new=is_new)
        if target == "Milestone" and len(path) == 2 and is_new:
            self.bill.milestones += parents
        return 1

    def _several(self, ids: int, node: FieldNode, parents: int, path: tuple[str, ...], *, is_new: bool) -> int:
        if ids > PAGE_LIMIT:
            text = f"You may not provide more than {PAGE_LIMIT} node ids; you provided {ids}."
            self._break("ARGUMENT_LIMIT", text, node, path)
        if is_new:
            self.bill.nodes += ids * parents
            self.bill.milestones += ids * parents
        return ids

    def _page(
        self, arguments: dict[str, Any], node: FieldNode, parents: int, path: tuple[str, ...], *, is_new: bool
    ) -> int:
        name = node.name.value
        word = "last" if arguments.get("first") is None else "first"
        size = arguments.get(word)
        if size is None:
            if _asks_for_nodes(node):
                text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
                self._break("MISSING_PAGINATION_BOUNDARIES", text, node, path)
            size = 0
        elif not 1 <= size <= PAGE_LIMIT:
            asked = f"Requesting {size} records on the `{name}` connection"
            text = f"{asked} exceeds the `{word}` limit of {PAGE_LIMIT} records."
            self._break("EXCESSIVE_PAGINATION", text, node, path)
        if is_new:
            self._charge(name, parents, parents * size, node, path)
        return size

    def _charge(self, name: str, requests: int, nodes: int, node: FieldNode, path: tuple[str, ...]) -> None:
        self.bill.requests += requests
        self.bill.nodes += nodes
        if name == "milestones":
            self.bill.milestones += nodes
        if self.bill.nodes > NODE_LIMIT:
            text = (
                f"By the time this query traverses to the {name} connection, it is requesting up to "
                f"{self.bill.nodes:,} possible nodes which exceeds the maximum limit of {NODE_LIMIT:,}."
            )
            self._break("MAX_NODE_LIMIT_EXCEEDED", text, node, path)

    def _break(self, kind: str, message: str, node: FieldNode, path: tuple[str, ...]) -> None:
        start = node.loc.start_token if node.loc else None
        self.bill.broken.append(Broken(kind, message, path, start.line if start else 1, start.column if start else 1))


def _asks_for_nodes(node: FieldNode) -> bool:
    selections = node.selection_set.selections if node.selection_set else ()
    return any(not isinstance(one, FieldNode) or one.name.value in ("nodes", "edges", "pageInfo") for one in selections)
