"""`baseline`: how a captured baseline came about, and how it is taken anew."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import BY_OUTCOME, DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, author_of_changes, current_time
from okr_sync.cli.stores import reader
from okr_sync.cli.waiting import Wait, patience
from okr_sync.config import load
from okr_sync.errors import UsageError
from okr_sync.render.baselines import render_baselines
from okr_sync.render.document import baselines_document
from okr_sync.store import baselines, results
from okr_sync.store.database import Store
from okr_sync.sync.recapturing import recapture as capture_again
from okr_sync.sync.run import World
from okr_sync.views.naming import kind_of


def baseline(
    key_result: Annotated[str, Parameter(help="The key result's id.")],
    /,
    *,
    recapture: Annotated[bool, Parameter(negative="", help="Take it anew; the old one is kept, too.")] = False,
    reason: Annotated[str, Parameter(help="Why it is taken anew.")] = "",
    author: Annotated[str | None, Parameter(help="Who says so [default: who is logged in].")] = None,
    wait: Wait = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Show every baseline that was captured for a key result, or capture it anew.

    Example: okr-sync baseline nps --recapture --reason "September was measured with the old questionnaire"
    """
    code = DONE
    if recapture:
        config = load((place or Place()).config_file(), os.environ)
        store = Store.open((place and place.store) or config.store_url, create=False)
        who = author or author_of_changes()
        world = World(clock=current_time, patience=patience(wait))
        report = capture_again(store, config, world, key_result, who, reason)
        code = BY_OUTCOME[report.outcome]
    elif reason:
        raise UsageError("--reason belongs to --recapture; give that, too")
    else:
        store = reader(place)
    with store.reading() as session:
        if kind_of(session, key_result) != "key_result":
            raise UsageError(f"{key_result} is no key result: only those have baselines")
        if results.is_withheld(session, key_result):
            raise UsageError(f"{key_result} is about too few people: its baseline is not shown (privacy_k)")
        found = baselines.versions(session, key_result)
    if json:
        emit(baselines_document(key_result, found))
    else:
        say(render_baselines(key_result, found))
    return code
