"""Begins runs by a server that holds what they import: it forks one in milliseconds, and they share its memory.

The server is multiprocessing's; it has no thread, no connection and no task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing import forkserver, get_all_start_methods, get_context, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any

from okr_sync.config import Config
from okr_sync.registry import THROUGH, installed
from okr_sync.schedule.engine import Tell
from okr_sync.schedule.forked import begin, not_asked_to_end
from okr_sync.schedule.orphans import pack, started_cold
from okr_sync.schedule.runner import Runner

__all__ = ["WARM", "WarmStart", "connectors_of", "warmed"]

WARM = "okr_sync.schedule.warm"
OURS = "okr-sync"  # the distribution whose connectors may be held: those of others are read anew by each run
FILE = ("sqlalchemy.dialects.sqlite",)
SERVER = ("psycopg", "sqlalchemy.dialects.postgresql.psycopg")


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Begins processes by the server, which is started anew when it died. `modules` is what it holds."""

    tell: Tell
    modules: tuple[str, ...]

    def prepare(self) -> None:
        """Start the server unless it lives; what it holds it imports while others go on."""
        resource_tracker.ensure_running()  # it hears signals again when it has begun, so it comes first
        with not_asked_to_end():
            forkserver.set_forkserver_preload([*self.modules])
            forkserver.ensure_running()

    def start(self, do: Callable[[Any], None], task: Any, name: str, seconds: float) -> BaseProcess:
        """Return a process that does what `started_cold` says; that one where the server does not answer."""
        process = get_context("forkserver").Process(target=begin, args=(pack(do, task), seconds), name=name)
        try:
            self.prepare()
            with not_asked_to_end():
                process.start()
        except (OSError, EOFError) as error:
            self.tell(f"{name} starts slowly, since the process that forks runs does not answer ({error!r})")
            return started_cold(do, task, name, seconds)
        return process


def warmed(runner: Runner, config: Config) -> Runner:
    """Return a runner whose runs a server forks, where the system can do that; it is started now.

    It is reached by a socket, which needs a folder for temporary files.
    """
    if "forkserver" not in get_all_start_methods():
        return runner
    drivers = FILE if runner.store.is_file else SERVER
    start = WarmStart(runner.tell, (WARM, runner.clock.__module__, *drivers, *connectors_of(config)))
    try:
        start.prepare()
    except OSError as error:
        runner.tell(
            f"each run starts slowly, since nothing can fork it ({error}); let TMPDIR name a folder to write to"
        )
        return runner
    return replace(runner, start=start.start)


def connectors_of(config: Config) -> tuple[str, ...]:
    """Return the modules of the program's own connectors that a config uses, sorted."""
    registry = installed()
    known = registry.kinds()
    used = {THROUGH if each.kind in registry.recipes() else each.kind for each in config.sources.values()}
    entries = [known[kind] for kind in sorted(used & known.keys())]
    return tuple(entry.module for entry in entries if entry.dist is not None and entry.dist.name == OURS)
