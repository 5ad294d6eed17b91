"""A fall is shown when it is confirmed and not before: over real HTTP, from files, and for any sequence of answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.connector import Answer, Ask, Miss, Reading
from okr_sync.core.snapshot import KeyResultState
from okr_sync.errors import UsageError
from okr_sync.sandbox.server import Request, Response, Server, Site
from okr_sync.store.suspicions import load_suspicions
from okr_sync.sync import RunReport
from okr_sync.sync.confirming import confirm
from okr_sync.sync.run import World
from tests.edge.sync_play import House, entry_of, house, key_result_of, numbers, open_house
from tests.edge.sync_trackers import Watched, counts, states, watched

CYCLE = {"now": {"start": "2026-10-01", "end": "2026-12-31"}}
GUARDS = pytest.mark.parametrize("guard", [0.5, "off"])
"""Every case runs with and without the guard: off shows the wrong number that the guard holds back."""


def confirming(made: House, name: str, reason: str) -> RunReport:
    """Return what accepting brought, an hour later."""
    made.now += timedelta(hours=1)
    world = World(clock=lambda: made.now)
    return confirm(made.store, made.config, world, name, "dora", reason, registry=made.registry)


def later(made: House, **how: Any) -> RunReport:
    """Return a run an hour later."""
    made.now += timedelta(hours=1)
    return made.sync(**how)


@dataclass
class Saying:
    """A service that says one thing at every address."""

    body: Any

    def respond(self, request: Request) -> Response:
        return Response.of(self.body)


@contextmanager
def measured(folder: Path, guard: Any) -> Iterator[tuple[Saying, House]]:
    """A metric over real HTTP, read once as 500."""
    site = Saying({"n": 500})
    with Server(site) as server:
        source = {"kind": "http_json", "url": server.url, "allow_hosts": ["127.0.0.1"]}
        metric = {"source": "web", "path": "/n", "value": "n", "guard": guard}
        main = {"timezone": "UTC", "cycles": CYCLE, "sources": {"web": source}, "metrics": {"n": metric}}
        key_result = {"id": "n", "title": "N", "measure": {"metric": "n", "baseline": 0, "target": 1000}}
        team = {"cycle": "now", "objectives": [{"id": "all", "title": "All", "key_results": [key_result]}]}
        made = open_house(folder, main, team, {}, None)
        assert key_result_of(made.sync(), "n").value == 500.0
        yield site, made


@GUARDS
def test_zero_after_500_is_shown_by_the_second_run_and_not_by_the_first(tmp_path: Path, guard: Any) -> None:
    with measured(tmp_path, guard) as (site, made):
        site.body = {"n": 0}
        report = later(made)
        state = key_result_of(report, "n")
        if guard == "off":
            assert (state.value, report.outcome) == (0.0, "ok")
            return
        assert (state.value, state.progress, state.status, state.stale) == (500.0, 0.5, "suspect", True)
        assert "it fell from 500 to 0" in state.reason
        assert "okr-sync confirm" in state.reason
        assert (report.outcome, entry_of(report, "n").outcome) == ("partial", "skipped")
        assert entry_of(report, "n").reason.startswith("suspect: web: it fell from 500 to 0")
        (objective,) = report.snapshot.objectives
        assert (objective.status, objective.progress) == ("suspect", 0.5)
        state = key_result_of(later(made), "n")
        assert (state.value, state.stale) == (0.0, False)
        assert [row[2] for row in made.tables()["suspicions"]] == ["suspect", "confirmed"]


@pytest.mark.parametrize("body", [{}, [], {"n": None}, {"m": 3}])
def test_an_empty_answer_changes_no_number_however_often_it_comes(tmp_path: Path, body: Any) -> None:
    with measured(tmp_path, 0.5) as (site, made):
        site.body = body
        for _ in range(3):
            state = key_result_of(later(made), "n")
            assert (state.value, state.stale) == (500.0, True)


def test_a_slip_that_is_gone_when_asked_again_is_never_seen(tmp_path: Path) -> None:
    """The second request of the same run reads the number as it is."""
    said = [500.0]

    def read(ask: Ask[Any]) -> Answer:
        return dict.fromkeys(ask.queries, (Reading(said.pop(0) if len(said) > 1 else said[0]),))

    made = house(tmp_path, bad=numbers(read))
    made.sync()
    said[:] = [0.0, 510.0]
    state = key_result_of(later(made), "bad")
    assert (state.value, state.stale) == (510.0, False)
    assert not made.tables()["suspicions"]


def test_two_measurements_that_differ_and_agree_confirm_at_once(tmp_path: Path) -> None:
    """100 and then 101 were measured twice; 100 and 100 may be one answer told twice."""
    said = [500.0]

    def read(ask: Ask[Any]) -> Answer:
        return dict.fromkeys(ask.queries, (Reading(said.pop(0) if len(said) > 1 else said[0]),))

    made = house(tmp_path, bad=numbers(read))
    made.sync()
    said[:] = [100.0, 101.0]
    assert key_result_of(later(made), "bad").value == 101.0


def test_a_person_accepts_what_fell_and_nothing_else(tmp_path: Path) -> None:
    with measured(tmp_path, 0.5) as (site, made):
        with pytest.raises(UsageError, match="nothing about n is suspect"):
            confirming(made, "n", "because")
        site.body = {"n": 100}
        later(made)
        with pytest.raises(UsageError, match="say why with --reason"):
            confirming(made, "n", " ")
        with pytest.raises(UsageError, match="there is no key result m"):
            confirming(made, "m", "because")
        site.body = {"n": 1}
        assert key_result_of(confirming(made, "n", "the campaign is over"), "n").value == 500.0
        site.body = {"n": 30}
        assert key_result_of(confirming(made, "n", "all of it is over"), "n").value == 500.0
        assert key_result_of(confirming(made, "n", "all of it is over"), "n").value == 30.0
        said = [(row[2], row[3], row[-2]) for row in made.tables()["suspicions"] if row[-2]]
        assert ("accepted", "the campaign is over", "dora") in said


def test_a_suspicion_ends_when_the_source_comes_back(tmp_path: Path) -> None:
    with measured(tmp_path, 0.5) as (site, made):
        site.body = {"n": 0}
        later(made)
        site.body = {"n": 505}
        state = key_result_of(later(made), "n")
        assert (state.value, state.status == "suspect", state.stale) == (505.0, False, False)
        with made.store.reading() as session:
            assert load_suspicions(session, frozenset({"n"})) == {}
        site.body = {"n": 0}
        assert key_result_of(later(made), "n").value == 505.0, "what was seen before it came back confirms nothing"


@GUARDS
def test_an_export_cut_to_its_header_or_to_a_part_changes_no_number(tmp_path: Path, guard: Any) -> None:
    """Three of eight rows: the newest is another one, and the five that are gone would be taken back."""
    path = tmp_path / "survey.csv"
    rows = [f"2026-10-{day:02},{day}" for day in range(1, 9)]
    path.write_text("\n".join(["date,n", *rows]), encoding="utf-8")
    metric = {"source": "file", "column": "n", "guard": guard}
    sources = {"file": {"kind": "csv_file", "path": str(path)}}
    main = {"timezone": "UTC", "cycles": CYCLE, "sources": sources, "metrics": {"n": metric}}
    key_result = {"id": "n", "title": "N", "measure": {"metric": "n", "baseline": 0, "target": 10}}
    team = {"cycle": "now", "objectives": [{"id": "all", "title": "All", "key_results": [key_result]}]}
    made = open_house(tmp_path / "config", main, team, {}, None)
    assert key_result_of(made.sync(), "n").value == 8.0
    path.write_text("\n".join(["date,n", *rows[:3]]), encoding="utf-8")
    state = key_result_of(later(made), "n")
    if guard == "off":
        assert state.value == 3.0
        return
    assert (state.value, state.status) == (8.0, "suspect")
    path.write_text("date,n\n", encoding="utf-8")
    state = key_result_of(later(made), "n")
    assert (state.value, state.stale) == (8.0, True)


@dataclass
class Lying:
    """A Jira whose lists of what stands below epics are cut; what is asked by id is true."""

    site: Site
    keep: Callable[[list[Any]], list[Any]] = list

    def respond(self, request: Request) -> Response:
        answer = self.site.respond(request)
        jql = str((request.json() or {}).get("jql", "") if request.method == "POST" else request.query.get("jql", ""))
        if "parent" not in jql and "Epic Link" not in jql:
            return answer
        body = json.loads(answer.body)
        if not body.get("issues"):  # a number of issues alone
            return answer
        body["issues"] = self.keep(body["issues"])
        if "total" in body:
            body["total"] = len(body["issues"])
        return Response.of(body)


CUTS = {
    "nothing": lambda rows: [],
    "half": lambda rows: rows[: len(rows) // 2],
    "60 percent": lambda rows: rows[: -(-len(rows) * 6 // 10)],
}


def lying(home: Watched) -> Lying:
    """Put a liar before the tracker's site."""
    liar = Lying(home.tracker.server.site)
    home.tracker.server.site = liar
    return liar


