"""Writes new config files, all or none, once they are known to load; nothing that exists is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from okr_sync.config.loading import load
from okr_sync.errors import UsageError

__all__ = ["write_drafts"]


def write_drafts(config_file: Path, env: Mapping[str, str], drafts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write the files and return those that no pattern under `okrs` of the config finds.

    Raises ConfigError when they don't load together with the files that are there, and UsageError when one exists or
    can't be written; none is there then that was not before.
    """
    load(config_file, env, drafts=drafts)
    written: list[Path] = []
    try:
        for file, text in drafts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as stream:
                written.append(file)
                stream.write(text)
    except OSError as error:
        for each in written:
            each.unlink()
        raise UsageError(
            f"{file} can't be written: {error.strerror}; nothing was written. Move it away, or use another folder."
        ) from error
    found = set(load(config_file, env).files)
    return tuple(file for file in drafts if file not in found)
