"""A tracker that is changed and broken beside a source that stays well, and the invariants, seen from outside."""

from __future__ import annotations

import base64
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

from okr_sync.config import load
from okr_sync.core.snapshot import KeyResultState, Snapshot
from okr_sync.render.document import status_document
from okr_sync.sandbox.server import Request, Response, Site
from okr_sync.store import results
from okr_sync.sync import RunReport, sync
from okr_sync.sync.collect import REPORT
from okr_sync.sync.run import World
from okr_sync.testing.breaking import BODY, COOKIE
from tests.edge.gitlab_tracker import Gitlab
from tests.edge.sync_play import House, entry_of, open_house
from tests.edge.sync_trackers import EMAIL, TOKEN, Counts, Github, Jira, counts

Kind: TypeAlias = Literal["cloud", "dc", "graphql", "rest", "gitlab"]
ROOMY = 600.0  # seconds: the deadline of a source, which no wait may pass
PLANTED = (TOKEN, base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode(), COOKIE, BODY)
"""What must come out nowhere, as it is written and as it is sent."""


def tracker_of(kind: Kind) -> Jira | Github | Gitlab:
    """Return a tracker that nothing is wrong with."""
    if kind == "gitlab":
        return Gitlab()
    return Jira(kind) if kind in ("cloud", "dc") else Github(kind)  # type: ignore[arg-type] # the others


@dataclass
class Seen:
    """One run as others see it: what readers read after it, what was sent, how long it waited."""

    report: RunReport
    read: Snapshot
    requests: int
    slept: list[float]

    def counts(self) -> dict[str, Counts | None]:
        """Return the counts of each initiative."""
        return {each.id: counts(each) for each in self.read.initiatives}

    def stale(self) -> set[str]:
        """Return the initiatives that are shown as stale."""
        return {each.id for each in self.read.initiatives if each.stale}

    def doubted(self) -> set[str]:
        """Return the initiatives that are shown as stale or suspect."""
        return {each.id for each in self.read.initiatives if each.stale or each.suspect}

    def key_result(self, name: str) -> KeyResultState:
        """Return a key result as it is read."""
        return next(each for each in self.read.key_results if each.id == name)


@dataclass
class Case:
    """A tracker followed by a house, and the key result `witness`, which rests on a file of its own."""

    tracker: Any
    folder: Path
    main: dict[str, Any]
    house: House
    witnessed: int = 0
    clean: bool = True
    """Whether nothing of an earlier test is left."""
    healthy: int = 0
    """Requests of a run in which all is well and a story was finished."""
    slept: list[float] = field(default_factory=list)

    def pass_time(self, span: timedelta) -> None:
        """Let time pass for everybody."""
        self.tracker.now += span
        self.house.now = self.tracker.now

    def wait(self, seconds: float) -> None:
        """Wait as a run does: noted, and over at once."""
        self.slept.append(seconds)
        self.pass_time(timedelta(seconds=seconds))

    def finish_something(self) -> None:
        """Let a new story, or issue, be finished: `alpha` and what it is part of change."""
        self.pass_time(timedelta(minutes=1))
        if isinstance(self.tracker, Jira):
            self.tracker.story("ALP", self.tracker.alpha, "Done", "Done")
        else:
            self.tracker.world.close(self.tracker.issue(self.tracker.alpha), at=self.tracker.now)

    def run(self, after: timedelta = timedelta(minutes=60), *, full: bool = False, **settings: Any) -> Seen:
        """Return a run in `after`, the tracker's settings being these for once; the witness has a new value."""
        self.pass_time(after)
        self.witnessed += 1
        (self.folder / "witness.csv").write_text(f"witness\n{self.witnessed}\n", encoding="utf-8")
        config = self._config(settings) if settings else self.house.config
        self.tracker.server.forget()
        self.slept.clear()
        began: datetime = self.house.now
        world = World(clock=lambda: self.house.now, sleep=self.wait)
        report = sync(self.house.store, config, world, full=full)
        assert self.house.now >= began
        with self.house.store.reading() as session:
            read = results.latest_snapshot(session, self.house.now)
        assert read is not None
        sent = next(each.requests for each in report.collected if each.source == "tracker")
        return Seen(report, read, max(sent, len(self.tracker.server.log)), list(self.slept))

    def _config(self, settings: Mapping[str, Any]) -> Any:
        sources = self.main["sources"]
        changed = {**self.main, "sources": {**sources, "tracker": {**sources["tracker"], **settings}}}
        file = self.folder / "okr-sync.yaml"
        file.write_text(json.dumps(changed), encoding="utf-8")
        try:
            return load(self.folder, {"TOKEN": TOKEN})
        finally:
            file.write_text(json.dumps(self.main), encoding="utf-8")

    def warm_up(self) -> None:
        """Read everything, then what changed: all must be true, and the second run says how much is healthy."""
        check_true(self, self.run())
        self.finish_something()
        seen = self.run()
        check_true(self, seen)
        self.healthy = seen.requests


