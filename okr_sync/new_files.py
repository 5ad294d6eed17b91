"""Writes files that are not there yet, for the commands that make folders of them; nothing that exists is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from okr_sync.errors import UsageError

__all__ = ["write_new_files"]


def write_new_files(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write each text into its file and return the files; missing folders are made.

    Raises UsageError when one of the files exists, and nothing is written then, or when one can't be written.
    """
    there = [file for file in texts if file.exists()]
    if there:
        raise UsageError(f"{there[0]} exists; nothing was written. Choose another folder or move the file away.")
    for file, text in texts.items():
        _write(file, text)
    return tuple(texts)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}; choose a folder that you may write to") from error
