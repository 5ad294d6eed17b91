"""Remembers a source's answers with their ETags from run to run, so that it needn't send them again."""

from __future__ import annotations

import hashlib
import hmac
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from okr_sync.core.remembering import KeptAnswer, Recalled, Remembered
from okr_sync.store import etags
from okr_sync.store.database import Store

__all__ = ["LookUp", "Recollection", "StoredEtags"]

LookUp = Callable[[str, str], KeptAnswer | None]
"""(source, hash of the address) → what is remembered."""

LONGEST_ETAG = 512  # characters
MOST_OF_ONE = 256 << 10  # bytes of one packed body
CREDENTIAL_DIGITS = 16  # of 64: enough to tell two credentials apart, too few to be a hash worth stealing


@dataclass(frozen=True, slots=True)
class StoredEtags:
    """The remembered answers in the store; each question is a short read of its own."""

    store: Store

    def __call__(self, source: str, address: str) -> KeptAnswer | None:
        """Return what is remembered at the hash of an address; None: nothing."""
        with self.store.reading() as session:
            return etags.kept_answer(session, source, address)


class Recollection:
    """What one source's run recalls and remembers; safe in many threads.

    `look_up` gives what earlier runs remembered; None: nothing of it is believed. A body of more than 256 KiB, packed,
    is not remembered, nor what comes after `most` bytes of new ones.
    """

    def __init__(self, source: str, look_up: LookUp | None = None, *, most: int = etags.MOST_BYTES) -> None:
        self._source = source
        self._look_up = look_up
        self._room = most
        self._fresh: dict[str, KeptAnswer] = {}
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def remembered(self, address: str, credential: str) -> Remembered | None:
        """Return what was answered at `address` to this very credential; None: nothing that can be believed."""
        key = self._hashed(address)
        known = None if self._look_up is None else self._look_up(self._source, key)
        if known is None or known.credential != self._hashed(credential)[:CREDENTIAL_DIGITS]:
            return None
        try:
            body = zlib.decompress(known.body)
        except zlib.error:  # as good as forgotten: the answer is asked for anew, and takes its place
            return None
        with self._lock:
            self._used.add(key)
        return Remembered(known.etag, body)

    def remember(self, address: str, credential: str, answer: Remembered) -> None:
        """Keep an answer until the run is saved, if there is room for it."""
        packed = zlib.compress(answer.body)
        if len(packed) > MOST_OF_ONE or len(answer.etag) > LONGEST_ETAG:
            return
        key, whose = self._hashed(address), self._hashed(credential)[:CREDENTIAL_DIGITS]
        with self._lock:
            if len(packed) <= self._room:
                self._room -= len(packed)
                self._fresh[key] = KeptAnswer(key, whose, answer.etag, packed)
                self._used.discard(key)

    def told(self) -> Recalled:
        """Return what is to be saved."""
        with self._lock:
            return Recalled(tuple(self._fresh.values()), frozenset(self._used))

    def _hashed(self, text: str) -> str:
        return hmac.new(self._source.encode(), text.encode(), hashlib.sha256).hexdigest()
