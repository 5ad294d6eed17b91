"""A year of a nightly schedule in five zones: each local date has one run or says why not, also when clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from okr_sync.core.cron import parse_cron
from okr_sync.core.slots import Schedule
from okr_sync.schedule.claiming import Claimer
from okr_sync.store import Store
from okr_sync.store.ledger import finish_run
from tests.bar.house import FULL, House, moment
from tests.store.empty import new_store

NIGHT = {
    "UTC": time(2, 30),
    "Europe/Berlin": time(2, 30),
    "America/New_York": time(2, 30),
    "Australia/Lord_Howe": time(2, 15),  # its clocks change by half an hour
    "Africa/Cairo": time(0, 30),  # its clocks change at midnight
}
MINUTE, QUARTER, HOUR, DAY = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
BEGIN, END = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC)
NEAR = 2 * DAY  # of a change of the clocks; in usual runs the worker is off on all other days


def _quarters() -> Iterator[datetime]:
    at = BEGIN
    while at < END:
        yield at
        at += QUARTER


def _nights(zone: ZoneInfo, at: time) -> dict[date, datetime]:
    """Return local date → its first instant at which the clock on the wall shows `at` or later, by looking at it."""
    found: dict[date, datetime] = {}
    begun = BEGIN.astimezone(zone).date()
    for instant in _quarters():
        wall = instant.astimezone(zone)
        if wall.time() >= at and wall.date() > begun:
            found.setdefault(wall.date(), instant)
    return found


def _changes(zone: ZoneInfo) -> list[datetime]:
    walls = pairwise((each, each.astimezone(zone).utcoffset()) for each in _quarters())
    return [later for (_, before), (later, after) in walls if before != after]


@pytest.mark.parametrize("name", NIGHT)
def test_in_a_year_every_local_date_has_one_run_or_says_why_not(name: str, tmp_path: Path) -> None:
    """Seen red with a time that comes twice taken at its second coming, and with one in a gap where the clock was."""
    zone, at = ZoneInfo(name), NIGHT[name]
    nights, changes = list(_nights(zone, at).values()), _changes(zone)
    year = Year(new_store(tmp_path / "okr-sync.db"), {"": parse_cron(f"{at.minute} {at.hour} * * *")}, zone)
    worked = [due for due in nights if FULL or due in nights[:1] + nights[-1:] or _is_near(due, changes)]
    for due in worked:
        year.wake(due - timedelta(seconds=1))  # catches up when the worker was off the night before
        assert year.wake(due), f"nothing is due at {due} in {name}"
        assert not year.wake(due + MINUTE), f"{due} is due twice in {name}"
        assert not year.wake(due + HOUR), f"{due} is due twice in {name}"
    house = House(tmp_path)
    found = house.rows("SELECT s.due, r.outcome, r.summary FROM slots s JOIN runs r ON r.id = s.run_id ORDER BY s.due")
    since = [(due, outcome, said) for due, outcome, said in found if moment(due) >= nights[0]]
    assert [moment(due) for due, _, _ in since] == nights
    assert {moment(due) for due, outcome, _ in since if outcome == "ok"} >= set(worked)
    missed = [said for _, outcome, said in since if outcome == "missed"]
    assert all("no worker was there in time" in said for said in missed)
    print(  # noqa: T201
        f"{name}: {len(nights)} nights, clocks change {len(changes)} times, {len(since) - len(missed)} runs, "
        f"{len(missed)} missed; lost 0, doubled 0"
    )


@dataclass
class Year:
    """A worker's store and its schedule."""

    store: Store
    schedules: dict[str, Schedule]
    zone: ZoneInfo

    def wake(self, now: datetime) -> bool:
        """Do what is due; return whether anything was."""
        claimed = Claimer(self.store, MINUTE, MINUTE).claim(self.schedules, self.zone, now)
        if claimed is not None:
            with self.store.writing() as session:
                finish_run(session, claimed.run, now, "ok", "")
        return claimed is not None


def _is_near(due: datetime, changes: list[datetime]) -> bool:
    return any(abs(due - each) <= NEAR for each in changes)
