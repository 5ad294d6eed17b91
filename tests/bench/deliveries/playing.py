"""The sandbox as a process of its own, and the words to it through its control."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from okr_sync.sandbox.jira_access import Credentials
from tests.bench.deliveries.processes import ROOT
from tests.bench.deliveries.sizes import Disturbance, Holdings, Size, Tracker

EMAIL, TOKEN = Credentials().email, Credentials().token
GITHUB_TOKEN = "sandbox-token"
PATIENCE = 600.0  # seconds that the truth of a million items may take


@dataclass(frozen=True, slots=True)
class Playing:
    """A served tracker: its address, that of its control, and how to ask the control; over how many `repositories`."""

    tracker: Tracker
    url: str
    control: str
    repositories: int = 1

    @property
    def site(self) -> str:
        """What the control calls the tracker."""
        return "github" if self.tracker == "github" else "jira"

    def ask(self, path: str) -> Any:
        """Return what the control says of the site."""
        answer = httpx.get(f"{self.control}{path}", timeout=PATIENCE, trust_env=False).raise_for_status().json()
        return answer[self.site]

    def tell(self, path: str, **told: float) -> Any:
        """Tell the control something; return what it says of the site."""
        sent = httpx.post(f"{self.control}{path}", json=told, timeout=PATIENCE, trust_env=False)
        return sent.raise_for_status().json()[self.site]

    def cpu(self) -> float:
        """Return the seconds of CPU that the sandbox has used so far."""
        answer = httpx.get(f"{self.control}/cost", timeout=PATIENCE, trust_env=False)
        return float(answer.raise_for_status().json()["cpu"])

    def change(self, share: float, seed: int) -> Disturbance:
        """Disturb that share of the items now."""
        told = self.tell("/change", share=share, seed=seed)
        places = told.pop("places")
        return Disturbance(sum(told.values()), told.get("moved", 0), told.get("deleted", 0), places)

    def holdings(self) -> Holdings:
        """Return what the sandbox truly holds now."""
        truth = self.ask("/truth")
        return Holdings(len(truth), sum(map(len, truth.values())))


@contextmanager
def playing(tracker: Tracker, size: Size) -> Iterator[Playing]:
    """Serve a tracker of that size, whose history has ended, until the end of the block."""
    words = ["--settled", "--control", "--hour-limit", str(10**9)]
    if tracker == "github":
        words += ["--github", "com", "--repositories", str(size.repositories)]
        words += ["--milestones", str(size.milestones), "--items", str(size.items)]
    else:
        words += ["--jira", tracker.removeprefix("jira-"), "--projects", str(size.projects)]
        words += ["--epics", str(size.epics), "--issues", str(size.issues)]
    command = [sys.executable, "-m", "okr_sync.sandbox", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        site = urls["github" if tracker == "github" else "jira"]
        yield Playing(tracker, site, urls["control"], size.repositories)
    finally:
        process.terminate()
        process.wait(timeout=60)
