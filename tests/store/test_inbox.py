"""Values that programs send are kept as they came, each once; tokens let them in, and only their hashes are kept."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session

from okr_sync.core.facts import Reading
from okr_sync.errors import UsageError
from okr_sync.store import Store
from okr_sync.store.inbox import PUSHED, receive, received
from okr_sync.store.statements import insert_one
from okr_sync.store.tokens import PREFIX, add_token, admitted, revoke_token, tokens
from tests.store.builders import HOUR, NOW

DAY = timedelta(days=1)


def test_what_was_sent_comes_out_oldest_first_and_signed(session: Session) -> None:
    """Each value has its time, its evidence and who sent it; metrics are not mixed."""
    assert receive(session, NOW, "deploys", Reading(2, NOW), "ci")
    assert receive(session, NOW, "deploys", Reading(1, NOW - HOUR, "pipeline 7"), "ci")
    assert receive(session, NOW, "errors", Reading(0), "monitor")
    assert received(session, frozenset({"deploys", "errors", "silent"})) == {
        "deploys": (
            Reading(1, NOW - HOUR, "sent with the token ci: pipeline 7", "ci"),
            Reading(2, NOW, "sent with the token ci", "ci"),
        ),
        "errors": (Reading(0, NOW, "sent with the token monitor", "monitor"),),
    }


def test_the_same_value_for_the_same_time_is_taken_in_once(session: Session) -> None:
    """Sending again after a lost answer does no harm, also with other words."""
    assert receive(session, NOW, "deploys", Reading(2, NOW), "ci")
    assert not receive(session, NOW + HOUR, "deploys", Reading(2, NOW, "again"), "ci")
    assert receive(session, NOW, "deploys", Reading(2, NOW + HOUR), "ci")
    assert len(received(session, frozenset({"deploys"}))["deploys"]) == 2


def test_another_value_for_the_same_time_corrects_it_and_may_be_taken_back(session: Session) -> None:
    """What was sent last counts, also when it was sent before."""
    for value in (2, 3, 2):
        assert receive(session, NOW, "deploys", Reading(value, NOW), "ci")
        assert [each.value for each in received(session, frozenset({"deploys"}))["deploys"]] == [value]


def test_two_writers_can_not_both_have_the_last_word(session: Session) -> None:
    """The database itself refuses a second row of one revision."""
    receive(session, NOW, "deploys", Reading(2, NOW), "ci")
    row = {"metric": "deploys", "valid_time": NOW, "revision": 0, "value": 3.0, "token": "x", "received_at": NOW}
    with pytest.raises(IntegrityError):
        insert_one(session, PUSHED, {**row, "evidence": ""})


def test_what_is_no_number_is_refused_by_the_store_too(session: Session) -> None:
    """Whoever writes: NaN does not get in."""
    with pytest.raises(StatementError):
        receive(session, NOW, "deploys", Reading(float("nan"), NOW), "ci")


def make(session: Session, name: str = "ci", metrics: tuple[str, ...] = ("deploys", "build_*")) -> str:
    """Return a new token that ends in a day."""
    return add_token(session, NOW, name, "ana", metrics=metrics, expires=NOW + DAY)


def test_a_token_lets_in_what_it_names_until_its_day(session: Session) -> None:
    """Ids and patterns count; its end does not belong to it."""
    text = make(session)
    for metric in ("deploys", "build_minutes"):
        assert admitted(session, NOW + DAY - HOUR, text, metric).name == "ci"
    assert admitted(session, NOW, f"  {text}\n", "deploys").name == "ci"
    for metric in ("deploys2", "rebuild_minutes", "*"):
        with pytest.raises(UsageError, match=re.escape("is for deploys, build_*, not for")):
            admitted(session, NOW, text, metric)
    with pytest.raises(UsageError, match="the token ci is expired"):
        admitted(session, NOW + DAY, text, "deploys")


def test_a_revoked_token_ends_at_once_and_stays_on_the_list(session: Session) -> None:
    """Who made it, who ended it and when is kept; the name is free again."""
    text = make(session)
    revoke_token(session, NOW + HOUR, "ci", "ben")
    with pytest.raises(UsageError, match="the token ci is revoked"):
        admitted(session, NOW + HOUR, text, "deploys")
    (token,) = tokens(session)
    assert (token.author, token.revoked_by, token.revoked_at) == ("ana", "ben", NOW + HOUR)
    assert admitted(session, NOW, make(session), "deploys").id != token.id


def test_a_stranger_learns_nothing(session: Session) -> None:
    """A token of somewhere else is refused without a word about metrics or names."""
    text = make(session)
    for wrong in ("", "x", text[:-1], text + "x", text.upper(), PREFIX):
        with pytest.raises(UsageError, match="was not made for this store") as caught:
            admitted(session, NOW, wrong, "deploys")
        assert "ci" not in str(caught.value)
        assert "deploys" not in str(caught.value)


def test_a_token_that_makes_no_sense_is_not_made(session: Session) -> None:
    """No name, no metric, no future, or a name that is taken."""
    make(session)
    for name, metrics, expires in (
        ("ci", ("a",), NOW + DAY),
        (" ", ("a",), NOW + DAY),
        ("b", (), NOW + DAY),
        ("c", ("a",), NOW),
    ):
        with pytest.raises(UsageError):
            add_token(session, NOW, name, "ana", metrics=metrics, expires=expires)
    assert [token.name for token in tokens(session)] == ["ci"]


def test_only_what_is_valid_can_be_revoked(session: Session) -> None:
    """A name that nobody has, or nobody any more."""
    with pytest.raises(UsageError, match="no valid token ci"):
        revoke_token(session, NOW, "ci", "ana")


def test_no_token_is_written_down(store: Store, file: Path) -> None:
    """Not in the database file, not in its log: only the hash."""
    with store.writing() as session:
        text = make(session)
    written = b"".join(each.read_bytes() for each in file.parent.iterdir() if each.is_file())
    assert b"build_*" in written
    assert text.encode() not in written
    assert text.removeprefix(PREFIX).encode() not in written


def test_no_two_tokens_are_alike(session: Session) -> None:
    """256 bits of chance each."""
    made = {make(session, f"ci-{number}") for number in range(50)}
    assert len(made) == 50
    assert min(map(len, made)) >= len(PREFIX) + 43
