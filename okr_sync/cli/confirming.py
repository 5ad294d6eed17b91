"""`confirm`: accept a number that is suspect, with a reason that is kept."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import BY_OUTCOME
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, author_of_changes, current_time
from okr_sync.cli.waiting import Wait, patience
from okr_sync.config import load
from okr_sync.core.changes import describe
from okr_sync.render.plan import change_document
from okr_sync.store.database import Store
from okr_sync.sync.confirming import confirm as accept_suspect
from okr_sync.sync.run import World


def confirm(
    name: Annotated[str, Parameter(help="The id of a key result or initiative.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why the number is true although it fell; it is kept.")],
    author: Annotated[str | None, Parameter(help="Who says so [default: who is logged in].")] = None,
    wait: Wait = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Accept what is suspect about a key result or initiative, and ask the sources again at once.

    Example: okr-sync confirm adoption --reason "The campaign is over; sales confirmed the number"
    """
    config = load((place or Place()).config_file(), os.environ)
    store = Store.open((place and place.store) or config.store_url, create=False)
    world = World(clock=current_time, patience=patience(wait))
    report = accept_suspect(store, config, world, name, author or author_of_changes(), reason)
    if json:
        emit({"run": report.run, "changes": [change_document(change) for change in report.changes]})
    else:
        say("\n".join(describe(change) for change in report.changes) or "nothing changed")
    return BY_OUTCOME[report.outcome]
