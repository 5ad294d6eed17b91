"""Two snapshots → what changed between them, field by field; and back: a snapshot and changes → the next snapshot.

What follows the clock or a mere re-reading (`as_of`, `expected`, `forecast`, `inputs`, the snapshot's `at`, and the
sentence beside a known status), and the hash of what is asked, is volatile: it never makes a change by itself, but
comes along with one. The sentence
of what is unknown is not volatile: it is all there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar

from okr_sync.core.numbers import show, show_instant, show_share
from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState, Snapshot

__all__ = [
    "Change",
    "FieldChange",
    "Mark",
    "State",
    "Subject",
    "apply",
    "changes",
    "describe",
    "mark",
    "without_volatile",
]

Mark: TypeAlias = Literal["+", "~", "-", "="]
Subject: TypeAlias = Literal["objective", "key_result", "initiative"]
State: TypeAlias = ObjectiveState | KeyResultState | InitiativeState
AnyState = TypeVar("AnyState", ObjectiveState, KeyResultState, InitiativeState)

VOLATILE = frozenset({"as_of", "expected", "forecast", "inputs", "question"})
QUIET = frozenset(
    {"captured", "coverage", "formula", "policy", "score", "shared", "title", "weight_done", "weight_total"}
)
"""Fields that a line names only when nothing else changed."""

SHARES = frozenset({"progress", "score", "coverage"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; `position` is the place among its like in the snapshot, from 0."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One state that came (+), changed (~) or went (-).

    `before` is None for what came, `after` for what went; `position` is its place in the new snapshot, from 0, and -1
    for what went.
    """

    mark: Mark
    subject: Subject
    id: str
    fields: tuple[FieldChange, ...] = ()
    before: State | None = None
    after: State | None = None
    position: int = -1


def changes(before: Snapshot | None, after: Snapshot) -> tuple[Change, ...]:
    """Return what differs, volatile fields aside: objectives, key results, initiatives, each in the new order.

    What went comes first among its like. Without `before` everything came.
    """
    old = Snapshot(at=after.at) if before is None else before
    return (
        *_compare("objective", old.objectives, after.objectives),
        *_compare("key_result", old.key_results, after.key_results),
        *_compare("initiative", old.initiatives, after.initiatives),
    )


def apply(before: Snapshot, made: Iterable[Change]) -> Snapshot:
    """Return `before` with the changes made: `apply(a, changes(a, b))` is b, volatile fields aside."""
    every = tuple(made)
    return replace(
        before,
        objectives=_apply(before.objectives, [change for change in every if change.subject == "objective"]),
        key_results=_apply(before.key_results, [change for change in every if change.subject == "key_result"]),
        initiatives=_apply(before.initiatives, [change for change in every if change.subject == "initiative"]),
    )


def mark(made: Iterable[Change], subject: Subject, id: str) -> Mark:  # noqa: A002 -- as in Change
    """Return how one state fared: "+", "~", "-", or "=" when no change names it."""
    marks = (change.mark for change in made if (change.subject, change.id) == (subject, id))
    return next(marks, "=")


def describe(change: Change) -> str:
    """Return one line: "~ nps  progress 0.40 → 0.55, status at_risk → on_track"."""
    if change.mark == "~":
        loud = [field for field in change.fields if field.name not in QUIET]
        said = ", ".join(map(_say_change, loud or change.fields))
    else:
        said = _introduce(change.after or change.before)
    return f"{change.mark} {change.id}  {said}"


def without_volatile(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with volatile fields emptied, so that equal means: no change; `at` becomes the year 1."""
    return Snapshot(
        at=datetime.min.replace(tzinfo=snapshot.at.tzinfo),
        objectives=tuple(replace(state, reason=_lasting_reason(state)) for state in snapshot.objectives),
        key_results=tuple(
            replace(
                state, reason=_lasting_reason(state), as_of=None, expected=None, forecast=None, inputs=(), question=""
            )
            for state in snapshot.key_results
        ),
        initiatives=tuple(
            replace(state, reason=_lasting_reason(state), as_of=None, forecast=None, inputs=(), question="")
            for state in snapshot.initiatives
        ),
    )


def _compare(subject: Subject, before: Sequence[AnyState], after: Sequence[AnyState]) -> list[Change]:
    old = {state.id: state for state in before}
    new = {state.id: state for state in after}
    moved = _moved([name for name in old if name in new], [name for name in new if name in old])
    made = [Change("-", subject, name, before=state) for name, state in old.items() if name not in new]
    for position, state in enumerate(after):
        earlier = _hide(old.get(state.id), state)
        if earlier is None:
            made.append(Change("+", subject, state.id, after=state, position=position))
            continue
        differing = _fields(earlier, state)
        if state.id in moved:
            differing.append(FieldChange("position", list(old).index(state.id), position))
        if differing:
            made.append(Change("~", subject, state.id, tuple(differing), earlier, state, position))
    return made


def _hide(earlier: Any, state: State) -> Any:
    """Return the earlier state, without its numbers where the present one is the first that is withheld."""
    if not isinstance(state, KeyResultState) or not state.withheld or earlier is None or earlier.withheld:
        return earlier
    blank = replace(earlier, value=None, baseline=None, target=None, progress=None, score=None)
    return replace(blank, formula="", captured=(), bounds=None, inputs=(), forecast=None, reason="", override=None)


def _moved(before: Sequence[str], after: Sequence[str]) -> frozenset[str]:
    """Return what stands elsewhere among the same names."""
    return frozenset(b for a, b in zip(before, after, strict=True) if a != b)


def _fields(before: State, after: State) -> list[FieldChange]:
    differing = []
    for field in fields(after):
        old, new = _lasting(before, field.name), _lasting(after, field.name)
        if field.name not in VOLATILE and old != new:
            differing.append(FieldChange(field.name, old, new))
    return differing


def _lasting(state: State, name: str) -> Any:
    return _lasting_reason(state) if name == "reason" else getattr(state, name)


def _lasting_reason(state: State) -> str:
    status = state.state if isinstance(state, InitiativeState) else state.status
    return state.reason if status == "unknown" else ""


def _apply(before: Sequence[AnyState], made: Sequence[Change]) -> tuple[Any, ...]:
    placed = {change.id for change in made if change.mark != "~" or _is_moved(change)}
    changed = {change.id: change.after for change in made if change.mark == "~"}
    kept = [changed.get(state.id, state) for state in before if state.id not in placed]
    coming = [change for change in made if change.id in placed and change.after is not None]
    for change in sorted(coming, key=lambda change: change.position):
        kept.insert(change.position, change.after)
    return tuple(kept)


def _is_moved(change: Change) -> bool:
    return any(field.name == "position" for field in change.fields)


def _introduce(state: State | None) -> str:
    if isinstance(state, InitiativeState):
        return f"initiative, progress {_say_share(state.progress)}, {state.state}"
    if isinstance(state, KeyResultState | ObjectiveState):
        noun = "key result" if isinstance(state, KeyResultState) else "objective"
        return f"{noun}, progress {_say_share(state.progress)}, status {state.status}"
    return ""


def _say_change(field: FieldChange) -> str:
    say = _say_share if field.name in SHARES else _say
    return f"{field.name} {say(field.before)} → {say(field.after)}"


def _say_share(share: float | None) -> str:
    return "unknown" if share is None else show_share(share)


def _say(value: Any) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return show(value)
        case datetime():
            return show_instant(value)
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value) or "none"
