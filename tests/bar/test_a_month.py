"""A month of 15-minute slots in compressed time, over real HTTP of which a fifth is faulty: no number is ever wrong."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from okr_sync.core.slots import Interval
from okr_sync.registry import Registry
from okr_sync.sandbox.server import Fault, Request, Response, Server, Site
from okr_sync.schedule.claiming import Claimer
from okr_sync.sync import RunReport, sync
from okr_sync.sync.run import World
from tests.bar.house import FULL, House
from tests.bar.oracle import assert_sound
from tests.edge.sync_trackers import Counts, Github, Jira, Watched, counts, states, watching

Kind = Literal["cloud", "graphql"]
QUARTER = timedelta(minutes=15)
SLOTS = 30 * 96 if FULL else 40
HEALTHY = 10  # of them, first, to know what a run costs
FAULTY = 0.2  # of the requests
FACTOR, MORE = 1.2, 5  # of the requests of a healthy run
HTML = {"Content-Type": "text/html"}
FAULTS = (
    *(Fault("response", reply=Response(status)) for status in (500, 502, 503, 504)),
    Fault("response", reply=Response(429, headers={"Retry-After": "5"})),
    Fault("response", reply=Response(429)),
    Fault("response", reply=Response(200, b"<html>please sign in</html>", HTML)),
    *(
        Fault("response", reply=Response(200, body, {"Content-Type": "application/json"}))
        for body in (b"", b"{}", b"[]")
    ),
    Fault("truncate"),
    Fault("cut"),
    Fault("drop"),
    Fault("reset"),
)


class Unlucky(Server):
    """A server of which a part of the answers goes wrong, by chance."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        super().__init__(site)
        self.share, self.wrong, self._chance = 0.0, 0, chance

    def due_fault(self, request: Request) -> Fault | None:
        """Return one of all faults for the share of requests that has one."""
        if self._chance.random() >= self.share:
            return super().due_fault(request)
        self.wrong += 1
        return self._chance.choice(FAULTS)


@dataclass
class Month:
    """What was seen of it, slot by slot: what people were told after each run, and what it cost."""

    home: Watched
    server: Unlucky
    chance: random.Random
    registry: Registry = field(default_factory=Registry)  # read once, as each run's own process does
    told: dict[int, dict[str, Counts | None]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    requests: list[int] = field(default_factory=list)

    def live(self) -> None:
        """Let a quarter of an hour pass, in which something may happen, and do the run of its slot."""
        self.home.pass_time(14)
        if self.chance.random() < 0.3:
            _happen(self.home.tracker, self.chance)
        self.home.pass_time(1)
        self.server.forget()
        report = self._run()
        self.requests.append(len(self.server.log))
        self.outcomes[report.outcome] += 1
        self.told[report.run] = _told(report)

    def _run(self) -> RunReport:
        house = self.home.house
        claimed = Claimer(house.store, QUARTER, QUARTER).claim({"": Interval(QUARTER)}, ZoneInfo("UTC"), house.now)
        assert claimed is not None
        world = World(clock=lambda: house.now, sleep=house.slept.append)
        report = sync(house.store, house.config, world, begun=claimed.run, registry=self.registry)
        expected = self.home.tracker.truth()
        if report.outcome != "ok":
            expected = self.told[max(self.told)]
        assert _told(report) == expected, f"run {report.run} ended {report.outcome} and tells what is not so"
        return report


def _told(report: RunReport) -> dict[str, Counts | None]:
    return {name: counts(each) for name, each in states(report).items()}


def _happen(tracker: Any, chance: random.Random) -> None:
    """Let an issue be born, or let one come to its end."""
    if isinstance(tracker, Jira):
        tracker.story("ALP", chance.choice([tracker.alpha, tracker.beta]), chance.choice(["To Do", "Done"]))
    else:
        made = tracker.issue(chance.choice([tracker.alpha, tracker.beta]))
        if chance.random() < 0.5:
            tracker.world.close(made, at=tracker.now)


def _unlucky(kind: Kind, chance: random.Random) -> tuple[Jira | Github, Unlucky]:
    tracker = Jira("cloud") if kind == "cloud" else Github("graphql")
    with tracker.server as plain:  # its port is closed again
        server = Unlucky(plain.site, chance)
    tracker.server = server
    return tracker, server


@pytest.mark.parametrize("kind", ["cloud", "graphql"])
def test_in_a_month_with_a_fifth_of_all_requests_faulty_nothing_is_lost_doubled_or_wrong(
    tmp_path: Path, kind: Kind
) -> None:
    """Each run tells the truth of its instant, or what the one before told."""
    chance = random.Random(5)
    tracker, server = _unlucky(kind, chance)
    with watching(tracker, tmp_path, end="2027-12-31") as home:
        month = Month(home, server, chance)
        for _ in range(HEALTHY):
            month.live()
        healthy = max(month.requests[1:])
        server.share = FAULTY
        for _ in range(SLOTS - HEALTHY):
            month.live()
        faulty = month.requests[HEALTHY:]
        house = House(tmp_path / "config")
        sound = assert_sound(house, entries=len(tracker.initiatives))
        acknowledged = {
            number for number, outcome in house.rows("SELECT id, outcome FROM runs") if outcome != "running"
        }
    lost = month.told.keys() - acknowledged
    print(  # noqa: T201
        f"{kind}: {SLOTS} slots, {sum(faulty)} requests with {server.wrong} faults: {dict(month.outcomes)}, lost "
        f"{len(lost)}; requests of a run {healthy} when healthy, {max(faulty)} at most and "
        f"{sum(faulty) / len(faulty):.1f} on average under faults; {sound}"
    )
    assert lost == set()
    assert month.outcomes["ok"] > SLOTS / 2
    assert server.wrong > sum(faulty) / 10
    assert max(faulty) <= FACTOR * healthy + MORE
