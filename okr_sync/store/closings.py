"""How cycles ended: closings that freeze every score with a hash over their bytes, and reopenings; append-only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.cycles import Frozen, Sealed, sealed_off
from okr_sync.core.model import Cycle
from okr_sync.core.snapshot import Snapshot
from okr_sync.errors import StoreError, UsageError
from okr_sync.store import bodies
from okr_sync.store.statements import fetch, insert_one
from okr_sync.store.tables import ClosingRow, sql

Action: TypeAlias = Literal["closed", "reopened"]

CLOSINGS = sql(ClosingRow)
FORMAT = 1  # of the body; a reader of another format must not guess


@dataclass(frozen=True, slots=True)
class Closing:
    """A closing or reopening of a cycle by `author`; `note` is why.

    `body` is the canonical JSON text that was frozen and `sha256` the hash of its UTF-8 bytes in hex digits; both are
    None for a reopening.
    """

    id: int
    cycle: str
    action: Action
    at: datetime
    author: str
    note: str
    body: str | None
    sha256: str | None
    run: int


def close_cycle(  # noqa: PLR0917 -- in the order in which one says it
    session: Session, run_id: int, cycle: Cycle, snapshot: Snapshot, author: str, note: str = ""
) -> Closing:
    """Freeze the cycle's states of `snapshot` and return the closing. Raises UsageError when it is closed already."""
    sealed = in_force(session).get(cycle.id)
    if sealed is not None:
        raise UsageError(
            f"cycle {cycle.id} was closed {sealed.at:%Y-%m-%d %H:%M} UTC by {sealed.author}; "
            f"`okr-sync reopen {cycle.id} --reason …` opens it again"
        )
    body = _body(run_id, cycle, snapshot, author, note)
    digest = hashlib.sha256(body.encode()).hexdigest()
    return _append(session, cycle.id, "closed", snapshot.at, author, note, body=body, sha256=digest, run_id=run_id)


def reopen_cycle(  # noqa: PLR0917 -- in the order in which one says it
    session: Session, run_id: int, cycle: str, at: datetime, author: str, reason: str
) -> Closing:
    """Note that the cycle is open again, and return that. Raises UsageError when it is not closed."""
    if cycle not in in_force(session):
        raise UsageError(f"cycle {cycle} is not closed; `okr-sync cycles` lists those that are")
    return _append(session, cycle, "reopened", at, author, reason, body=None, sha256=None, run_id=run_id)


def closings(session: Session, cycle: str | None = None) -> tuple[Closing, ...]:
    """Return all closings and reopenings (None: of every cycle), oldest first."""
    statement = select(CLOSINGS).order_by(CLOSINGS.c.id)
    found = fetch(session, statement if cycle is None else statement.where(CLOSINGS.c.cycle == cycle))
    names = ("id", "cycle", "action", "at", "author", "note", "body", "sha256")
    return tuple(Closing(run=row["run_id"], **{name: row[name] for name in names}) for row in found)


def newest(session: Session) -> dict[str, Closing]:
    """Return cycle → its newest closing or reopening, for each that was ever closed."""
    return {each.cycle: each for each in closings(session)}


def in_force(session: Session) -> dict[str, Closing]:
    """Return cycle → its closing, for each that is closed now."""
    return {cycle: each for cycle, each in newest(session).items() if each.action == "closed"}


def frozen_cycles(ends: Mapping[str, Closing]) -> tuple[Frozen, ...]:
    """Return what each closed cycle of `ends` (as by `newest`) froze. Raises StoreError when one was changed."""
    return tuple(_frozen(each) for each in ends.values() if each.action == "closed")


def sealed(closing: Closing) -> Sealed:
    """Return who closed it, when, and with which words."""
    return Sealed(closing.at, closing.author, closing.note)


def flaws(closing: Closing) -> tuple[str, ...]:
    """Return what shows that a stored closing is not as it was written: its hash, and its columns against its body."""
    if closing.body is None or closing.sha256 is None:
        return () if closing.action == "reopened" else ("it holds no snapshot",)
    digest = hashlib.sha256(closing.body.encode(errors="replace")).hexdigest()
    if digest != closing.sha256:
        return (f"its hash says {closing.sha256}, its bytes have {digest}",)
    said = _loaded(closing.body)
    row = {
        "cycle": closing.cycle,
        "at": bodies.instant(closing.at),
        "author": closing.author,
        "note": closing.note,
        "run": closing.run,
    }
    told = {**said, "cycle": said.get("cycle", {}).get("id")}
    return tuple(f"its {name} says {value!r}, its snapshot {told.get(name)!r}" for name, value in row.items()
                 if told.get(name) != value)  # fmt: skip


def _body(run_id: int, cycle: Cycle, snapshot: Snapshot, author: str, note: str) -> str:
    objectives, key_results = sealed_off(cycle.id, snapshot)
    mine = {state.id for state in key_results}
    work = [
        state for state in snapshot.initiatives if mine & set(state.key_results) or _rests_on(state.id, key_results)
    ]
    whole = {
        "format": FORMAT,
        "cycle": {
            "id": cycle.id,
            "first": cycle.first.isoformat(),
            "last": cycle.last.isoformat(),
            "start": bodies.instant(cycle.start),
            "end": bodies.instant(cycle.end),
        },
        "at": bodies.instant(snapshot.at),
        "author": _safe(author),
        "note": _safe(note),
        "run": run_id,
        "objectives": [bodies.OBJECTIVE.dump_python(state, mode="json") for state in objectives],
        "key_results": [bodies.KEY_RESULT.dump_python(state, mode="json") for state in key_results],
        "initiatives": [bodies.INITIATIVE.dump_python(state, mode="json") for state in work],
    }
    return json.dumps(whole, sort_keys=True, allow_nan=False, ensure_ascii=True, separators=(",", ":"))


def _rests_on(initiative: str, key_results: tuple[Any, ...]) -> bool:
    return any(each.subject == initiative for state in key_results for each in state.inputs)


def _safe(text: str) -> str:
    """Return the text as the database gives it back: half a surrogate pair is replaced."""
    return text.encode(errors="replace").decode()


def _append(  # noqa: PLR0917 -- in the order of the columns
    session: Session, cycle: str, action: Action, at: datetime, author: str, note: str, **frozen: Any
) -> Closing:
    row = {"cycle": cycle, "action": action, "at": at, "author": author, "note": note, **frozen}
    insert_one(session, CLOSINGS, row)
    return closings(session, cycle)[-1]


def _frozen(closing: Closing) -> Frozen:
    wrong = flaws(closing)
    if wrong or closing.body is None:
        raise StoreError(
            f"The closing of cycle {closing.cycle} was changed in the store: {'; '.join(wrong)}. Restore the store "
            "from a backup."
        )
    said = _loaded(closing.body)
    return Frozen(
        closing.cycle,
        f"cycle {closing.cycle} is closed",
        tuple(bodies.OBJECTIVE.validate_python(each) for each in _of_json(said, "objectives")),
        tuple(bodies.KEY_RESULT.validate_python(each) for each in _of_json(said, "key_results")),
        sealed(closing),
    )


def _of_json(said: Mapping[str, Any], part: str) -> list[Any]:
    found: list[Any] = said[part]
    return found


def _loaded(body: str) -> dict[str, Any]:
    said = json.loads(body)
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise StoreError("A closing in this store has a format that this okr-sync does not know; use a newer one.")
    return said
