"""Real trackers through the whole program, from config files to the status document, against counts made by hand."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from okr_sync.config import load
from okr_sync.render.document import status_document
from okr_sync.sandbox.archive import load_archive
from okr_sync.sandbox.devlake import load_devlake
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.server import Server, Site
from okr_sync.store.database import Store
from okr_sync.sync import RunReport, sync
from okr_sync.sync.run import World
from okr_sync.views.reporting import stored_snapshot

SHARED = Path(__file__).parents[2] / "../shared/data"
ARCHIVE = SHARED / "jira-archive"
DEVLAKE = SHARED / "devlake"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
TOKEN = "a-token-of-the-sandbox"
EMAIL = "ana@example.com"
WORDS = ("done", "in_progress", "open", "dropped")
NOT_DONE = {"won't do", "won't fix", "duplicate", "cannot reproduce", "declined", "abandoned", "obsolete"}

needs_jira = pytest.mark.skipif(not ARCHIVE.is_dir(), reason=f"the recorded issues of a Jira are not at {ARCHIVE}")
needs_github = pytest.mark.skipif(not DEVLAKE.is_dir(), reason=f"the recorded rows of a milestone are not at {DEVLAKE}")


def issues() -> dict[str, dict[str, Any]]:
    """Return the fields of the recorded issues by key, read without the sandbox."""
    dumps = [json.loads(file.read_text(encoding="utf-8")) for file in ARCHIVE.rglob("*.json")]
    return {dump["key"]: dump["fields"] for dump in dumps}


def word_of_issue(fields: Mapping[str, Any]) -> str:
    ended = ((fields.get("resolution") or {}).get("name") or "").lower()
    category = fields["status"]["statusCategory"]["key"]
    if category == "done":
        return "dropped" if ended in NOT_DONE else "done"
    return {"new": "open", "undefined": "open", "indeterminate": "in_progress"}[category]


def counts_of_epics(recorded: Mapping[str, Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """Return what each recorded epic holds, sub-tasks left out. A finished epic that holds nothing, not even
    sub-tasks, counts as one piece of work by itself.
    """
    counted = {key: Counter[str]() for key, fields in recorded.items() if fields["issuetype"]["name"].lower() == "epic"}
    for fields in recorded.values():
        above = (fields.get("epic") or {}).get("key")
        if above in counted and not fields["issuetype"]["subtask"]:
            counted[above][word_of_issue(fields)] += 1
    for key, counts in counted.items():
        word = word_of_issue(recorded[key])
        if not counts and word in {"done", "dropped"}:
            counts[word] = 1
    return counted


def counts_of_leaves(recorded: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    """Return all issues but epics, where sub-tasks count in the place of the issues that have them."""
    parents = {fields["parent"]["key"] for fields in recorded.values() if fields["issuetype"]["subtask"]}
    assert parents
    return Counter(
        word_of_issue(fields)
        for key, fields in recorded.items()
        if key not in parents and fields["issuetype"]["name"] != "Epic"
    )


def synced(
    folder: Path, site: Site, source: Mapping[str, Any], initiatives: list[dict[str, Any]]
) -> tuple[RunReport, dict[str, dict[str, Any]]]:
    """Write a config, load it, sync twice, and return the first run and the initiatives of the status document."""
    (folder / "okrs").mkdir()
    team = {"cycle": "quarter", "initiatives": initiatives}
    (folder / "okrs" / "team.yaml").write_text(json.dumps(team), encoding="utf-8")
    with Server(site) as server:
        main = {
            "timezone": "Europe/Berlin",
            "cycles": {"quarter": {"start": "2026-10-01", "end": "2026-12-31"}},
            "sources": {"tracker": {"url": server.url, "allow_hosts": ["127.0.0.1"], "token": "${TOKEN}", **source}},
        }
        (folder / "okr-sync.yaml").write_text(json.dumps(main), encoding="utf-8")
        config = load(folder, {"TOKEN": TOKEN})
        store = Store.open(config.store_url)
        first = sync(store, config, World(clock=lambda: NOW))
        again = sync(store, config, World(clock=lambda: NOW))
    assert (first.outcome, again.outcome, again.changes) == ("ok", "ok", ())
    with store.reading() as session:
        document = status_document(stored_snapshot(session, NOW), again.run)
    return first, {each["id"]: each for each in document["initiatives"]}


def check(found: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Assert that an initiative of the document has exactly these counts."""
    assert {word: found[word] for word in WORDS} == {word: counts.get(word, 0) for word in WORDS}, found["id"]
    assert found["total"] == found["done"] + found["in_progress"] + found["open"], found["id"]
    assert found["progress"] == (pytest.approx(found["done"] / found["total"]) if found["total"] else None), found["id"]
    assert found["stale"] is False


