"""The projects whose numbers are points: one that can't be seen any more takes no points away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.github_items import numbers_of
from connectors.github_questions import Questions
from okr_sync.connector import AccessError


class Projects:
    """What one pull learns of projects; to be used from any thread. `only`: the project whose numbers count, else any.

    GitHub leaves projects out that the token may not see, so that their items look as if they had no points.
    """

    def __init__(self, questions: Questions, only: int | None) -> None:
        self._questions = questions
        self._only = only
        self._known: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def recall(self, known: Mapping[str, int]) -> None:
        """Begin with the projects, id → number, that earlier pulls read numbers from."""
        self._known = dict(known)
        self._seen.clear()

    def seen(self) -> dict[str, int]:
        """Return the projects that this pull read numbers from."""
        return dict(self._seen)

    def note(self, rows: Iterable[Any]) -> None:
        """Take note of the projects that tell numbers of these issues or pull requests."""
        for row in rows:
            self._seen.update((project, number) for project, number, _ in numbers_of(row, self._only))

    def check(self) -> None:
        """Raise AccessError when one of the projects can't be seen, now that their numbers were read."""
        projects = {**self._known, **self._seen}
        nodes = dict(self._questions.many_nodes(sorted(projects), "light", lambda _: "... on ProjectV2 { id }"))
        lost = sorted(projects[id_] for id_, node in nodes.items() if node is None)
        if lost:
            raise AccessError(
                f"project {', '.join(map(str, lost))}, where points stand, can't be seen any more, or was deleted",
                fix="give the token read access to projects; to go on without this one run `okr-sync sync --full`",
            )
