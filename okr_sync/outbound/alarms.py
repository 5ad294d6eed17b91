"""Ends what takes too long: one thread for all that are under way, where a timer would cost each of them a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from itertools import count
from time import monotonic

__all__ = ["Alarms"]

SPARE = 64  # alarms nobody waits for any more, before they are cleared away


class Alarms:
    """Calls for whoever takes too long; safe in many threads. Its thread lives as long as there is one to wait for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []  # a heap, also of alarms that are over
        self._set: set[int] = set()  # numbers of those that are not
        self._numbers = count()
        self._thread: threading.Thread | None = None

    @contextmanager
    def after(self, seconds: float, act: Callable[[], None]) -> Iterator[None]:
        """Call `act` in another thread once the block takes longer than that; never after its end."""
        number = next(self._numbers)
        with self._changed:
            heappush(self._due, (monotonic() + seconds, number, act))
            self._set.add(number)
            self._watch_from(number)
        try:
            yield
        finally:
            with self._changed:
                self._set.discard(number)
                self._clear()

    def _watch_from(self, number: int) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, name="okr-sync-alarms", daemon=True)
            self._thread.start()
        elif self._due[0][1] == number:
            self._changed.notify()

    def _clear(self) -> None:
        if len(self._due) > SPARE + 2 * len(self._set):
            self._due = [each for each in self._due if each[1] in self._set]
            heapify(self._due)

    def _watch(self) -> None:
        with self._changed:
            while self._due:
                at, number, act = self._due[0]
                if number not in self._set:
                    heappop(self._due)
                elif at > monotonic():
                    self._changed.wait(at - monotonic())
                else:
                    heappop(self._due)
                    self._set.discard(number)
                    act()
            self._thread = None