@pytest.mark.parametrize("kind", ["cloud", "dc"])
@pytest.mark.parametrize("cut", sorted(CUTS))
def test_a_list_that_is_too_short_never_changes_a_number_while_the_items_say_otherwise(
    kind: Any, cut: str, tmp_path: Path
) -> None:
    """Status 200 with nothing or a part of the list, three times: seen smaller with `keep` not called in the run."""
    with watched(kind, tmp_path) as home:
        before = {name: counts(state) for name, state in states(home.house.sync()).items()}
        liar = lying(home)
        liar.keep = CUTS[cut]
        for _ in range(3):
            home.pass_time(60)
            found = states(home.house.sync(full=True))
            assert {name: counts(state) for name, state in found.items()} == before
            assert found["both"].suspect
        liar.keep = list
        home.pass_time(60)
        report = home.house.sync()
        assert {name: counts(state) for name, state in states(report).items()} == before
        assert not any(state.suspect or state.stale for state in states(report).values())


def test_work_that_really_leaves_an_epic_is_smaller_in_the_same_run(tmp_path: Path) -> None:
    with watched("cloud", tmp_path) as home:
        home.house.sync()
        home.do(lambda jira: jira.world.reparent(jira.open, None, at=jira.now))
        found = states(home.sync())
        assert {name: counts(state) for name, state in found.items()} == home.tracker.truth()
        assert not found["alpha"].suspect


