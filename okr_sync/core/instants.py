"""Many instants in little room: of a large site a run holds a hundred thousand at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import overload

__all__ = ["Instants", "instant_of", "microseconds_of"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def instant_of(microseconds: int) -> datetime:
    """Return the instant that is so many microseconds after the beginning of 1970 in UTC."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return EPOCH + timedelta(0, seconds, rest)  # by place and in small numbers: a run tells a hundred thousand of them


def microseconds_of(at: datetime) -> int:
    """Return the microseconds from the beginning of 1970 in UTC to `at`."""
    return (at - EPOCH) // MICROSECOND


class Instants(Sequence[datetime]):
    """Instants in UTC, ascending, of eight bytes each; equal to any sequence of the same."""

    __slots__ = ("_told",)

    def __init__(self, microseconds: Iterable[int] = ()) -> None:
        self._told = array("q", sorted(microseconds))

    @classmethod
    def together(cls, several: Iterable[Sequence[datetime]]) -> Instants:
        """Return the instants of all of these."""
        return cls(chain.from_iterable(map(_told, several)))

    def __len__(self) -> int:
        return len(self._told)

    def __iter__(self) -> Iterator[datetime]:
        return map(instant_of, self._told)

    @overload
    def __getitem__(self, place: int) -> datetime: ...

    @overload
    def __getitem__(self, place: slice) -> Instants: ...

    def __getitem__(self, place: int | slice) -> datetime | Instants:
        if isinstance(place, slice):
            return Instants(self._told[place])
        return instant_of(self._told[place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Instants of {tuple(self)!r}"


def _told(instants: Sequence[datetime]) -> Iterable[int]:
    return instants._told if isinstance(instants, Instants) else map(microseconds_of, instants)
