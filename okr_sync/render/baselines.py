"""Captured baselines as plain text: every version, who took it, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from okr_sync.core.facts import Baseline
from okr_sync.render import words
from okr_sync.render.words import clean


class BaselineRecord(Protocol):
    """One capture of a baseline."""

    @property
    def version(self) -> int: ...  # noqa: D102 -- as in the store
    @property
    def baseline(self) -> Baseline: ...  # noqa: D102
    @property
    def author(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def run(self) -> int: ...  # noqa: D102


def render_baselines(key_result: str, found: Sequence[BaselineRecord]) -> str:
    """Return the captured baselines as lines of text, in the given order; the newest of each subject counts."""
    if not found:
        return f"no baseline was captured for {clean(key_result)}: its config says the number, or it is awaited"
    return "\n".join(line for each in found for line in _lines(each))


def _lines(each: BaselineRecord) -> list[str]:
    said = each.baseline
    by = f"by {clean(each.author)} in run {each.run}" + (f": {clean(each.reason)}" if each.reason else "")
    return [
        f"{clean(said.subject)}, version {each.version}: {words.baseline_origin(said, '')} {by}",
        f"  asked: {clean(said.question)}",
    ]
