"""When the newest states were judged: all that commands which show no report want to know of one."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from okr_sync.store import results


def last_judged(session: Session) -> datetime | None:
    """Return the instant of the newest judgement; None when there was none."""
    return next((at for _, at in results.judging_runs(session, 1)), None)
