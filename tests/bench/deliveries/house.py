"""A config for the size of a case, with a store beside it; the program runs over both as it is started by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.deliveries.downloading import CONCURRENCY
from tests.bench.deliveries.playing import EMAIL, GITHUB_TOKEN, TOKEN, Playing
from tests.bench.deliveries.processes import Cost, run_module

TOGETHER = 10  # epics of one initiative
IN_AN_OBJECTIVE = 5  # key results
IN_A_FILE = 100  # key results: a file may hold so much and no more
SOURCE = "tracker"


@dataclass(frozen=True, slots=True)
class House:
    """A folder with a config."""

    folder: Path

    def sync(self, store: Path) -> Cost:
        """Run `okr-sync sync` over this store; raises RuntimeError unless it ended well.

        Its modules come compiled from the first run on, as an installed package's do, whatever this process is told.
        """
        words = ["sync", "--config", str(self.folder), "--store", f"sqlite:///{store}"]
        return run_module("okr_sync", *words, env=self.env)

    @property
    def env(self) -> dict[str, str]:
        """Return what the program finds in its environment."""
        tokens = {"JIRA_TOKEN": TOKEN, "GITHUB_TOKEN": GITHUB_TOKEN, "PYTHONWARNINGS": "default"}
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.folder / "compiled")}
        return tokens | compiled


def build(folder: Path, played: Playing) -> House:
    """Write the config: an initiative for some epics, or for the milestones of a repository; a key result for each.

    The past is left out: what change logs cost, and computing curves of it, is no part of bringing what is so now.
    Beside it `initiatives.json` says which places each initiative stands for.
    """
    scopes = list(_scopes(played))
    now = datetime.now(UTC)  # noqa: TID251 -- a benchmark has the real time
    main = {
        "timezone": "UTC",
        "cycles": {"now": {"start": f"{now.year}-01-01", "end": f"{now.year}-12-31"}},
        "sources": {SOURCE: _source(played)},
    }
    (folder / "okrs").mkdir(parents=True)
    (folder / "okr-sync.yaml").write_text(json.dumps(main), "utf-8")
    for start in range(0, len(scopes), IN_A_FILE):
        numbers = range(start, min(start + IN_A_FILE, len(scopes)))
        team = _team({number: scopes[number][0] for number in numbers})
        (folder / "okrs" / f"from-{start}.yaml").write_text(json.dumps(team), "utf-8")
    places = {f"work-{number}": ids for number, (_, ids) in enumerate(scopes)}
    (folder / "initiatives.json").write_text(json.dumps(places), "utf-8")
    return House(folder)


def _source(played: Playing) -> dict[str, Any]:
    home = {"url": played.url, "allow_hosts": ["127.0.0.1"], "backfill": False, "concurrency": CONCURRENCY}
    if played.tracker == "github":
        return {"kind": "github_milestones", "token": "${GITHUB_TOKEN}", **home}
    account = {"email": EMAIL} if played.tracker == "jira-cloud" else {}
    return {"kind": "jira_epics", "token": "${JIRA_TOKEN}", **account, **home}


def _scopes(played: Playing) -> Iterator[tuple[dict[str, Any], list[str]]]:
    places = played.ask("/places")
    if played.tracker != "github":
        for start in range(0, len(places), TOGETHER):
            some = places[start : start + TOGETHER]
            yield {"source": SOURCE, "epics": [each["key"] for each in some]}, [each["id"] for each in some]
        return
    homes: dict[str, list[Any]] = {}
    for each in places:
        homes.setdefault(each["key"], []).append(each)
    for repo, some in homes.items():
        scope = {"source": SOURCE, "repo": repo, "milestones": [each["number"] for each in some]}
        yield scope, [each["id"] for each in some]


def _team(scopes: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """Return the file about the works of these numbers, each with its scope."""
    key_results = [
        {"id": f"kr-{number}", "title": f"Finish {number}", "measure": {"delivery": f"work-{number}"}}
        for number in scopes
    ]
    objectives = [
        {"id": f"goal-{some[0]['id']}", "title": "Deliver", "key_results": some}
        for start in range(0, len(key_results), IN_AN_OBJECTIVE)
        for some in (key_results[start : start + IN_AN_OBJECTIVE],)
    ]
    works = [
        {"id": f"work-{number}", "title": f"Work {number}", "delivery": [scope]} for number, scope in scopes.items()
    ]
    return {"cycle": "now", "objectives": objectives, "initiatives": works}
