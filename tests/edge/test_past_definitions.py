"""Past days are judged by the targets, queries and baselines of then, and late values of every kind reach them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.csv_file import CsvFile
from connectors.push import Push
from okr_sync.config import load
from okr_sync.connector import Reading
from okr_sync.core.definition import initiatives_of
from okr_sync.store import rewriting
from okr_sync.store.inbox import receive
from okr_sync.store.points import points
from tests.edge.past_play import DAY, FIRST, random_world
from tests.edge.sync_play import House, Played, open_house
from tests.edge.test_past import before, curves, make_house, midnight, refill, sync_at

QUARTER = 92  # days; the clocks go back on the 25th of October
METRICS: dict[str, dict[str, Any]] = {
    "nps": {"source": "survey", "column": "nps"},
    "latency": {"source": "survey", "column": "latency"},
    "talks": {"source": "survey", "column": "talks", "type": "flow"},
    "signed": {"source": "survey", "column": "signed", "type": "flow"},
    "late": {"source": "survey", "column": "late"},
}
MEASURES: dict[str, dict[str, Any]] = {
    "change": {"metric": "nps", "baseline": 10, "target": 60},
    "between": {"metric": "nps", "range": [30, 50], "tolerance": 10},
    "captured": {"metric": "nps", "baseline": "capture", "by": 20},
    "captured-first": {"metric": "late", "baseline": "capture", "by": 5},
    "at-most": {"metric": "latency", "at_most": 300, "tolerance": 50},
    "never-over": {"metric": "latency", "at_most": 380, "evaluate": "worst"},
    "total": {"metric": "talks", "total": 40},
    "ratio": {"ratio": {"part": "signed", "whole": "talks"}, "target": "80 %"},
    "weekly": {"metric": "talks", "rate": {"count": 3, "per": "week", "mode": "hit_rate"}},
    "monthly": {"metric": "talks", "rate": {"count": 12, "per": "month"}},
    "both": {"all": [{"metric": "nps", "baseline": 10, "target": 60}, {"metric": "talks", "total": 40}]},
}


def survey_house(folder: Path) -> House:
    """Return a house with a key result a measure over one CSV file."""
    main = {
        "timezone": "Europe/Berlin",
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {"survey": {"kind": "csv_file", "path": "survey.csv"}},
        "metrics": METRICS,
    }
    key_results = [{"id": name, "title": name, "measure": measure} for name, measure in MEASURES.items()]
    team = {"cycle": "now", "objectives": [{"id": "all", "title": "All", "key_results": key_results}]}
    folder.mkdir(parents=True)
    write_quarter(folder, date(2026, 9, 30))
    return open_house(folder, main, team, {}, Played({"csv_file": CsvFile}))


def write_quarter(folder: Path, last: date) -> None:
    """Write a row every third day from before the start on, up to a day; the column `late` begins in November."""
    lines = ["date,nps,latency,talks,signed,late"]
    for number in range(-6, QUARTER, 3):
        day = FIRST.date() + number * DAY
        if day <= last:
            late = str(number // 10) if number > 40 else ""
            lines.append(
                f"{day},{20 + number * 37 % 41},{250 + number * 53 % 170},{number % 4},{number // 3 % 3},{late}"
            )
    (folder / "survey.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")


def told(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Return what all points say, by slot."""
    with house.store.reading() as session:
        found: dict[str, list[Any]] = {name: [*points(session, "key_result", name)] for name in MEASURES}
        found["all"] = [*points(session, "objective", "all")]
    names = ("slot", *rewriting.POINT)
    return {name: [tuple(getattr(each, of) for of in names) for each in said] for name, said in found.items()}


def test_a_quarter_replayed_day_by_day_is_the_quarter_filled_in_at_its_end(tmp_path: Path) -> None:
    replayed, filled = survey_house(tmp_path / "replayed"), survey_house(tmp_path / "filled")
    for number in range(1, QUARTER + 1):
        replayed.now = midnight(number)
        write_quarter(replayed.config.folder, (replayed.now - DAY / 2).date())
        replayed.sync()
    filled.now = midnight(QUARTER)
    write_quarter(filled.config.folder, date(2026, 12, 31))
    past = filled.sync().past
    assert (past.instants, past.replaced) == (QUARTER - 1, 0)
    there = told(replayed)
    assert {name: len(said) > 2 for name, said in there.items()} == dict.fromkeys(there, True)
    assert told(filled) == there
    captured = next(slot for slot, value, baseline, *_ in there["captured-first"] if baseline is not None)
    assert captured == midnight(43)
    filled.now += DAY / 8
    again = refill(filled).past
    assert (again.new, again.replaced) == (0, 0)


def edited(house: House, old: str, new: str, file: str = "okrs/team.yaml") -> House:
    """Return the house with a config file edited."""
    path = house.config.folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return replace(house, config=load(house.config.folder, {}, house.registry))


