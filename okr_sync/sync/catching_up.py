"""Puts a run behind what other runs judged while it asked its sources: what is judged last is the newest."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from okr_sync.core.snapshot import Snapshot
from okr_sync.store import results, untimely

__all__ = ["catch_up"]


def catch_up(
    session: Session, before: Snapshot | None, began: datetime, now: datetime
) -> tuple[datetime, Snapshot | None]:
    """Return the instant that a run is to judge and what was judged before it, for one that `began` with `before`.

    What a clock that was ahead judged is taken back first: nothing would be behind it for as long as that was.
    """
    judged = results.judged_at(session)
    if judged is None or (before is not None and before.at == judged and not untimely.is_untimely(judged, now)):
        return began, before
    if untimely.is_untimely(judged, now):
        untimely.take_back(session, now)
    newest = results.saved_snapshot(session)
    return (now if newest is None else max(now, newest.at + timedelta(microseconds=1))), newest
