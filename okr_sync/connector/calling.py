"""What a connector calls: the sender of its requests, and the import of the library that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

from okr_sync.core.remembering import Remembered
from okr_sync.errors import SourceError

__all__ = ["Caller", "Remembered", "require"]

T = TypeVar("T")
R = TypeVar("R")


class Caller:
    """Makes requests on behalf of a connector. This one asks once, one at a time; the engine's own retries,
    counts, runs `map` in a small pool and keeps the source's deadline.
    """

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`. `ask` sends exactly one request and must be safe to repeat."""
        return ask()

    def map(self, ask: Callable[[T], R], many: Iterable[T]) -> Iterator[R]:
        """Yield `ask(each)` in the order of `many`; each `ask` uses `call` itself, maybe in another thread."""
        return map(ask, many)

    def pace(self, limit: str, a_minute: int) -> None:
        """Wait until one request more keeps the source's `limit` of `a_minute`; said by an `ask` before it sends."""

    @property
    def goes_on(self) -> bool:
        """Whether this pull goes on where an earlier one was interrupted, whose answers are `kept`."""
        return False

    def kept(self, question: str) -> Any | None:
        """Return the answer (JSON) to `question` of the interrupted pull with which this one goes on; None: ask."""
        return None

    def keep(self, question: str, answer: Any) -> None:
        """Keep an answer (JSON, not None) in case the pull is interrupted; `question` is all that it depends on, but
        for the settings and what the pull is asked.
        """

    def spend(self, points: int) -> None:
        """Note that the source says a request cost so many points of its rate limit; `runs` shows their sum."""

    def remembered(self, address: str, credential: str) -> Remembered | None:
        """Return what an earlier run was answered at `address`, asked with this very credential; None: nothing known.

        A request may then ask with its ETag, and take its body for an answer of status 304. `address` is the method,
        the URL with its query and the shape of the body; of both arguments only hashes are kept.
        """
        return None

    def remember(self, address: str, credential: str, answer: Remembered) -> None:
        """Remember an answer for later runs, where there is room: it is saved with the source's facts or not at all."""


def require(module: str, *, extra: str) -> ModuleType:
    """Return the module, imported. Raises SourceError with the install command when its extra is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise SourceError(
            f"the Python package {module.partition('.')[0]} can't be imported: {error}",
            fix=f"pip install 'okr-sync[{extra}]'",
        ) from error
