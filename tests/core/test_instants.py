"""Many instants in little room say what each of them says alone."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.instants import EPOCH, Instants, instant_of, microseconds_of

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5, minutes=30))])
FAR = 10**16  # microseconds: some three centuries
ANY = st.builds(lambda told, zone: instant_of(told).astimezone(zone), st.integers(-FAR, FAR), ZONES)
MANY = st.lists(ANY, max_size=20)


@given(MANY)
def test_what_is_put_in_comes_out_ascending(told: list[datetime]) -> None:
    """Red unsorted, and with whole seconds in place of microseconds."""
    instants = Instants(map(microseconds_of, told))
    assert list(instants) == sorted(told)
    assert [instants[place] for place in range(len(instants))] == sorted(told)
    assert instants == tuple(sorted(told)) == instants
    assert tuple(sorted(told)) == instants[:]
    assert hash(instants) == hash(tuple(sorted(told)))


@given(MANY, MANY)
def test_instants_of_several_are_those_of_each(one: list[datetime], other: list[datetime]) -> None:
    """Whether they are in little room already or not. Red with one of the two taken as it is."""
    assert Instants.together([one, Instants(map(microseconds_of, other))]) == sorted(one + other)


def test_they_take_eight_bytes_each() -> None:
    """Red with a tuple of datetimes inside: seven times as much."""
    few, many = (Instants(range(number)) for number in (1_000, 101_000))
    assert (sys.getsizeof(many._told) - sys.getsizeof(few._told)) / 100_000 < 9


def test_they_are_no_number_and_no_other_instants() -> None:
    """Red with all that has the same length equal."""
    assert Instants([0]) != 0
    assert Instants([0]) != (instant_of(1),)
    assert repr(Instants([0])) == f"Instants of {(EPOCH,)!r}"
