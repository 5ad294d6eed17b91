"""Laws of what is owed: asked is for what has begun, is not due yet, and lacks a value or a check-in."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from okr_sync.cli.place import current_time
from okr_sync.config import Config, load
from okr_sync.store.database import Store
from okr_sync.sync.checking_in import TypedCheckIn, check_in
from okr_sync.sync.closing import close_cycle
from okr_sync.sync.owing import Owed, owed_at
from okr_sync.sync.run import World, sync
from tests.edge.cli_play import run

DAY = timedelta(days=1)


def _write(folder: Path, begin: datetime) -> None:
    first, last, soon = (f"{begin + days * DAY:%Y-%m-%d}" for days in (-10, 80, 20))
    (folder / "okrs").mkdir()
    (folder / "survey.csv").write_text(f"date,nps\n{first},40\n", "utf-8")
    (folder / "okr-sync.yaml").write_text(
        f"""sources:
  typed: {{kind: manual}}
  survey: {{kind: csv_file, path: survey.csv}}
cycles: {{now: {{start: {first}, end: {last}}}}}
people: {{ana: {{name: Ana}}, ben: {{name: Ben}}}}
metrics:
  pages: {{source: typed}}
  talks: {{source: typed}}
  nps: {{source: survey, column: nps}}
""",
        "utf-8",
    )
    (folder / "okrs" / "team.yaml").write_text(
        f"""cycle: now
objectives:
  - id: experience
    title: A better experience
    owner: ben
    key_results:
      - {{id: measured, title: Measured, measure: {{metric: nps, baseline: 30, target: 50}}}}
      - {{id: guide, title: Guide, owner: ana, measure: {{metric: pages, baseline: 0, target: 10}}}}
      - {{id: later, title: Later, start: {soon}, measure: {{metric: talks, baseline: 0, target: 3}}}}
      - {{id: over, title: Over, due: {first}, measure: {{metric: talks, baseline: 0, target: 2}}}}
  - id: nobody
    title: Nobody's
    key_results:
      - {{id: talks, title: Talks, measure: {{metric: talks, baseline: 0, target: 5}}}}
""",
        "utf-8",
    )


class Place:
    """A config folder, its store, and an instant within its cycle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = current_time()
        _write(folder, self.now)
        self.config: Config = load(folder, {})
        self.store = Store.open(self.config.store_url)
        sync(self.store, self.config, World(clock=lambda: self.now))

    def say(self, key_result: str, value: float | None = None, *, lasting: timedelta | None = None) -> None:
        expires = None if lasting is None else self.now + lasting
        said = TypedCheckIn(key_result, "ana", value, note="said", expires=expires)
        check_in(self.store, self.config, World(clock=lambda: self.now), said)

    def owed(self, after: timedelta = timedelta(), soon: timedelta = 7 * DAY) -> dict[str, Owed]:
        with self.store.reading() as session:
            found = owed_at(session, self.config, self.now + after, soon)
        assert len({each.key_result for each in found}) == len(found)
        return {each.key_result: each for each in found}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_owed_goes_by_owner_and_what_nobody_owns_comes_last(place: Place) -> None:
    """The owner of a key result answers for it, else that of its objective; not begun or over owes nothing."""
    found = place.owed()
    assert [(each.owner, each.key_result, each.debt) for each in found.values()] == [
        ("ana", "guide", "value_missing"),
        ("ben", "measured", "never_checked_in"),
        (None, "talks", "value_missing"),
    ]


def test_a_check_in_of_words_is_enough_where_a_source_measures(place: Place) -> None:
    place.say("measured")
    assert "measured" not in place.owed()


def test_words_don_t_replace_a_value_that_people_type(place: Place) -> None:
    place.say("guide")
    assert place.owed()["guide"].debt == "value_missing"


def test_a_typed_value_is_owed_again_when_it_ends_soon_and_when_it_has_ended(place: Place) -> None:
    """Within seven days, inclusive; ended from its last instant on."""
    place.say("guide", 3.0, lasting=10 * DAY)
    second = timedelta(seconds=1)
    assert "guide" not in place.owed(3 * DAY - second)
    assert place.owed(3 * DAY)["guide"].debt == "value_expiring"
    assert place.owed(10 * DAY - second)["guide"].debt == "value_expiring"
    ended = place.owed(10 * DAY)["guide"]
    assert (ended.debt, ended.until) == ("value_expired", place.now + 10 * DAY)
    assert "guide" not in place.owed(5 * DAY, soon=DAY)


def test_a_later_key_result_owes_from_its_start_on(place: Place) -> None:
    assert "later" not in place.owed(19 * DAY - timedelta(days=1))
    assert place.owed(21 * DAY)["later"].debt == "value_missing"


def test_a_closed_cycle_owes_nothing(place: Place) -> None:
    assert place.owed()
    close_cycle(place.store, place.config, World(clock=lambda: place.now), "now", "ana", early=True)
    assert place.owed() == {}


def test_the_command_tells_people_and_machines(place: Place) -> None:
    said = run("owed", "--config", str(place.folder))
    assert (said.code, said.out.splitlines()) == (0, [
        "Ana",
        "  Guide [guide]: no value of pages was typed yet",
        "Ben",
        "  Measured [measured]: nobody has checked it in yet: a confidence or a note will do",
        "without an owner",
        "  Talks [talks]: no value of talks was typed yet",
    ])  # fmt: skip
    place.say("guide", 3.0, lasting=3 * DAY)
    shown = run("owed", "--json", "--config", str(place.folder)).json()
    assert [(each["owner"], each["name"]) for each in shown["owed"]] == [("ana", "Ana"), ("ben", "Ben"), (None, None)]
    item = shown["owed"][0]["items"][0]
    assert (item["key_result"], item["debt"]) == ("guide", "value_expiring")
    assert datetime.fromisoformat(item["until"]) == place.now + 3 * DAY
    few = run("owed", "--json", "--days", "2", "--config", str(place.folder)).json()
    assert [each["owner"] for each in few["owed"]] == ["ben", None]


def test_nothing_owed_is_said(place: Place) -> None:
    late = (place.now + 200 * DAY).isoformat()
    assert run("owed", "--as-of", late, "--config", str(place.folder)).out == "nobody owes anything\n"
