"""Troubles and the notices about them: decided from what the store holds, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import uuid4

from sqlalchemy import Select, and_, func, or_, select
from sqlmodel import Session

from okr_sync.core.alerting import Kind, Lapse, Notice, Subject, Trouble, decide, next_try
from okr_sync.core.facts import SourceState
from okr_sync.store.housekeeping import failing
from okr_sync.store.slots import ATTEMPTS, ENDED, OVERLAP
from okr_sync.store.sources import source_states
from okr_sync.store.statements import Row, change_all, fetch, fetch_one, insert_all
from okr_sync.store.tables import OutboxRow, Run, RunSource, SlotRow, TroubleRow, sql

__all__ = [
    "Letter",
    "Watching",
    "claim_letter",
    "decided",
    "enqueue",
    "give_up",
    "has_letters",
    "letters",
    "settle",
    "troubles",
    "watch",
]

TROUBLES, OUTBOX = sql(TroubleRow), sql(OutboxRow)
RUNS, SOURCES, SLOTS = sql(Run), sql(RunSource), sql(SlotRow)
BROKEN_OFF = ("interrupted", "fenced")

LetterState: TypeAlias = Literal["waiting", "sent", "given_up"]


@dataclass(frozen=True, slots=True)
class Watching:
    """What is watched, and who is told: names of channels, schedules of the config, failures in a row that are many."""

    channels: tuple[str, ...] = ()
    schedules: frozenset[str] = frozenset()
    failures: int = 3


NOBODY = Watching()


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice for one channel. `key` tells it from all others; `tries` counts those begun, `try_at` is the next."""

    id: int
    key: str
    channel: str
    notice: Notice
    state: LetterState
    tries: int
    try_at: datetime
    ended_at: datetime | None
    error: str | None


def watch(session: Session, watching: Watching, now: datetime) -> tuple[Notice, ...]:
    """Raise and resolve what has to be at `now`, and put a letter for each channel into the outbox; return the notices.

    Without channels nothing is watched. Call it in the transaction that writes what may be a cause.
    """
    found = decided(session, watching, now)
    for each in found:
        _note(session, each)
    enqueue(session, found, watching.channels)
    return found


def decided(session: Session, watching: Watching, now: datetime) -> tuple[Notice, ...]:
    """Return what `watch` would tell at `now`; nothing is written."""
    if not watching.channels:
        return ()
    states = source_states(session, now)
    sources = {name: (state, _failures(session, state, watching.failures)) for name, state in states.items()}
    lapses = {name: _lapse(session, name) for name in watching.schedules}
    return decide(troubles(session), sources, lapses, now, watching.failures, untidy=failing(session, now))


def troubles(session: Session) -> dict[Subject, Trouble]:
    """Return what is open, by its subject."""
    found = fetch(session, select(TROUBLES).where(TROUBLES.c.resolved_at.is_(None)).order_by(TROUBLES.c.id))
    return {
        (row["kind"], row["subject"]): Trouble(row["kind"], row["subject"], row["since"], row["reason"])
        for row in found
    }


def enqueue(session: Session, notices: Iterable[Notice], channels: Iterable[str]) -> int:
    """Put a letter for each notice and channel into the outbox; return how many."""
    rows = [
        {
            "key": str(uuid4()),
            "channel": channel,
            **{name: getattr(notice, name) for name in ("event", "kind", "subject", "at", "since", "reason")},
            "state": "waiting",
            "tries": 0,
            "try_at": notice.at,
            "ended_at": None,
            "error": None,
        }
        for notice in notices
        for channel in channels
    ]
    return insert_all(session, OUTBOX, rows)


