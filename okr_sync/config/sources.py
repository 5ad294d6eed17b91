"""Sources from config files: each connector's settings, and the questions that metrics and initiatives put to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from okr_sync.config.entry import note, note_unknown_keys
from okr_sync.config.language import InitiativeEntry, MetricEntry, ScopeEntry, SourceEntry
from okr_sync.config.names import Declared
from okr_sync.config.places import Key, Mistakes, Place, Table, nearest, place_of
from okr_sync.connector import DeliverySource, Query, Settings
from okr_sync.redaction import learn
from okr_sync.registry import ConnectorClass, ConnectorError, Registry

__all__ = ["DROPPED", "Source", "Sources"]

DROPPED = "dropped"
"""The key under which an initiative names resolutions."""

DEADLINE = timedelta(minutes=10)
INTERVAL = timedelta(minutes=15)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Source:
    """A configured connector and all its questions: by metric id, or by scope ref for a delivery source.

    Its facts are fresh for `fresh_for` after a success; it sends at most `concurrency` requests at once and gives up
    after `deadline`, and after `budget` requests in one run. `backfill`: it may be asked for the past, if it
    `keeps_history`.
    """

    name: str
    kind: str
    settings: Settings
    questions: Mapping[str, Query]
    is_delivery: bool
    fresh_for: timedelta
    concurrency: int = 4
    deadline: timedelta = DEADLINE
    keeps_history: bool = False
    """Whether it can say what was true at a past instant."""
    backfill: bool = True
    budget: int | None = None
    """None: any number."""
    written: Mapping[str, Table] = field(default_factory=dict, repr=False, compare=False)
    """Ref → the question as it is written; an empty ref → the source itself."""
    dropped: Mapping[str, Table] = field(default_factory=dict, repr=False, compare=False)
    """Ref of a scope → what its initiative writes as `dropped`: a table with that key, or without any."""

    def place(self, ref: str, path: Iterable[Key] = ()) -> Place | None:
        """Return where the value at `path` of a question stands, or, with an empty ref, of the source.

        A path that begins with `dropped` leads to what the initiative of a scope says.
        """
        steps = tuple(path)
        table = (self.dropped if steps[:1] == (DROPPED,) else self.written).get(ref)
        return None if table is None else place_of(table, steps)


@dataclass(slots=True)
class Sources:
    """The sources of one config while it is read; `ask` adds questions, `build` gives the result."""

    registry: Registry
    folder: Path
    declared: Declared
    mistakes: Mistakes
    _entries: dict[str, SourceEntry] = field(default_factory=dict)
    _classes: dict[str, ConnectorClass] = field(default_factory=dict)
    _settings: dict[str, Settings] = field(default_factory=dict)
    _questions: dict[str, dict[str, Query]] = field(default_factory=dict)
    _tables: dict[str, dict[str, Table]] = field(default_factory=dict)
    _dropped: dict[str, dict[str, Table]] = field(default_factory=dict)

    def add(self, name: str, entry: SourceEntry) -> None:
        """Take a source in; its mistakes are noted."""
        kinds = self.registry.kinds()
        if entry.kind not in kinds:
            said = f"there is no connector of kind {self.mistakes.quote(entry.kind)} (known: {', '.join(kinds)})"
            self.mistakes.add(entry.at("kind"), said + nearest(entry.kind, kinds))
            return
        try:
            connector = self.registry.connector_class(entry.kind)
        except ConnectorError as error:
            self.mistakes.add(entry.at("kind"), self.mistakes.veil(str(error)))
            return
        self._entries[name], self._classes[name], self._questions[name] = entry, connector, {}
        self._tables[name], self._dropped[name] = {"": entry.rest()}, {}
        settings = self._read(connector.Settings, entry)
        if settings is not None:
            learn({each: getattr(settings, each) for each in type(settings).model_fields})
            self._settings[name] = settings

    def ask(self, ref: str, entry: MetricEntry | ScopeEntry, within: InitiativeEntry | None = None) -> str:
        """Put a question to its source and return it as canonical JSON: sorted keys, defaults left out.

        `within` is the initiative of a scope. A referenced value shows as it is written ("${NAME}"), a secret as ***.
        Empty after a mistake.
        """
        if not self.declared.has("source", entry.source, entry.at("source")):
            return ""
        connector = self._classes.get(entry.source)
        if connector is None or not self._fits(connector, entry):
            return ""
        query = self._read(connector.Query, entry)
        if query is None:
            return ""
        self._questions[entry.source][ref], self._tables[entry.source][ref] = query, entry.rest()
        if within is not None:
            self._dropped[entry.source][ref] = within.only(DROPPED)
        plain = self._written(query.model_dump(mode="json", exclude_defaults=True))
        return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def build(self, interval: timedelta, intervals: Mapping[str, timedelta]) -> dict[str, Source]:
        """Return the sources by name, in the order of the file; those with a mistake are missing.

        `interval` is the longest time between two askings, `intervals` that of sources that have their own.
        """
        return {
            name: self._source(name, settings, intervals.get(name, interval))
            for name, settings in self._settings.items()
        }

    def _source(self, name: str, settings: Settings, interval: timedelta) -> Source:
        entry = self._entries[name]
        deadline = entry.deadline or DEADLINE
        return Source(
            name=name,
            kind=entry.kind,
            settings=settings,
            questions=self._questions[name],
            is_delivery=issubclass(self._classes[name], DeliverySource),
            fresh_for=entry.fresh_for or 2 * interval + deadline,
            concurrency=entry.concurrency,
            deadline=deadline,
            keeps_history=self._classes[name].HISTORY,
            backfill=entry.backfill,
            budget=entry.budget,
            written=self._tables[name],
            dropped=self._dropped[name],
        )

    def _fits(self, connector: ConnectorClass, entry: MetricEntry | ScopeEntry) -> bool:
        brings_work = issubclass(connector, DeliverySource)
        if brings_work == isinstance(entry, ScopeEntry):
            return True
        said = f"source {self.mistakes.quote(entry.source)} ({connector.kind})"
        if brings_work:
            text = f"{said} brings work, not numbers; use it under an initiative's delivery"
        else:
            text = f"{said} brings numbers, not work; use it under metrics"
        self.mistakes.add(entry.at("source"), text)
        return False

    def _read(self, model: type[M], entry: SourceEntry | MetricEntry | ScopeEntry) -> M | None:
        known = [item.alias or name for name, item in model.model_fields.items()]
        table = entry.rest()
        note_unknown_keys(table, [*type(entry).model_fields, *known], self.mistakes)
        wanted = table.only(known)
        try:
            return model.model_validate(wanted, context={"folder": self.folder})
        except ValidationError as error:
            note(error, wanted, self.mistakes)
            return None

    def _written(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._written(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._written(each) for each in value]
        return self.mistakes.shown(value) if isinstance(value, str) else value
