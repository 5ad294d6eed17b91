"""A small company on loopback sandboxes, its config folder, and the command line that runs there."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from okr_sync.cli import main
from okr_sync.cli.place import current_time
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_world import Issue, JiraWorld
from okr_sync.sandbox.repositories import GithubWorld, Item
from okr_sync.sandbox.server import Server
from tests.store.empty import empty

EMAIL = "ana@example.com"
JIRA_TOKEN = "jira-t0ken+/=secret"
GITHUB_TOKEN = "ghp_t0ken-of-github"
SECRETS = {"JIRA_TOKEN": JIRA_TOKEN, "GITHUB_TOKEN": GITHUB_TOKEN}
QUICK = "4 s"  # a deadline within which no wait is begun: a failing source is asked once

WAYS_OF_NO_TRACEBACK = ("Traceback", 'File "', "this is a bug")


@dataclass(frozen=True)
class Ran:
    """What one command gave back."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        return json.loads(self.out)


def run(*words: str) -> Ran:
    """Run one command of the real program in this process; a traceback or a bug in its text is refused here."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(words))
    ran = Ran(code, out.getvalue(), err.getvalue())
    assert not [word for word in WAYS_OF_NO_TRACEBACK if word in ran.said], ran.said
    return ran


class Tracker:
    """The Jira site: APP-1 with one of two stories done, APP-2 with one story open, APP-3 that holds nothing."""

    def __init__(self, begin: datetime) -> None:
        self.world = JiraWorld()
        self.world.add_project("APP", "App")
        self.world.add_project("OPS", "Operations")
        born = begin - timedelta(days=20)
        self.epics = [self.world.add_epic("APP", f"Epic {number}", at=born) for number in (1, 2, 3)]
        self.stories = [self._story(0, born), self._story(0, born), self._story(1, born)]
        self.finish(0, at=born + timedelta(days=5))
        foreign = self.world.add_epic("OPS", "Epic of another project", at=born)
        done = self.world.add_issue("OPS", "Done long ago", at=born, parent=foreign)
        self.world.move(done, "Done", at=born + timedelta(days=1), resolution="Done")
        self.site = JiraSite(self.world, current_time, credentials=Credentials(EMAIL, JIRA_TOKEN))

    def _story(self, epic: int, at: datetime) -> Issue:
        return self.world.add_issue("APP", "A story", at=at, parent=self.epics[epic])

    def finish(self, story: int, at: datetime | None = None) -> None:
        self.world.move(self.stories[story], "Done", at=at or current_time(), resolution="Done")


class Code:
    """The GitHub host: acme/app with the milestones "Beta 1" (one of four issues closed) and "Launch" (one, open)."""

    def __init__(self, begin: datetime) -> None:
        self.world = GithubWorld()
        born = begin - timedelta(days=20)
        repository = self.world.add_repository("acme/app", at=born - timedelta(days=1))
        beta = self.world.add_milestone(repository, "Beta 1", at=born)
        launch = self.world.add_milestone(repository, "Launch", at=born)
        self.issues: list[Item] = [
            self.world.add_issue(repository, f"Issue {number}", at=born, milestone=beta) for number in range(4)
        ]
        self.world.add_issue(repository, "Issue of the launch", at=born, milestone=launch)
        self.finish(0, at=born + timedelta(days=5))
        self.site = GithubSite(self.world, current_time, token=GITHUB_TOKEN)

    def finish(self, issue: int, at: datetime | None = None) -> None:
        self.world.close(self.issues[issue], at=at or current_time())


@dataclass
class Play:
    """The config folder as data (`main`, `okrs`: edit, then `save`), and the two servers that it names."""

    folder: Path
    begin: datetime
    tracker: Tracker
    code: Code
    jira: Server
    github: Server
    setenv: Callable[[str, str], None]
    main: dict[str, Any] = field(default_factory=dict)
    okrs: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.folder / "okrs.db"

    def save(self) -> None:
        """Write the config files; JSON is YAML, too."""
        for name, content in (("okr-sync.yaml", self.main), ("okrs/product.yaml", self.okrs)):
            file = self.folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(content, indent=1), "utf-8")

    def change_source(self, name: str, **settings: str) -> None:
        self.main["sources"][name] |= settings
        self.save()

    def map_to(self, initiative: str, **scope: Any) -> None:
        """Map an initiative to one other place of its first source."""
        found = next(each for each in self.okrs["initiatives"] if each["id"] == initiative)
        found["delivery"] = [{"source": found["delivery"][0]["source"], **scope}]
        self.save()

    def run(self, *words: str) -> Ran:
        return run(*words, "--config", str(self.folder))

    def sync(self, code: int = 0) -> Ran:
        """Run `sync` and assert its exit code. The first time into an empty store: `run` lets it make its own."""
        if not self.store.exists():
            empty(self.store)
        ran = self.run("sync")
        assert ran.code == code, ran.said
        return ran

    def key_results(self, as_of: datetime | None = None) -> dict[str, dict[str, Any]]:
        """Return id → what `status --json` says."""
        words = () if as_of is None else ("--as-of", as_of.isoformat())
        shown = self.run("status", "--json", *words).json()
        return {each["id"]: each for objective in shown["objectives"] for each in objective["key_results"]}

    def initiatives(self) -> dict[str, dict[str, Any]]:
        return {each["id"]: each for each in self.run("status", "--json").json()["initiatives"]}

    def last_run(self) -> dict[str, Any]:
        """Return the newest run with its entries, by key result."""
        number = self.run("runs", "--limit", "1", "--json").json()["runs"][0]["id"]
        shown: dict[str, Any] = self.run("runs", str(number), "--json").json()
        shown["entries"] = {each["key_result"]: each for each in shown["key_results"]}
        return shown

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables, in their order; nothing is written."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}  # noqa: S608

    def bytes_of_store(self) -> Mapping[str, bytes]:
        """Return the bytes of the store's file and its companions, by name."""
        return {file.name: file.read_bytes() for file in sorted(self.folder.glob("okrs.db*"))}


