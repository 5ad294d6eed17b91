"""`import`: OKRs from a spreadsheet or a page into config files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.carrying import print_files, written_lines
from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place
from okr_sync.config import Config, load, write_drafts
from okr_sync.config.importing import imported_files
from okr_sync.config.sheets import read_sheet
from okr_sync.errors import UsageError


def import_okrs(
    file: Annotated[Path, Parameter(help="A CSV file, or a Markdown file with tables.")],
    /,
    *,
    cycle: Annotated[str | None, Parameter(help="The cycle they belong to [default: the only one].")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Print the files and write nothing.")] = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Write config files from a table of OKRs; every row that can't be read is told, and then nothing is written.

    Columns: objective, key result, baseline, target, and if you like owner, unit, due and team.
    """
    main = (place or Place()).config_file()
    config = load(main, os.environ)
    sheet = read_sheet(file)
    files = imported_files(config, file, sheet, cycle or _only_cycle(config))
    if dry_run:
        load(main, os.environ, drafts=files)
        _print(files, sheet.unread, json=json)
        return DONE
    unread = write_drafts(main, os.environ, files)
    if json:
        names = {"written": [str(each) for each in files], "unread": [str(each) for each in unread]}
        emit({**names, "notes": list(sheet.unread)})
    else:
        say("\n".join([*sheet.unread, *written_lines(files, unread)]))
    return DONE


def _only_cycle(config: Config) -> str:
    names = [cycle.id for cycle in config.book.cycles]
    if len(names) != 1:
        raise UsageError(f"name the cycle with --cycle; the config has {', '.join(names) or 'none'}")
    return names[0]


def _print(files: dict[Path, str], notes: tuple[str, ...], *, json: bool) -> None:
    if json:
        emit({"files": {str(file): text for file, text in files.items()}, "notes": list(notes)})
        return
    print_files(files)
    say("\n".join([*(f"# {note}" for note in notes), "# Nothing was written."]))
