"""`work`, `up` and `run now`: runs in processes of their own, by schedule or at once."""

from __future__ import annotations

import json as documents
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from okr_sync.alerts import Pinger, deliver
from okr_sync.alerts.delivering import Post
from okr_sync.cli.exits import BY_OUTCOME, DONE, FAILED
from okr_sync.cli.output import emit, say
from okr_sync.cli.parting import LAST_WORDS
from okr_sync.cli.place import Json, Place, author_of_changes, current_time
from okr_sync.cli.serving import Pages, seen_from_outside
from okr_sync.cli.waiting import Wait, patience
from okr_sync.config import Config, load
from okr_sync.errors import ConfigError, Mistake
from okr_sync.garbage import usually_collected
from okr_sync.render.words import clean
from okr_sync.schedule import LastGood, Limits, Runner, Signs, Worker, engine_of, first_config
from okr_sync.schedule.engine import Tell
from okr_sync.schedule.forking import warmed
from okr_sync.schedule.limits import MIB
from okr_sync.schedule.obeying import until_stopped
from okr_sync.store.database import Store
from okr_sync.store.ledger import RunOutcome

HURRIED = 1.0  # seconds for them where the program is asked to end, and has ten for everything
Seconds = Annotated[float, Parameter(validator=Number(gt=0))]


@Parameter(name="*")
@dataclass(frozen=True)
class Bounds:
    """Options of all commands that do runs in processes of their own."""

    deadline: Annotated[
        Seconds | None, Parameter(help="End a run after so many seconds [default: the slowest source's and 2 min].")
    ] = None
    memory: Annotated[
        int, Parameter(validator=Number(gte=0), help="MiB of address space that a run may have; 0: any.")
    ] = 2048
    lease: Annotated[Seconds, Parameter(help="Seconds after which a run whose worker is silent counts as lost.")] = 60
    round: Annotated[Seconds, Parameter(help="Seconds between two looks at what was left behind.")] = 15

    def limits(self) -> Limits:
        """Return them as the worker takes them."""
        return Limits(
            lease=timedelta(seconds=self.lease),
            round=timedelta(seconds=self.round),
            deadline=None if self.deadline is None else timedelta(seconds=self.deadline),
            memory=self.memory * MIB,
        )


def work(
    *, place: Place | None = None, bounds: Bounds | None = None, pages: Pages | None = None, json: Json = False
) -> int:
    """Run the schedule until stopped: each slot once, each run in a process of its own, over all workers of a store."""
    usually_collected()
    place = place or Place()
    file = place.config_file()
    tell = _told_to_machines if json else _told_to_people
    found, mistakes = first_config(file, os.environ, place.store)
    config = _scheduled(found)
    pinger = Pinger(tell, str(file.absolute()))
    runner = warmed(_runner(config, place, bounds, tell, pinger), config)
    good = LastGood(runner.store, file, os.environ, current_time, tell)
    engine = engine_of(runner.store, runner.store_url, current_time, tell)
    worker = Worker(engine, runner, good.load, tell, config if mistakes else None)
    with _ending(runner.stop), seen_from_outside(pages or Pages(), runner.store_url, engine, worker, tell) as tick:
        tell(f"the worker begins: {', '.join(name or 'all other sources' for name in config.schedules)} by schedule")
        asked = worker.run(tick)
    pinger.close(HURRIED)
    tell("the worker ends")
    return DONE if asked else FAILED


def up(
    *, place: Place | None = None, bounds: Bounds | None = None, pages: Pages | None = None, json: Json = False
) -> int:
    """Run everything that this installation needs, in one process; it is what `work` does."""
    return work(place=place, bounds=bounds, pages=pages, json=json)


def run(
    when: Annotated[Literal["now"], Parameter(help="The only word there is.")],
    /,
    *,
    wait: Wait = False,
    place: Place | None = None,
    bounds: Bounds | None = None,
    json: Json = False,
) -> int:
    """Do a run of all sources at once, in a process of its own like those of the schedule."""
    file, tell = (place or Place()).config_file(), _told_to_nobody if json else _told_to_people
    config, pinger = load(file, os.environ), Pinger(tell, str(file.absolute()))
    runner = _runner(config, place, bounds, tell, pinger)
    waits = patience(wait, _until(runner.stop))

    def now() -> tuple[int, RunOutcome | None]:
        done = runner.run_now(config, waits)
        deliver(Post(runner.store, current_time, runner.stop), config.alerts, LAST_WORDS)
        return done

    with _ending(runner.stop):
        number, outcome = until_stopped(now, runner.stop)
    pinger.close(HURRIED if runner.stop.is_set() else LAST_WORDS)
    if json:
        emit({"run": number, "when": when, "outcome": outcome})
    return BY_OUTCOME.get(outcome or "", FAILED)


def _runner(config: Config, place: Place | None, bounds: Bounds | None, tell: Tell, pinger: Pinger) -> Runner:
    url = (place and place.store) or config.store_url
    limits, store = (bounds or Bounds()).limits(), Store.open(url)
    signs = Signs(store, pinger)
    return Runner(store, url, limits, current_time, author_of_changes(), tell, apart=not store.is_file, signs=signs)


def _scheduled(config: Config) -> Config:
    if not config.schedules:
        said = "there is no schedule to work by; write one, like `schedule: every 15 min`"
        raise ConfigError((Mistake(str(config.file), 1, 1, said),))
    return config


@contextmanager
def _ending(stop: threading.Event) -> Iterator[None]:
    """Set `stop` at SIGTERM and Ctrl-C while this lasts."""

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _until(stop: threading.Event) -> Callable[[float], None]:
    """Return a pause that ends the command when `stop` is set."""

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise KeyboardInterrupt

    return pause


def _told_to_people(text: str) -> None:
    say(f"{current_time():%Y-%m-%d %H:%M:%S} {text}")
    sys.stdout.flush()


def _told_to_machines(text: str) -> None:
    line = {"at": current_time().isoformat().replace("+00:00", "Z"), "said": clean(text)}
    sys.stdout.write(documents.dumps(line, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def _told_to_nobody(_text: str) -> None:
    """The document at the end says it."""
