"""What nothing changed in a source writes nothing: a second run leaves every table but those of runs as it was.

Only the clock may write: as what is expected by now moves, judgements are written anew, and none that says the same;
and as a cycle begins, its baselines are captured.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.connector import Miss, Outcome, Reading, Unchanged, WorkItem
from tests.edge.idle_play import BENEATH, JUDGED, SHAPES, IdleHouse, Said, idle_house, judged, repeated
from tests.edge.sync_play import START, House, item
from tests.examples import EXAMPLES

FIRST = datetime.fromisoformat("2026-10-01T00:00:00Z")
HOURS = st.integers(0, 36)  # further back there would be days and days of the past to judge in the first run
ANSWERED: st.SearchStrategy[Outcome] = st.sampled_from(
    [Unchanged(), Miss("no_data", "no rows yet"), Miss("not_found", "no such column")]
)


@st.composite
def readings(draw: st.DrawFn, now: datetime) -> tuple[Reading, ...]:
    """Return what a source may answer at `now`: one reading an instant, none from before the cycle."""
    ages = draw(st.sets(HOURS, min_size=1, max_size=4))
    dated = [time for age in sorted(ages, reverse=True) if (time := now - timedelta(hours=age)) >= FIRST]
    times = [*dated, *([None] if draw(st.booleans()) or not dated else [])]
    times = [time for time in times if time != now or None not in times]
    ends = st.none() | st.integers(-48, 900).map(lambda hours: now + timedelta(hours=hours))
    return tuple(Reading(draw(st.floats(-10, 80) | st.floats(-1e6, 1e6)), time, expires=draw(ends)) for time in times)


@st.composite
def items(draw: st.DrawFn, source: str, now: datetime) -> tuple[WorkItem, ...]:
    """Return the issues of an epic as they may be at `now`."""
    ages = st.none() | HOURS.map(lambda hours: now - timedelta(hours=hours))
    states, points = st.sampled_from(["open", "in_progress", "done"]), st.none() | st.floats(0, 20)
    drawn = draw(st.lists(st.tuples(states, points, ages, ages), max_size=4))
    return tuple(
        item(f"{source}-{n}", state=state, points=size, created=created, done_at=ended if state == "done" else None)
        for n, (state, size, created, ended) in enumerate(drawn)
    )


@st.composite
def sources(draw: st.DrawFn, asked: IdleHouse) -> tuple[datetime, Said]:
    """Return an instant before, in or after the cycle, and what the sources of a house say then."""
    now = START + timedelta(hours=draw(st.integers(-72, 100) | st.integers(-200, 3000)))
    answers: Mapping[str, Outcome] = {name: draw(readings(now) | ANSWERED) for name in asked.metrics}
    return now, Said(answers, {source: draw(items(source, now)) for source in asked.trackers})


def lasting(made: House, begun: bool = False) -> dict[str, Any]:
    """Return the rows of every table that neither a run nor the clock alone writes into.

    When the cycle has `begun` between two runs, what was known before is captured as the baselines it begins from.
    """
    clocked = JUDGED.keys() | BENEATH | ({"baselines"} if begun else set())
    return {name: rows for name, rows in made.tables().items() if name not in clocked}


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=EXAMPLES // len(SHAPES))
@given(data=st.data(), hours=st.just(0.0) | st.floats(0, 1000))
def test_a_second_run_without_change_in_the_sources_writes_nothing_but_the_run(
    shape: str, data: st.DataObject, hours: float
) -> None:
    """At the same instant no table is written into; later only judgements are, which say what none before them said.

    Seen red by readings that are written again although they are known, `_differs` that asks for no newest one; and by
    `_save_latest` that writes what is as it was.
    """
    asked = idle_house(shape)
    made = asked.empty(*data.draw(sources(asked)))
    made.sync()
    begun = made.now < FIRST <= made.now + timedelta(hours=hours)
    before, known = lasting(made, begun), judged(made)
    made.now += timedelta(hours=hours)
    made.sync()
    assert lasting(made, begun) == before
    told = judged(made)
    assert repeated(known, told) == []
    assert hours or told == known
