"""What both ways of asking GitHub, GraphQL and REST, must be able to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from connectors.github_histories import Teller
from connectors.github_items import Contents, Milestone
from connectors.github_questions import Learnt
from okr_sync.connector import LookUp, WorkItem


class Transport(Teller, Protocol):
    """One way of asking GitHub; both ways give equal facts."""

    def viewer(self) -> str:
        """Return who the token belongs to."""
        ...

    def recall(self, learnt: Learnt) -> None:
        """Begin with what was learnt about the server earlier."""
        ...

    def learnt(self) -> Learnt:
        """Return what is worth to be known about the server next time."""
        ...

    def refresh(self, ids: Sequence[str]) -> dict[str, Milestone]:
        """Return those of these milestones that can be asked for by id as they are now."""
        ...

    def contents(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield the milestones with their items."""
        ...

    def again(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield milestones, with the counts that they have now, and their items: nothing of it out of earlier answers.

        Raises TransientError when one of them is there no more.
        """
        ...

    def look_up(self, ids: Sequence[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items."""
        ...
