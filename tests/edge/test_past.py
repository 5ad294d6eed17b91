"""The past computed in one go is the past as it was seen day by day."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.csv_file import CsvFile
from okr_sync.connector import Transition
from okr_sync.store import rewriting
from okr_sync.store.bodies import Kind
from okr_sync.store.points import delivery_points, points
from okr_sync.sync import RunReport
from okr_sync.sync.closing import close_cycle
from okr_sync.sync.plan import plan_backfill
from okr_sync.sync.run import World as Outside
from okr_sync.sync.run import backfill
from tests.edge.past_play import DAY, FIRST, World, random_world
from tests.edge.sync_play import House, Played, open_house

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = 30  # the clocks go back on the 25th
ROWS = ((3, 10), (6, 40), (7, 35), (12, 80), (16, 95), (27, 90))
"""(day, value) of the survey; each is true from 00:00 UTC, two hours into the day of Berlin."""
KEY_RESULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("nps", {"metric": "nps", "baseline": 0, "target": 100}),
    ("ship", {"delivery": "first"}),
    ("ship-both", {"delivery": "both"}),
    ("done", {"done": {"initiative": "first"}}),
)


def midnight(day: int) -> datetime:
    """Return the end of the local day: 1 is the first day of October."""
    return datetime.combine(FIRST.date() + (day * DAY), time(), BERLIN).astimezone(UTC)


def make_house(folder: Path, world: World, **source: Any) -> House:
    """Return a house over the world's containers e1 and e2, and over a survey in a file."""
    main = {
        "timezone": "Europe/Berlin",
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {"tracker": {"kind": "tracker", **source}, "survey": {"kind": "csv_file", "path": "survey.csv"}},
        "metrics": {"nps": {"source": "survey", "column": "nps"}},
    }
    first, second = {"source": "tracker", "place": "e1"}, {"source": "tracker", "place": "e2"}
    team = {
        "cycle": "now",
        "objectives": [
            {"id": "all", "title": "All", "key_results": [
                {"id": name, "title": name, "measure": measure} for name, measure in KEY_RESULTS
            ]},
        ],
        "initiatives": [
            {"id": "first", "title": "First", "delivery": [first], "guard": "off"},
            {"id": "both", "title": "Both", "delivery": [first, second], "weight_by": "points", "unit": "leaf",
             "guard": "off"},
        ],
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write_survey(folder, FIRST)
    return open_house(folder, main, team, {}, Played({"tracker": world.source(), "csv_file": CsvFile}))


def write_survey(folder: Path, until: datetime, rows: tuple[tuple[int, float], ...] = ROWS) -> None:
    """Write the rows of the survey that there are by then."""
    lines = [f"{FIRST + day * DAY:%F},{value}" for day, value in rows if FIRST + day * DAY <= until]
    (folder / "survey.csv").write_text("\n".join(["date,nps", *lines, ""]), encoding="utf-8")


def sync_at(house: House, now: datetime) -> RunReport:
    """Return a run at an instant, at which the survey has the rows up to then."""
    house.now = now
    write_survey(house.config.folder, now)
    return house.sync()


def curves(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that points say, by slot."""
    with house.store.reading() as session:
        judged: dict[str, list[Any]] = {name: [*points(session, "key_result", name)] for name, _ in KEY_RESULTS}
        judged["all"] = [*points(session, "objective", "all")]
        found = {name: [_said(each, rewriting.POINT) for each in told] for name, told in judged.items()}
        work = {name: delivery_points(session, name) for name in ("first", "both")}
        return found | {name: [_said(each, rewriting.WORK) for each in told] for name, told in work.items()}


def _said(point: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(point, name) for name in ("slot", *names))


def refill(house: House, since: datetime | None = None) -> RunReport:
    """Return what `backfill` does at the house's instant."""
    return backfill(house.store, house.config, Outside(clock=lambda: house.now), since, registry=house.registry)


def before(house: House, kind: Kind, name: str) -> list[rewriting.Superseded]:
    """Return what was said of a thing before it was computed again."""
    with house.store.reading() as session:
        return rewriting.superseded(session, kind, name)


@pytest.mark.parametrize("seed", range(3))
def test_a_month_replayed_day_by_day_is_the_month_filled_in_at_its_end(seed: int, tmp_path: Path) -> None:
    world = random_world(seed, DAYS)
    replayed, filled = make_house(tmp_path / "replayed", world), make_house(tmp_path / "filled", world)
    for day in range(1, DAYS + 1):
        sync_at(replayed, midnight(day))
    assert world.asked == 1
    report = sync_at(filled, midnight(DAYS))
    assert (report.outcome, world.asked) == ("ok", 2)
    there = curves(replayed)
    assert sum(map(len, there.values())) > 50
    assert curves(filled) == there


def test_what_was_judged_day_by_day_is_what_is_computed_later_also_of_items_that_left(tmp_path: Path) -> None:
    world = random_world(11, 14, leaving=True)
    house = make_house(tmp_path, world)
    for day in range(1, 15):
        sync_at(house, midnight(day))
    there = curves(house)
    house.now += DAY / 4
    past = refill(house).past
    assert (past.instants, past.new, past.replaced) == (14, 0, 0)
    assert {name: told[: len(there[name])] for name, told in curves(house).items()} == there


def test_a_second_back_fill_writes_nothing(tmp_path: Path) -> None:
    world = random_world(2, 9)
    house = make_house(tmp_path, world)
    first = sync_at(house, midnight(9) + DAY / 4)
    assert first.past.new > 20
    assert first.past.first == midnight(1)
    there = house.tables()
    again = refill(house)
    assert (again.past.new, again.past.replaced) == (0, 0)
    third = sync_at(house, house.now)
    assert third.past.instants == 0
    assert house.tables() == there
    assert world.asked == 2  # by the first run, and on demand


def test_points_that_were_computed_later_are_marked_and_those_of_the_run_are_not(tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(3, 9))
    report = sync_at(house, midnight(9) + DAY / 4)
    with house.store.reading() as session:
        found = points(session, "key_result", "nps")
    *past, live = found
    assert {(each.backfilled, each.run, each.recorded_at) for each in past} == {(True, report.run, house.now)}
    assert (live.backfilled, live.slot, live.recorded_at) == (False, house.now, None)
    # A row of the 4th is true from 00:00 UTC, two hours into that day of Berlin.
    assert [(each.slot, each.value) for each in past] == [
        (midnight(1), None), (midnight(4), 10.0), (midnight(7), 40.0), (midnight(8), 35.0),
    ]  # fmt: skip


def test_a_late_row_computes_the_days_again_that_it_touches_and_keeps_what_was_said(tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(4, 12))
    for day in range(1, 13):
        sync_at(house, midnight(day))
    there = curves(house)
    house.now = midnight(13)
    write_survey(tmp_path, house.now, ((3, 10), (6, 60), (7, 35), (10, 50), (12, 80)))  # one corrected, one late
    past = house.sync().past
    assert past.first == midnight(7)
    new = curves(house)
    assert _values(new, "nps") == [
        (1, None), (4, 10.0), (7, 60.0), (8, 35.0), (10, 35.0), (11, 50.0), (13, 80.0),
    ]  # fmt: skip
    assert {name: new[name] for name in ("first", "both", "ship")} == {
        name: told[: len(new[name])] for name, told in there.items() if name in {"first", "both", "ship"}
    }
    kept = before(house, "key_result", "nps")
    assert [(each.slot, each.said["value"], each.backfilled) for each in kept] == [(midnight(7), 40.0, False)]
    assert (kept[0].written_by, kept[0].recorded_at, kept[0].superseded_at) == (7, midnight(7), midnight(13))
    house.now += DAY / 8
    assert house.sync().past.instants == 0


def _values(found: dict[str, list[tuple[Any, ...]]], name: str) -> list[tuple[int, Any]]:
    return [((slot - midnight(0)) // DAY, value) for slot, value, *_ in found[name]]


def test_a_row_that_is_taken_back_is_not_in_the_past_any_more(tmp_path: Path) -> None:
    house = make_house(tmp_path, World())
    for day in range(1, 9):
        sync_at(house, midnight(day))
    house.now = midnight(9)
    write_survey(tmp_path, house.now, ((3, 10), (7, 35)))
    house.sync()
    assert [value for _, value in _values(curves(house), "nps")] == [None, 10.0, 10.0, 35.0]
    assert [each.said["value"] for each in before(house, "key_result", "nps")] == [40.0]


def test_a_closed_cycle_is_never_computed_again(tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(5, 9))
    for day in range(1, 10):
        sync_at(house, midnight(day))
    close_cycle(house.store, house.config, Outside(clock=lambda: house.now), "now", "ana", early=True)
    there = house.tables()
    house.now = midnight(11)
    write_survey(tmp_path, house.now, ((3, 90),))
    assert house.sync().past.instants == 0
    assert refill(house).past.instants == 0
    tables = ("point_values", "delivery_values", "superseded_points")
    assert {name: house.tables()[name] for name in tables} == {name: there[name] for name in tables}


def test_a_source_without_back_fill_has_no_past_and_is_not_asked_for_one(tmp_path: Path) -> None:
    world = random_world(6, 9)
    house = make_house(tmp_path, world, backfill="off")
    sync_at(house, midnight(9))
    found = curves(house)
    assert world.asked == 0
    assert {name: len(found[name]) for name in ("first", "both", "ship", "done", "all")} == dict.fromkeys(
        ("first", "both", "ship", "done", "all"), 1
    )
    assert len(found["nps"]) > 3


def test_a_change_log_that_fails_leaves_the_numbers_and_is_asked_again_by_the_next_run(tmp_path: Path) -> None:
    world = random_world(7, 9)
    house = make_house(tmp_path, world)
    world.broken = True
    report = sync_at(house, midnight(9))
    brought = report.collected[0]
    assert (report.outcome, brought.outcome, brought.fix) == ("partial", "partial", "open it")
    assert brought.error == "its past could not be read, the next run asks again: the change log is closed"
    assert [len(curves(house)[name]) for name in ("first", "both", "ship", "all")] == [1, 1, 1, 1]
    assert {entry.outcome for entry in report.entries} == {"updated"}
    world.broken = False
    assert sync_at(house, midnight(9) + DAY / 8).outcome == "ok"
    other = make_house(tmp_path / "other", world)
    sync_at(other, midnight(9))
    assert curves(house)["first"][: len(curves(other)["first"])] == curves(other)["first"]


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (Transition("000", "state", "open", "ended", FIRST), "'ended' as state"),
        (Transition("000", "points", "1.0", "many", FIRST), "'many' as points"),
        (Transition("000", "points", None, "inf", FIRST), "'inf' as points"),
        (Transition("999", "state", "open", "done", FIRST), "changes although nobody asked for it"),
        (Transition("000", "colour", None, "red", FIRST), "the unknown field 'colour'"),  # type: ignore[arg-type]
        (Transition("000", "state", "open", "done", FIRST.replace(tzinfo=None)), "a time without a zone"),
    ],
)
def test_a_change_log_that_can_not_be_meant_is_refused_whole(move: Transition, said: str, tmp_path: Path) -> None:
    world = World()
    life = world.add(FIRST, "e1")
    house = make_house(tmp_path, world)
    house.now = midnight(2)
    house.registry = Played({"tracker": world.source(log=[move]), "csv_file": CsvFile})
    report = house.sync()
    assert said in (report.collected[0].error or "")
    assert life.moves == []
    assert house.tables()["transitions"] == []


def test_a_rehearsal_says_what_would_be_written_and_writes_nothing(tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(8, 9))
    house.now = midnight(9)
    write_survey(tmp_path, house.now)
    there = house.tables()
    outside = Outside(clock=lambda: house.now)
    planned = plan_backfill(house.store, house.config, outside, registry=house.registry)
    assert house.tables() == there
    done = refill(house).past
    assert (planned.past.new, planned.past.replaced, planned.past.first) == (done.new, 0, done.first)
    assert done.new > 20


def test_back_filling_since_a_day_leaves_the_days_before_it_alone(tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(9, 9), backfill="on")
    house.now = midnight(9)
    write_survey(tmp_path, house.now)
    assert refill(house, midnight(5)).past.first == midnight(6)
    assert min(slot for told in curves(house).values() for slot, *_ in told) == midnight(6)
