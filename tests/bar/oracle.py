"""Looks at a store from outside after a fault: what must hold at every instant, whatever happened."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from tests.bar.house import House, moment

ENDED = ("ok", "partial", "failed")
LATE = timedelta(seconds=5)


def assert_sound(house: House, entries: int = 2) -> dict[str, int]:
    """Assert the invariants of the store; return how many runs, slots, points and values were looked at.

    A whole run has so many `entries`, one a key result.
    """
    assert house.damage() == []
    runs = house.rows("SELECT id, outcome, started, finished, deadline, summary FROM runs ORDER BY id")
    assert runs, "the oracle looked at nothing"
    counts = {"runs": len(runs), "slots": _slots(house), "points": _points(house, entries), "values": _values(house)}
    _no_overlap(runs)
    _all_in_time(runs)
    return counts


def _slots(house: House) -> int:
    """Each slot has exactly one run, each missed one says why, and none is left out."""
    slots = house.rows("SELECT schedule, due, run_id, attempts FROM slots ORDER BY schedule, due")
    found = house.rows("SELECT s.due, r.outcome, r.summary FROM slots s JOIN runs r ON r.id = s.run_id")
    assert len(found) == len(slots)
    assert [due for due, outcome, said in found if outcome == "missed" and not said] == []
    missed = house.rows(
        "SELECT r.id FROM runs r LEFT JOIN slots s ON r.id = s.run_id WHERE r.outcome = 'missed' AND s.due IS NULL"
    )
    assert missed == []
    due = [moment(each[1]) for each in slots]
    gaps = {later - earlier for earlier, later in pairwise(due)}
    assert len(gaps) <= 1, f"a slot is left out: {gaps}"
    return len(slots)


def _points(house: House, entries: int) -> int:
    """A key result has at most one point a slot, and only runs that ended by themselves left any conclusion."""
    for table in ("points", "delivery_points", "latest", "run_entries"):
        named = "run_id"
        half = house.rows(
            f"SELECT r.id, r.outcome FROM {table} t JOIN runs r ON r.id = t.{named} "  # noqa: S608
            f"WHERE r.outcome NOT IN {ENDED}"
        )
        assert half == [], f"{table} holds conclusions of a run that did not end"
    doubled = house.rows(
        "SELECT p.kind, p.subject, s.schedule, s.due FROM points p JOIN slots s ON s.run_id = p.run_id "
        "WHERE NOT p.backfilled GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
    )
    assert doubled == []
    whole = house.rows(f"SELECT run_id, count(*) FROM run_entries GROUP BY run_id HAVING count(*) <> {entries:d}")  # noqa: S608
    assert whole == [], "a run is half visible"
    return len(house.rows("SELECT 1 FROM points"))


def _values(house: House) -> int:
    """Every number was told by the source, and all key results, judged at once, never differ in their run.

    A later run may judge the past of some of them anew.
    """
    told = {float(value) for _, value in house.told()}
    values = [value for (value,) in house.rows("SELECT value FROM observations")]
    assert set(values) <= told
    latest = house.rows(
        "SELECT count(DISTINCT run_id) FROM points WHERE kind = 'key_result' AND NOT backfilled GROUP BY slot"
    )
    assert {number for (number,) in latest} <= {1}
    return len(values)


def _no_overlap(runs: list[tuple[object, ...]]) -> None:
    """What ended as it began is a record of one that never began: missed, or given up since it ended its workers."""
    ran = [run for run in runs if run[1] != "missed" and run[2] != run[3]]
    for (number, _, _, finished, *_), (later, _, started, *_) in pairwise(ran):
        assert finished is not None, f"run {number} is open while run {later} began"
        assert moment(str(finished)) <= moment(str(started)), f"run {number} ended after run {later} began"


def _all_in_time(runs: list[tuple[object, ...]]) -> None:
    for number, outcome, _started, finished, deadline, _said in runs:
        if outcome in ENDED and deadline is not None:
            assert moment(str(finished)) <= moment(str(deadline)) + LATE, f"run {number} ended too late"
