"""Change logs of trackers in the store: asked once, saved once, and stronger than what was guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlmodel import Session

from okr_sync.core.facts import DueSeen, Transition, TransitionField
from okr_sync.core.lives import Stay
from okr_sync.core.model import Book, DeliveryScope, Initiative
from okr_sync.core.past import history_at
from okr_sync.errors import StoreError
from okr_sync.store import changelog, evidence, ledger
from okr_sync.store.changelog import Log, asked_since, save_log, unasked
from okr_sync.store.collecting import save_collected
from okr_sync.store.past import load_past
from okr_sync.store.statements import fetch
from okr_sync.store.work import MEMBERSHIPS
from tests.store.builders import HOUR, NOW, item, pulled, running

REFS = frozenset({"assistant/1"})
BEGIN = NOW - 240 * HOUR
BOOK = Book("UTC", initiatives=(Initiative("assistant", "A", scopes=(DeliveryScope("assistant/1", "tracker", "{}"),)),))


def moved(id_: str, name: TransitionField, before: str | None, after: str | None, hours: float) -> Transition:
    """A change so many hours before now."""
    return Transition(id_, name, before, after, NOW - hours * HOUR)


def pull(session: Session, at: datetime = NOW, **more: object) -> int:
    """Save the items 1 and 2 in the epic "e" and return the run."""
    run = running(session, at)
    save_collected(session, run, pulled(item("1", state="done"), item("2"), held={"e": "1 2"}, at=at, **more))  # type: ignore[arg-type]
    return run


def log(session: Session, run: int, *moves: Transition, at: datetime = NOW, since: datetime = BEGIN) -> int:
    """Ask for everything and save these moves as the answer."""
    return save_log(session, run, Log(unasked(session, "tracker", REFS, since, again=True), moves, at))


def test_a_container_is_asked_once_for_all_that_it_ever_held(session: Session) -> None:
    run = pull(session)
    question = unasked(session, "tracker", REFS, BEGIN)
    assert (question.containers, sorted(question.items), question.since) == (frozenset({"e"}), ["1", "2"], BEGIN)
    assert asked_since(session, REFS) == {}
    log(session, run)
    assert unasked(session, "tracker", REFS, BEGIN).containers == frozenset()
    assert asked_since(session, REFS) == {"assistant/1": BEGIN}
    earlier = unasked(session, "tracker", REFS, BEGIN - HOUR)
    assert earlier.containers == frozenset({"e"})
    assert unasked(session, "other", REFS, BEGIN) == changelog.Unasked("other", BEGIN)


def test_a_question_begins_where_the_last_answer_ended_so_that_no_hole_is_left(session: Session) -> None:
    log(session, pull(session))
    assert unasked(session, "tracker", REFS, NOW + 9 * HOUR, again=True).since == NOW


def test_what_can_not_be_read_is_not_asked(session: Session) -> None:
    pull(session)
    save_collected(session, running(session, NOW + HOUR), pulled(held={"e": "2"}, gone="1", at=NOW + HOUR))
    assert list(unasked(session, "tracker", REFS, BEGIN).items) == ["2"]


def test_a_change_is_saved_once(session: Session) -> None:
    run = pull(session)
    done = moved("1", "state", "open", "done", 5)
    assert log(session, run, done, done) == 1
    assert log(session, run, done, moved("1", "state", "done", "open", 7)) == 1


def test_a_run_that_lost_its_lease_saves_no_log(session: Session) -> None:
    run = pull(session)
    question = unasked(session, "tracker", REFS, BEGIN)
    ledger.finish_run(session, run, NOW, "failed", "lost")
    with pytest.raises(StoreError, match="may write no more"):
        save_log(session, run, Log(question, (), NOW))


def test_the_log_wins_over_what_was_guessed_for_the_time_that_it_covers(session: Session) -> None:
    pull(session)
    again = running(session, NOW + HOUR)
    save_collected(session, again, pulled(item("2", state="done"), held={"e": "1 2"}, at=NOW + HOUR))
    states = [_states(session, NOW - 3 * HOUR)]
    log(session, again, moved("2", "state", "open", "done", 4), at=NOW + HOUR)
    states.append(_states(session, NOW - 3 * HOUR))
    assert states == [{"1": "done", "2": "open"}, {"1": "done", "2": "done"}]
    later = running(session, NOW + 2 * HOUR)
    save_collected(session, later, pulled(item("2"), held={"e": "1 2"}, at=NOW + 2 * HOUR))
    assert _states(session, NOW + 2 * HOUR)["2"] == "open"
    moves = evidence.transitions(session, "tracker", frozenset({"1", "2"}), BEGIN)
    assert [(move.item, move.after, move.at) for move in moves] == [("2", "done", NOW - 4 * HOUR), ("2", "open", NOW)]


def _states(session: Session, at: datetime) -> dict[str, str]:
    held = history_at(load_past(session, [BOOK], {}), at).scopes["assistant/1"].items["e"]
    return {each.id: each.state for each in held}


def test_what_was_logged_counts_as_seen_when_it_happened(session: Session) -> None:
    moves = (
        moved("1", "state", "done", "open", 9),
        moved("1", "state", "open", "done", 8),
        moved("2", "state", "done", "open", 2),
        moved("2", "container", None, "e", 1),
    )
    log(session, pull(session), *moves)
    seen = evidence.transitions(session, "tracker", frozenset({"1", "2"}), NOW - 5 * HOUR)
    assert [(each.item, each.field, each.after) for each in seen] == [("2", "state", "open")]
    assert evidence.left_done(session, NOW - 5 * HOUR) == {("tracker", "2")}


def test_an_item_that_moved_here_was_there_before_as_the_log_says(session: Session) -> None:
    run = running(session)
    save_collected(session, run, pulled(item("1"), item("2"), held={"e": "1", "f": "2"}))
    log(session, run, moved("1", "container", "f", "e", 3))
    past = load_past(session, [BOOK], {})
    assert sorted(past.trackers["tracker"].stays, key=lambda stay: (stay.item, stay.container)) == [
        Stay("e", "1", NOW - 3 * HOUR, NOW),
        Stay("e", "1", NOW),  # from the end of the log on it is as it was seen
        Stay("f", "1", NOW - 24 * HOUR, NOW - 3 * HOUR),
        Stay("f", "2", NOW - 24 * HOUR),
    ]


def test_a_stay_is_known_by_when_it_was_true_and_by_when_it_was_seen(session: Session) -> None:
    pull(session)
    late = NOW + 3 * HOUR
    save_collected(session, running(session, late), pulled(item("3"), held={"e": "2 3"}, at=late))
    rows = {row["item"]: row for row in fetch(session, MEMBERSHIPS.select())}
    times = {
        id_: tuple(row[name] for name in ("since", "valid_since", "until", "valid_until")) for id_, row in rows.items()
    }
    assert times == {
        "1": (NOW, NOW - 24 * HOUR, late, late),  # there since its creation; nobody saw it leave
        "2": (NOW, NOW - 24 * HOUR, None, None),
        "3": (late, late, None, None),  # created long before the last look at this epic: it came since
    }


STAYS = (  # container, created and updated (hours from the first pull), since when the item counts as there
    ("e", None, None, 0),
    ("e", 1, 1, 0),  # by a clock that is ahead of ours
    ("e", None, 2, 2),
    ("e", -24, -1, -24),
)
LATER = (  # the same, three hours later: "e" was looked at before, "f" was not
    ("e", 1, 2, 1),
    ("e", -24, 2, 2),
    ("e", -24, -1, 3),
    ("e", 5, 4, 3),
    ("e", None, None, 3),
    ("e", 0, 3, 3),
    ("f", -24, 2, -24),
    ("f", None, 2, 2),
    ("f", 4, 4, 3),
    ("f", None, -1, 3),
)


def test_an_item_joined_when_it_was_created_or_changed_as_far_as_that_can_be(session: Session) -> None:
    """Seen red with every container taken for one that was looked at before, and for one that was not."""
    for hours, told in ((0, STAYS), (3, LATER)):
        at = NOW + hours * HOUR
        named = {f"{hours}-{number}": stay for number, stay in enumerate(told)}
        items = (replace(item(id_), created=_hours(stay[1]), updated=_hours(stay[2])) for id_, stay in named.items())
        held = {
            each: " ".join(id_ for id_, stay in named.items() if stay[0] == each) for each in ("e", "f")[: 1 + hours]
        }
        save_collected(session, running(session, at), pulled(*items, held=held, at=at, whole=False))
        rows = {row["item"]: row["valid_since"] for row in fetch(session, MEMBERSHIPS.select()) if row["item"] in named}
        assert rows == {id_: _hours(stay[3]) for id_, stay in named.items()}


def _hours(hours: int | None) -> datetime | None:
    return None if hours is None else NOW + hours * HOUR


def test_a_due_day_that_came_after_the_item_was_first_seen_was_not_there_before(session: Session) -> None:
    first, late = date(2026, 11, 1), date(2026, 12, 1)
    for hours, due in ((0, None), (2, late)):
        at = NOW + hours * HOUR
        brought = pulled(replace(item("1"), due=first), replace(item("2"), due=due), held={"e": "1 2"}, at=at)
        save_collected(session, running(session, at), brought)
    past = load_past(session, [BOOK], {})
    seen = [history_at(past, NOW + hours * HOUR).scopes["assistant/1"].dues for hours in (-9, 1, 2)]
    none = DueSeen(None, NOW)
    assert seen == [
        {"1": (DueSeen(first, NOW),), "2": (none,)},
        {"1": (DueSeen(first, NOW),), "2": (none,)},
        {"1": (DueSeen(first, NOW),), "2": (none, DueSeen(late, NOW + 2 * HOUR))},
    ]
