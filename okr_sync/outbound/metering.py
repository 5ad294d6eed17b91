"""Counts what answers cost, at one place for every HTTP client: bytes, answers without news, points of rate limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus

__all__ = ["Meter", "metering", "note_answer"]


class Meter:
    """What the answers to one source cost so far; safe in many threads. None: nobody told.

    `received` counts the bytes of bodies as they came, packed where the server packs them. `not_modified` counts
    answers of status 304, `points` what the source itself says that requests cost.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.not_modified: int | None = None
        self.points: int | None = None
        self._lock = threading.Lock()

    def add(self, status: int, received: int) -> None:
        """Count an answer of this status with so many bytes."""
        with self._lock:
            self.received = (self.received or 0) + received
            self.not_modified = (self.not_modified or 0) + (status == HTTPStatus.NOT_MODIFIED)

    def spend(self, points: int) -> None:
        """Count points of a rate limit."""
        with self._lock:
            self.points = (self.points or 0) + points


_CURRENT: ContextVar[Meter | None] = ContextVar("okr_sync_meter", default=None)


@contextmanager
def metering(meter: Meter) -> Iterator[None]:
    """Count the answers that come in this thread until the end of the block."""
    token = _CURRENT.set(meter)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def note_answer(status: int, received: int) -> None:
    """Tell the meter of this thread, if there is one, of an answer with so many bytes in its body."""
    meter = _CURRENT.get()
    if meter is not None:
        meter.add(status, received)