def live_days(house: House, days: range) -> None:
    for day in days:
        sync_at(house, midnight(day))


def test_past_days_keep_the_target_in_force_then(tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(21, 14))
    live_days(house, range(1, 9))
    house = edited(house, '"target": 100', '"target": 200')
    live_days(house, range(9, 14))
    house.now = midnight(14)
    text = (tmp_path / "survey.csv").read_text("utf-8")
    (tmp_path / "survey.csv").write_text(text.replace(",40", ",60") + f"{FIRST + 10 * DAY:%F},70\n", "utf-8")
    assert house.sync().past.first == midnight(7)
    with house.store.reading() as session:
        said = [
            ((each.slot - midnight(0)) // DAY, each.value, each.target) for each in points(session, "key_result", "nps")
        ]
    assert said == [
        (1, None, 100.0), (4, 10.0, 100.0), (7, 60.0, 100.0), (8, 35.0, 100.0), (9, 35.0, 200.0), (10, 35.0, 200.0),
        (11, 70.0, 200.0), (13, 80.0, 200.0),
    ]  # fmt: skip
    assert [each.said["target"] for each in before(house, "key_result", "nps")] == [100.0]


def test_a_new_query_leaves_the_answers_to_the_old_one_where_they_were(tmp_path: Path) -> None:
    house = survey_house(tmp_path / "house")
    for day in range(1, 9):
        house.now = midnight(day)
        write_quarter(house.config.folder, (house.now - DAY / 2).date())
        house.sync()
    there = told(house)
    house = edited(house, '"column": "nps"', '"column": "latency"', "okr-sync.yaml")
    house.now = midnight(9)
    assert house.sync().past.replaced == 0
    refill(house)
    new = told(house)
    assert {name: said[: len(there[name])] for name, said in new.items()} == there
    assert [said[1] for said in new["change"][-2:]] == [there["change"][-1][1], 250 + 6 * 53 % 170]
    assert before(house, "key_result", "change") == []


def test_work_that_lies_elsewhere_by_now_keeps_what_was_said_of_it(tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(22, 14))
    live_days(house, range(1, 9))
    there = curves(house)
    house = edited(
        house,
        '"delivery": [{"source": "tracker", "place": "e1"}]',
        '"delivery": [{"source": "tracker", "place": "e2"}]',
    )
    live_days(house, range(9, 11))
    house.now += DAY / 4
    past = refill(house).past
    assert (past.instants, past.replaced) == (10, 0)
    rests = {each.id for each in house.config.book.key_results() if "first" in initiatives_of(each.measure)}
    assert rests == {"ship", "done"}
    new = curves(house)
    assert {name: new[name][: len(said)] for name, said in there.items()} == there
    assert all(len(new[name]) > len(there[name]) for name in ("first", "ship"))


def test_a_value_that_is_sent_late_computes_the_days_again_that_it_touches(tmp_path: Path) -> None:
    main = {
        "timezone": "Europe/Berlin",
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {"sent": {"kind": "push"}},
        "metrics": {"deploys": {"source": "sent"}},
    }
    measure = {"metric": "deploys", "baseline": 0, "target": 20}
    team = {
        "cycle": "now",
        "objectives": [
            {"id": "all", "title": "All", "key_results": [{"id": "often", "title": "O", "measure": measure}]}
        ],
    }
    house = open_house(tmp_path, main, team, {}, Played({"push": Push}))
    for day, value in ((1, 2.0), (2, 4.0), (5, 10.0)):
        house.now = midnight(day)
        _send(house, value, day - 0.25)
        house.sync()
    house.now = midnight(6)
    _send(house, 7.0, 2.5)
    past = house.sync().past
    assert past.first == midnight(3)
    with house.store.reading() as session:
        said = [
            ((each.slot - midnight(0)) // DAY, each.value, each.backfilled)
            for each in points(session, "key_result", "often")
        ]
    assert said == [(1, 2.0, False), (2, 4.0, False), (3, 7.0, True), (5, 10.0, False)]


def _send(house: House, value: float, day: float) -> None:
    with house.store.writing() as session:
        receive(session, house.now, "deploys", Reading(value, midnight(0) + day * DAY), "ci")


@pytest.mark.parametrize("name", ["nps", "all"])
def test_points_from_before_the_question_was_kept_are_not_computed_again_for_that(name: str, tmp_path: Path) -> None:
    house = make_house(tmp_path, random_world(23, 5))
    live_days(house, range(1, 6))
    with house.store.writing() as session:
        session.connection().exec_driver_sql("UPDATE point_contexts SET question = NULL")
    house.now += DAY / 4
    assert refill(house).past.replaced == 0
    assert before(house, "objective" if name == "all" else "key_result", name) == []
