"""Pulls that break in their middle, over real HTTP: the next run asks for the rest, and its numbers are the truth."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from okr_sync.render.records import render_run
from okr_sync.sandbox.server import Fault, Response
from okr_sync.store import ledger
from okr_sync.store.sources import source_states
from okr_sync.store.stages import load_stage, staged_questions
from okr_sync.sync import RunReport
from okr_sync.sync.plan import plan
from okr_sync.sync.run import World
from okr_sync.sync.staging import LEAST, LIFE
from tests.edge.large_trackers import LargeGithub, LargeJira
from tests.edge.sync_trackers import TOKEN, Watched, counts, states, watching
from tests.starting import environment

SIZES = pytest.mark.parametrize("kind", ["cloud", "dc", "graphql", "rest"])
ALWAYS = 10_000
SPARE = 2  # requests that going on may cost beyond what is missing


def large(kind: str) -> Any:
    return LargeJira(kind) if kind in ("cloud", "dc") else LargeGithub(kind)  # type: ignore[arg-type] # as told


@contextmanager
def watched(kind: str, folder: Path, **settings: Any) -> Iterator[Watched]:
    """Serve and watch a large tracker."""
    tracker = large(kind)
    tracker.settings = {**tracker.settings, **settings}
    with watching(tracker, folder) as home:
        yield home


def requests_of(report: RunReport) -> int:
    return report.collected[0].requests


def whole(home: Watched) -> int:
    """Return how many requests a pull of everything takes that does not break, into another store."""
    home.fresh()
    needed = len(home.tracker.server.log)
    home.tracker.server.forget()
    return needed


def break_after(home: Watched, requests: int, fault: Fault | None = None) -> RunReport:
    """Return a run whose source answers so many requests, and then none."""
    fault = fault or Fault("drop")
    fault.times, fault.skip = ALWAYS, requests
    home.tracker.server.inject(fault)
    report = home.house.sync()
    home.tracker.server.heal()
    home.tracker.server.forget()
    return report


def staged(home: Watched) -> int:
    """Return how many answers are kept."""
    with home.house.store.reading() as session:
        assert (load_stage(session, "tracker") is None) is not bool(staged_questions(session, "tracker"))
        return len(staged_questions(session, "tracker"))


def last_success(home: Watched) -> datetime | None:
    with home.house.store.reading() as session:
        return source_states(session, home.house.now)["tracker"].last_success


def told(report: RunReport) -> dict[str, Any]:
    return {name: counts(state) for name, state in states(report).items()}


def go_on(home: Watched, minutes: float = 15) -> RunReport:
    """Return the next run, which asks though the source was in trouble."""
    home.pass_time(minutes)
    return home.house.sync(retry=True)


@SIZES
def test_a_broken_pull_goes_on_where_it_stopped(kind: str, tmp_path: Path) -> None:
    """Red with a `kept` that always says None: everything is asked for again."""
    with watched(kind, tmp_path) as home:
        needed = whole(home)
        answered = round(needed * 0.7)
        broken = break_after(home, answered)
        assert broken.collected[0].outcome == "failed"
        began = home.house.now
        assert set(told(broken).values()) == {None}, "nothing of it is seen"
        assert staged(home) == answered
        assert f"; {answered} answers are kept, and the next run asks for the rest" in (broken.collected[0].error or "")
        report = go_on(home)
        assert told(report) == home.tracker.truth()
        assert requests_of(report) == len(home.tracker.server.log) <= needed - answered + SPARE
        assert report.collected[0].kept == answered
        assert staged(home) == 0, "it goes with what it brought"
        assert last_success(home) == began, "nothing looks younger than it is"
        home.pass_time(15)
        home.house.sync()
        assert last_success(home) == home.house.now


def test_it_does_not_matter_how_it_broke(tmp_path: Path) -> None:
    with watched("cloud", tmp_path) as home:
        needed = whole(home)
        break_after(home, needed - 3, Fault("response", Response(500, b"broken")))
        report = go_on(home)
        assert told(report) == home.tracker.truth()
        assert requests_of(report) <= 3 + SPARE


@pytest.mark.parametrize("kind", ["dc", "graphql"])
def test_a_budget_that_is_too_small_is_enough_in_some_runs(kind: str, tmp_path: Path) -> None:
    """Red when a `BudgetError` does not count as passing: each run spends the budget on the same requests."""
    with watched(kind, tmp_path, budget=12) as home:
        home.tracker.settings.pop("budget")
        spent = 0
        while (report := go_on(home)).collected[0].outcome == "failed" and spent < 12:
            assert "the budget of 12 requests" in (report.collected[0].error or "")
            assert requests_of(report) == 12
            spent += 1
        assert told(report) == home.tracker.truth()
        assert spent > 0
        assert (report.collected[0].kept or 0) >= spent * (12 - SPARE)


@SIZES
def test_what_changed_between_the_parts_comes_with_the_next_run(kind: str, tmp_path: Path) -> None:
    """What moved between two parts is in one place at once; what was deleted goes with the next run at the latest.

    Red when a pull that goes on takes its own instant for the one it began at: what was finished stays open.
    """
    with watched(kind, tmp_path) as home:
        needed = whole(home)
        break_after(home, round(needed * 0.6))
        home.pass_time(5)
        home.tracker.move_between()
        home.tracker.delete_between()
        home.tracker.finish_between()
        report = go_on(home, minutes=20 * 60)
        assert report.collected[0].outcome == "ok"
        assert bool(report.collected[0].kept) is (kind != "dc"), (
            "numbered pages of a list that became shorter don't fit"
        )
        held = [id_ for each in report.collected[0].members for id_ in each.items]
        assert len(held) == len(set(held)), "nothing is in two places"
        assert told(go_on(home)) == home.tracker.truth()


def test_what_was_listed_in_two_epics_is_in_the_one_that_was_listed_last(tmp_path: Path) -> None:
    """Issues move into an epic whose list is not read yet, so that some are on a first page and on a later one.

    Red when each list that an issue is on holds it: it counts twice.
    """
    tracker: Any = LargeJira("cloud", epics=260)
    with watching(tracker, tmp_path) as home:
        break_after(home, LEAST)  # the first pages of four lists are among these, and no ids
        home.pass_time(5)
        for _, moved, _ in home.tracker.stories[:130]:
            home.tracker.world.reparent(moved, home.tracker.epics[-1], at=home.tracker.now)
        report = go_on(home)
        assert (report.collected[0].outcome, bool(report.collected[0].kept)) == ("ok", True)
        assert told(report) == home.tracker.truth()
        listed = [id_ for each in report.collected[0].members for id_ in each.items]
        assert len(listed) == len(set(listed)), "nothing is in two places"


@pytest.mark.parametrize("kind", ["cloud", "dc"])
def test_what_is_deleted_from_a_list_that_was_read_whole_is_missed_by_the_next_run(kind: str, tmp_path: Path) -> None:
    """Data Center is asked for its count behind the lists, when the issue is gone already: no later count will differ.

    Red on Data Center when the count of a pull that went on is believed: the issue stays for as long as a day.
    """
    with watched(kind, tmp_path) as home:
        break_after(home, whole(home) - 2)
        home.pass_time(5)
        home.tracker.world.delete(home.tracker.stories[0][2], at=home.tracker.now)
        report = go_on(home)
        assert (report.collected[0].outcome, bool(report.collected[0].kept)) == ("ok", True)
        assert told(report) != home.tracker.truth(), "it was listed before it was deleted"
        assert told(go_on(home)) == home.tracker.truth()


@pytest.mark.parametrize("because", ["full", "old", "settings", "questions"])
def test_another_pull_does_not_go_on_with_it(because: str, tmp_path: Path) -> None:
    """Red when the fingerprint, the age or `full` is not looked at."""
    with watched("cloud", tmp_path) as home:
        needed = whole(home)
        break_after(home, needed - 2)
        if because in ("settings", "questions"):
            home.house.config = other_config(home, because)
        home.pass_time(LIFE / timedelta(minutes=1) if because == "old" else 15)
        report = home.house.sync(full=because == "full", retry=True)
        assert report.collected[0].kept is None
        assert report.collected[0].outcome == "ok"
        assert requests_of(report) > 2 + SPARE
        assert staged(home) == 0


def other_config(home: Watched, because: str) -> Any:
    """Return the config with another setting, or another question, of the tracker."""
    source: Any = home.house.config.sources["tracker"]
    if because == "settings":
        changed = source.settings.model_copy(update={"full_every_hours": 50.0})
        other = type(source)(**{**fields_of(source), "settings": changed})
    else:
        (ref, query), *_ = source.questions.items()
        fewer = query.model_copy(update={"epics": query.epics[:-1]})
        other = type(source)(**{**fields_of(source), "questions": {**source.questions, ref: fewer}})
    sources = {**home.house.config.sources, "tracker": other}
    return type(home.house.config)(**{**fields_of(home.house.config), "sources": sources})


def fields_of(each: Any) -> dict[str, Any]:
    return {name: getattr(each, name) for name in each.__dataclass_fields__}


def test_few_answers_are_not_kept(tmp_path: Path) -> None:
    with watched("cloud", tmp_path) as home:
        broken = break_after(home, LEAST - 1)
        assert "answers are kept" not in (broken.collected[0].error or "")
        assert staged(home) == 0


@pytest.mark.parametrize("kind", ["cloud", "graphql"])
def test_answers_that_do_not_fit_any_more_are_forgotten_and_the_pull_begins_anew(kind: str, tmp_path: Path) -> None:
    """A token of a page that the tracker takes no more is such an answer. Red without the second try in `complete`."""
    with watched(kind, tmp_path) as home:
        needed = whole(home)
        break_after(home, round(needed * 0.7))
        home.tracker.server.inject(Fault("response", Response(400, b'{"errorMessages": ["expired"]}'), times=1))
        report = go_on(home)
        assert report.collected[0].outcome == "ok"
        assert told(report) == home.tracker.truth()
        assert report.collected[0].kept is None
        assert needed - 2 < requests_of(report) <= needed + 2 + SPARE, "how a tracker speaks may be known by then"


def test_a_plan_neither_uses_nor_loses_what_is_kept(tmp_path: Path) -> None:
    with watched("cloud", tmp_path) as home:
        needed = whole(home)
        break_after(home, needed - 2)
        kept = staged(home)
        home.pass_time(15)
        home.pass_time(60)
        plan(home.house.store, home.house.config, World(clock=lambda: home.house.now))
        assert staged(home) == kept
        assert requests_of(go_on(home)) <= 2 + SPARE


def test_the_run_says_that_it_went_on(tmp_path: Path) -> None:
    with watched("cloud", tmp_path) as home:
        needed = whole(home)
        break_after(home, needed - 2)
        report = go_on(home)
        with home.house.store.reading() as session:
            run = ledger.run(session, report.run)
        assert run is not None
        assert run.sources[0].kept == needed - 2
        assert f"went on with an interrupted pull: {needed - 2} answers of it were not asked for again" in render_run(
            run
        )


DYING = """
import sys
from datetime import datetime
from pathlib import Path
from okr_sync.config import load
from okr_sync.store.database import Store
from okr_sync.sync import sync
from okr_sync.sync.run import World
folder, store, now = sys.argv[1:]
config = load(Path(folder), {"TOKEN": sys.stdin.read()}, None)
world = World(clock=lambda: datetime.fromisoformat(now), staged_after=0.0)
sync(Store.open(f"sqlite:///{store}"), config, world)
"""


def test_what_was_answered_before_the_process_was_killed_is_not_asked_again(tmp_path: Path) -> None:
    """Killed by SIGKILL while it waits for an answer. Red when answers go to the store at the end of a pull only."""
    with watched("cloud", tmp_path) as home:
        needed = whole(home)
        home.tracker.server.inject(Fault("silence", seconds=30, skip=LEAST + 3, times=ALWAYS))
        words = [str(tmp_path / "config"), str(home.house.store.path), home.house.now.isoformat()]
        with subprocess.Popen([sys.executable, "-c", DYING, *words], env=environment(), stdin=subprocess.PIPE) as dying:
            assert dying.stdin is not None
            dying.stdin.write(TOKEN.encode())
            dying.stdin.close()
            end = time.monotonic() + 60
            while not staged(home) and time.monotonic() < end:
                time.sleep(0.05)
            dying.send_signal(signal.SIGKILL)
        home.tracker.server.heal()
        kept = staged(home)
        assert kept >= LEAST
        report = go_on(home)
        assert told(report) == home.tracker.truth()
        assert requests_of(report) <= needed - kept + SPARE
