"""What nothing changed in a source writes nothing: a second run leaves every table but those of runs as it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.connector import Reading, WorkItem
from tests.edge.sync_play import START, house, item, page, values, work
from tests.examples import EXAMPLES

NOW = START - timedelta(days=3)  # 33 hours after the cycle began: hardly a past to fill in
FINITE = st.floats(-1e6, 1e6)
AGES = st.none() | st.integers(0, 36).map(lambda hours: NOW - timedelta(hours=hours))
READINGS = st.lists(  # two at one instant contradict each other: no source may answer so
    st.builds(Reading, FINITE, AGES), min_size=1, max_size=4, unique_by=lambda reading: reading.time or NOW
).map(lambda drawn: tuple(sorted(drawn, key=lambda reading: reading.time or NOW)))
WORK = st.lists(
    st.tuples(st.sampled_from(["open", "in_progress", "done"]), st.none() | st.floats(0, 20)), max_size=4
).map(lambda drawn: [item(str(n), state=state, points=points) for n, (state, points) in enumerate(drawn)])


@settings(max_examples=EXAMPLES if EXAMPLES > 100 else 20, derandomize=True)  # each takes a third of a second
@given(READINGS, WORK, st.floats(0, 150))  # while the cycle is young: later the pace alone changes a status
def test_a_second_run_without_change_in_the_sources_writes_nothing_but_the_run(
    readings: tuple[Reading, ...], held: list[WorkItem], hours: float
) -> None:
    """Seen red by readings that are written again although they are known: `_differs` that asks for no newest one."""
    with TemporaryDirectory() as folder:
        made = house(Path(folder), survey=values(*readings), bad=work(lambda cursor, now: [page(*held)]))
        made.now = NOW
        made.sync()
        before = made.tables()
        made.now += timedelta(hours=hours)
        made.sync()
        assert made.tables() == before
