"""One tracker of one size: runs the program, the bare downloader and the rivals, and keeps what each took."""

from __future__ import annotations

import base64
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.deliveries import downloading, scheduled
from tests.bench.deliveries.house import House, build
from tests.bench.deliveries.playing import EMAIL, GITHUB_TOKEN, TOKEN, Playing
from tests.bench.deliveries.processes import Cost, run_module
from tests.bench.deliveries.rivals import sample
from tests.bench.deliveries.scheduled import Scheduled
from tests.bench.deliveries.sizes import Disturbance, Holdings, Phase, Tracker

SHARE = 0.01  # of the items, disturbed before the runs that bring changes
PARTS = "tests.bench.deliveries"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one round of one phase took: the program, the requests it made, and the bare downloader with the same."""

    program: Cost
    bare: Cost | None
    requests: int
    sandbox_cpu: float


@dataclass(frozen=True, slots=True)
class Rival:
    """What a rival took for some of the places: `asked` of `places`."""

    cost: Cost
    requests: int
    said: Mapping[str, float]
    asked: int
    places: int

    @property
    def scale(self) -> float:
        """Return how many times as much all places are."""
        return self.places / self.asked

    @property
    def wall(self) -> float:
        """Return the seconds that all places take: the start once, the asking scaled."""
        return self.cost.wall + self.said["seconds"] * (self.scale - 1)

    @property
    def asking(self) -> float:
        """Return the seconds that asking for all places takes, without the start."""
        return self.said["seconds"] * self.scale

    @property
    def all_requests(self) -> float:
        """Return the requests that all places take."""
        return self.requests * self.scale


@dataclass(slots=True)
class Measured:
    """All that was measured of one tracker at one latency (seconds)."""

    latency: float
    phases: dict[Phase, list[Sample]] = field(default_factory=dict)
    rivals: dict[str, Rival] = field(default_factory=dict)
    scheduled: Scheduled | None = None

    def take(self, phase: Phase, sample: Sample) -> None:
        """Keep a round."""
        self.phases.setdefault(phase, []).append(sample)

    def sandbox_cpu(self, phase: Phase) -> float:
        """Return the median of the seconds of CPU that the sandbox took for the program."""
        return statistics.median(each.sandbox_cpu for each in self.phases[phase])

    def median(self, phase: Phase, take: str, *, side: str = "program") -> float:
        """Return the median over the rounds of `wall`, `cpu` or `peak`."""
        return float(statistics.median(getattr(getattr(each, side), take) for each in self.phases[phase]))

    def requests(self, phase: Phase) -> float:
        """Return the median of the requests."""
        return statistics.median(each.requests for each in self.phases[phase])


@dataclass(slots=True)
class Case:
    """One served tracker with a config over it."""

    played: Playing
    house: House
    folder: Path
    held: Holdings = field(default_factory=lambda: Holdings(0, 0))
    changes: Disturbance = field(default_factory=Disturbance)
    differences: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, played: Playing, folder: Path) -> Case:
        """Write the config; ask nothing of the tracker yet."""
        return cls(played, build(folder, played), folder)

    def phase(self, phase: Phase, store: Path, latency: float, *, bare: bool) -> Sample:
        """Run the program once over this store; measure the downloader, too, with `bare`."""
        self.played.tell("/latency", seconds=latency)
        self.played.tell("/forget")
        before = self.played.cpu()
        program = self.house.sync(store)
        used = self.played.cpu() - before
        log = self.played.ask("/log")
        return Sample(program, self._download(log) if bare else None, len(log), used)

    def scheduled(self, store: Path, latency: float, runs: int) -> Scheduled:
        """Let a worker do so many quiet runs over this store, and as many that bring everything over new ones."""
        self.played.tell("/latency", seconds=latency)
        folder, env = self.house.folder, self.house.env
        new = [self.store(f"{store.stem}-worker-{number}") for number in range(runs)]
        first = tuple(scheduled.measure_first(folder, each, env) for each in new)
        self.check("full", new)
        return Scheduled(scheduled.measure(folder, store, env, runs), first)

    def check(self, phase: Phase, stores: Sequence[Path]) -> None:
        """Compare what stores hold after a phase with what the sandbox truly holds."""
        words = [self.played.control, self.played.site, str(self.folder), *map(str, stores)]
        told = json.loads(run_module(f"{PARTS}.checking", *words).output)
        self.held = Holdings(told["places"], told["items"], told["subtasks"], self.played.repositories)
        self.differences += [f"after the {phase} run: {line}" for line in told["differences"]]

    def warm_up(self) -> None:
        """Run once unmeasured: the sandbox writes everything that it has for the first time."""
        self.played.tell("/latency", seconds=0.0)
        self.house.sync(self.store("warm"))

    def change(self, seed: int) -> None:
        """Disturb a share of the items, and let a run over the store of the warm-up take notice of it first."""
        self.changes = self.played.change(SHARE, seed)
        self.warm_up()

    def store(self, name: str) -> Path:
        """Return where a store of this name is."""
        return self.folder / f"{name}.db"

    def rival(self, name: str, latency: float, most: int) -> Rival:
        """Run a rival once, for about `most` of the places where there are more."""
        self.played.tell("/latency", seconds=latency)
        self.played.tell("/forget")
        places = self.played.ask("/places")
        chosen = sample(places, most, lambda place: place["key"])
        plan = {"tracker": self.played.tracker, "url": self.played.url, "places": chosen}
        cost = run_module(f"{PARTS}.rivals", name, str(self._written(f"{name}.json", plan)))
        return Rival(cost, len(self.played.ask("/log")), json.loads(cost.output), len(chosen), len(places))

    def _download(self, log: Sequence[Mapping[str, Any]]) -> Cost:
        chains = downloading.plan(log)
        plan = {"url": self.played.url, "headers": headers(self.played.tracker), "chains": chains}
        cost = run_module(f"{PARTS}.downloading", str(self._written("plan.json", plan)))
        made = json.loads(cost.output)["requests"]
        if made != len(log):
            raise RuntimeError(f"the downloader made {made} requests where the program made {len(log)}")
        return cost

    def _written(self, name: str, told: Any) -> Path:
        file = self.folder / name
        file.write_text(json.dumps(told), "utf-8")
        return file


def headers(tracker: Tracker) -> dict[str, str]:
    """Return how to sign in."""
    if tracker == "jira-cloud":
        return {"Authorization": "Basic " + base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()}
    return {"Authorization": f"Bearer {GITHUB_TOKEN if tracker == 'github' else TOKEN}"}
