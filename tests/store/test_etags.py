"""What is remembered of a source's answers: saved with its facts, within bounds, and nothing that can't be read."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import pytest
from sqlmodel import Session

from okr_sync.core.remembering import KeptAnswer, Recalled
from okr_sync.store import etags
from okr_sync.store.collecting import save_collected
from okr_sync.store.database import Store
from okr_sync.store.etags import kept_answer, save_etags
from okr_sync.store.pruning import prune
from okr_sync.store.statements import fetch
from okr_sync.store.verifying import verify
from tests.store.builders import HOUR, NOW, pulled, running

DAY = 24 * HOUR
SIZE = 100  # bytes of each body here, and room for three of them


def kept(name: str, body: bytes = b"rows") -> KeptAnswer:
    return KeptAnswer(name, "0123456789abcdef", f'W/"{name}"', zlib.compress(body))


def sized(name: str) -> KeptAnswer:
    return replace(kept(name), body=name.encode() * SIZE)


def remember(session: Session, *fresh: KeptAnswer, used: str = "", at: timedelta = timedelta(0)) -> None:
    """Let the source "tracker" remember `fresh` and have used the addresses in `used`, with room for three."""
    collected = replace(pulled(at=NOW + at), recalled=Recalled(fresh, frozenset(used.split())))
    save_etags(session, collected, 3 * SIZE)


def names(session: Session) -> str:
    return "".join(row["address"] for row in fetch(session, etags.ETAGS.select().order_by(etags.ETAGS.c.address)))


def used_at(session: Session) -> Sequence[datetime]:
    return [row["used_at"] for row in fetch(session, etags.ETAGS.select().order_by(etags.ETAGS.c.address))]


@pytest.mark.parametrize(("outcome", "there"), [("ok", True), ("partial", True), ("failed", False)])
def test_answers_are_remembered_with_the_facts_and_not_where_the_source_failed(
    store: Store, outcome: Literal["ok", "partial", "failed"], there: bool
) -> None:
    """Red for "failed" where they are saved beside the source's state, not among its facts."""
    collected = replace(pulled(), outcome=outcome, recalled=Recalled((kept("a"),)))
    with store.writing() as session:
        save_collected(session, running(session), collected)
    with store.reading() as session:
        assert kept_answer(session, "tracker", "a") == (kept("a") if there else None)
        assert kept_answer(session, "other", "a") is None


def test_the_newest_answer_at_an_address_takes_the_place_of_the_one_before(session: Session) -> None:
    for body in (b"one", b"another"):
        remember(session, kept("a", body))
    assert kept_answer(session, "tracker", "a") == kept("a", b"another")


def test_what_is_too_much_is_forgotten_the_longest_unused_first(session: Session) -> None:
    """Red without a bound: all four are there."""
    for hour, name in enumerate("abc"):
        remember(session, sized(name), at=hour * HOUR)
    remember(session, sized("d"), at=3 * HOUR)
    assert names(session) == "bcd"


def test_what_a_run_used_stays_before_what_is_new(session: Session) -> None:
    """Else a source with too many answers would forget each of them just before it is asked for again.

    Red where the newest go first: "ef" took the room of "ab".
    """
    remember(session, sized("a"), sized("b"), sized("c"))
    remember(session, sized("e"), sized("f"), used="a b", at=DAY)
    assert names(session) == "abe"


def test_another_source_has_room_of_its_own(session: Session) -> None:
    remember(session, sized("a"), sized("b"), sized("c"))
    other = replace(pulled(), source="other", recalled=Recalled((sized("a"),)))
    save_etags(session, other, 3 * SIZE)
    assert names(session) == "aabc"


def test_a_use_is_written_down_once_a_day(session: Session) -> None:
    """Red without the day: every quiet run writes a row for each answer."""
    remember(session, sized("a"), sized("b"))
    remember(session, used="a", at=DAY - HOUR)
    assert used_at(session) == [NOW, NOW]
    remember(session, used="a", at=DAY)
    assert used_at(session) == [NOW + DAY, NOW]


def test_unused_answers_are_pruned(session: Session) -> None:
    remember(session, kept("a"))
    remember(session, kept("b"), at=DAY)
    assert prune(session, NOW + DAY).etags == 1
    assert names(session) == "b"


def test_a_damaged_answer_is_found(session: Session) -> None:
    """Red where only the size is looked at."""
    remember(session, kept("a"), kept("b"))
    assert verify(session) == ()
    session.connection().execute(
        etags.ETAGS.update().where(etags.ETAGS.c.address == "b").values(body=b"no zlib", size=7)
    )
    (flaw,) = verify(session)
    assert (flaw.law, flaw.rows, flaw.example) == ("a remembered answer can be unpacked", 1, "tracker b")
