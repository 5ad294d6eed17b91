"""Real issues of a public Jira, played as Cloud and as Data Center: the counts equal those made from the files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.jira_epics import JiraEpics
from connectors.jira_settings import JiraQuery, JiraSettings
from okr_sync.connector import Referenced
from okr_sync.core.model import DROPPED_RESOLUTIONS
from okr_sync.sandbox.archive import load_archive
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery_world import TOKEN
from okr_sync.testing.pulled import Pulled
from tests.contract.jira_fixtures import EMAIL

ARCHIVE = Path(__file__).parents[2] / "../shared/data/jira-archive"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.skipif(
    not ARCHIVE.is_dir(), reason="the recorded issues (shared/data/jira-archive) are absent"
)


def _issues() -> dict[str, dict[str, Any]]:
    dumps = [json.loads(file.read_text(encoding="utf-8")) for file in ARCHIVE.rglob("*.json")]
    return {dump["key"]: dump["fields"] for dump in dumps}


def _class_of(category: str, resolution: str | None) -> str:
    if category == "done" and resolution is not None and resolution.casefold() in DROPPED_RESOLUTIONS:
        return "dropped"
    return {"new": "open", "undefined": "open", "indeterminate": "in_progress", "done": "done"}[category]


def _counted(issues: Mapping[str, Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """Return for each epic of the dump how many issues of each class it has, and how many sub-tasks."""
    counts: dict[str, Counter[str]] = {
        key: Counter() for key, fields in issues.items() if fields["issuetype"]["name"] == "Epic"
    }
    for fields in issues.values():
        if fields["issuetype"]["subtask"]:
            story = issues.get(fields["parent"]["key"], {})
            epic, word = (story.get("epic") or {}).get("key"), "subtask"
        else:
            resolution = (fields.get("resolution") or {}).get("name")
            epic = (fields.get("epic") or {}).get("key")
            word = _class_of(fields["status"]["statusCategory"]["key"], resolution)
        if epic in counts:
            counts[epic][word] += 1
    return counts


def _pulled(flavour: Flavour, scopes: Mapping[str, dict[str, Any]]) -> tuple[Pulled, int]:
    """Return a pull of `scopes` from the archive, and how many requests it took."""
    credentials = Credentials(email=EMAIL, token=TOKEN)
    who = {"email": EMAIL} if flavour == "cloud" else {}
    with Server(JiraSite(load_archive(ARCHIVE), lambda: NOW, flavour, credentials=credentials)) as server:
        source = JiraEpics(JiraSettings(url=server.url, allow_hosts=("127.0.0.1",), token=Referenced(TOKEN), **who))
        pulled = Pulled.of(source.pull({ref: JiraQuery(**raw) for ref, raw in scopes.items()}, None, NOW))
        source.close()
        pulled.check(scopes, NOW)
        return pulled, len(server.log)


@pytest.mark.parametrize(("flavour", "most"), [("cloud", 6), ("dc", 5)])
def test_every_epic_counts_as_in_the_files(flavour: Flavour, most: int) -> None:
    """Done, dropped, in progress, open and sub-tasks of each epic equal an independent count, in a few requests."""
    counts = _counted(_issues())
    pulled, requests = _pulled(flavour, {key: {"epics": [key]} for key in counts})
    assert len(counts) == 25
    assert sum(1 for count in counts.values() if count) == 10
    assert pulled.misses == {}
    for key, count in counts.items():
        held = pulled.held(key).values()
        words = ("subtask" if item.kind == "subtask" else _class_of_item(item.state, item.resolution) for item in held)
        assert Counter(words) == count, key
    assert requests <= most


def _class_of_item(state: str, resolution: str | None) -> str:
    return "dropped" if state == "done" and (resolution or "").casefold() in DROPPED_RESOLUTIONS else state


@pytest.mark.parametrize("flavour", ["cloud", "dc"])
def test_work_of_several_projects_is_found_by_query(flavour: Flavour) -> None:
    """A query over the projects finds all issues of the dump but none twice; epics are not counted as issues there
    where the site tells levels.
    """
    issues = _issues()
    pulled, _ = _pulled(flavour, {"all": {"jql": "project in (ALOY, AC, DAEMON, MOD)"}})
    held = pulled.held("all").values()
    assert {item.key for item in held} == set(issues)
    assert sum(item.kind == "subtask" for item in held) == 8
    assert sum(item.kind == "container" for item in held) == (25 if flavour == "cloud" else 0)
    for item in held:
        resolution = issues[item.key].get("resolution")
        assert item.resolution == (resolution["name"] if resolution else None)


@pytest.mark.parametrize("flavour", ["cloud", "dc"])
def test_epics_outside_the_dump_are_missed(flavour: Flavour) -> None:
    """Epics that only their children know are misses that name them; the epics that are there are answered."""
    issues = _issues()
    absent = sorted({fields["epic"]["key"] for fields in issues.values() if fields.get("epic")} - set(issues))
    pulled, _ = _pulled(flavour, {**{key: {"epics": [key]} for key in absent}, "good": {"epics": ["DAEMON-48"]}})
    assert len(absent) == 12
    assert set(pulled.misses) == set(absent)
    assert all(key in miss.message and miss.why == "not_found" for key, miss in pulled.misses.items())
    assert len(pulled.held("good")) == 47
