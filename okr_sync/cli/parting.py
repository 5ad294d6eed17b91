"""What a command that does a run by itself tells others: its start, its end, and the alerts that it raised."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from okr_sync.alerts import Pinger, deliver
from okr_sync.alerts.delivering import Post
from okr_sync.cli.place import current_time
from okr_sync.config import Config
from okr_sync.errors import StoreError
from okr_sync.schedule import Signs
from okr_sync.store import ledger
from okr_sync.store.database import Store

LAST_WORDS = 5.0  # seconds for pings and letters that wait when a command ends


@contextmanager
def signed_off(config: Config, store: Store) -> Iterator[Callable[[int], None]]:
    """Give what is to be told the number of the run; at the end say how that ended, and send what waits.

    Nobody who is told can fail the run: what was not taken is logged, and letters wait for the next one.
    """
    pinger = Pinger(logging.getLogger("okr_sync").warning, str(config.file.absolute()))
    signs, begun = Signs(store, pinger), list[int]()

    def begins(run: int) -> None:
        begun.append(run)
        signs.start(config, run)

    try:
        yield begins
    finally:
        try:
            for run in begun:
                signs.end(config, run, _outcome(store, run))
            deliver(Post(store, current_time), config.alerts, LAST_WORDS)
        except StoreError as error:
            logging.getLogger("okr_sync").warning("alerts wait for the next run: %s", error)
        pinger.close(LAST_WORDS)


def _outcome(store: Store, run: int) -> str | None:
    with store.reading() as session:
        row = ledger.run(session, run)
    return None if row is None else row.outcome
