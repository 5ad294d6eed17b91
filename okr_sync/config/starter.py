"""Writes a commented config to start from: it loads as it is, offline, from a small CSV file and typed values."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from okr_sync.config.loading import MAIN_NAME
from okr_sync.config.schema import json_schema
from okr_sync.errors import UsageError

__all__ = ["starter"]

TEMPLATES = (MAIN_NAME, "okrs/first-team.yaml", "data/survey.csv")


def starter(folder: Path) -> tuple[Path, ...]:
    """Write okr-sync.yaml, a first team's file, example data and the schemas for editors; return their paths.

    Missing folders are made. Raises UsageError when one of the files exists or can't be written; it then changes none
    that was there.
    """
    texts = {name: _template(name) for name in TEMPLATES}
    for shape in ("main", "okrs"):
        texts[f".okr-sync/schema-{shape}.json"] = json.dumps(json_schema(shape), indent=1, ensure_ascii=False) + "\n"
    there = [folder / name for name in texts if (folder / name).exists()]
    if there:
        raise UsageError(f"{there[0]} exists; nothing was written. Choose another folder or move the file away.")
    for name, text in texts.items():
        _write(folder / name, text)
    return tuple(folder / name for name in texts)


def _template(name: str) -> str:
    return files("okr_sync.config").joinpath("templates", name).read_text(encoding="utf-8")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}; choose a folder that you may write to") from error
