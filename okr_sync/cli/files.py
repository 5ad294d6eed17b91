"""`init`, `check` and `schema`: the commands that touch nothing but config files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from okr_sync.cli.exits import BROKEN_CONFIG, DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, current_time
from okr_sync.cli.upcoming import next_slots, slot_document, slot_line
from okr_sync.config import Config, json_schema, load, starter
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


def check(*, place: Place | None = None, json: Json = False) -> int:
    """Read the config files and show every mistake at once; asks no source, writes nothing."""
    file = (place or Place()).config_file()
    try:
        config = load(file, os.environ)
    except ConfigError as error:
        if not json:
            raise
        emit({"ok": False, "mistakes": [_mistake(each) for each in error.mistakes]})
        return BROKEN_CONFIG
    counts, slots = _counts(config), next_slots(config, current_time())
    if json:
        counted = {word.replace(" ", "_"): number for word, number in counts.items()}
        emit({"ok": True, **counted, "next_slots": {name: slot_document(each) for name, each in slots.items()}})
    else:
        lines = [f"schedule of {name or 'the file'}: {slot_line(each)}" for name, each in slots.items()]
        say("\n".join([f"{file}: no mistakes: {_words(counts)}", *lines]))
    return DONE


def schema(shape: Shape = "main", /) -> int:
    """Print the JSON Schema of the config files, for editors."""
    emit(json_schema(shape))
    return DONE


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
