"""`cycles`, `close` and `reopen`: the life of a cycle."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE, FAILED
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import AsOf, Json, Place, author_of_changes, current_time, reading_time
from okr_sync.cli.stores import reader
from okr_sync.cli.waiting import Wait, patience
from okr_sync.config import Config, load
from okr_sync.config.commits import Commits
from okr_sync.render import cycles as render
from okr_sync.store import closings
from okr_sync.store.database import Store
from okr_sync.sync import closing
from okr_sync.sync.run import World
from okr_sync.views.cycles import stored_closings, stored_cycles

CycleId = Annotated[str, Parameter(help="The cycle's id, as in the config.")]
Author = Annotated[str | None, Parameter(help="Who does it [default: who is logged in].")]


def cycles(*, place: Place | None = None, as_of: AsOf = None, json: Json = False) -> int:
    """List the cycles with their state, and who closed and reopened them."""
    now = reading_time(as_of)
    with reader(place).reading() as session:
        states, trail = stored_cycles(session, now), closings.closings(session)
    if json:
        emit(render.cycles_document(states, trail))
    else:
        say(render.render_cycles(states, trail))
    return DONE


def close(
    cycle: CycleId,
    /,
    *,
    note: Annotated[str, Parameter(help="Words to keep with the closing.")] = "",
    early: Annotated[bool, Parameter(negative="", help="Close it though it has not ended.")] = False,
    verify: Annotated[bool, Parameter(negative="", help="Only check the hash of what was frozen.")] = False,
    author: Author = None,
    wait: Wait = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Freeze a cycle with every score, verifiably; nothing in it is written any more until it is reopened."""
    if verify:
        return _verify(cycle, place, json=json)
    config, store = _opened(place)
    made = closing.close_cycle(
        store,
        config,
        World(clock=current_time, commits=Commits, patience=patience(wait)),
        cycle,
        author or author_of_changes(),
        note,
        early=early,
    )
    if json:
        emit(render.closing_document(made))
    else:
        say(f"closed {cycle} in run {made.run}, sha256 {made.sha256}")
        say(f"`okr-sync close {cycle} --verify` checks that nobody changes it.")
    return DONE


def reopen(
    cycle: CycleId,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; it is kept with the closing.")],
    author: Author = None,
    wait: Wait = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Open a closed cycle again; who, when and why are kept, and so is what was frozen."""
    config, store = _opened(place)
    world = World(clock=current_time, commits=Commits, patience=patience(wait))
    made = closing.reopen_cycle(store, config, world, cycle, author or author_of_changes(), reason)
    if json:
        emit(render.closing_document(made))
    else:
        say(f"reopened {cycle} in run {made.run}: {reason}")
    return DONE


def _opened(place: Place | None) -> tuple[Config, Store]:
    config = load((place or Place()).config_file(), os.environ)
    return config, Store.open((place and place.store) or config.store_url, create=False)


def _verify(cycle: str, place: Place | None, *, json: bool) -> int:
    with reader(place).reading() as session:
        found = [(each, closings.flaws(each)) for each in stored_closings(session, cycle)]
    if json:
        emit(render.verification_document(found))
    else:
        say(render.render_verification(found))
    return FAILED if any(flaws for _, flaws in found) else DONE
