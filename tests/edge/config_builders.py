"""Builds config folders and plays connectors, for the tests of config and registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from pydantic import field_validator

from okr_sync.config import Config, load
from okr_sync.connector import (
    Answer,
    Ask,
    ConfigPath,
    DeliverySource,
    LookUp,
    MetricSource,
    Page,
    Query,
    Secret,
    Settings,
    WorkItem,
)
from okr_sync.errors import ConfigError, Mistake
from okr_sync.registry import GROUP, Registry


class NumbersSettings(Settings):
    """Settings with a secret, a path and a validator that repeats what it was given."""

    token: Secret | None = None
    path: ConfigPath | None = None
    url: str = "https://numbers.example"
    limit: int = 10

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError(f"{value} is no address")
        return value


class NumbersQuery(Query):
    """One column."""

    column: str
    where: dict[str, str] = {}  # noqa: RUF012 -- pydantic copies defaults


class Numbers(MetricSource):
    """A metric source that is never asked."""

    kind = "numbers"
    summary = "numbers for tests"
    Settings = NumbersSettings
    Query = NumbersQuery

    def probe(self) -> str:
        return "numbers"

    def read(self, ask: Ask[Any]) -> Answer:
        raise AssertionError("config asks no source")


class WorkSettings(Settings):
    """Settings whose secret must be there."""

    token: Secret


class WorkQuery(Query):
    """A list of places."""

    places: tuple[str, ...]


class Work(DeliverySource):
    """A delivery source that is never asked."""

    kind = "work"
    summary = "work for tests"
    Settings = WorkSettings
    Query = WorkQuery

    def probe(self) -> str:
        return "work"

    def pull(self, scopes: Mapping[str, Any], cursor: str | None, now: datetime) -> Iterator[Page]:
        raise AssertionError("config asks no source")

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        raise AssertionError("config asks no source")


def entry(kind: str, target: str) -> EntryPoint:
    """Return the entry point of a connector that stands in this module, or wherever `target` says."""
    return EntryPoint(kind, target if ":" in target else f"{__name__}:{target}", GROUP)


def registry() -> Registry:
    """Return a registry of the two played connectors."""
    return Registry([entry("numbers", "Numbers"), entry("work", "Work")])


MAIN = """\
timezone: Europe/Berlin
schedule: every 15 min
sources:
  survey: {kind: numbers}
  tracker: {kind: work, token: "${TOKEN}"}
cycles:
  2026-Q4: {start: 2026-10-01, end: 2026-12-31}
teams:
  product: {title: Product}
people:
  ana: {name: Ana}
metrics:
  nps: {source: survey, column: nps, unit: points, minimum: -100, maximum: 100}
  share: {source: survey, column: share, unit: "%"}
  bugs: {source: survey, column: bugs}
"""
"""A main file without a mistake: 15 lines."""

HEAD = "cycle: 2026-Q4\nteam: product\n"
"""The first two lines of a team's file."""

INITIATIVE = "initiatives:\n  - {id: app, title: App, delivery: [{source: tracker, places: [A-1]}]}\n"


@dataclass(frozen=True)
class Folder:
    """A config folder; `write` and `load` never leave it."""

    path: Path
    env: dict[str, str] = field(default_factory=lambda: {"TOKEN": "s3cret-token"})

    def write(self, name: str, content: str | bytes) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def load(self) -> Config:
        return load(self.path, self.env, registry())

    def mistakes(self) -> tuple[Mistake, ...]:
        """Return what is wrong; files are named from the config folder."""
        try:
            self.load()
        except ConfigError as error:
            root = f"{self.path}/"
            return tuple(Mistake(m.file.removeprefix(root), m.line, m.column, m.message) for m in error.mistakes)
        return ()

    def told(self) -> list[str]:
        return [str(mistake) for mistake in self.mistakes()]

    def main(self, text: str = MAIN) -> Folder:
        self.write("okr-sync.yaml", text)
        return self

    def okrs(self, text: str, name: str = "okrs/team.yaml") -> Folder:
        self.write(name, text)
        return self

    def measure(self, text: str) -> Folder:
        """Write a whole config with an initiative and one key result."""
        return self.main().okrs(measuring(text) + INITIATIVE)


def measuring(text: str) -> str:
    """Return a team's file with one key result, whose measure is `text`."""
    return (
        f"{HEAD}objectives:\n  - id: o\n    title: O\n    key_results:\n"
        f"      - id: kr\n        title: KR\n        measure: {text}\n"
    )


def told_at(folder: Folder, name: str, text: str) -> list[str]:
    """Write `text` without its ▸, and return the messages of all mistakes, which must stand where the ▸ was."""
    before, _, after = text.partition("▸")
    folder.write(name, before + after)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = folder.mistakes()
    assert {(m.file, m.line, m.column) for m in found} == {(name, line, column)}, found
    return [m.message for m in found]
