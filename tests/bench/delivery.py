"""Delivery: requests and seconds of a full and of a quiet run, against the least that the APIs allow.

The sandbox is a process of its own. Sizes: 200 epics over 10 projects and 100 milestones over 20 repositories unless
told otherwise. Every ratio is printed with both of its sides; nothing here fails because a machine is slow.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from okr_sync.config import load
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.store.database import Store
from okr_sync.sync import RunReport, sync
from okr_sync.sync.run import World

JIRA = (Credentials().email, Credentials().token)
GITHUB = "sandbox-token"
JIRA_PAGE = 100  # issues that the sandbox grants on a page with fields
IDS_PAGE = 5000  # issues on a page of ids


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is to sync."""

    projects: int
    epics: int
    issues: int
    repositories: int
    milestones: int
    items: int
    latency: float


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    sizes, quiet = _arguments(words)
    with _sandbox(sizes) as urls, tempfile.TemporaryDirectory(prefix="okr-sync-bench-") as folder:
        epics, milestones = _epics(urls["jira"]), _milestones(urls["github"], sizes.repositories)
        _write_config(Path(folder), urls, epics, milestones)
        runs, seconds = _runs(Path(folder), quiet)
    _print(sizes, runs, seconds, issues=_count(runs[0], "issue"), subtasks=_count(runs[0], "subtask"))


