"""Waits for a run of everything: takes a place in the line, says who is in the way, and begins when nobody is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from sqlmodel import Session

from okr_sync.errors import BusyError, StoreError
from okr_sync.store import ledger, turns
from okr_sync.store.database import Store
from okr_sync.store.processes import is_alive, this_process

__all__ = ["Patience", "begin_in_turn"]

T = TypeVar("T")
Begin: TypeAlias = Callable[[datetime, int | None], T]
"""Begins a run at an instant, out of a place in the line. Raises BusyError when something is in the way."""

LOOK = 0.5  # seconds between two looks whether nobody is in the way any more
KEPT = timedelta(seconds=30)  # how long a place counts after the last sign of its owner


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait for a turn: at most `seconds` (None: however long it takes), telling who is in the way.

    `pause` waits so many seconds; what it raises ends the waiting.
    """

    tell: Callable[[str], object]
    seconds: float | None = None
    pause: Callable[[float], object] = time.sleep
    elapsed: Callable[[], float] = time.monotonic


def begin_in_turn(
    store: Store,
    clock: Callable[[], datetime],
    begin: Begin[T],
    *,
    patience: Patience | None = None,
    owner: str = "",
    is_alive: Callable[[str], bool] = is_alive,
) -> T:
    """Return what `begin` returns as soon as no run is under way and nobody is in the line before us.

    Meanwhile no slot and nobody who comes later begins. Raises BusyError when that takes longer than `patience`; None:
    at once.
    """
    try:
        return begin(clock(), None)
    except BusyError:
        if patience is None:
            raise
    waiting = _Waiting(store, clock, owner or this_process(), is_alive)
    with waiting.place() as place:
        return waiting.until_free(begin, patience, place)


@dataclass
class _Place:
    """Our place in the line now, and the instant at which it must be kept again."""

    turn: int
    keep_at: datetime


@dataclass(frozen=True, slots=True)
class _Waiting:
    store: Store
    clock: Callable[[], datetime]
    owner: str
    is_alive: Callable[[str], bool]

    @contextmanager
    def place(self) -> Iterator[_Place]:
        """Give a place in the line, which is given back at the end however that comes."""
        with self.store.writing() as session:
            place = self._asked(session)
        try:
            yield place
        finally:
            with suppress(StoreError), self.store.writing() as session:  # it ends by itself, too
                turns.give_back(session, place.turn, self.owner)

    def until_free(self, begin: Begin[T], patience: Patience, place: _Place) -> T:
        """Begin as soon as nothing is in the way of our place. Raises BusyError when that takes too long."""
        since, said = patience.elapsed(), ""
        while True:
            found = self._look(place)
            if found is None:
                with suppress(BusyError):  # somebody without a place was faster
                    return begin(self.clock(), place.turn)
            elif found.what != said:
                patience.tell(f"waiting: {found.what}")
                said = found.what
            left = LOOK if patience.seconds is None else since + patience.seconds - patience.elapsed()
            if left <= 0:
                raise BusyError(f"There was no turn within {patience.seconds:g} s: {said}; try again, or wait longer.")
            patience.pause(min(LOOK, left))

    def _look(self, place: _Place) -> ledger.Obstacle | None:
        """Return what is in the way, and keep the place when it is time to."""
        now = self.clock()
        with self.store.reading() as session:
            found = ledger.in_the_way(session, now, self.owner, is_alive=self.is_alive, turn=place.turn)
        if found is not None and now >= place.keep_at:
            self._keep(place)
        return found

    def _keep(self, place: _Place) -> None:
        with self.store.writing() as session:
            now = self.clock()
            if turns.keep(session, place.turn, self.owner, now + KEPT):
                place.keep_at = now + KEPT / 3
            else:  # we slept longer than it counted
                again = self._asked(session)
                place.turn, place.keep_at = again.turn, again.keep_at

    def _asked(self, session: Session) -> _Place:
        now = self.clock()
        return _Place(turns.ask(session, now, self.owner, now + KEPT), now + KEPT / 3)
