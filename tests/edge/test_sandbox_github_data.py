"""The played GitHub against GitHub's own schema, recorded answers, and a real milestone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLSchema, build_schema, is_introspection_type, is_specified_scalar_type, print_ast

from okr_sync.sandbox.devlake import load_devlake
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import Counts, truth
from okr_sync.sandbox.graphql_engine import github_schema
from okr_sync.sandbox.server import Server

DATA = Path(__file__).parents[2].parent / "shared" / "data"
NOW = datetime(2022, 6, 24, 5, 50, tzinfo=UTC)
TOKEN = "a-token"


def data(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the checkout: {path}")
    return path


def signatures(schema: GraphQLSchema) -> set[str]:
    """Each type, field, argument (with type and default), enum value and interface as a line of text."""
    lines = set()
    for name, type_ in schema.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        lines.add(f"{type(type_).__name__} {name}")
        lines |= {f"{name} is {one.name}" for one in getattr(type_, "interfaces", ())}
        lines |= {f"{name} = {one}" for one in getattr(type_, "values", ())}
        for field, definition in getattr(type_, "fields", {}).items():
            lines.add(f"{name}.{field}: {definition.type}")
            for argument, value in getattr(definition, "args", {}).items():
                node = value.ast_node
                default = print_ast(node.default_value) if node and node.default_value else ""
                lines.add(f"{name}.{field}({argument}: {value.type} = {default})")
    return lines


def recorded(folder: Path, part: str) -> list[dict[str, Any]]:
    """The recorded bodies whose path contains `part`; templates that are no JSON are none of ours."""
    paths = [path for path in folder.rglob("*.json") if "__files" in path.parts and part in path.as_posix()]
    bodies = [json.loads(path.read_text()) for path in paths]
    return [body for body in bodies if isinstance(body, dict)]


@pytest.fixture(scope="module")
def official() -> GraphQLSchema:
    text = data("github-graphql-schema").joinpath("schema.graphql").read_text()
    return build_schema(text, assume_valid_sdl=True)


def test_the_served_schema_is_a_part_of_githubs(official: GraphQLSchema) -> None:
    """But for the types of issues, which are younger than the schema at hand."""
    ours = signatures(github_schema())
    assert len(ours) > 150
    newer = {line for line in ours if "IssueType" in line}
    assert len(newer) == 6
    assert ours - newer - signatures(official) == set()


def test_the_comparison_sees_a_wrong_nullability_argument_default_and_value(official: GraphQLSchema) -> None:
    wrong = build_schema(
        """type Query { viewer: User node(id: ID): Node
          repository(name: String!, owner: String!, followRenames: Boolean = false): Repository }
        interface Node { id: ID! } type User { login: String! } type Repository { id: ID! }
        enum IssueState { DONE } input MilestoneOrder { way: IssueState }"""
    )
    assert signatures(wrong) - signatures(official) == {
        "Query.node(id: ID = )",
        "Query.repository(followRenames: Boolean = false)",
        "Query.viewer: User",
        "IssueState = DONE",
        "MilestoneOrder.way: IssueState",
    }


def test_the_real_milestone_has_its_41_items() -> None:
    world = load_devlake(data("devlake"))
    (milestone,) = world.milestones
    assert (milestone.repository.full_name, milestone.number, milestone.title) == (
        "apache/incubator-devlake",
        7,
        "v0.11.0",
    )
    assert len(world.items) == 41
    counts = truth(world, [milestone.node_id], NOW)
    assert counts == Counts(done=26, pulls_done=10, pulls_dropped=5)


def test_the_real_milestone_is_served_as_github_did() -> None:
    world = load_devlake(data("devlake"))
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        headers = {"Authorization": f"token {TOKEN}"}
        base = f"{server.url}/repos/apache/incubator-devlake"
        shown = httpx.get(f"{base}/milestones/7", headers=headers).json()
        items = httpx.get(f"{base}/issues?milestone=7&state=all&per_page=100", headers=headers).json()
    assert (shown["id"], shown["node_id"]) == (7856149, "MI_kwDOFuUSzs4Ad-AV")
    assert (shown["created_at"], shown["updated_at"]) == ("2022-04-08T02:05:35Z", "2022-06-24T01:34:37Z")
    assert (shown["open_issues"], shown["closed_issues"]) == (0, 41)
    assert sum("pull_request" in item for item in items) == 15
    first = next(item for item in items if item["number"] == 4)
    assert (first["created_at"], first["closed_at"]) == ("2018-07-25T08:19:30Z", "2018-07-26T02:32:41Z")
    assert first["pull_request"]["merged_at"] == "2018-07-26T02:32:41Z"


def test_a_milestone_has_exactly_the_fields_of_a_recorded_one() -> None:
    folder = data("github-recordings")
    bodies = [body for body in recorded(folder, "r_h_g_milestones") if "due_on" in body]
    assert bodies
    world = load_devlake(data("devlake"))
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        url = f"{server.url}/repos/apache/incubator-devlake/milestones/7"
        shown = httpx.get(url, headers={"Authorization": f"token {TOKEN}"}).json()
    for body in bodies:
        assert set(shown) == set(body)


def test_an_issue_has_only_fields_and_types_of_a_recorded_one() -> None:
    bodies = recorded(data("github-recordings"), "closeIssueNotPlanned/__files/8-")
    assert len(bodies) == 1
    world = load_devlake(data("devlake"))
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        url = f"{server.url}/repos/apache/incubator-devlake/issues?state=all&per_page=100"
        items = httpx.get(url, headers={"Authorization": f"token {TOKEN}"}).json()
    shown = next(item for item in items if "pull_request" not in item)
    newer = {"sub_issues_summary", "type"}
    assert set(shown) - newer <= set(bodies[0])
    for name in ("id", "node_id", "number", "state", "state_reason", "created_at", "closed_at", "labels"):
        assert type(shown[name]) is type(bodies[0][name])


def test_the_headers_that_recordings_have_on_every_answer_are_sent() -> None:
    stubs = [json.loads(path.read_text()) for path in data("github-recordings").rglob("mappings/*.json")]
    wanted = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "vary", "x-github-request-id"}
    told = [{name.lower() for name in stub["response"].get("headers", {})} for stub in stubs]
    assert len(told) > 20
    assert all(wanted <= names for names in told)
    with Server(GithubSite(load_devlake(data("devlake")), lambda: NOW, token=TOKEN)) as server:
        answer = httpx.get(f"{server.url}/user", headers={"Authorization": f"token {TOKEN}"})
    assert wanted | {"etag", "cache-control"} <= set(answer.headers)