@given(st.lists(st.sampled_from([None, 0.0, 3.0, 4.0, 40.0, 100.0, 104.0]), min_size=1, max_size=7))
@settings(max_examples=25, deadline=None)
def test_the_shown_value_was_always_confirmed_and_a_lasting_fall_is_shown_by_the_next_run(
    said: list[float | None],
) -> None:
    """A value that repeats itself within a run (None: no rows): shown is the first, what did not fall, or what two
    runs in a row agree on; and what two runs in a row say is shown by the second.
    """
    now: list[float | None] = [100.0]

    def read(ask: Ask[Any]) -> Answer:
        outcome = Miss("no_data", "no rows") if now[0] is None else (Reading(now[0]),)
        return dict.fromkeys(ask.queries, outcome)

    with TemporaryDirectory() as folder:
        made = house(Path(folder), bad=numbers(read))
        shown, last = key_result_of(made.sync(), "bad"), 100.0
        before: float | None = 100.0
        for value in said:
            now[0] = value
            shown = key_result_of(later(made), "bad")
            assert shown.value in (last, value)
            if value is not None and shown.value != last:
                fell = value == 0 or last - value > 0.5 * abs(last)
                assert not fell or _agree(before, value), "it fell at first sight"
            if value is not None and value == before:
                assert shown.value == value, "two runs said so"
            _is_marked(shown, value)
            last, before = shown.value or 0.0, value


def _agree(first: float | None, second: float) -> bool:
    return first is not None and abs(first - second) <= 0.5 * max(abs(first), abs(second))


def _is_marked(state: KeyResultState, value: float | None) -> None:
    """A number that is not what the source says is never shown as fresh."""
    assert state.value == value or state.stale
