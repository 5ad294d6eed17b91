"""Packs what somebody else needs to help: findings, versions, config, runs and the end of a log; no secret."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path

from okr_sync import __version__
from okr_sync.doctor.examining import Examination
from okr_sync.errors import StoreError, UsageError
from okr_sync.store.database import Store
from okr_sync.store.ledger import runs
from okr_sync.store.location import store_exists

RUNS = 50
TAIL = 256 << 10  # bytes of the end of the log
FOLDER = "okr-sync-doctor"

Veil = Callable[[str], str]


def write_bundle(
    target: Path, examined: Examination, config_file: Path, *, at: datetime, veil: Veil, log: Path | None = None
) -> tuple[str, ...]:
    """Write a tar.gz (mode 0600) with everything behind `veil`; return the names in it.

    Raises UsageError when `target` is there already or can't be written, or the log can't be read.
    """
    parts = dict(_parts(examined, config_file, log))
    try:
        place = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(place, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as bundle:
            for name, text in parts.items():
                content = veil(text).encode()
                entry = tarfile.TarInfo(f"{FOLDER}/{name}")
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(at.timestamp())
                bundle.addfile(entry, io.BytesIO(content))
    except OSError as error:
        raise UsageError(f"{target} can't be written: {error.strerror}; name another file") from error
    return tuple(parts)


def _parts(examined: Examination, config_file: Path, log: Path | None) -> Iterator[tuple[str, str]]:
    yield "findings.json", _json([asdict(finding) for finding in examined.findings])
    yield "versions.json", _json(_versions())
    # References stay as they are written, and what they stand for is never looked at here.
    files = examined.config.files if examined.config else (config_file,)
    folder = config_file.parent
    for file in files:
        name = file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)
        yield f"config/{name}", file.read_text("utf-8", errors="replace")
    yield "runs.json", _json(_ledger(examined.store_url))
    if log is not None:
        yield "log.txt", _tail(log)


def _versions() -> dict[str, object]:
    return {
        "okr-sync": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "packages": {each.name: each.version for each in sorted(distributions(), key=lambda each: each.name.lower())},
    }


def _ledger(url: str | None) -> object:
    if url is None or not store_exists(url):
        return []
    try:
        store = Store.open(url, create=False, allow_older=True)
        with store.reading() as session:
            return {"schema": store.schema_version(), "runs": [asdict(run) for run in runs(session, RUNS)]}
    except StoreError as error:
        return {"error": str(error)}


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            return file.read(TAIL).decode(errors="replace")
    except OSError as error:
        raise UsageError(f"{log} can't be read: {error.strerror}; name the file that the log went to") from error


def _json(document: object) -> str:
    return json.dumps(document, indent=1, default=str, ensure_ascii=False) + "\n"