def letters(
    session: Session, *, state: LetterState | None = None, since: datetime | None = None, limit: int = 50
) -> list[Letter]:
    """Return the newest letters, newest first; of one state, and ended at or after `since`, where that is said."""
    statement = select(OUTBOX).order_by(OUTBOX.c.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(OUTBOX.c.state == state)
    if since is not None:
        statement = statement.where(OUTBOX.c.ended_at >= since)
    return [_letter(row) for row in fetch(session, statement)]


def counted(session: Session) -> dict[str, int]:
    """Return state → number of letters."""
    statement = select(OUTBOX.c.state, func.count().label("number")).group_by(OUTBOX.c.state).order_by(OUTBOX.c.state)
    return {row["state"]: row["number"] for row in fetch(session, statement)}


def has_letters(session: Session, now: datetime) -> bool:
    """Return whether `claim_letter` may find one at `now`; asked first, since only writers make others wait."""
    return fetch_one(session, _heads(now)) is not None


def claim_letter(session: Session, now: datetime, lease: timedelta) -> Letter | None:
    """Return the oldest letter that may be sent at `now`, and keep all others from it for `lease`; None: there is none.

    Letters of a channel leave in their order: one that waits for its next try holds up those behind it.
    """
    row = fetch_one(session, _heads(now))
    if row is None:
        return None
    claimed = {"id": row["id"], "tries": row["tries"] + 1, "try_at": now + lease}
    change_all(session, OUTBOX, [claimed], key=("id",))
    return _letter({**row, **claimed})


def settle(
    session: Session, letter: Letter, now: datetime, error: str | None = None, wish: timedelta | None = None
) -> Letter:
    """Write down how a try ended and return the letter as it is now: sent without an `error`, else tried again.

    `wish`: not before so long. A day after its first instant it is given up.
    """
    if error is None:
        return _end(session, replace(letter, state="sent", ended_at=now, error=None))
    following = next_try(letter.notice.at, letter.tries, now + (wish or timedelta()))
    if following is None:
        return _end(session, replace(letter, state="given_up", ended_at=now, error=error))
    return _end(session, replace(letter, try_at=following, error=error))


def give_up(session: Session, letter: Letter, now: datetime, why: str) -> Letter:
    """End a letter that can't ever be sent; return it as it is now."""
    return _end(session, replace(letter, state="given_up", ended_at=now, error=why))


def _heads(now: datetime) -> Select[Any]:
    """Return the statement for the oldest letter of any channel that may be sent at `now`, the oldest of all first."""
    heads = select(func.min(OUTBOX.c.id)).where(OUTBOX.c.state == "waiting").group_by(OUTBOX.c.channel)
    return select(OUTBOX).where(OUTBOX.c.id.in_(heads), OUTBOX.c.try_at <= now).order_by(OUTBOX.c.id).limit(1)


def _end(session: Session, letter: Letter) -> Letter:
    row = {name: getattr(letter, name) for name in ("id", "state", "try_at", "ended_at", "error")}
    change_all(session, OUTBOX, [row], key=("id",))
    return letter


def _note(session: Session, notice: Notice) -> None:
    if notice.event == "raised":
        row = {"kind": notice.kind, "subject": notice.subject, "since": notice.since, "reason": notice.reason}
        insert_all(session, TROUBLES, [{**row, "resolved_at": None}])
        return
    key = {"kind": notice.kind, "subject": notice.subject, "since": notice.since}
    change_all(session, TROUBLES, [{**key, "resolved_at": notice.at}], key=("kind", "subject", "since"))


def _failures(session: Session, state: SourceState, most: int) -> int:
    """Return how often the source failed in a row when it was last asked; counted no further than `most`."""
    if state.error is None:
        return 0
    newest = select(SOURCES.c.outcome).where(SOURCES.c.source == state.name).order_by(SOURCES.c.run_id.desc())
    outcomes = [row["outcome"] for row in fetch(session, newest.limit(most))]
    return next((number for number, each in enumerate(outcomes) if each != "failed"), len(outcomes))


def _lapse(session: Session, schedule: str) -> Lapse | None:
    """Return the slots that came to nothing since the last one whose run ended by itself; None when there are none.

    One that was skipped since another run was under way is neither a failure nor a recovery.
    """
    done = fetch_one(session, _slots(schedule).where(RUNS.c.outcome.in_(ENDED)).order_by(SLOTS.c.due.desc()).limit(1))
    tried_enough = and_(RUNS.c.outcome.in_(BROKEN_OFF), SLOTS.c.attempts >= ATTEMPTS)
    nobody_came = and_(RUNS.c.outcome == "missed", RUNS.c.trigger != OVERLAP)
    lost = _slots(schedule).where(or_(nobody_came, tried_enough))
    if done is not None:
        lost = lost.where(SLOTS.c.due > done["due"])
    last = fetch_one(session, lost.order_by(SLOTS.c.due.desc()).limit(1))
    if last is None:
        return None
    of = lost.subquery()
    columns = (func.count().label("slots"), func.min(of.c.due).label("first"))
    found = fetch(session, select(*columns).select_from(of))[0]
    return Lapse(found["slots"], found["first"], last["due"], last["summary"])


def _slots(schedule: str) -> Select[Any]:
    joined = SLOTS.join(RUNS, RUNS.c.id == SLOTS.c.run_id)
    return select(SLOTS.c.due, RUNS.c.summary).select_from(joined).where(SLOTS.c.schedule == schedule)


def _letter(row: Row | Mapping[str, Any]) -> Letter:
    kind: Kind = row["kind"]
    notice = Notice(row["event"], kind, row["subject"], row["at"], row["since"], row["reason"])
    words = {name: row[name] for name in ("id", "key", "channel", "state", "tries", "try_at", "ended_at", "error")}
    return Letter(notice=notice, **words)
