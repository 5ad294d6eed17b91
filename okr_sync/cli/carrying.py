"""`carry-over`: the next cycle's files from where this one ended."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, current_time
from okr_sync.cli.stores import reader
from okr_sync.config import Carried, Standing, load, write_drafts
from okr_sync.config import carry_over as copy_cycle
from okr_sync.views.reporting import stored_snapshot


def carry_over(
    begin: Annotated[str, Parameter(name="from", help="The cycle that ends.")],
    end: Annotated[str, Parameter(name="to", help="The next cycle, declared in okr-sync.yaml.")],
    /,
    *,
    objective: Annotated[
        tuple[str, ...], Parameter(negative="", help="Only this objective; may be given several times.")
    ] = (),
    dry_run: Annotated[bool, Parameter(negative="", help="Print the files and write nothing.")] = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Write the next cycle's files: key results that are not complete, baselines replaced by the last values."""
    file = (place or Place()).config_file()
    config = load(file, os.environ)
    with reader(place).reading() as session:
        snapshot = stored_snapshot(session, current_time())
    standings = {state.id: Standing(state.value, state.score) for state in snapshot.key_results}
    carried = copy_cycle(config, begin, end, standings, objective)
    if dry_run:
        _show(carried, json=json)
        load(file, os.environ, drafts=carried.files)
        return DONE
    unread = write_drafts(file, os.environ, carried.files)
    if json:
        names = {"written": [str(each) for each in carried.files], "unread": [str(each) for each in unread]}
        emit({**_document(carried), **names})
    else:
        say("\n".join([*_lines(carried), *written_lines(carried.files, unread)]))
    return DONE


def written_lines(files: Mapping[Path, str], unread: tuple[Path, ...]) -> list[str]:
    """Return a line for each written file, and one for each that the config does not read yet."""
    return [f"wrote {each}" for each in files] + [
        f"! {each} is not read yet: add it to `okrs` in okr-sync.yaml" for each in unread
    ]


def print_files(files: Mapping[Path, str]) -> None:
    """Print each file under its name."""
    for file, text in files.items():
        say(f"# --- {file}\n{text}")


def _show(carried: Carried, *, json: bool) -> None:
    if json:
        emit({**_document(carried), "files": {str(file): text for file, text in carried.files.items()}})
        return
    print_files(carried.files)
    say("\n".join([*(f"# {line}" for line in _lines(carried)), "# Nothing was written."]))


def _document(carried: Carried) -> dict[str, object]:
    return {"ids": dict(carried.ids), "left": dict(carried.left)}


def _lines(carried: Carried) -> list[str]:
    return [f"{old} → {new}" for old, new in carried.ids.items()] + [
        f"{name} stays: {why}" for name, why in carried.left.items()
    ]
