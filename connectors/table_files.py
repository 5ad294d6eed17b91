"""Finds and opens the files that a path or a pattern names."""

from __future__ import annotations

import glob
from pathlib import Path

from okr_sync import connector as api

LARGEST = 64 * 1024 * 1024  # bytes of one file


def find_files(path: Path) -> list[Path]:
    """Return the file, or those that a pattern finds in order of their names. Raises SourceError when there is none."""
    names = [str(path)] if path.exists() else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
    if not names:
        raise api.SourceError(f"there is no file {path}", fix="put it there, or correct `path` of this source")
    return [Path(name) for name in names]


def require_readable(file: Path, fix: str) -> None:
    """Raise AccessError when the file can't be read, ProtocolError when it is too large; `fix` says what to save."""
    try:
        with file.open("rb"):
            size = file.stat().st_size
    except OSError as error:
        raise api.AccessError(f"can't read {file}: {error.strerror}", fix="make it a file that we may read") from error
    if size > LARGEST:
        raise api.ProtocolError(f"{file} is too large", fix=fix)
