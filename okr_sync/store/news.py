"""What came into the store since a mark with a valid time before an instant: late, corrected and withdrawn data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session

from okr_sync.store.statements import fetch
from okr_sync.store.tables import MembershipRow, Observation, ScopeRow, TransitionRow, sql

OBSERVATIONS, TRANSITIONS, MEMBERSHIPS, SCOPES = sql(Observation), sql(TransitionRow), sql(MembershipRow), sql(ScopeRow)
REACH = select(*(select(func.max(each.c.id)).scalar_subquery() for each in (OBSERVATIONS, TRANSITIONS, MEMBERSHIPS)))


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the store reached: the newest row of each table, and when it was last judged (None: never)."""

    observation: int
    transition: int
    membership: int
    judged: datetime | None


def mark(session: Session, judged: datetime | None) -> Mark:
    """Return how far the store reaches now."""
    observation, transition, membership = (newest or 0 for newest in session.connection().execute(REACH).one())
    return Mark(observation, transition, membership, judged)


def late_readings(session: Session, since: Mark) -> dict[str, datetime]:
    """Return metric → the earliest valid time before the last judgement that was said, corrected or taken back."""
    if since.judged is None:
        return {}
    wanted = (OBSERVATIONS.c.id > since.observation, OBSERVATIONS.c.valid_time <= since.judged)
    first = func.min(OBSERVATIONS.c.valid_time).label("first")
    found = fetch(session, select(OBSERVATIONS.c.metric, first).where(*wanted).group_by(OBSERVATIONS.c.metric))
    return {row["metric"]: row["first"] for row in found}


def late_work(session: Session, since: Mark) -> dict[str, datetime]:
    """Return scope ref → the earliest instant before the last judgement at which something changed in its items.

    Only what was in it already when it was last judged counts: what joins a scope now, with a past of its own, belongs
    to it from now on.
    """
    if since.judged is None:
        return {}
    wanted = (TRANSITIONS.c.id > since.transition, TRANSITIONS.c.at <= since.judged)
    same = (MEMBERSHIPS.c.source == TRANSITIONS.c.source, MEMBERSHIPS.c.item == TRANSITIONS.c.item)
    first = func.min(TRANSITIONS.c.at).label("first")
    places = select(MEMBERSHIPS.c.source, MEMBERSHIPS.c.container, first).where(*wanted, *same)
    places = places.where(MEMBERSHIPS.c.id <= since.membership).group_by(MEMBERSHIPS.c.source, MEMBERSHIPS.c.container)
    moved = {(row["source"], row["container"]): row["first"] for row in fetch(session, places)}
    if not moved:
        return {}
    found: dict[str, datetime] = {}
    for scope in fetch(session, select(SCOPES)):
        times = [
            moved[place] for name in json.loads(scope["containers"]) if (place := (scope["source"], name)) in moved
        ]
        found |= {scope["ref"]: min(times)} if times else {}
    return found
