"""`push`: a value that a program sends for a metric."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, current_time, reading_time
from okr_sync.config import load
from okr_sync.errors import UsageError
from okr_sync.store.database import Store
from okr_sync.sync.pushing import Pushed
from okr_sync.sync.pushing import push as put

TOKEN = "OKR_SYNC_TOKEN"  # noqa: S105 -- the name of the variable; a token on a command line is seen by all


def push(
    metric: Annotated[str, Parameter(help="The metric's id; its source is of kind push.")],
    value: Annotated[float, Parameter(help="The value.", allow_leading_hyphen=True)],
    /,
    *,
    at: Annotated[
        datetime | None, Parameter(help="When it was true (UTC unless a zone is given) [default: now].")
    ] = None,
    evidence: Annotated[str, Parameter(help="Where it comes from: a build, a page, a query.")] = "",
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Send a value of a metric; the next sync takes it over.

    The token comes from the environment variable OKR_SYNC_TOKEN: `okr-sync tokens add` makes one. Sending the same
    value for the same time again changes nothing; another value for that time corrects it.

    Example: OKR_SYNC_TOKEN=… okr-sync push deploys 12 --at 2026-11-02T09:00Z --evidence "pipeline 481"
    """
    token = os.environ.get(TOKEN, "")
    if not token.strip():
        raise UsageError(f"no token: set {TOKEN}; `okr-sync tokens add` makes one")
    config = load((place or Place()).config_file(), os.environ)
    store = Store.open((place and place.store) or config.store_url)
    sent = Pushed(metric, value, None if at is None else reading_time(at), evidence)
    is_new = put(store, config, current_time(), sent, token=token)
    if json:
        emit({"metric": metric, "new": is_new})
    else:
        say("taken in; the next sync counts it" if is_new else "known already; nothing changed")
    return DONE
