"""Plays the example quarter: weekly syncs on a simulated clock against loopback servers, into a new folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

from okr_sync.config import load
from okr_sync.demo.worlds import FIRST_DAY, build_github, build_jira, places
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.server import Server
from okr_sync.store.database import Store
from okr_sync.sync import RunReport, sync
from okr_sync.sync.checking_in import TypedCheckIn, check_in
from okr_sync.sync.run import World

MONDAYS = tuple(FIRST_DAY + timedelta(days=day, hours=18) for day in range(4, 47, 7))
LAST_LOOK = FIRST_DAY + timedelta(days=50, hours=18)
SYNCS = (*MONDAYS, LAST_LOOK)
"""When the example is synced: seven Mondays, and a last look on Friday 20 November 2026."""

JIRA_EMAIL = "okr-sync@digitalpharma.example"
SANDBOX_TOKEN = "sandbox-only"  # noqa: S105 -- opens nothing but the loopback sandbox


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo left: its folder, the store's address, the instant of the last sync, and all runs."""

    folder: Path
    store_url: str
    at: datetime
    runs: tuple[RunReport, ...]


class _Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def show(folder: Path, *, tell: Callable[[RunReport, datetime], None]) -> Shown:
    """Copy the example into `folder`, sync it week by week, the last time with a broken export, and return what came.

    `tell` is called after each run. The servers are gone when this returns.
    """
    _copy_example(folder)
    clock = _Clock(SYNCS[0])
    runs: list[RunReport] = []
    with _trackers(clock) as env:
        config = load(folder / "okr-sync.yaml", env)
        store = Store.open(config.store_url)
        for at in SYNCS:
            clock.now = at
            if at == LAST_LOOK:
                _break_stock_count(folder / "data" / "growth.csv")
            runs.append(sync(store, config, World(clock=clock), trigger="demo", author="demo"))
            tell(runs[-1], at)
            if at == MONDAYS[-1]:
                clock.now = at + timedelta(minutes=10)
                typed = TypedCheckIn("onboarding-survey", author="dora", value=1.0, note="Seven areas, ranked")
                check_in(store, config, World(clock=clock), typed)
    return Shown(folder, config.store_url, clock.now, tuple(runs))


def _break_stock_count(export: Path) -> None:
    """Let the export of the last day say that the warehouse is empty: the key result is suspect, and not at 0."""
    lines = export.read_text("utf-8").splitlines()
    names = lines[0].split(",")
    cells = {"date": f"{LAST_LOOK:%Y-%m-%d}", "stock": "0"}
    broken = ",".join(cells.get(name, "") for name in names)
    export.write_text("\n".join([*lines, broken, ""]), encoding="utf-8")


def _copy_example(folder: Path) -> None:
    with as_file(_example()) as source:
        shutil.copytree(source, folder, dirs_exist_ok=True)


def _example() -> Path:
    """The example lies in the package when installed, in the checkout's `config/` when not."""
    packaged = Path(str(files("okr_sync"))) / "example"
    return packaged if packaged.is_dir() else packaged.parents[1] / "config"


@contextmanager
def _trackers(clock: Callable[[], datetime]) -> Iterator[dict[str, str]]:
    described = places()
    jira = JiraSite(build_jira(described), clock, "cloud", credentials=Credentials(JIRA_EMAIL, SANDBOX_TOKEN))
    github = GithubSite(build_github(described), clock, token=SANDBOX_TOKEN)
    with Server(jira) as jira_server, Server(github) as github_server:
        yield {
            "JIRA_URL": jira_server.url,
            "JIRA_EMAIL": JIRA_EMAIL,
            "JIRA_TOKEN": SANDBOX_TOKEN,
            "GITHUB_URL": github_server.url,
            "GITHUB_TOKEN": SANDBOX_TOKEN,
        }
