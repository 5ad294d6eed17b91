"""One run as a whole: its lease, its outcome, its entries, who is told, and what ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from okr_sync.connector import (
    AccessError,
    Answer,
    Ask,
    LookUp,
    Members,
    MetricSource,
    Miss,
    Page,
    Reading,
    Settings,
    TransientError,
    Unchanged,
)
from okr_sync.errors import BusyError, StoreError
from okr_sync.store import ledger
from okr_sync.store.ledger import RunRow
from okr_sync.sync import plan, sync
from okr_sync.sync.probing import probe_all
from okr_sync.sync.run import World
from okr_sync.views.judging import last_judged
from okr_sync.views.reporting import last_run
from tests.edge.sync_play import (
    EPIC,
    REF,
    House,
    Place,
    entry_of,
    house,
    initiative_of,
    item,
    key_result_of,
    numbers,
    page,
    values,
    work,
)

SECRET = "s3cret-of-the-plugin"


def runs_of(made: House) -> list[RunRow]:
    with made.store.reading() as session:
        return ledger.runs(session)


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), StoreError("the disk is full")])
@pytest.mark.parametrize("make", [lambda error: numbers(failing(error)), lambda error: work(failing(error))])
def test_what_must_end_a_run_ends_it_closes_it_and_leaves_the_lease_free(
    tmp_path: Path, make: Callable[[BaseException], type[MetricSource]], error: BaseException
) -> None:
    """An interrupt and an unusable store are nobody's miss; the run is failed, says why, and the next one may begin."""
    made = house(tmp_path, bad=make(error))
    with pytest.raises(type(error)):
        made.sync()
    (run,) = runs_of(made)
    assert (run.outcome, run.finished) == ("failed", made.now)
    assert type(error).__name__ in run.summary
    assert made.tables()["point_values"] == []
    with pytest.raises(type(error)):
        made.sync()
    assert len(runs_of(made)) == 2


def test_an_interrupt_does_not_wait_for_the_waits_of_other_sources(tmp_path: Path) -> None:
    """A source that was told to come back in a minute is not waited for; nothing more is sent."""
    waits, asked = threading.Event(), []

    class Patient(MetricSource):
        kind = "patient"
        summary = "waits for a minute"
        Settings = Settings
        Query = Place

        def probe(self) -> str:
            return "here"

        def read(self, ask: Ask[Any]) -> Answer:
            return self.caller.call(self.fail)

        def fail(self) -> Answer:
            asked.append("once")
            waits.set()
            raise TransientError("429", retry_after=60)

    def interrupt(ask: Ask[Any]) -> Answer:
        assert waits.wait(30)
        raise KeyboardInterrupt

    made = house(tmp_path, good=numbers(interrupt), bad=Patient)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        sync(made.store, made.config, World(clock=lambda: made.now), registry=made.registry)
    assert time.monotonic() - began < 20
    assert asked == ["once"]


def test_of_two_runs_at_once_one_is_told_that_the_other_works(tmp_path: Path) -> None:
    """The second one raises BusyError and leaves no trace; the first ends well."""
    inside, go_on = threading.Event(), threading.Event()

    def slow(ask: Ask[Any]) -> Answer:
        inside.set()
        assert go_on.wait(30)
        return dict.fromkeys(ask.queries, (Reading(2.0),))

    made = house(tmp_path, bad=numbers(slow))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(made.sync)
        assert inside.wait(30)
        with pytest.raises(BusyError, match="under way since"):
            made.sync()
        go_on.set()
        assert first.result(30).outcome == "ok"
    assert [run.outcome for run in runs_of(made)] == ["ok"]


def test_sources_are_asked_side_by_side(tmp_path: Path) -> None:
    """Sources that wait for each other would never end if they were asked one after the other."""
    meeting = threading.Barrier(3, timeout=30)

    def together(ask: Ask[Any]) -> Answer:
        meeting.wait()
        return dict.fromkeys(ask.queries, (Reading(2.0),))

    made = house(tmp_path, bad=numbers(together), worse=numbers(together), worst=numbers(together))
    assert made.sync().outcome == "ok"