@contextmanager
def opened(tracker: Jira | Github | Gitlab, folder: Path) -> Iterator[Case]:
    """Serve a tracker, and open a house with an initiative and a key result for each of its `initiatives`."""
    names = list(tracker.initiatives)
    measures = {f"finish-{name}": {"delivery": name} for name in names}
    measures["witness"] = {"metric": "witness", "baseline": 0, "target": 1000}  # type: ignore[dict-item]
    key_results = [{"id": name, "title": name, "measure": each} for name, each in measures.items()]
    team = {
        "cycle": "now",
        "objectives": [{"id": "all", "title": "All", "key_results": key_results}],
        "initiatives": [{"id": name, "title": name, **tracker.initiatives[name]} for name in names],
    }
    with tracker.server as server:
        source = {"kind": tracker.source, "url": server.url, "allow_hosts": ["127.0.0.1"], "max_mib": 1}
        main = {
            "timezone": "UTC",
            "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
            "sources": {
                "tracker": {**source, **tracker.settings, "deadline": f"{ROOMY:g} s"},
                "file": {"kind": "csv_file", "path": "witness.csv"},
            },
            "metrics": {"witness": {"source": "file", "column": "witness"}},
        }
        place = folder / "config"
        house = open_house(place, main, team, {"TOKEN": TOKEN}, None)
        case = Case(tracker, place, main, House(house.config, house.store, tracker.now))
        case.warm_up()
        yield case


def check_true(case: Case, seen: Seen) -> None:
    """I2 and I9: readers find the tracker's truth, nothing stale, nothing doubted, each key result with its entry."""
    assert seen.counts() == case.tracker.truth()
    assert seen.doubted() == set()
    weights = [weight for each in seen.read.initiatives for weight in (each.weight_done, each.weight_total)]
    assert all(weight is None or math.isfinite(weight) for weight in weights)
    assert seen.report.outcome == "ok", seen.report.collected
    assert not [each for each in seen.report.entries if each.outcome == "failed"]
    check_witness(case, seen)


def check_kept(seen: Seen, before: Mapping[str, Counts | None]) -> None:
    """I2: readers find the numbers of before, each of them stale, and each entry says what failed and what to do."""
    assert seen.counts() == before
    assert seen.stale() == set(before)
    assert seen.report.outcome == "partial"
    for name in before:
        told, read = entry_of(seen.report, f"finish-{name}"), seen.key_result(f"finish-{name}")
        assert (told.outcome, read.stale, read.status) == ("failed", True, "stale")
        assert told.reason.startswith("tracker: ")
        assert told.fix, "who reads it knows what to do"
        assert told.fix != REPORT, "it is no bug of a connector"
        assert read.reason


def check_witness(case: Case, seen: Seen) -> None:
    """I12: the key result of the other source has its new value, and is fresh."""
    assert entry_of(seen.report, "witness").outcome == "updated"
    read = seen.key_result("witness")
    assert (read.value, read.stale) == (float(case.witnessed), False)


def check_requests(case: Case, seen: Seen) -> None:
    """I8: at most 1.2 times the requests of a healthy run and 5; no wait reaches beyond the deadline."""
    assert seen.requests <= 1.2 * case.healthy + 5
    assert max(seen.slept, default=0.0) <= ROOMY


def check_secrets(case: Case, seen: Seen, records: list[logging.LogRecord]) -> None:
    """I11: nothing planted is in a byte of the store, in a log record, in the run's report or in what readers get."""
    said = "\n".join(record.getMessage() + str(record.exc_text or "") for record in records)
    said += repr(seen.report) + repr(status_document(seen.read, seen.report.run))
    stored = b"".join(file.read_bytes() for file in case.folder.glob("okr-sync.db*"))
    assert len(stored) > 10_000
    for secret in PLANTED:
        assert secret not in said
        assert secret.encode() not in stored


class Edited:
    """A site whose answers are sent as `edit` makes them; `edited` counts those that it changed."""

    def __init__(self, site: Site, edit: Callable[[bytes], bytes]) -> None:
        self.site = site
        self.edited = 0
        self._edit = edit

    def respond(self, request: Request) -> Response:
        """Return the edited answer of the site."""
        answer = self.site.respond(request)
        body = self._edit(answer.body)
        self.edited += body != answer.body
        return replace(answer, body=body)


class Houses:
    """One case a kind for all tests of a module, opened anew whenever a test did not leave it clean."""

    def __init__(self, make: Callable[[], Path]) -> None:
        self._make = make
        self._open: dict[Kind, tuple[AbstractContextManager[Case], Case]] = {}

    def of(self, kind: Kind) -> Case:
        """Return the case of this kind; it counts as not clean until the test says that it is."""
        known = self._open.get(kind)
        if known is None or not known[1].clean:
            self.close(kind)
            door = opened(tracker_of(kind), self._make())
            self._open[kind] = (door, door.__enter__())
        case = self._open[kind][1]
        case.clean = False
        return case

    def close(self, kind: Kind | None = None) -> None:
        """Close the case of a kind; None: all."""
        for each in [kind] if kind else list(self._open):
            if each in self._open:
                self._open.pop(each)[0].__exit__(None, None, None)
