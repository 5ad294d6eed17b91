"""What both contracts share: who we are at a source, what we may do there, and where its names lead."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from okr_sync.connector.calling import Caller
from okr_sync.connector.settings import Query, Settings
from okr_sync.core.facts import MissKind

__all__ = ["Connector", "Grant", "Named"]


@dataclass(frozen=True, slots=True)
class Named:
    """What a name in a question leads to at the source: an epic, a project, a milestone, a query, a field.

    `path` leads from the question `ref` to where the name is written: ("epics", 1); with an empty `ref` from the
    source's settings. `said` is what is there; with a `miss`, why it can't be used, and what to write or give instead.
    """

    ref: str
    path: tuple[str | int, ...]
    said: str
    miss: MissKind | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential may do, in the source's own words for scopes and permissions, and when it ends.

    `granted`: None when the source doesn't tell. `missing`: what of `needed` is known to be lacking.
    """

    needed: tuple[str, ...] = ()
    granted: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    expires: datetime | None = None


class Connector(ABC):
    """What both contracts share."""

    kind: ClassVar[str]
    """The word in config files."""
    summary: ClassVar[str]
    """One line for lists."""
    Settings: ClassVar[type[Settings]]
    Query: ClassVar[type[Query]]
    """The shape of one question: a metric's query or a delivery scope."""
    HISTORY: ClassVar[bool] = False
    """Whether the source can say what was true at a past instant."""
    example: ClassVar[str] = ""
    """A whole example in YAML: `sources:` with one source of this kind, and `metrics:` or `objectives:` that ask it."""
    permissions: ClassVar[str] = ""
    """One sentence: what the credential must be allowed to do, and no more."""

    def __init__(self, settings: Any, caller: Caller | None = None) -> None:
        self.settings = settings
        self.caller = caller or Caller()

    @abstractmethod
    def probe(self) -> str:
        """Return one line that says who we are at the source ("signed in as Ana at https://…").

        Raises SourceError when the source can't be used.
        """

    def grant(self) -> Grant | None:
        """Return what the credential may do; None: the source doesn't tell. Raises SourceError."""
        return None

    def resolve(self, questions: Mapping[str, Any], now: datetime) -> Iterator[Named] | None:
        """Yield what each name in `questions` (ref → Query) and in the settings leads to; read no more than that takes.

        None: the engine asks each question once instead, and sees. Raises SourceError when the whole source failed.
        """
        return None

    def close(self) -> None:  # noqa: B027 -- most connectors hold nothing
        """Give back what the connector holds; may be called twice."""
