"""Versions of what people defined: each is in force from the instant it was first seen until the next one.

A new version is written only where the hash of the body changed; what is no longer defined gets an end. So past
verdicts can be read with the target in force then.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.definition import canonical, definition_hash, fields_said
from okr_sync.core.measures import KINDS
from okr_sync.core.model import Book, Cycle, Initiative, KeyResult, Metric, Objective
from okr_sync.store.statements import Row, change_all, fetch, insert_all
from okr_sync.store.tables import DefinitionRow, sql

Kind: TypeAlias = Literal["cycle", "objective", "key_result", "initiative", "metric"]

DEFINITIONS = sql(DefinitionRow)
LISTED = ("id", "kind", "subject", "version", "hash", "until")
BRIEFLY = select(*(DEFINITIONS.c[name] for name in LISTED)).order_by(DEFINITIONS.c.version)
NAMES: Mapping[type, str] = {**KINDS}


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a definition, in force in [since, until); `body` is what the files said, field by field."""

    kind: Kind
    id: str
    version: int
    hash: str
    body: Mapping[str, Any]
    since: datetime
    until: datetime | None
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Credit:
    """Who changed a definition, and why."""

    author: str
    reason: str


def changed(session: Session, book: Book) -> dict[tuple[Kind, str], Definition | None]:
    """Return what `save_definitions` would write a version of → its newest version; None: it has none."""
    newest = _newest(session)
    new = [key for key, each in _said(book).items() if not _in_force(newest.get(key), each.hash)]
    return {key: versions(session, *key)[-1] if key in newest else None for key in new}


def save_definitions(  # noqa: PLR0917 -- in the order in which one says it
    session: Session,
    run_id: int | None,
    book: Book,
    now: datetime,
    author: str,
    reason: str = "",
    credited: Mapping[tuple[Kind, str], Credit] = MappingProxyType({}),
) -> int:
    """Write the versions that are new and end those that are gone; return how many definitions changed.

    `credited` says of single definitions who changed them, and why; of the others `author` and `reason` do.
    """
    newest = _newest(session)
    said = _said(book)
    over = [row for key, row in newest.items() if row["until"] is None and not _says(said.get(key), row)]
    new = [key for key, each in said.items() if not _in_force(newest.get(key), each.hash)]
    stamp = {"since": now, "run_id": run_id}
    default = Credit(author, reason)
    change_all(session, DEFINITIONS, [{"id": row["id"], "until": now} for row in over], key=("id",))
    rows = [_row(key, said[key], newest.get(key)) | asdict(credited.get(key, default)) | stamp for key in new]
    insert_all(session, DEFINITIONS, rows)
    return len({(row["kind"], row["subject"]) for row in over} | set(new))


def definition(session: Session, kind: Kind, id: str, at: datetime | None = None) -> Definition | None:  # noqa: A002
    """Return the version in force `at` (None: the one in force now); None when there was none."""
    found = versions(session, kind, id)
    if at is None:
        return next((version for version in found if version.until is None), None)
    return next((v for v in found if v.since <= at and (v.until is None or at < v.until)), None)


def in_force(session: Session, kind: Kind) -> tuple[Definition, ...]:
    """Return all definitions of a kind that are in force now, by id."""
    wanted = (DEFINITIONS.c.kind == kind, DEFINITIONS.c.until.is_(None))
    found = fetch(session, select(DEFINITIONS).where(*wanted).order_by(DEFINITIONS.c.subject))
    return tuple(_definition(row) for row in found)


def versions(session: Session, kind: Kind, id: str) -> tuple[Definition, ...]:  # noqa: A002
    """Return all versions of a definition, oldest first."""
    of_subject = (DEFINITIONS.c.kind == kind, DEFINITIONS.c.subject == id)
    found = fetch(session, select(DEFINITIONS).where(*of_subject).order_by(DEFINITIONS.c.version))
    return tuple(_definition(row) for row in found)


def all_versions(session: Session) -> dict[tuple[Kind, str], tuple[Definition, ...]]:
    """Return (kind, id) → all versions of it, oldest first, of everything that was ever defined."""
    found: dict[tuple[Kind, str], list[Definition]] = {}
    for row in fetch(session, select(DEFINITIONS).order_by(DEFINITIONS.c.version)):
        found.setdefault((row["kind"], row["subject"]), []).append(_definition(row))
    return {key: tuple(each) for key, each in found.items()}


def _bodies(book: Book) -> Iterator[tuple[Kind, str, Mapping[str, Any]]]:
    for cycle in book.cycles:
        yield "cycle", cycle.id, body_of(cycle)
    for objective in book.objectives:
        ids = [key_result.id for key_result in objective.key_results]
        yield "objective", objective.id, body_of(objective) | {"key_results": ids}
        for key_result in objective.key_results:
            yield "key_result", key_result.id, body_of(key_result) | {"objective": objective.id}
    for initiative in book.initiatives:
        yield "initiative", initiative.id, body_of(initiative)
    for metric in book.metrics:
        yield "metric", metric.id, body_of(metric)


def _newest(session: Session) -> dict[tuple[Kind, str], Row]:
    """Return the newest version of everything that was ever defined, without what it says."""
    return {(row["kind"], row["subject"]): row for row in fetch(session, BRIEFLY)}


@dataclass(frozen=True, slots=True)
class _Said:
    """What the files say of something now, as it is stored."""

    text: str
    hash: str


@functools.lru_cache(maxsize=1)
def _said(book: Book) -> Mapping[tuple[Kind, str], _Said]:
    """Return what a book says of everything in it; a run wants it twice."""
    texts = {(kind, id_): canonical(body) for kind, id_, body in _bodies(book)}
    return MappingProxyType({key: _Said(text, definition_hash(text)) for key, text in texts.items()})


def known_ids(session: Session) -> tuple[str, ...]:
    """Return the ids of everything that was ever defined, each once."""
    return tuple(row["subject"] for row in fetch(session, select(DEFINITIONS.c.subject).distinct()))


def body_of(defined: Cycle | Objective | KeyResult | Initiative | Metric) -> dict[str, Any]:
    """Return what is stored of a definition, field by field."""
    body: dict[str, Any] = _plain(defined)
    return body


def _plain(value: object) -> Any:
    """Return `value` with each dataclass in it as field → value, led by the kind of a measure."""
    if is_dataclass(value):
        kind = {"kind": NAMES[type(value)]} if type(value) in NAMES else {}
        return kind | {name: _plain(item) for name, item in fields_said(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _says(said: _Said | None, row: Row) -> bool:
    return said is not None and said.hash == row["hash"]


def _in_force(row: Row | None, digest: str) -> bool:
    return row is not None and row["until"] is None and row["hash"] == digest


def _row(key: tuple[str, str], said: _Said, before: Row | None) -> dict[str, Any]:
    version = 1 if before is None else before["version"] + 1
    return {"kind": key[0], "subject": key[1], "version": version, "hash": said.hash, "body": said.text}


def _definition(row: Row) -> Definition:
    names = ("kind", "version", "hash", "since", "until", "author", "reason")
    return Definition(id=row["subject"], body=json.loads(row["body"]), **{name: row[name] for name in names})
