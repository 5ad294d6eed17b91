"""Keeps the last config that had no mistake, for a worker that starts while what is written has some."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.store.statements import change_all, fetch, fetch_one, put_one
from okr_sync.store.tables import GoodConfigRow, sql

__all__ = ["BrokenConfig", "KeptConfig", "broken_configs", "fingerprint", "keep", "kept", "note_mistake"]

CONFIGS = sql(GoodConfigRow)


@dataclass(frozen=True, slots=True)
class KeptConfig:
    """Texts by path, saved at an instant; `mistake` is what is wrong with what is written now, or empty."""

    texts: Mapping[str, str]
    saved_at: datetime
    sha256: str
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class BrokenConfig:
    """A config that has mistakes since an instant, so that workers go on with the one saved at another."""

    file: str
    since: datetime
    mistake: str
    saved_at: datetime


def kept(session: Session, file: str) -> KeptConfig | None:
    """Return the last good config of this main file (absolute path); None when none was kept."""
    row = fetch_one(session, select(CONFIGS).where(CONFIGS.c.file == file))
    if row is None:
        return None
    return KeptConfig(json.loads(row["texts"]), row["saved_at"], row["sha256"], row["mistake"] or "")


def fingerprint(texts: Mapping[str, str]) -> str:
    """Return what tells these texts from others."""
    return hashlib.sha256(_written(texts).encode()).hexdigest()


def keep(session: Session, file: str, texts: Mapping[str, str], now: datetime) -> None:
    """Keep these texts in the place of those before; what is written has no mistake."""
    row = {"file": file, "sha256": fingerprint(texts), "texts": _written(texts), "saved_at": now}
    put_one(session, CONFIGS, {**row, "broken_since": None, "mistake": None}, key=("file",))


def note_mistake(session: Session, file: str, mistake: str, now: datetime) -> None:
    """Note what is wrong with what is written now; since when stays. Nothing is noted where nothing was kept."""
    row = fetch_one(session, select(CONFIGS).where(CONFIGS.c.file == file))
    if row is not None:
        since = row["broken_since"] or now
        change_all(session, CONFIGS, [{"file": file, "broken_since": since, "mistake": mistake}], key=("file",))


def broken_configs(session: Session) -> list[BrokenConfig]:
    """Return the configs with mistakes, by path."""
    found = select(CONFIGS).where(CONFIGS.c.broken_since.is_not(None)).order_by(CONFIGS.c.file)
    return [
        BrokenConfig(row["file"], row["broken_since"], row["mistake"] or "", row["saved_at"])
        for row in fetch(session, found)
    ]


def _written(texts: Mapping[str, str]) -> str:
    return json.dumps(dict(texts), sort_keys=True, ensure_ascii=True)
