"""Cycles, closings and their verification as text and as documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from okr_sync.core.cycles import CycleState
from okr_sync.render import words
from okr_sync.render.words import clean


class ClosingRecord(Protocol):
    """A closing or a reopening of a cycle."""

    @property
    def cycle(self) -> str: ...  # noqa: D102 -- as in the store
    @property
    def action(self) -> str: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def author(self) -> str: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str | None: ...  # noqa: D102
    @property
    def run(self) -> int: ...  # noqa: D102


def render_cycles(states: Iterable[CycleState], trail: Sequence[ClosingRecord]) -> str:
    """Return a line a cycle, and below it one a closing or reopening, oldest first."""
    lines: list[str] = []
    for state in states:
        lines.append(f"{clean(state.id)}: {words.cycle_words(state)}")
        lines += [f"  {_trail_line(each)}" for each in trail if each.cycle == state.id]
    return "\n".join(lines) or "no cycle yet; the first `okr-sync sync` writes those of the config"


def render_verification(found: Iterable[tuple[ClosingRecord, Sequence[str]]]) -> str:
    """Return a line a closing: intact, or what is wrong with it."""
    return "\n".join(
        f"{clean(each.cycle)}, closed {words.moment(each.at)}: "
        + (f"changed in the store: {clean('; '.join(flaws))}" if flaws else f"intact, sha256 {each.sha256}")
        for each, flaws in found
    )


def cycle_document(state: CycleState) -> dict[str, Any]:
    """Return one cycle; days are local and inclusive."""
    sealed = state.sealed
    return {
        "id": state.id,
        "state": state.state,
        "first": state.first.isoformat(),
        "last": state.last.isoformat(),
        "late_until": _instant(state.late_until),
        "closed_at": _instant(sealed.at if sealed else None),
        "closed_by": sealed.author if sealed else None,
        "reason": state.reason,
    }


def cycles_document(states: Iterable[CycleState], trail: Sequence[ClosingRecord]) -> dict[str, Any]:
    """Return every cycle with its closings and reopenings, oldest first."""
    return {
        "cycles": [
            {**cycle_document(state), "trail": [closing_document(each) for each in trail if each.cycle == state.id]}
            for state in states
        ]
    }


def closing_document(made: ClosingRecord) -> dict[str, Any]:
    """Return one closing or reopening."""
    return {
        "cycle": made.cycle,
        "action": made.action,
        "at": _instant(made.at),
        "author": made.author,
        "note": made.note,
        "sha256": made.sha256,
        "run": made.run,
    }


def verification_document(found: Iterable[tuple[ClosingRecord, Sequence[str]]]) -> dict[str, Any]:
    """Return whether all closings are intact, and each with its flaws."""
    rows = [{**closing_document(each), "intact": not flaws, "flaws": list(flaws)} for each, flaws in found]
    return {"intact": all(row["intact"] for row in rows), "closings": rows}


def _trail_line(each: ClosingRecord) -> str:
    note = f": {clean(each.note)}" if each.note else ""
    digest = f" (sha256 {each.sha256})" if each.sha256 else ""
    return f"{each.action} {words.moment(each.at)} by {clean(each.author)}{note}{digest}"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
