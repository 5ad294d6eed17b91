"""Keeps what a source answered to a pull, so that one that is interrupted goes on in the next run where it stopped.

Answers go to the store when the pull fails in a way that passes; of a pull that takes long also in between, for the
process may be killed. Nothing of it is seen before the pull is complete.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import orjson

from okr_sync.config import Source
from okr_sync.errors import BudgetError, SourceError, StoreError, TransientError
from okr_sync.store import stages
from okr_sync.store.database import Store
from okr_sync.store.stages import StageRecord
from okr_sync.sync.fingerprints import fingerprint

__all__ = [
    "FIRST",
    "LEAST",
    "LIFE",
    "Shelf",
    "Shelves",
    "Stage",
    "StoredShelf",
    "StoredShelves",
    "complete",
    "fingerprint_of",
]

T = TypeVar("T")
LIFE = timedelta(days=1)  # of an interrupted pull, from its begin
LEAST = 10  # answers; fewer are sooner asked for again than kept
FIRST = 30.0  # seconds of a pull after which its answers go to the store for the first time
EVERY = 10.0  # seconds between that and the next times
MOST = 8 << 20  # bytes of packed answers in memory
_LEVEL = 1  # of zlib, the quickest


class Shelf(Protocol):
    """Where the answers to one source's pull are kept from run to run, for the first time after `first` seconds."""

    @property
    def first(self) -> float: ...  # noqa: D102 -- said above

    def load(self) -> tuple[StageRecord | None, frozenset[str]]:
        """Return the interrupted pull, if there is one, and the hashes of the questions that were answered."""
        ...

    def answer(self, question: str) -> bytes | None:
        """Return the packed answer to a question by its hash; None when there is none any more."""
        ...

    def save(self, stage: StageRecord, answers: dict[str, bytes]) -> None:
        """Add packed answers by the hashes of their questions. Raises StoreError when the run lost its lease."""
        ...

    def drop(self) -> None:
        """Forget all. Raises StoreError when the run lost its lease."""
        ...


class Shelves(Protocol):
    """The shelves of all sources."""

    def of(self, source: str) -> Shelf:
        """Return the shelf of one source."""
        ...


@dataclass(frozen=True, slots=True)
class StoredShelves:
    """The shelves in the store, written to by one run; by a pull that is not interrupted after `first` seconds."""

    store: Store
    run: int
    first: float = FIRST

    def of(self, source: str) -> Shelf:
        """Return the shelf of one source."""
        return StoredShelf(self.store, self.run, source, self.first)


@dataclass(frozen=True, slots=True)
class StoredShelf:
    """The shelf of one source in the store; each word to it is a short transaction of its own."""

    store: Store
    run: int
    source: str
    first: float = FIRST

    def load(self) -> tuple[StageRecord | None, frozenset[str]]:
        """Return the interrupted pull, if there is one, and the hashes of the questions that were answered."""
        with self.store.reading() as session:
            stage = stages.load_stage(session, self.source)
            return stage, stages.staged_questions(session, self.source) if stage else frozenset()

    def answer(self, question: str) -> bytes | None:
        """Return the packed answer to a question by its hash; None when there is none any more."""
        with self.store.reading() as session:
            return stages.staged_answer(session, self.source, question)

    def save(self, stage: StageRecord, answers: dict[str, bytes]) -> None:
        """Add packed answers by the hashes of their questions. Raises StoreError when the run lost its lease."""
        with self.store.writing() as session:
            stages.save_answers(session, self.run, self.source, stage, answers)

    def drop(self) -> None:
        """Forget all. Raises StoreError when the run lost its lease."""
        with self.store.writing() as session:
            stages.forget_stage(session, self.run, self.source)


