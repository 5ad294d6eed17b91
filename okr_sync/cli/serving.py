"""What a worker shows of itself while it works: three pages on a small port, and signs of life for systemd."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from okr_sync.cli.place import current_time
from okr_sync.errors import UsageError
from okr_sync.outside import Notifier, Outside, serve_outside
from okr_sync.outside.health import Health
from okr_sync.outside.serving import LOOPBACK, PORT
from okr_sync.schedule import Engine, Worker
from okr_sync.schedule.engine import Tell
from okr_sync.schedule.worker import next_slot

BEAT = 5.0  # seconds between two words to systemd where no watchdog asks for more


@Parameter(name="*")
@dataclass(frozen=True)
class Pages:
    """Options of the pages that a worker serves."""

    outside_port: Annotated[
        int | None,
        Parameter(validator=Number(gte=0, lte=65_535), help="Serve /healthz, /readyz, /metrics there; 0: nowhere."),
    ] = None
    outside_host: Annotated[str, Parameter(help="The address to listen at.")] = LOOPBACK
    public: Annotated[bool, Parameter(negative="", help="Let other machines ask, too; nobody is asked who.")] = False


@contextmanager
def seen_from_outside(
    pages: Pages, store_url: str, engine: Engine, worker: Worker, tell: Tell
) -> Iterator[Callable[[], None]]:
    """Serve the pages while this lasts, and give what is to be called several times a second."""
    with _served(pages, store_url, engine, worker, tell) as outside:
        health = outside.health if outside else Health(store_url, worker.pulse.loops())
        notifier = Notifier.of(os.environ)
        notifier.ready(_status(worker))
        try:
            yield _ticking(notifier, health, worker)
        finally:
            notifier.stopping()


@contextmanager
def _served(pages: Pages, store_url: str, engine: Engine, worker: Worker, tell: Tell) -> Iterator[Outside | None]:
    if pages.outside_port == 0:
        yield None
        return
    port = PORT if pages.outside_port is None else pages.outside_port
    try:
        outside = serve_outside(
            store_url,
            current_time,
            port=port,
            host=pages.outside_host,
            public=pages.public,
            loops=worker.pulse.loops(),
            queues={"wakes": engine.waiting},
            notes=lambda: _notes(worker),
        )
    except UsageError as error:
        if pages.outside_port is not None or pages.outside_host != LOOPBACK:
            raise
        tell(f"nothing is served from here: {str(error).partition(';')[0]}; --outside-port names another port, 0 none")
        yield None
        return
    with outside:
        tell(f"http://{outside.host}:{outside.port}/healthz, /readyz and /metrics say how it is")
        yield outside


def _notes(worker: Worker) -> tuple[str, ...]:
    if not worker.mistaken:
        return ()
    return ("the config has mistakes, and the last good one stays; `okr-sync check` shows them",)


def _ticking(notifier: Notifier, health: Health, worker: Worker) -> Callable[[], None]:
    """Return what tells systemd that all loops live, twice in its patience; it restarts what keeps silent."""
    pause, last = (notifier.watchdog / 2 if notifier.watchdog else BEAT), [0.0]

    def tick() -> None:
        if time.monotonic() - last[0] >= pause and not health.dead():
            notifier.alive(_status(worker))
            last[0] = time.monotonic()

    return tick


def _status(worker: Worker) -> str:
    doing = "a run is under way" if worker.busy else f"next slot {_instant(next_slot(worker.config, current_time()))}"
    return f"{doing}; {_notes(worker)[0]}" if worker.mistaken else doing


def _instant(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
