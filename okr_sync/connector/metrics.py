"""The contract of metric sources: many questions at once, one outcome each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from okr_sync.connector.settings import Query
from okr_sync.connector.source import Connector
from okr_sync.core.facts import Outcome, Reading

__all__ = ["Answer", "Ask", "Continued", "MetricSource"]

Answer: TypeAlias = Mapping[str, Outcome]
"""Ref → its one outcome; every ref asked is there."""


class Continued(dict[str, Outcome]):
    """An answer with what the source wants to be told when it is asked next: `state`, opaque to the engine.

    The engine keeps the state in one transaction with the facts of the answer, and forgets it before `sync --full`. It
    must not hold a secret.
    """

    def __init__(self, outcomes: Answer, state: str) -> None:
        super().__init__(outcomes)
        self.state = state


Q = TypeVar("Q", bound=Query)


@dataclass(frozen=True, slots=True)
class Ask(Generic[Q]):
    """Many questions at once, and the window [start, now] (both inclusive, aware) that they are about.

    `past`: bring also what was true at past instants inside the window, at least a reading a day where the source keeps
    that; else the newest reading will do, and whatever the source brings along at no further cost.
    `state`: what the source gave with its last answer (`Continued`), if it `CONTINUES`; None: answer from the start.
    `inbox`: ref → the values that were sent to okr-sync for it, oldest first, if the source reads its `INBOX`.
    """

    queries: Mapping[str, Q]
    start: datetime
    now: datetime
    past: bool = False
    state: str | None = None
    inbox: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)


class MetricSource(Connector):
    """Answers queries with readings, all of them in as few requests as the source allows."""

    CONTINUES: ClassVar[bool] = False
    """Whether it answers with `Continued` and wants its state back."""
    INBOX: ClassVar[bool] = False
    """Whether it answers with values that were sent to okr-sync: `Ask.inbox`."""

    @abstractmethod
    def read(self, ask: Ask[Any]) -> Answer:
        """Return one outcome for every ref in `ask.queries`; readings inside [ask.start, ask.now], oldest first.

        One an instant (without a time: now); two different values of one are refused. Raises SourceError when the whole
        source failed.
        """