@needs_jira
@pytest.mark.parametrize("flavour", ["cloud", "dc"])
def test_every_real_epic_ends_in_the_status_document_as_counted_by_hand(
    flavour: Flavour, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Done, in progress, open, dropped and total of every epic of the archive, and of all of them pooled."""
    recorded = issues()
    counted = counts_of_epics(recorded)
    initiatives = [
        {"id": key, "title": key, "delivery": [{"source": "tracker", "epics": [key]}]} for key in sorted(counted)
    ]
    pooled = {"source": "tracker", "epics": sorted(counted)}
    projects = sorted({key.partition("-")[0] for key in recorded})
    query = {"source": "tracker", "jql": f"project in ({', '.join(projects)}) AND issuetype != Epic"}
    initiatives += [
        {"id": "all", "title": "All", "delivery": [pooled]},
        {"id": "twice", "title": "Twice", "delivery": [pooled, {**pooled, "epics": sorted(counted)[:9]}]},
        {"id": "leaves", "title": "Leaves", "delivery": [query], "unit": "leaf"},
    ]
    site = JiraSite(load_archive(ARCHIVE), lambda: NOW, flavour, credentials=Credentials(email=EMAIL, token=TOKEN))
    source = {"kind": "jira_epics", **({"email": EMAIL} if flavour == "cloud" else {})}
    run, found = synced(tmp_path, site, source, initiatives)
    assert len(counted) == 25
    assert sum(sum(counts.values()) for counts in counted.values()) > 80
    for key, counts in counted.items():
        check(found[key], counts)
    check(found["all"], sum(counted.values(), Counter[str]()))
    check(found["twice"], sum(counted.values(), Counter[str]()))
    check(found["leaves"], counts_of_leaves(recorded))
    items = sum(each["total"] + each["dropped"] for key, each in found.items() if key in counted)
    with capsys.disabled():
        sys.stdout.write(f"\n{flavour}: {len(counted)} epics with {items} items compared, {_cost(run)}\n")


def _cost(run: RunReport) -> str:
    return f"{run.collected[0].requests} requests"


def rows(name: str) -> list[dict[str, Any]]:
    """Return the recorded rows of a kind, read without the sandbox."""
    limit = csv.field_size_limit(1 << 20)  # of the whole process: it must not outlive this
    try:
        with (DEVLAKE / "github" / f"_raw_github_api_{name}.csv").open(encoding="utf-8", newline="") as file:
            return [json.loads(row["data"]) for row in csv.DictReader(file)]
    finally:
        csv.field_size_limit(limit)


def word_of_row(row: Mapping[str, Any]) -> str:
    if row["state"] == "open":
        return "open"
    if "pull_request" in row:
        return "done" if row["pull_request"]["merged_at"] else "dropped"
    return "dropped" if row.get("state_reason") in {"not_planned", "duplicate"} else "done"


@needs_github
@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_a_real_milestone_ends_in_the_status_document_as_counted_by_hand(
    api: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issues, pull requests, and both together, by number and by title; pull requests never count as issues."""
    (milestone,) = rows("milestones")
    recorded = {row["node_id"]: row for row in rows("issues") if row["milestone"]["number"] == milestone["number"]}
    pulls = Counter(word_of_row(row) for row in recorded.values() if "pull_request" in row)
    others = Counter(word_of_row(row) for row in recorded.values() if "pull_request" not in row)
    by_number = {"source": "tracker", "repo": "apache/incubator-devlake", "milestone": milestone["number"]}
    by_title = {"source": "tracker", "repos": ["apache/incubator-devlake"], "milestone": milestone["title"]}
    initiatives = [
        {"id": "issues", "title": "Issues", "delivery": [by_number], "include": "issues"},
        {"id": "pulls", "title": "Pull requests", "delivery": [by_title], "include": "prs"},
        {"id": "both", "title": "Both", "delivery": [by_number, by_title], "include": "both"},
    ]
    site = GithubSite(load_devlake(DEVLAKE), lambda: NOW, token=TOKEN)
    run, found = synced(tmp_path, site, {"kind": "github_milestones", "api": api}, initiatives)
    assert (sum(others.values()), sum(pulls.values())) == (26, 15)
    check(found["issues"], others)
    check(found["pulls"], pulls)
    check(found["both"], others + pulls)
    with capsys.disabled():
        sys.stdout.write(f"\n{api}: {len(recorded)} items of a milestone compared, {_cost(run)}\n")
