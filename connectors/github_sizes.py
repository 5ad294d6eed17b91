"""Learns how much GitHub bears in one question: half after it ran out of time, and what worked is remembered."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

PATIENCE = 16  # whole answers before a size that GitHub could not bear is tried again


@dataclass(slots=True)
class _Size:
    """What is known of one kind of question: ask for `now`, believe in `goal`.

    `fell`: the smallest size refused, `borne`: what was answered since then (0: nothing). `trying`: `now` is back at
    the goal, to see whether that is refused again. `settled`: the goal is what proved to be borne, no mere wish.
    """

    now: int
    goal: int
    borne: int = 0
    fell: int = 0
    trying: bool = False
    settled: bool = False
    answers: int = 0
    patience: int = PATIENCE


class Sizes:
    """The sizes of questions by their kind; safe in many threads.

    A refusal may mean that the question was too large, or that GitHub is down for a moment. So the size is halved until
    an answer comes, then the whole is tried once more: answered, it was an outage; refused, the size that worked stays,
    and twice that is tried after some answers, later and later.
    """

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = dict(most)
        self._lock = threading.Lock()
        self._sizes = {kind: _Size(size, size) for kind, size in most.items()}

    def recall(self, known: Mapping[str, int]) -> None:
        """Begin with sizes that were learnt earlier."""
        with self._lock:
            for kind, size in known.items():
                if 0 < size < self._most.get(kind, 0):
                    self._sizes[kind] = _Size(size, size, settled=True, patience=PATIENCE // 4)

    def learnt(self) -> dict[str, int]:
        """Return the sizes that seem to be the most that GitHub bears, also where that was not tried twice."""
        with self._lock:
            known = {kind: each.borne if each.trying else each.goal for kind, each in self._sizes.items()}
            return {kind: size for kind, size in known.items() if 0 < size < self._most[kind]}

    def of(self, kind: str) -> int:
        """Return how much to ask for at once, ≥ 1."""
        with self._lock:
            return self._sizes[kind].now

    def answered(self, kind: str, count: int) -> None:
        """Take note that a question for `count` was answered."""
        with self._lock:
            size, most = self._sizes[kind], self._most[kind]
            if count >= most:
                self._sizes[kind] = _Size(most, most)
            elif size.trying and count >= size.fell:
                size.now, size.trying, size.fell, size.patience = size.goal, False, 0, PATIENCE
            elif size.fell and count >= size.now:
                size.borne, size.now, size.trying = count, size.goal, True
            elif size.settled and count >= size.now:
                _be_patient(size, most)

    def refused(self, kind: str, count: int) -> None:
        """Take note that GitHub could not answer a question for `count` in time."""
        with self._lock:
            size = self._sizes[kind]
            if size.trying and count > size.borne:
                size.patience = 2 * size.patience if size.settled else PATIENCE
                size.now = size.goal = size.borne
                size.trying, size.settled, size.fell, size.answers = False, True, 0, 0
            elif count <= size.goal:  # else it was asked before the size was known
                size.fell = min(size.fell or count, count)
                size.now, size.trying = min(size.now, max(1, count // 2)), False


def _be_patient(size: _Size, most: int) -> None:
    """Count an answer of the settled size; after enough of them try twice as much."""
    size.answers += 1
    if size.answers >= size.patience:
        size.borne = size.now
        size.now = size.goal = size.fell = min(most, 2 * size.now)
        size.trying, size.answers = True, 0
