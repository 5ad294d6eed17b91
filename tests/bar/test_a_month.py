"""A month of 15-minute slots in compressed time, over real HTTP of which a fifth is faulty: no number is ever wrong."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import dropwhile
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from okr_sync.core.slots import Interval
from okr_sync.registry import Registry
from okr_sync.sandbox.server import Fault, Request, Response, Server, Site
from okr_sync.schedule.claiming import Claimer
from okr_sync.store import Store
from okr_sync.sync import RunReport, sync
from okr_sync.sync.run import World
from tests.bar.house import FULL, House
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.edge.sync_trackers import Counts, Github, Jira, Watched, counts, states, watching
from tests.servers.postgres import Postgres, postgres

__all__ = ["postgres"]

Kind = Literal["cloud", "graphql"]
QUARTER = timedelta(minutes=15)
SLOTS = 30 * 96 if FULL else 48
HEALTHY = 200 if FULL else 10  # runs at first, so many that each deed is among them
FAULTY = 0.2  # of all requests since then at least: by chance, and in an outage every day
BY_CHANCE = 0.15
ITEMS = 30  # born until then; afterwards they come to their end, or to life again
EVERY, OUTAGE = 96, range(20, 30)  # a day, and its slots in which nothing is answered
TRIED = 3  # failed runs in a row before a source is asked once a run
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
DOWN = Fault("response", reply=Response(503))


class Unlucky(Server):
    """A server of which a part of the answers goes wrong, by chance, and all of them while it is `down`."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        super().__init__(site)
        self.share, self.wrong, self.down, self._chance = 0.0, 0, False, chance

    def due_fault(self, request: Request) -> Fault | None:
        """Return one of all faults for the share of requests that has one."""
        if not self.down and self._chance.random() >= self.share:
            return super().due_fault(request)
        self.wrong += 1
        if self.down:
            return DOWN
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
    outages: list[list[int]] = field(default_factory=list)
    """Requests of each run in each outage."""
    born: list[Any] = field(default_factory=list)

    def live(self) -> None:
        """Let a quarter of an hour pass, in which something may happen, and do the run of its slot."""
        self.home.pass_time(14)
        if self.chance.random() < 0.3:
            _happen(self.home.tracker, self.chance, self.born)
        self.home.pass_time(1)
        self.server.forget()
        number = len(self.requests) % EVERY
        self.server.down = number in OUTAGE
        report = self._run()
        self.requests.append(len(self.server.log))
        if self.server.down:
            self.outages += [[]] if number == OUTAGE[0] else []
            self.outages[-1].append(self.requests[-1])
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


def _asked(requests: list[int]) -> list[int]:
    """Return the requests of each run of an outage from the first on that asks: a credential that seemed to be refused
    before it holds the source back for a while.
    """
    return list(dropwhile(lambda number: not number, requests))


def _told(report: RunReport) -> dict[str, Counts | None]:
    return {name: counts(each) for name, each in states(report).items()}


def _happen(tracker: Any, chance: random.Random, born: list[Any]) -> None:
    """Let an issue be born, come to its end, or come to life again."""
    whose, ends = chance.choice([tracker.alpha, tracker.beta]), chance.random() < 0.5
    if len(born) < ITEMS:
        born.append(tracker.story("ALP", whose) if isinstance(tracker, Jira) else tracker.issue(whose))
    one = chance.choice(born)
    if isinstance(tracker, Jira):
        tracker.world.move(one, "Done" if ends else "To Do", at=tracker.now, resolution="Done" if ends else None)
    elif ends != ([each.kind for each in one.events if each.kind in ("closed", "reopened")][-1:] == ["closed"]):
        (tracker.world.close if ends else tracker.world.reopen)(one, at=tracker.now)


def _unlucky(kind: Kind, chance: random.Random) -> tuple[Jira | Github, Unlucky]:
    tracker = Jira("cloud") if kind == "cloud" else Github("graphql")
    with tracker.server as plain:  # its port is closed again
        server = Unlucky(plain.site, chance)
    tracker.server = server
    return tracker, server


@pytest.fixture(params=["sqlite", "postgresql"])
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database on a server; empty text: the store is to be a file."""
    if request.param == "sqlite":
        yield ""
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.fresh() as name:
        yield server.url(name)


def _looked_at(home: Watched, server_url: str) -> House:
    """Return the house as it is looked at from outside."""
    folder = home.house.store.path.parent
    if not server_url:
        return House(folder)
    home.house.store.close()
    home.house.store = Store.open(server_url)
    return PostgresHouse(folder, server_url)


@pytest.mark.parametrize("kind", ["cloud", "graphql"])
def test_in_a_month_with_a_fifth_of_all_requests_faulty_nothing_is_lost_doubled_or_wrong(
    tmp_path: Path, kind: Kind, server_url: str
) -> None:
    """Each run tells the truth of its instant, or what the one before told; a source that is down is asked once a run.

    Seen red without the bounds of `Restraint.may_repeat`, and with a source in trouble that is asked like a sound one:
    then each run of an outage costs five requests.
    """
    chance, begun, since = random.Random(5), time.process_time(), time.monotonic()
    tracker, server = _unlucky(kind, chance)
    with ExitStack() as stack:
        home = stack.enter_context(watching(tracker, tmp_path, end="2027-12-31"))
        house = _looked_at(home, server_url)
        stack.callback(home.house.store.close)
        month = Month(home, server, chance)
        for _ in range(HEALTHY):
            month.live()
        healthy = max(month.requests[1:])
        server.share = FAULTY
        for _ in range(SLOTS - HEALTHY):
            month.live()
        faulty = month.requests[HEALTHY:]
        sound = assert_sound(house, entries=len(tracker.initiatives))
        acknowledged = {
            number for number, outcome in house.rows("SELECT id, outcome FROM runs") if outcome != "running"
        }
    seconds, passed = time.process_time() - begun, time.monotonic() - since
    lost = month.told.keys() - acknowledged
    print(  # noqa: T201
        f"{kind} on {type(house).__name__}: {SLOTS} slots, {sum(faulty)} requests with {server.wrong} faults: "
        f"{dict(month.outcomes)}, lost {len(lost)}; requests of a run {healthy} when healthy, {max(faulty)} at most "
        f"and {sum(faulty) / len(faulty):.1f} on average under faults; {sound}; {seconds:.0f} CPU seconds, "
        f"{passed:.0f} in all"
    )
    assert lost == set()
    assert sound["slots"] == sound["runs"] == SLOTS
    assert month.outcomes["ok"] > SLOTS / 2
    assert server.wrong >= FAULTY * sum(faulty)
    assert all(sum(each[TRIED:]) == max(len(each) - TRIED, 0) for each in map(_asked, month.outages))
    assert max(faulty) <= FACTOR * healthy + MORE
