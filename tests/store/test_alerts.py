"""Laws of the outbox: a notice is written with its cause or not at all, and one at a time sends a letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from okr_sync.core.alerting import Notice
from okr_sync.core.facts import Reading
from okr_sync.store import Store, ledger, slots
from okr_sync.store.alerts import (
    Letter,
    Watching,
    claim_letter,
    counted,
    decided,
    enqueue,
    give_up,
    letters,
    settle,
    troubles,
    watch,
)
from okr_sync.store.collecting import save_collected
from okr_sync.store.pruning import prune
from okr_sync.store.sources import declare_sources
from tests.store.builders import HOUR, NOW, answered, failed, running

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WATCHING = Watching(("ops", "chat"), frozenset({""}), 3)


def ask(session: Session, number: int, *, down: bool) -> None:
    """Ask the survey once in a run of its own, an hour after the one before."""
    at = NOW + number * HOUR
    brought = replace(failed("survey"), at=at) if down else answered((Reading(41.0),), at=at)
    save_collected(session, running(session, at), brought)


def told(session: Session) -> list[tuple[str, str, str]]:
    """(channel, event, subject) of all letters, oldest first."""
    return [(each.channel, each.notice.event, each.notice.subject) for each in reversed(letters(session))]


def test_the_third_failure_in_a_row_is_told_to_every_channel_and_the_success_after_it_too(session: Session) -> None:
    declare_sources(session, {"survey": DAY})
    for number, down in enumerate([True, True, False, True, True]):
        ask(session, number, down=down)
        assert watch(session, WATCHING, NOW + number * HOUR) == ()
    ask(session, 5, down=True)
    (raised,) = watch(session, WATCHING, NOW + 5 * HOUR)
    assert raised.reason.startswith("it failed 3 times in a row")
    assert list(troubles(session)) == [("source", "survey")]
    ask(session, 6, down=True)
    assert watch(session, WATCHING, NOW + 6 * HOUR) == ()
    ask(session, 7, down=False)
    watch(session, WATCHING, NOW + 7 * HOUR)
    assert troubles(session) == {}
    assert told(session) == [
        ("ops", "raised", "survey"), ("chat", "raised", "survey"),
        ("ops", "resolved", "survey"), ("chat", "resolved", "survey"),
    ]  # fmt: skip
    assert len({each.key for each in letters(session)}) == 4


def test_staleness_is_seen_without_any_run(session: Session) -> None:
    declare_sources(session, {"survey": HOUR})
    ask(session, 0, down=False)
    assert decided(session, WATCHING, NOW + HOUR) == ()
    assert [each.event for each in decided(session, WATCHING, NOW + HOUR + MINUTE)] == ["raised"]
    assert decided(session, Watching(), NOW + 9 * HOUR) == (), "without a channel nothing is watched"
    assert told(session) == [], "deciding writes nothing"


def _slot(session: Session, due: datetime, outcome: str, attempts: int = 1) -> None:
    run = running(session, due)
    if outcome == "ok":
        ledger.finish_run(session, run, due, "ok", "")
    elif outcome != "running":
        ledger.close_unfinished(session, run, due, "interrupted", "its process was ended by SIGKILL")
    slots.claim(session, run, {"": due})
    known = slots.newest_slots(session, due)[""]
    for _ in range(attempts - 1):
        slots.try_again(session, run, [known])
        known = slots.newest_slots(session, due)[""]


def test_missed_slots_are_one_trouble_until_a_later_slot_had_its_run(session: Session) -> None:
    _slot(session, NOW, "ok")
    missed = [NOW + HOUR, NOW + 2 * HOUR]
    slots.record_missed(session, "", missed, now=NOW + 3 * HOUR, owner="host:1", why="no worker was there")
    (raised,) = watch(session, WATCHING, NOW + 3 * HOUR)
    assert raised.reason.startswith("2 slots had no run, 2026-10-05 10:00 UTC to 2026-10-05 11:00 UTC: ")
    _slot(session, NOW + 3 * HOUR, "running")
    assert watch(session, WATCHING, NOW + 3 * HOUR) == ()
    _slot(session, NOW + 4 * HOUR, "ok")
    assert [each.event for each in watch(session, WATCHING, NOW + 4 * HOUR)] == ["resolved"]


def test_slots_skipped_under_a_run_raise_nothing_and_resolve_nothing(session: Session) -> None:
    """However often a schedule overlaps its own runs. Seen red with every missed slot as a lapse."""
    for number in range(0, 9, 3):
        _slot(session, NOW + number * HOUR, "ok")
        skipped = [NOW + (number + 1) * HOUR, NOW + (number + 2) * HOUR]
        slots.record_missed(
            session, "", skipped, now=skipped[1], owner="host:1", why="run 1 was still under way", trigger=slots.OVERLAP
        )
        assert watch(session, WATCHING, skipped[1]) == ()
    slots.record_missed(session, "", [NOW + 9 * HOUR], now=NOW + 9 * HOUR, owner="host:1", why="nobody was there")
    (raised,) = watch(session, WATCHING, NOW + 9 * HOUR)
    assert raised.reason.startswith("1 slot had no run, 2026-10-05 18:00 UTC: ")
    at = NOW + 10 * HOUR
    slots.record_missed(session, "", [at], now=at, owner="host:1", why="overlap", trigger=slots.OVERLAP)
    assert watch(session, WATCHING, at) == (), "still open, and not told again"
    _slot(session, NOW + 11 * HOUR, "ok")
    assert [each.event for each in watch(session, WATCHING, NOW + 11 * HOUR)] == ["resolved"]


@pytest.mark.parametrize(("attempts", "events"), [(2, []), (3, ["raised"])])
def test_a_slot_whose_run_was_broken_off_is_lost_after_its_last_attempt(
    session: Session, attempts: int, events: list[str]
) -> None:
    _slot(session, NOW, "interrupted", attempts)
    assert [each.event for each in watch(session, WATCHING, NOW)] == events


def test_a_notice_is_undone_with_its_cause(store: Store) -> None:
    """Seen red with `enqueue` in a transaction of its own."""
    with store.writing() as session:
        declare_sources(session, {"survey": HOUR})
        ask(session, 0, down=False)
    with store.rehearsing() as session:
        assert watch(session, WATCHING, NOW + 2 * HOUR)
    with store.reading() as session:
        assert (letters(session), troubles(session)) == ([], {})


def _notice(at: datetime = NOW) -> Notice:
    return Notice("raised", "source", "survey", at, at, "it is down")


def _claimed(session: Session, now: datetime) -> Letter:
    letter = claim_letter(session, now, MINUTE)
    assert letter is not None
    return letter


def test_a_letter_is_claimed_by_one_and_free_again_when_its_lease_ended(session: Session) -> None:
    """Seen red without moving `try_at` on when claiming."""
    enqueue(session, [_notice()], ["ops"])
    first = _claimed(session, NOW)
    assert claim_letter(session, NOW + 0.9 * MINUTE, MINUTE) is None
    again = _claimed(session, NOW + MINUTE)
    assert (again.key, again.tries) == (first.key, 2), "the same key: its receiver knows it"


def test_letters_of_a_channel_leave_in_their_order_and_hold_up_no_other_channel(session: Session) -> None:
    enqueue(session, [_notice(), _notice(NOW + MINUTE)], ["ops", "chat"])
    first = _claimed(session, NOW + HOUR)
    settle(session, first, NOW + HOUR, "status 500")
    others = [_claimed(session, NOW + HOUR)]
    settle(session, others[0], NOW + HOUR)
    others.append(_claimed(session, NOW + HOUR))
    settle(session, others[1], NOW + HOUR)
    assert ([first.channel, *(each.channel for each in others)], first.notice.at) == (["ops", "chat", "chat"], NOW)
    assert claim_letter(session, NOW + HOUR, MINUTE) is None
    retried = _claimed(session, NOW + HOUR + MINUTE)
    assert (retried.key, retried.error) == (first.key, "status 500")


def test_a_letter_is_tried_again_as_its_receiver_wishes_and_given_up_after_a_day(session: Session) -> None:
    enqueue(session, [_notice()], ["ops"])
    letter = settle(session, _claimed(session, NOW), NOW, "status 429", 2 * HOUR)
    assert (letter.state, letter.try_at) == ("waiting", NOW + 2 * HOUR + MINUTE)
    last = settle(session, _claimed(session, NOW + 3 * HOUR), NOW + DAY - 0.5 * MINUTE, "status 500")
    assert (last.state, last.error, last.ended_at) == ("given_up", "status 500", NOW + DAY - 0.5 * MINUTE)
    assert claim_letter(session, NOW + 9 * DAY, MINUTE) is None
    assert counted(session) == {"given_up": 1}
    assert letters(session, state="given_up", since=NOW + DAY) == []
    assert letters(session, state="given_up", since=NOW) == [last]


def test_what_can_not_be_sent_is_given_up_at_once(session: Session) -> None:
    enqueue(session, [_notice()], ["gone"])
    letter = give_up(session, _claimed(session, NOW), NOW, "it is not in the config")
    assert letters(session) == [letter]
    assert letter.state == "given_up"


def test_pruning_keeps_what_waits_and_what_is_open(session: Session) -> None:
    declare_sources(session, {"survey": HOUR})
    ask(session, 0, down=False)
    watch(session, WATCHING, NOW + 2 * HOUR)
    settle(session, _claimed(session, NOW + 2 * HOUR), NOW + 2 * HOUR)
    pruned = prune(session, NOW + DAY)
    assert (pruned.outbox, pruned.troubles) == (1, 0)
    assert (counted(session), len(troubles(session))) == ({"waiting": 1}, 1)
    ask(session, 30, down=False)
    watch(session, WATCHING, NOW + 30 * HOUR)
    assert prune(session, NOW + 3 * DAY).troubles == 1
