"""Issues of Jira with a value of another type somewhere: they are read, or the answer is at fault, not the program."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

import pytest

from connectors.jira_dialect import Dialect, read_dialect
from connectors.jira_items import read_epic, read_issue
from okr_sync.connector import ProtocolError
from okr_sync.sandbox.server import Request
from tests.edge.sync_trackers import EMAIL, TOKEN, Jira

Kind = Literal["cloud", "dc"]
STRANGE: tuple[Any, ...] = (7, -1, 1e300, "x", "", [], [7], {}, {"a": 1}, None, True)


def asked(tracker: Jira, kind: Kind, method: str, path: str, body: Any = None) -> Any:
    """Return the JSON that the site answers."""
    basic = b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
    headers = {"authorization": f"Basic {basic}" if kind == "cloud" else f"Bearer {TOKEN}", "host": "jira"}
    sent = b"" if body is None else json.dumps(body).encode()
    return json.loads(tracker.server.site.respond(Request(method, path, {}, headers, sent)).body)


def issues_of(kind: Kind) -> tuple[list[Any], Dialect]:
    """Return a true issue of each type, one with sub-tasks among them, and how their site speaks."""
    tracker = Jira(kind)
    with tracker.server:
        fields = asked(tracker, kind, "GET", "/rest/api/2/field")
        dialect = read_dialect(fields, cloud=kind == "cloud", address="http://jira", points=None)
        path = "/rest/api/3/search/jql" if kind == "cloud" else "/rest/api/2/search"
        question = {"jql": "project in (ALP, BET)", "fields": dialect.fields, "maxResults": 100}
        found = asked(tracker, kind, "POST", path, question)["issues"]
    found.sort(key=lambda each: len(each["fields"]["subtasks"]))
    return list({each["fields"]["issuetype"]["id"]: each for each in found}.values()), dialect


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value inside of `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*here, name)
        yield from places(each, (*here, name))


def with_value(issue: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return the issue with another value at a place."""
    changed = json.loads(json.dumps(issue))
    above = changed
    for name in place[:-1]:
        above = above[name]
    above[place[-1]] = value
    return changed


@pytest.mark.parametrize("kind", ["cloud", "dc"])
def test_a_value_of_another_type_is_read_or_refused_wherever_it_stands(kind: Kind) -> None:
    """Each value of each issue in turn is each strange one.

    Red without a look at the type of `fields`, `issuetype`, `subtasks`, `labels` or the key of a status category: the
    program fails where the answer does.
    """
    issues, dialect = issues_of(kind)
    assert len(issues) == 3
    assert any(each["fields"]["subtasks"] for each in issues)
    tried = 0
    for issue, value in ((issue, value) for issue in issues for value in STRANGE):
        for place in places(issue):
            changed = with_value(issue, place, value)
            for read in (lambda some: read_issue(some, dialect, {}), lambda some: read_epic(some, dialect)):
                with suppress(ProtocolError):
                    read(changed)
                tried += 1
    assert tried > 1000