def test_a_run_of_failed_sources_only_has_failed_and_one_with_a_good_one_is_partial(tmp_path: Path) -> None:
    down = numbers(failing(AccessError("no", fix="sign in")))
    assert house(tmp_path / "all", good=down, bad=down).sync().outcome == "failed"
    assert house(tmp_path / "some", bad=down).sync().outcome == "partial"
    assert house(tmp_path / "none").sync().outcome == "ok"


def test_every_key_result_has_one_entry_that_says_what_became_of_it(tmp_path: Path) -> None:
    """Updated, unchanged, skipped with why, failed with why and the fix; the ledger keeps what the run says."""
    made = house(
        tmp_path,
        down=numbers(failing(AccessError("the token was refused", fix="make a new one"))),
        lost=numbers(lambda ask: dict.fromkeys(ask.queries, Miss("not_found", "no such column"))),
        none=values(),
        quiet=numbers(lambda ask: dict.fromkeys(ask.queries, Unchanged())),
    )
    report = made.sync()
    told = {each.key_result: (each.outcome, each.fix) for each in report.entries}
    assert told == {
        "good": ("updated", ""),
        "down": ("failed", "make a new one"),
        "lost": ("failed", "correct the name in the config, then `okr-sync check` and `okr-sync plan`"),
        "none": ("skipped", ""),
        "quiet": ("skipped", ""),
    }
    assert entry_of(report, "down").reason == "down: the token was refused"
    assert entry_of(report, "lost").reason == "lost: no such column"
    assert "no value" in entry_of(report, "none").reason
    with made.store.reading() as session:
        kept = ledger.run(session, report.run)
    assert kept is not None
    assert sorted(kept.entries, key=str) == sorted(report.entries, key=str)
    assert entry_of(made.sync(), "good").outcome == "unchanged"


def test_a_failed_source_keeps_its_numbers_until_it_comes_back(tmp_path: Path) -> None:
    """While it is down the value stays and is stale, the entry says failed, and the others are as fresh as ever."""
    said: list[Reading | Exception] = [Reading(3.0)]

    def moody(ask: Ask[Any]) -> Answer:
        if isinstance(said[0], Exception):
            raise said[0]
        return dict.fromkeys(ask.queries, (said[0],))

    made = house(tmp_path, bad=numbers(moody))
    assert key_result_of(made.sync(), "bad").value == 3.0
    said[0] = TransientError("503")
    made.now += timedelta(minutes=10)
    down = made.sync()
    assert (entry_of(down, "bad").outcome, entry_of(down, "good").outcome) == ("failed", "unchanged")
    assert (key_result_of(down, "bad").value, key_result_of(down, "bad").stale) == (3.0, True)
    assert not key_result_of(down, "good").stale
    said[0] = Reading(4.0)
    back = made.sync()
    assert (key_result_of(back, "bad").value, key_result_of(back, "bad").stale) == (4.0, False)
    assert entry_of(back, "bad").outcome == "updated"


def test_a_run_that_crashed_is_not_the_one_that_readers_name(tmp_path: Path) -> None:
    """What a status shows was judged by the last run that judged; one that crashed after it changes nothing of that."""
    crash = [False]

    def moody(ask: Ask[Any]) -> Answer:
        if crash[0]:
            raise KeyboardInterrupt
        return dict.fromkeys(ask.queries, (Reading(3.0),))

    made = house(tmp_path, bad=numbers(moody))
    made.sync()
    judged_at = made.now
    crash[0] = True
    made.now += timedelta(minutes=10)
    with pytest.raises(KeyboardInterrupt):
        made.sync()
    assert [run.id for run in runs_of(made)] == [2, 1]
    with made.store.reading() as session:
        assert (last_run(session), last_judged(session)) == (1, judged_at)