class Stage:
    """The answers to one pull: `begun` is when its first part began, `used` how many of earlier parts were used.

    Safe in many threads. What this part keeps it does not give back: who asks twice wants to know twice.
    """

    def __init__(
        self,
        shelf: Shelf,
        record: StageRecord,
        known: frozenset[str] = frozenset(),
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.used = 0
        self._shelf = shelf
        self._record = record
        self._known = known
        self._written: set[str] = set()
        self._waiting: dict[str, bytes] = {}
        self._size = 0
        self._elapsed = elapsed
        self._due = elapsed() + shelf.first
        self._lock = threading.Lock()
        self._saving = threading.Lock()

    @classmethod
    def open(cls, shelf: Shelf, asked: str, now: datetime, *, elapsed: Callable[[], float] = time.monotonic) -> Stage:
        """Return the stage of a pull that begins at `now`, or of the interrupted one that it goes on with.

        That is so if the same was `asked` (a hash of all of it), no longer than LIFE ago.
        """
        found, known = shelf.load()
        if found is None or found.fingerprint != asked or not timedelta(0) <= now - found.begun_at < LIFE:
            return cls(shelf, StageRecord(asked, now), elapsed=elapsed)
        return cls(shelf, found, known, elapsed)

    @property
    def begun(self) -> datetime:
        """When the first part of the pull began."""
        return self._record.begun_at

    @property
    def goes_on(self) -> bool:
        """Whether there are answers of an earlier part."""
        return bool(self._known)

    @property
    def count(self) -> int:
        """How many answers there are, of all parts."""
        return len(self._known) + len(self._written) + len(self._waiting)

    def kept(self, question: str) -> Any | None:
        """Return the answer that an earlier part was given; None: there is none."""
        hashed = _hashed(question)
        packed = self._shelf.answer(hashed) if hashed in self._known else None
        if packed is None:
            return None
        with self._lock:
            self.used += 1
        return _unpacked(packed)

    def keep(self, question: str, answer: Any) -> None:
        """Keep an answer, and put all that wait into the store when it is time. Raises StoreError."""
        hashed, packed = _hashed(question), _packed(answer)
        with self._lock:
            if hashed in self._known or hashed in self._written or hashed in self._waiting:
                return
            self._waiting[hashed] = packed
            self._size += len(packed)
            is_due = self._size > MOST or self._elapsed() >= self._due
        if is_due:
            self.save()

    def save(self) -> None:
        """Put all answers that wait into the store, if they are worth it. Raises StoreError."""
        with self._saving:
            with self._lock:
                if not self._waiting or self.count < LEAST:
                    return
                answers, self._waiting, self._size = self._waiting, {}, 0
                self._written.update(answers)
            self._shelf.save(self._record, answers)
            self._due = self._elapsed() + EVERY

    def anew(self, now: datetime) -> Stage:
        """Forget all answers; return the stage of a pull of the same that begins at `now`. Raises StoreError."""
        if self._known or self._written:
            self._shelf.drop()
        return Stage(self._shelf, StageRecord(self._record.fingerprint, now), elapsed=self._elapsed)


class Staged(Protocol):
    """What sends the requests of a pull."""

    stage: Stage | None

    def passed_on(self, error: BaseException) -> bool:
        """Return whether `error` came out of a request."""
        ...


def complete(pull: Callable[[datetime], T], caller: Staged, stage: Stage, now: datetime) -> T:
    """Return `pull(instant)`: at `now`, or when the interrupted pull began with which it goes on.

    If it fails and that may pass, the next run goes on with what was answered. If it fails because the answers don't
    fit together, they are forgotten; and if some of them were of an earlier part, the pull begins anew, once.
    """
    caller.stage = stage
    try:
        return pull(stage.begun)
    except StoreError:
        raise
    except Exception as error:
        if isinstance(error, TransientError | BudgetError) and caller.passed_on(error):
            stage.save()
            raise
        caller.stage = stage.anew(now)
        if not isinstance(error, SourceError) or not stage.goes_on:
            raise
    return complete(pull, caller, caller.stage, now)


def fingerprint_of(source: Source, cursor: str | None) -> str:
    """Return a hash of all that the answers depend on: settings, questions, and where the pull starts from."""
    questions = {ref: query.model_dump(mode="json") for ref, query in source.questions.items()}
    said = json.dumps([fingerprint(source), questions, cursor], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _hashed(question: str) -> str:
    return hashlib.sha256(question.encode(errors="surrogatepass")).hexdigest()


def _packed(answer: Any) -> bytes:
    try:
        said = orjson.dumps(answer)
    except orjson.JSONEncodeError:  # half a surrogate pair, to which a title may be cut
        said = json.dumps(answer).encode()
    return zlib.compress(said, _LEVEL)


def _unpacked(packed: bytes) -> Any:
    said = zlib.decompress(packed)
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        return json.loads(said)
