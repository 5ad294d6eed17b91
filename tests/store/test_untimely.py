"""What a clock that was ahead judged is taken back, and nothing else is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from okr_sync.core.freshness import AHEAD
from okr_sync.core.model import Book, Initiative
from okr_sync.store import Store
from okr_sync.store.definitions import definition, save_definitions, versions
from okr_sync.store.results import Saved, delivery_points, judged_at, points, save_snapshot, saved_snapshot
from okr_sync.store.untimely import TOO_FAR, is_untimely, take_back
from tests.store.builders import NOW, TRIED, running
from tests.store.states import key_result, snapshot

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
AGES = st.timedeltas(-timedelta(days=3), timedelta(days=3)) | st.sampled_from([AHEAD, AHEAD + SECOND, -SECOND])


def _judge(session: Session, at: datetime, progress: float, done: int) -> Saved:
    return save_snapshot(session, running(session, at), snapshot(key_result(progress), at=at, done=done), slot=at)


def _slots(session: Session) -> list[datetime]:
    return sorted(
        [each.slot for each in points(session, "key_result", "nps-20")]
        + [each.slot for each in points(session, "objective", "experience")]
        + [each.slot for each in delivery_points(session, "assistant")]
    )


@TRIED
@given(ages=st.lists(AGES, min_size=1, max_size=5, unique=True))
def test_what_is_still_to_come_goes_and_the_rest_stays(store: Store, ages: list[timedelta]) -> None:
    """Red with `slot >= now`, with one kind of points left, and with the runs left as judged."""
    with store.rehearsing() as session:
        for number, age in enumerate(sorted(ages)):
            _judge(session, NOW + age, number / 10, number)
        before = _slots(session)
        timely = [slot for slot in before if slot <= NOW + AHEAD]
        assert take_back(session, NOW) == len(before) - len(timely)
        assert _slots(session) == timely
        assert judged_at(session) == max(timely, default=None)
        assert take_back(session, NOW) == 0


def test_the_next_run_writes_what_was_taken_back_at_an_instant_that_was(session: Session) -> None:
    """Also when it judges the very same. Red when the latest states keep what their points said."""
    _judge(session, NOW, 0.2, 1)
    _judge(session, NOW + 10 * AHEAD, 0.4, 1)
    take_back(session, NOW + SECOND)
    saved = _judge(session, NOW + SECOND, 0.4, 1)
    assert (saved.points, saved.delivery_points) == (2, 0), "the initiative's point was of the first run and stayed"
    assert [(each.slot, each.progress) for each in points(session, "key_result", "nps-20")] == [
        (NOW, 0.2),
        (NOW + SECOND, 0.4),
    ]
    assert judged_at(session) == NOW + SECOND


def test_where_only_a_wrong_clock_judged_nothing_is_judged_until_the_next_run(session: Session) -> None:
    _judge(session, NOW + 10 * AHEAD, 0.4, 1)
    take_back(session, NOW)
    assert saved_snapshot(session) is None
    _judge(session, NOW, 0.4, 1)
    assert _slots(session) == [NOW, NOW, NOW]


@pytest.mark.parametrize(("judged", "untimely"), [(NOW, False), (NOW + TOO_FAR, False), (NOW + TOO_FAR + SECOND, True)])
def test_clocks_of_workers_may_differ_for_a_while(judged: datetime, untimely: bool) -> None:
    assert is_untimely(judged, NOW) is untimely


def test_what_was_defined_by_a_clock_that_was_ahead_is_in_force_from_now_on(session: Session) -> None:
    """And an earlier version until now. Red where the versions keep the instants of that clock, begun or ended."""
    for at, title in ((NOW - DAY, "first"), (NOW + DAY, "second"), (NOW + 2 * DAY, "third")):
        book = Book("UTC", initiatives=(Initiative("assistant", title),))
        save_definitions(session, running(session, at), book, at, "ana")
    take_back(session, NOW)
    found = versions(session, "initiative", "assistant")
    assert [(each.since, each.until) for each in found] == [(NOW - DAY, NOW), (NOW, NOW), (NOW, None)]
    for at, title in ((NOW - SECOND, "first"), (NOW, "third"), (NOW + DAY, "third")):
        then = definition(session, "initiative", "assistant", at)
        assert then is not None
        assert then.body["title"] == title
