"""`backup`, `restore`, `verify` and `prune`: how a store is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE, FAILED
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, current_time
from okr_sync.cli.stores import address, reader
from okr_sync.config.amounts import parse_duration
from okr_sync.errors import UsageError
from okr_sync.store import backups, pruning, verifying

Force = Annotated[bool, Parameter(negative="", help="Replace what is there.")]


def backup(
    file: Annotated[Path, Parameter(help="The file to write.")],
    /,
    *,
    force: Force = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Write the whole store into one file, also while a run is under way.

    The file is a store on SQLite, whatever database the store is in; `okr-sync restore` brings it back into either.
    """
    copied = backups.backup(reader(place), file, force=force)
    if json:
        emit({"file": str(file), "rows": copied.rows, "revision": copied.revision})
    else:
        say(f"{copied.rows} rows of schema {copied.revision} are in {file}")
    return DONE


def restore(
    file: Annotated[Path, Parameter(help="The backup.")],
    /,
    *,
    force: Force = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Bring a backup into the store, after checking it; into another database, too.

    A store that holds something is replaced with --force only. Killed half way, it hasn't happened.
    """
    copied = backups.restore(address(place), file, current_time(), force=force)
    if json:
        emit({"file": str(file), "rows": copied.rows, "revision": copied.revision})
    else:
        say(f"{copied.rows} rows of {file} are in the store, schema {copied.revision}")
    return DONE


def verify(*, place: Place | None = None, json: Json = False) -> int:
    """Check what must hold of every store: damage, references, numbers, slots, runs, memberships, latest states."""
    with reader(place).reading() as session:
        flaws = verifying.verify(session)
    if json:
        emit({"laws": list(verifying.LAWS), "flaws": [dataclasses.asdict(flaw) for flaw in flaws]})
    else:
        say("\n".join([flaw.text() for flaw in flaws] or [f"{len(verifying.LAWS)} laws hold"]))
        if flaws:
            say("What to do: restore a backup that verifies, and report this.")
    return FAILED if flaws else DONE


def prune(
    *,
    keep: Annotated[str, Parameter(help='How long everything is kept, like "400 d".')],
    dry_run: Annotated[bool, Parameter(negative="", help="Say what would go; delete nothing.")] = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Delete what is older than --keep and no answer rests on; of points the last one of each day stays.

    Definitions, closings, baselines, check-ins and the history of work items stay for ever.
    """
    try:
        before = current_time() - parse_duration(keep)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--keep: {error}") from error
    store = reader(place)
    with store.rehearsing() if dry_run else store.writing() as session:
        store.take_time(session)
        pruned = pruning.prune(session, before)
    if json:
        emit({"dry_run": dry_run, "before": before.isoformat(), "deleted": dataclasses.asdict(pruned)})
    else:
        counts = [f"{number} {name.replace('_', ' ')}" for name, number in dataclasses.asdict(pruned).items() if number]
        say(f"{'would delete' if dry_run else 'deleted'} {', '.join(counts) or 'nothing'}")
    if not dry_run:
        with store.writing() as session:
            store.take_time(session)
            pruning.pack(session)
    return DONE
