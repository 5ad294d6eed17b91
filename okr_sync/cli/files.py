"""`init`, `check` and `schema`: the commands about config files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from okr_sync.cli.exits import BROKEN_CONFIG, DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, current_time
from okr_sync.cli.upcoming import housekeeping_lines, next_slots, slot_document, slot_line
from okr_sync.config import Config, json_schema, load
from okr_sync.config.starter import starter
from okr_sync.errors import ConfigError

Folder = Annotated[Path, Parameter(help="Where to write okr-sync.yaml and its companions; made if it is missing.")]
Shape = Annotated[Literal["main", "okrs"], Parameter(help="main: okr-sync.yaml; okrs: the files with objectives.")]


def init(folder: Folder = Path(), /, *, json: Json = False) -> int:
    """Write a commented starter config into a folder; existing files are never overwritten."""
    written = starter(folder, current_time().date())
    if json:
        emit({"written": [str(file) for file in written]})
        return DONE
    for file in written:
        say(f"wrote {file}")
    where = "" if folder == Path() else f" --config {folder}"
    say(f"Next: okr-sync check{where}, then okr-sync plan{where}, then okr-sync sync{where}.")
    return DONE


def check(
    *,
    live: Annotated[
        bool, Parameter(negative="", help="Ask the sources, too, whether everything that is mapped is there.")
    ] = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Read the config files and show every mistake at once; write nothing. Without --live no source is asked.

    Example: okr-sync check --live
    """
    file = (place or Place()).config_file()
    try:
        config = load(file, os.environ)
    except ConfigError as error:
        if not json:
            raise
        emit({"ok": False, "mistakes": [_mistake(each) for each in error.mistakes]})
        return BROKEN_CONFIG
    if not json:
        slots = next_slots(config, current_time())
        lines = [f"schedule of {name or 'the file'}: {slot_line(each)}" for name, each in slots.items()]
        lines += housekeeping_lines(config, current_time())
        say("\n".join([f"{file}: no mistakes: {_words(_counts(config))}", *lines]))
    if live:
        return _check_live(config, json=json)
    if json:
        emit(_document(config))
    return DONE


def _check_live(config: Config, *, json: bool) -> int:
    from okr_sync.cli import live  # noqa: PLC0415 -- without --live nothing of a sync is needed

    found = live.checked_live(config, quiet=json)
    if json:
        emit(_document(config) | {"ok": live.passed(found), "live": live.live_document(found, config)})
    elif found:
        say("\n".join(live.live_lines(found, config)))
    return live.exit_of(found)


def schema(shape: Shape = "main", /) -> int:
    """Print the JSON Schema of the config files, for editors."""
    emit(json_schema(shape))
    return DONE


def _document(config: Config) -> dict[str, object]:
    counted = {word.replace(" ", "_"): number for word, number in _counts(config).items()}
    slots = next_slots(config, current_time())
    return {"ok": True, **counted, "next_slots": {name: slot_document(each) for name, each in slots.items()}}


def _mistake(each: object) -> dict[str, object]:
    return {name: getattr(each, name) for name in ("file", "line", "column", "message")}


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {word.removesuffix('s') if number == 1 else word}" for word, number in counts.items())


def _counts(config: Config) -> dict[str, int]:
    book = config.book
    return {
        "files": len(config.files),
        "sources": len(config.sources),
        "metrics": len(book.metrics),
        "objectives": len(book.objectives),
        "key results": len(book.key_results()),
        "initiatives": len(book.initiatives),
    }