def test_progress_is_told_request_by_request(tmp_path: Path) -> None:
    """Whoever watches hears the source's name and its count, which the run's report and the ledger repeat."""

    class Chatty(MetricSource):
        kind = "chatty"
        summary = "three requests"
        Settings = Settings
        Query = Place

        def probe(self) -> str:
            return "here"

        def read(self, ask: Ask[Any]) -> Answer:
            for _ in range(3):
                self.caller.call(lambda: None)
            return dict.fromkeys(ask.queries, (Reading(1.0),))

    told: list[tuple[str, int]] = []
    made = house(tmp_path, bad=Chatty)
    report = made.sync(watch=lambda name, count: told.append((name, count)))
    assert told == [("bad", 1), ("bad", 2), ("bad", 3)]
    assert {each.source: each.requests for each in report.collected} == {"good": 0, "bad": 3}
    assert {each.source: each.requests for each in runs_of(made)[0].sources} == {"good": 0, "bad": 3}


def test_a_full_run_forgets_the_cursor_and_a_failed_one_keeps_it(tmp_path: Path) -> None:
    """The cursor of the last complete pull is what the next one starts from."""
    asked: list[str | None] = []
    fails: list[bool] = [False]

    def pull(cursor: str | None, _: object) -> list[Page]:
        asked.append(cursor)
        if fails[0]:
            raise TransientError("503")
        return [page(item("1"), cursor=f"after {len(asked)}")]

    made = house(tmp_path, bad=work(pull))
    made.sync()
    made.sync()
    fails[0] = True
    made.sync()
    fails[0] = False
    made.sync()
    made.sync(full=True)
    made.sync()
    assert asked == [None, "after 1", "after 2", "after 2", None, "after 5"]


def test_partial_lists_add_up_and_only_a_whole_one_lets_items_leave(tmp_path: Path) -> None:
    """What a whole list leaves out is looked up by id, and nothing else is."""
    asked: list[frozenset[str]] = []

    def find(ids: frozenset[str]) -> LookUp:
        asked.append(ids)
        return LookUp(gone=ids)

    said = [page(item("1", state="done"), item("2"), cursor="1")]
    made = house(tmp_path, bad=work(lambda *_: list(said), find))
    assert initiative_of(made.sync(), "bad-work").total == 2
    more = Members("e", frozenset({"3"}), whole=False)
    said[:] = [Page((item("3"),), members=(more,)), Page(containers=(EPIC,), scopes={REF: ("e",)}, cursor="2")]
    assert initiative_of(made.sync(), "bad-work").total == 3
    assert asked == []
    said[:] = [page(item("1"), cursor="3"), Page((item("4"),), members=(replace(more, items=frozenset({"4"})),))]
    assert initiative_of(made.sync(), "bad-work").total == 2
    assert asked == [frozenset({"2", "3"})]


def test_a_plan_says_what_the_run_will_do_and_writes_nothing(tmp_path: Path) -> None:
    made = house(tmp_path, bad=work(lambda *_: [page(item("1", state="done"), item("2"))]))
    before = made.tables()
    planned = plan(made.store, made.config, World(clock=lambda: made.now), registry=made.registry)
    assert made.tables() == before
    assert runs_of(made) == []
    done = made.sync()
    assert planned.changes == done.changes
    assert len(planned.changes) >= 3
    assert planned.snapshot == done.snapshot


def test_a_probe_names_who_we_are_or_why_not_and_shows_no_secret(tmp_path: Path) -> None:
    """A plugin that breaks while it is probed hides no other; what its error quotes is not shown."""

    class Broken(MetricSource):
        kind = "broken"
        summary = "breaks at once"
        Settings = Settings
        Query = Place

        def probe(self) -> str:
            raise RuntimeError(SECRET)

        def read(self, ask: Ask[Any]) -> Answer:
            raise AssertionError("a probe reads nothing")

    made = house(tmp_path, bad=Broken)
    probes = {each.source: each for each in probe_all(made.config.sources, made.registry)}
    assert probes["good"].identity == "played"
    assert "broke: RuntimeError at test_sync_run.py:" in (probes["bad"].error or "")
    assert probes["bad"].fix
    assert SECRET not in repr(probes)