def _source(kind: str, server: Server, secret: str, **more: str) -> dict[str, Any]:
    home = {"url": server.url, "allow_hosts": ["127.0.0.1"]}
    return {"kind": kind, **home, "token": f"${{{secret}}}", "fresh_for": "10 min", **more}


def _main(play: Play) -> dict[str, Any]:
    start, end = (f"{play.begin + timedelta(days=days):%Y-%m-%d}" for days in (-30, 60))
    return {
        "store": "sqlite:///okrs.db",
        "sources": {
            "tracker": _source("jira_epics", play.jira, "JIRA_TOKEN", email=EMAIL),
            "code": _source("github_milestones", play.github, "GITHUB_TOKEN"),
            "numbers": {"kind": "csv_file", "path": "numbers.csv", "fresh_for": "30 d"},
            "typed": {"kind": "manual"},
        },
        "cycles": {"now": {"start": start, "end": end}},
        "teams": {"product": {"title": "Product"}},
        "people": {"ana": {"name": "Ana"}},
        "metrics": {
            "nps": {"source": "numbers", "column": "nps", "minimum": -100, "maximum": 100},
            "guide": {"source": "typed", "minimum": 0, "maximum": 1},
        },
    }


def _key_result(name: str, measure: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "title": f"Key result {name}", "measure": measure}


def _initiative(name: str, *delivery: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "title": f"Initiative {name}", "delivery": list(delivery)}


def _okrs() -> dict[str, Any]:
    beta, launch = ({"source": "code", "repos": ["acme/app"], "milestone": title} for title in ("Beta 1", "Launch"))
    return {
        "cycle": "now",
        "team": "product",
        "objectives": [
            {
                "id": "experience",
                "title": "A better experience",
                "owner": "ana",
                "key_results": [
                    _key_result("assistant-built", {"delivery": "assistant"}),
                    _key_result("beta-built", {"delivery": "beta"}),
                    _key_result("launch-built", {"delivery": "launch"}),
                    _key_result("nps-raised", {"metric": "nps", "baseline": 30, "target": 50}),
                    _key_result("guide-out", {"done": {"metric": "guide"}}),
                ],
            }
        ],
        "initiatives": [
            _initiative("assistant", {"source": "tracker", "epics": ["APP-1"]}),
            _initiative("beta", beta),
            _initiative("launch", {"source": "tracker", "epics": ["APP-2"]}, launch),
        ],
    }


@contextmanager
def playing(folder: Path, setenv: Callable[[str, str], None]) -> Iterator[Play]:
    """Serve both trackers and give a config folder that syncs without a mistake."""
    begin = current_time()
    tracker, code = Tracker(begin), Code(begin)
    for name, value in SECRETS.items():
        setenv(name, value)
    with Server(tracker.site) as jira, Server(code.site) as github:
        play = Play(folder, begin, tracker, code, jira, github, setenv)
        play.main, play.okrs = _main(play), _okrs()
        (folder / "numbers.csv").write_text(f"date,nps\n{begin - timedelta(days=2):%Y-%m-%d},40\n", "utf-8")
        play.save()
        yield play
