"""Versions of definitions as text and as JSON: what changed, when, by whom, and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from okr_sync.core.numbers import show
from okr_sync.core.revisions import Edit, Plain, Revision
from okr_sync.render import words
from okr_sync.render.words import clean, status_word

LONGEST = 120  # characters of a value in text; JSON has the whole
NEVER = "the first version"
BENEATH = "what it rests on changed"


def render_revisions(revisions: Iterable[Revision]) -> str:
    """Return each version as a line of who and when, followed by a line a difference."""
    return "\n".join(line for each in revisions for line in _lines(each)) + "\n"


def revision_line(revision: Revision) -> str:
    """Return the version in one line: "target 51 → 55 on 2026-11-10 by Ana, because: Raise the target"."""
    said = "; ".join(map(edit_words, revision.edits))
    return f"{said} on {words.day(revision.since)} by {clean(revision.author)}{_because(revision)}"


def edit_words(edit: Edit) -> str:
    """Return one difference ("target 51 → 55"); what was not given reads "none"."""
    return f"{status_word(clean(edit.field))} {_value(edit.before)} → {_value(edit.after)}"


def revisions_document(name: str, revisions: Iterable[Revision]) -> dict[str, Any]:
    """Return the versions as JSON, values as they were stored."""
    return {"id": name, "versions": [revision_document(each) for each in revisions]}


def revision_document(revision: Revision) -> dict[str, Any]:
    """Return one version as JSON."""
    return {
        "kind": revision.kind,
        "id": revision.id,
        "version": revision.version,
        "since": _instant(revision.since),
        "until": None if revision.until is None else _instant(revision.until),
        "author": revision.author,
        "reason": revision.reason,
        "changes": [{"field": each.field, "before": each.before, "after": each.after} for each in revision.edits],
    }


def _lines(revision: Revision) -> list[str]:
    what = f"{status_word(revision.kind)} {clean(revision.id)}, version {revision.version}"
    head = f"{words.moment(revision.since)}  {what}, by {clean(revision.author)}{_because(revision)}"
    nothing = NEVER if revision.version == 1 else BENEATH
    return [head, *(f"  {line}" for line in [edit_words(each) for each in revision.edits] or [nothing])]


def _because(revision: Revision) -> str:
    return f", because: {clean(revision.reason)}" if revision.reason else ""


def _value(value: Plain) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = clean(value) if isinstance(value, str) else show(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
