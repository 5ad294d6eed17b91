"""Answers are remembered for the credential that got them, within bounds, and only where they can be read."""

from __future__ import annotations

import random

from okr_sync.connector import Caller, Remembered
from okr_sync.core.remembering import KeptAnswer, Recalled
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.remembering import LONGEST_ETAG, MOST_OF_ONE, LookUp, Recollection

ANSWER = Remembered('W/"1"', b"rows")
ADDRESS, TOKEN, OTHER = "GET https://tracker.example/rows?page=1", "planted-token-1", "planted-token-2"


def saved(recalled: Recalled) -> LookUp:
    """Return what finds these answers in the next run."""
    rows = {each.address: each for each in recalled.fresh}
    return lambda _, address: rows.get(address)


def one_kept() -> KeptAnswer:
    recollection = Recollection("tracker")
    recollection.remember(ADDRESS, TOKEN, ANSWER)
    (kept,) = recollection.told().fresh
    return kept


def test_what_one_run_remembers_the_next_one_recalls_at_the_same_address_only() -> None:
    kept = one_kept()
    following = Recollection("tracker", saved(Recalled((kept,))))
    assert following.remembered(ADDRESS, TOKEN) == ANSWER
    assert following.remembered(f"{ADDRESS}0", TOKEN) is None
    assert following.told() == Recalled((), frozenset({kept.address}))


def test_another_credential_gets_nothing() -> None:
    """Red without the comparison of credentials: what one token may read is told to another."""
    following = Recollection("tracker", saved(Recalled((one_kept(),))))
    assert following.remembered(ADDRESS, OTHER) is None
    assert following.told() == Recalled()


def test_neither_token_nor_address_is_kept() -> None:
    kept = one_kept()
    said = f"{kept}".lower()
    assert TOKEN not in said
    assert "tracker.example" not in said
    assert len(kept.credential) == 16


def test_damaged_bytes_are_as_good_as_forgotten() -> None:
    """Red where the error of zlib goes up: the source can't be asked until somebody repairs the store."""
    damaged = KeptAnswer(one_kept().address, one_kept().credential, ANSWER.etag, b"no zlib")
    following = Recollection("tracker", saved(Recalled((damaged,))))
    assert following.remembered(ADDRESS, TOKEN) is None
    assert following.told() == Recalled()


def test_a_body_or_etag_beyond_its_bound_is_not_remembered() -> None:
    """Red without the bounds."""
    noise = random.Random(7).randbytes(MOST_OF_ONE + 1)
    recollection = Recollection("tracker")
    recollection.remember("large", TOKEN, Remembered('"1"', noise))
    recollection.remember("long", TOKEN, Remembered("x" * (LONGEST_ETAG + 1), b"rows"))
    recollection.remember("short", TOKEN, Remembered("x" * LONGEST_ETAG, b"0" * (2 * MOST_OF_ONE)))
    assert len(recollection.told().fresh) == 1


def test_a_run_holds_no_more_than_there_is_room_for() -> None:
    """Red without the bound: the memory of a run grows with the site."""
    recollection = Recollection("tracker", most=2 * len(one_kept().body))
    for number in range(4):
        recollection.remember(f"{ADDRESS}{number}", TOKEN, ANSWER)
    assert len(recollection.told().fresh) == 2


def test_callers_without_a_recollection_know_nothing() -> None:
    for caller in (Caller(), RetryingCaller(seconds=1)):
        caller.remember(ADDRESS, TOKEN, ANSWER)
        assert caller.remembered(ADDRESS, TOKEN) is None
