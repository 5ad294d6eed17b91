"""`watch`: what a service looks like from outside, on a small port of its own."""

from __future__ import annotations

import os
import signal
from threading import Event
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, flush, say
from okr_sync.cli.place import Json, Place, current_time
from okr_sync.cli.stores import address
from okr_sync.garbage import usually_collected
from okr_sync.outside import Notifier, Outside, serve_outside
from okr_sync.outside.serving import LOOPBACK, PORT

BEAT = 10.0  # seconds between two looks at the own health where no watchdog asks for more


def watch(
    *,
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65_535), help="0: any free one.")] = PORT,
    host: Annotated[str, Parameter(help="The address to listen at.")] = LOOPBACK,
    public: Annotated[bool, Parameter(negative="", help="Let other machines ask, too; nobody is asked who.")] = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Serve /healthz, /readyz and /metrics from the store until it is told to end.

    Example: okr-sync watch --port 9464
    """
    usually_collected()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    notifier = Notifier.of(os.environ)
    with serve_outside(address(place), current_time, port=port, host=host, public=public) as outside:
        where = f"http://{f'[{outside.host}]' if ':' in outside.host else outside.host}:{outside.port}"
        if json:
            emit({"address": where})
        else:
            say(f"{where}/healthz, /readyz and /metrics; Ctrl-C ends it")
        flush()
        notifier.ready()
        _beat_until(stop, notifier, outside)
    return DONE


def _beat_until(stop: Event, notifier: Notifier, outside: Outside) -> None:
    """Tell systemd twice in its patience that all is well; it restarts what keeps silent."""
    pause = notifier.watchdog / 2 if notifier.watchdog else BEAT
    while not stop.wait(pause):
        if not outside.health.dead():
            notifier.alive()
    notifier.stopping()