def _arguments(words: Sequence[str] | None) -> tuple[Sizes, int]:
    parser = argparse.ArgumentParser(
        "python -m tests.bench delivery", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name, size in [("projects", 10), ("epics", 200), ("issues", 20)]:
        parser.add_argument(f"--{name}", type=int, default=size)
    for name, size in [("repositories", 20), ("milestones", 100), ("items", 20), ("quiet", 5)]:
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer of the sandbox")
    told = vars(parser.parse_args(words))
    quiet = told.pop("quiet")
    return Sizes(**told), quiet


@contextmanager
def _sandbox(sizes: Sizes) -> Iterator[dict[str, str]]:
    words = ["--jira", "cloud", "--github", "com", "--latency", str(sizes.latency)]
    for name in ("projects", "epics", "issues", "repositories", "milestones", "items"):
        words += [f"--{name}", str(getattr(sizes, name))]
    process = subprocess.Popen([sys.executable, "-m", "okr_sync.sandbox", *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)


def _epics(url: str) -> list[str]:
    keys: list[str] = []
    token: str | None = None
    while True:
        body = {"jql": "issuetype = Epic", "fields": ["key"], "maxResults": IDS_PAGE, "nextPageToken": token}
        sent = {name: value for name, value in body.items() if value is not None}
        page = httpx.post(f"{url}/rest/api/3/search/jql", json=sent, auth=JIRA).raise_for_status().json()
        keys += [issue["key"] for issue in page["issues"]]
        token = page.get("nextPageToken")
        if token is None:
            return sorted(keys)


def _milestones(url: str, repositories: int) -> list[tuple[str, int]]:
    found = []
    for name in (f"digital-pharma/service-{number}" for number in range(1, repositories + 1)):
        listed = httpx.get(
            f"{url}/repos/{name}/milestones",
            params={"state": "all", "per_page": 100},
            headers={"Authorization": f"Bearer {GITHUB}"},
        )
        found += [(name, milestone["number"]) for milestone in listed.raise_for_status().json()]
    return found


def _write_config(folder: Path, urls: dict[str, str], epics: list[str], milestones: list[tuple[str, int]]) -> None:
    """One initiative and one key result an epic and a milestone."""
    (folder / "okrs").mkdir()
    now = datetime.now(UTC)  # noqa: TID251 -- a benchmark has the real time
    home = {"allow_hosts": ["127.0.0.1"]}
    main = {
        "timezone": "UTC",
        "cycles": {"now": {"start": f"{now.year}-01-01", "end": f"{now.year}-12-31"}},
        "sources": {
            "tracker": {"kind": "jira_epics", "url": urls["jira"], "email": JIRA[0], "token": "${JIRA_TOKEN}", **home},
            "code": {"kind": "github_milestones", "url": urls["github"], "token": "${GITHUB_TOKEN}", **home},
        },
    }
    scopes: list[dict[str, object]] = [{"source": "tracker", "epics": [key]} for key in epics]
    scopes += [{"source": "code", "repos": [name], "milestone": number} for name, number in milestones]
    team = {
        "cycle": "now",
        "objectives": [
            {
                "id": "all",
                "title": "Deliver",
                "key_results": [
                    {"id": f"kr-{number}", "title": f"Finish {number}", "measure": {"delivery": f"work-{number}"}}
                    for number in range(len(scopes))
                ],
            }
        ],
        "initiatives": [
            {"id": f"work-{number}", "title": f"Work {number}", "delivery": [scope]}
            for number, scope in enumerate(scopes)
        ],
    }
    (folder / "okr-sync.yaml").write_text(json.dumps(main), "utf-8")
    (folder / "okrs" / "all.yaml").write_text(json.dumps(team), "utf-8")


def _runs(folder: Path, quiet: int) -> tuple[list[RunReport], list[float]]:
    """One full run, then `quiet` runs without a change in the sources."""
    config = load(folder / "okr-sync.yaml", {"JIRA_TOKEN": JIRA[1], "GITHUB_TOKEN": GITHUB})
    store = Store.open(config.store_url)
    world = World(clock=lambda: datetime.now(UTC))  # noqa: TID251 -- a benchmark has the real time
    runs, seconds = [], []
    for _ in range(1 + quiet):
        began = time.perf_counter()
        runs.append(sync(store, config, world, trigger="bench"))
        seconds.append(time.perf_counter() - began)
    return runs, seconds


def _count(run: RunReport, kind: str) -> int:
    items = next(brought.items for brought in run.collected if brought.source == "tracker")
    return sum(item.kind == kind for item in items)


def _print(sizes: Sizes, runs: list[RunReport], seconds: list[float], *, issues: int, subtasks: int) -> None:
    """The least: server information and fields once a process; epics and sub-tasks by 100 ids; children of 200 epics
    a query at the page size that the server grants. A quiet run asks for changes, and for the ids of all children.
    """
    chunks, start, epics = math.ceil(sizes.epics / 200), 2, math.ceil(sizes.epics / 100)
    least_full = start + epics + max(chunks, math.ceil(issues / JIRA_PAGE)) + math.ceil(subtasks / 100)
    least_quiet = start + epics + chunks + max(chunks, math.ceil(issues / IDS_PAGE))
    milestones = math.ceil(sizes.milestones / 100)
    _say(f"{sizes.epics} epics in {sizes.projects} projects, {issues} issues, {subtasks} sub-tasks; ")
    _say(f"{sizes.milestones} milestones in {sizes.repositories} repositories; ")
    _say(f"latency {sizes.latency * 1000:g} ms; {len(runs) - 1} quiet runs\n")
    _say(f"{'':28}{'requests':>9}{'least':>7}{'ratio':>7}\n")
    quiet = runs[1:]
    rows = [
        ("Jira, full run", _requests(runs[:1], "tracker"), least_full),
        ("Jira, quiet run", _requests(quiet, "tracker"), least_quiet),
        ("GitHub, full run", _requests(runs[:1], "code"), 1 + milestones),
        ("GitHub, quiet run", _requests(quiet, "code"), milestones),
    ]
    for name, requests, least in rows:
        _say(f"{name:28}{requests:9.0f}{least:7}{requests / least:7.2f}\n")
    _say(f"\nfull run {seconds[0]:.2f} s, quiet run {statistics.median(seconds[1:]):.2f} s (median)\n")
    changed = sum(len(run.changes) for run in quiet)
    _say(f"changes in {len(quiet)} quiet runs: {changed}\n")


def _requests(runs: list[RunReport], source: str) -> float:
    return statistics.median(brought.requests for run in runs for brought in run.collected if brought.source == source)


def _say(text: str) -> None:
    sys.stdout.write(text)
