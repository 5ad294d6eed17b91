"""`check-in`: a person's value, confidence and note."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, author_of_changes, current_time, reading_time
from okr_sync.cli.waiting import Wait, patience
from okr_sync.config import load
from okr_sync.config.commits import Commits
from okr_sync.core.changes import describe
from okr_sync.errors import UsageError
from okr_sync.render.plan import change_document
from okr_sync.store.database import Store
from okr_sync.sync.checking_in import TypedCheckIn
from okr_sync.sync.checking_in import check_in as write_check_in
from okr_sync.sync.run import World


def check_in(
    key_result: Annotated[str, Parameter(help="The key result's id.")],
    /,
    *,
    value: Annotated[float | None, Parameter(help="The value now; only where no source measures it.")] = None,
    confidence: Annotated[
        int | None, Parameter(validator=Number(gte=0, lte=10), help="How sure to reach the target, 0 to 10.")
    ] = None,
    note: Annotated[str, Parameter(help="What happened.")] = "",
    blockers: Annotated[str, Parameter(help="What is in the way, and who could help.")] = "",
    status: Annotated[
        Literal["on_track", "at_risk", "off_track", "none"] | None,
        Parameter(help="The status in your judgement; none: the computed one counts again."),
    ] = None,
    reason: Annotated[str, Parameter(help="Why the status is as you say.")] = "",
    author: Annotated[str | None, Parameter(help="Who says so [default: who is logged in].")] = None,
    expires: Annotated[
        datetime | None,
        Parameter(help="When the value or status is too old to be believed [default: in 35 and 14 days]."),
    ] = None,
    wait: Wait = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Enter a value, a confidence, a status or a note for a key result.

    Example: okr-sync check-in onboarding-survey --value 1 --note "Seven areas, ranked"
    """
    if reason and status is None:
        raise UsageError("--reason belongs to --status; give that, too, or say it with --note")
    if value is None and confidence is None and status is None and not note and not blockers:
        raise UsageError("nothing to check in: give --value, --confidence, --status, --note or --blockers")
    config = load((place or Place()).config_file(), os.environ)
    store = Store.open((place and place.store) or config.store_url)
    said = TypedCheckIn(
        key_result,
        author or author_of_changes(),
        value,
        confidence,
        note,
        blockers,
        None if expires is None else reading_time(expires),
        status,
        reason,
    )
    world = World(clock=current_time, commits=Commits, patience=patience(wait))
    report = write_check_in(store, config, world, said)
    if json:
        emit({"run": report.run, "changes": [change_document(change) for change in report.changes]})
    else:
        say("\n".join(describe(change) for change in report.changes) or "noted")
    return DONE
