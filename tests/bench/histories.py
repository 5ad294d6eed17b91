"""Histories: requests and seconds for the past of 5,000 items of each tracker, against the least that the APIs allow.

The sandbox runs in this process, so the seconds are those of both sides. Nothing here fails because a machine is slow.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from connectors.github_milestones import GithubMilestones
from connectors.jira_epics import JiraEpics
from connectors.jira_settings import JiraSettings
from okr_sync.connector import DeliverySource, Referenced, WorkItem
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import generate_github
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.server import Server
from okr_sync.testing.pulled import CountingCaller

NOW = datetime(2026, 9, 30, 18, tzinfo=UTC)
PAST = timedelta(days=200)
GITHUB = "sandbox-token"
EPIC = 50  # issues of an epic, and items of a milestone


@dataclass(frozen=True, slots=True)
class Subject:
    """A tracker with its items, by id, and the least requests that their past could take."""

    name: str
    source: DeliverySource
    items: Mapping[str, WorkItem]
    least: int


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.bench histories")
    parser.add_argument("--items", type=int, default=5000)
    items = parser.parse_args(words).items
    sys.stdout.write(
        f"the past of {items} items\n{'':24}{'requests':>9}{'least':>7}{'ratio':>7}{'changes':>9}{'s':>7}\n"
    )
    for subject in (_jira("cloud", items), _jira("dc", items), _github("graphql", items), _github("rest", items)):
        with subject as (each, caller):
            _measure(each, caller)


def _measure(subject: Subject, caller: CountingCaller) -> None:
    subject.source.probe()
    caller.asked, began = 0, time.perf_counter()
    changes = sum(len(piece) for piece in subject.source.past(subject.items, NOW - PAST, NOW))
    seconds, ratio = time.perf_counter() - began, caller.asked / subject.least
    sys.stdout.write(f"{subject.name:24}{caller.asked:9}{subject.least:7}{ratio:7.2f}{changes:9}{seconds:7.1f}\n")


def _home(server: Server, token: str) -> dict[str, Any]:
    return {"url": server.url, "token": Referenced(token), "allow_hosts": ["127.0.0.1"]}


@contextmanager
def _jira(flavour: Flavour, count: int) -> Iterator[tuple[Subject, CountingCaller]]:
    """The least: the statuses, and a request for a thousand logs on Cloud, for one on Data Center."""
    world = generate_jira(1, projects=10, epics=math.ceil(count / EPIC), issues_per_epic=EPIC, now=NOW)
    living = [each for each in world.issues.values() if each.type.level <= 0 and not each.latest("deleted")][:count]
    items = {each.id: WorkItem(each.id, each.key, "", "", "issue", "open") for each in living}
    with Server(JiraSite(world, lambda: NOW, flavour)) as server:
        who = Credentials()
        raw = {**_home(server, who.token), **({"email": who.email} if flavour == "cloud" else {})}
        caller = CountingCaller()
        source = JiraEpics(JiraSettings(**raw), caller)
        least = 1 + math.ceil(len(items) / (1000 if flavour == "cloud" else 1))
        yield Subject(f"Jira, {flavour}", source, items, least), caller
        source.close()


@contextmanager
def _github(api: Literal["graphql", "rest"], count: int) -> Iterator[tuple[Subject, CountingCaller]]:
    """The least: a request for a hundred items by GraphQL, for one by REST."""
    world = generate_github(1, repositories=20, milestones=math.ceil(count / EPIC), items_per_milestone=EPIC, now=NOW)
    items = {}
    for each in world.items[:count]:
        kind = "pull_request" if each.pull_request else "issue"
        key = f"{each.repository.full_name}#{each.number}"
        items[each.node_id] = WorkItem(each.node_id, key, "", "", kind, "open")  # type: ignore[arg-type] # one of two
    with Server(GithubSite(world, lambda: NOW, token=GITHUB, limit=1_000_000)) as server:
        caller = CountingCaller()
        source = GithubMilestones(GithubMilestones.Settings(**_home(server, GITHUB), api=api), caller)
        yield Subject(f"GitHub, {api}", source, items, math.ceil(len(items) / (100 if api == "graphql" else 1))), caller
        source.close()
