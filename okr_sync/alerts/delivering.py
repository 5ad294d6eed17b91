"""Sends what waits in the outbox, each letter once as far as a network lets anybody know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from okr_sync.alerts.sending import Refused, post
from okr_sync.alerts.wording import worded
from okr_sync.config.alerting import Alerts
from okr_sync.store.alerts import Letter, claim_letter, give_up, has_letters, settle
from okr_sync.store.database import Store

__all__ = ["HEADER", "Post", "deliver"]

HEADER = "Idempotency-Key"
LEASE = timedelta(minutes=2)  # longer than a letter may take; who dies in between leaves it to the next one

NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class Post:
    """A place where letters are sent from: the store with the outbox, and what time it is."""

    store: Store
    clock: Callable[[], datetime]
    stop: threading.Event = NEVER
    """No letter is begun once it is set."""


def deliver(office: Post, alerts: Alerts, seconds: float | None = None) -> tuple[Letter, ...]:
    """Send all that is due and return it as it is now: sent, waiting for its next try, or given up.

    After `seconds` nothing more is begun. A channel that refuses holds up its own letters only. Raises StoreError.
    """
    end = None if seconds is None else office.clock() + timedelta(seconds=seconds)
    return tuple(_one(office, alerts, letter) for letter in _claimed(office, end))


def _claimed(office: Post, end: datetime | None) -> Iterator[Letter]:
    while not office.stop.is_set():
        now = office.clock()
        with office.store.reading() as session:
            if (end is not None and now >= end) or not has_letters(session, now):
                return
        with office.store.writing() as session:
            letter = claim_letter(session, now, LEASE)
        if letter is None:
            return  # another process was quicker
        yield letter


def _one(office: Post, alerts: Alerts, letter: Letter) -> Letter:
    channel = alerts.channels.get(letter.channel)
    if channel is None:
        with office.store.writing() as session:
            return give_up(session, letter, office.clock(), "this channel is not in the config any more")
    error, wish = None, None
    try:
        post(channel.url, alerts, worded(letter.notice, channel.kind, letter.key), {HEADER: letter.key})
    except Refused as refused:
        error, wish = str(refused), refused.wish
    with office.store.writing() as session:
        return settle(session, letter, office.clock(), error, wish)
