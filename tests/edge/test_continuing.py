"""What a source gives with its answer comes back with the next question, and only together with the facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from okr_sync.connector import Answer, Ask, Continued, MetricSource, Miss, Reading, TransientError
from okr_sync.store.inbox import receive
from okr_sync.sync.collect import nothing_sent
from okr_sync.sync.plan import plan
from okr_sync.sync.run import World
from tests.edge.sync_play import House, house, key_result_of, numbers


def going_on(answer: Callable[[Ask[Any]], Answer]) -> type[MetricSource]:
    """Return a source that wants its state back."""
    source = numbers(answer)
    source.CONTINUES = True
    return source


class Counter:
    """Adds one to its state each time, unless told to fail; `asked` is what it was told."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.fails = False
        self.misses = False

    def __call__(self, ask: Ask[Any]) -> Answer:
        self.asked.append(ask.state)
        if self.fails:
            raise TransientError("down", fix="wait")
        if self.misses:
            return dict.fromkeys(ask.queries, Miss("invalid", "flawed"))
        count = int(ask.state or "0") + 1
        return Continued(dict.fromkeys(ask.queries, (Reading(float(count)),)), str(count))


def value(place: House, *, full: bool = False) -> float | None:
    """Return what one more run makes of the source."""
    return key_result_of(place.sync(full=full), "bad").value


def test_the_state_comes_back_and_is_forgotten_by_a_full_run(tmp_path: Path) -> None:
    """Run by run it goes on; `--full` begins anew."""
    counter = Counter()
    place = house(tmp_path / "h", bad=going_on(counter))
    assert [value(place), value(place), value(place, full=True), value(place)] == [1, 2, 1, 2]
    assert counter.asked == [None, "1", None, "1"]


def test_a_failure_or_a_miss_leaves_the_state_where_it_was(tmp_path: Path) -> None:
    """What was not saved is asked for again."""
    counter = Counter()
    place = house(tmp_path / "h", bad=going_on(counter))
    place.sync()
    counter.fails = True
    place.sync()
    counter.fails, counter.misses = False, True
    place.sync()
    counter.misses = False
    assert value(place) == 2
    assert set(counter.asked) == {None, "1"}
    assert counter.asked[-1] == "1"


def test_a_plan_moves_no_state(tmp_path: Path) -> None:
    """A plan can be made as often as one likes; the run after it asks from the same place."""
    counter = Counter()
    place = house(tmp_path / "h", bad=going_on(counter))
    place.sync()
    for _ in range(2):
        plan(place.store, place.config, World(clock=lambda: place.now), registry=place.registry)
    assert value(place) == 2
    assert counter.asked == [None, "1", "1", "1"]


def test_a_source_that_does_not_want_its_state_gets_none(tmp_path: Path) -> None:
    """What is not announced is not kept, and an answer without a state forgets the last one."""
    counter = Counter()
    place = house(tmp_path / "h", bad=numbers(counter))
    assert [value(place), value(place)] == [1, 1]
    answers: list[Answer] = [
        Continued({"bad": (Reading(1.0),)}, "kept"),
        {"bad": (Reading(2.0),)},
        {"bad": (Reading(3.0),)},
    ]
    asked: list[str | None] = []

    def answer(ask: Ask[Any]) -> Answer:
        asked.append(ask.state)
        return answers[len(asked) - 1]

    other = house(tmp_path / "o", bad=going_on(answer))
    assert [value(other), value(other), value(other)] == [1, 2, 3]
    assert asked == [None, "kept", None]


def test_only_a_source_that_reads_its_inbox_is_given_it(tmp_path: Path) -> None:
    """The values of its own metrics, and of nobody else's."""
    seen: list[object] = []

    def answer(ask: Ask[Any]) -> Answer:
        seen.append(ask.inbox)
        return {ref: ask.inbox.get(ref, ()) or Miss("no_data", "nothing") for ref in ask.queries}

    reader, other = numbers(answer), numbers(answer)
    reader.INBOX = True
    place = house(tmp_path / "h", bad=reader, other=other)
    with place.store.writing() as session:
        for metric in ("bad", "other", "stranger"):
            receive(session, place.now, metric, Reading(7.0, place.now), "ci")
    report = place.sync()
    assert sorted(seen, key=repr) == [
        {"bad": (Reading(7.0, place.now, "sent with the token ci", "ci"),)},
        {},
    ]
    assert (key_result_of(report, "bad").value, key_result_of(report, "other").value) == (7, None)
    assert nothing_sent(frozenset({"bad"})) == {}
