"""Answers of a source that are remembered with their ETags, so that it needn't send them again."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOTHING_RECALLED", "KeptAnswer", "Recalled", "Remembered"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a connector made of an answer, as bytes of its own, and the ETag that the answer came with."""

    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A remembered answer as it is stored: hashes of what was asked and of who asked it, the body packed."""

    address: str
    credential: str
    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a run did with a source's remembered answers: new ones, and the addresses of those it asked about."""

    fresh: tuple[KeptAnswer, ...] = ()
    used: frozenset[str] = frozenset()


NOTHING_RECALLED = Recalled()
