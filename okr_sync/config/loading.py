"""Loads a config: finds the files, reads them, and returns the whole or raises every mistake at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from okr_sync.config.alerting import Alerts, read_alerts
from okr_sync.config.book import BookMaker
from okr_sync.config.entry import read_entry
from okr_sync.config.housekeeping import Housekeeping, read_housekeeping
from okr_sync.config.language import MainFile, OkrsFile
from okr_sync.config.names import declared_in
from okr_sync.config.places import Mistakes, Table, nearest
from okr_sync.config.reading import parse_table, read_table
from okr_sync.config.references import References
from okr_sync.config.schedules import parse_schedule
from okr_sync.config.sources import INTERVAL, Source, Sources
from okr_sync.config.store_address import main_file, noted_address
from okr_sync.config.whereabouts import Defined, Lines, whereabouts
from okr_sync.core.definition import define
from okr_sync.core.model import Book
from okr_sync.core.slots import Schedule, longest_gap
from okr_sync.errors import ConfigError
from okr_sync.registry import Registry

__all__ = ["Config", "load"]

MAX_FILES = 2_000


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the files say: the book and the sources.

    `file` is okr-sync.yaml, `folder` where it lies, `files` all files that were read; `store_url` has no relative
    path; `interval` is the longest time between scheduled syncs, None without a schedule.
    """

    file: Path
    folder: Path
    book: Book
    store_url: str
    schedule: str | None
    interval: timedelta | None
    sources: Mapping[str, Source]
    files: tuple[Path, ...]
    lines: Mapping[Defined, Lines] = field(default_factory=dict)
    """Where each definition stands."""
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    """Name of a source that has a schedule of its own → it; an empty name is the schedule of all others."""
    alerts: Alerts = field(default_factory=Alerts)
    housekeeping: Housekeeping = field(default_factory=Housekeeping)

    def zone(self) -> ZoneInfo:
        """Return the zone in which cron expressions and days are read."""
        return ZoneInfo(self.book.timezone)

    def sources_of(self, schedules: Iterable[str]) -> frozenset[str]:
        """Return the names of the sources that are asked when these schedules are due."""
        named = frozenset(schedules)
        return frozenset(name for name in self.sources if (name if name in self.schedules else "") in named)


def load(
    path: Path,
    env: Mapping[str, str],
    registry: Registry | None = None,
    drafts: Mapping[Path, str] | None = None,
    texts: Mapping[Path, str] | None = None,
) -> Config:
    """Return the config in `path`: okr-sync.yaml or the folder that holds it.

    `env` is what `${NAME}` reads. `drafts` are files with objectives that are not written yet (path → text);
    `texts` stand in the place of all files: nothing else is read. Raises ConfigError with every mistake of all files,
    in the order of the files, each named as `path` begins.
    """
    loading = _Loading.at(path, env, texts or {})
    drafts = drafts or {}
    main_table = loading.table(loading.file)
    main = loading.main(main_table)
    if main_table is None or main is None:
        raise ConfigError(loading.mistakes.told())
    files = (*loading.okrs_files(main), *drafts)
    tables = {file: table for file in files if (table := loading.table(file, drafts.get(file))) is not None}
    declared = declared_in((main_table, *tables.values()), loading.mistakes)
    sources = Sources(registry or Registry(), loading.file.parent, declared, loading.mistakes)
    for name, entry in main.sources.items():
        sources.add(name, entry)
    okrs = tuple(
        okrs_file
        for table in tables.values()
        if (okrs_file := read_entry(OkrsFile, table, loading.mistakes)) is not None
    )
    book = BookMaker(main, okrs, loading.zone(main), declared, sources, loading.mistakes).make()
    schedules, store = loading.schedules(main), noted_address(main, loading.file.parent, loading.mistakes)
    alerts = read_alerts(main.alerts, main.ping, loading.file.parent, loading.mistakes)
    interval = longest_gap(schedules[""]) if "" in schedules else None
    mistakes = loading.mistakes.told()
    if mistakes:
        raise ConfigError(mistakes)
    return Config(
        file=loading.file,
        folder=loading.file.parent,
        book=define(book),
        store_url=store,
        schedule=main.schedule,
        interval=interval,
        sources=sources.build(interval or INTERVAL, {name: longest_gap(each) for name, each in schedules.items()}),
        files=(loading.file, *files),
        lines=whereabouts({loading.file: main_table, **tables}),
        schedules=schedules,
        alerts=alerts,
        housekeeping=read_housekeeping(main.housekeeping),
    )


@dataclass(slots=True)
class _Loading:
    """One loading: the files by the names that messages use, and the mistakes so far."""

    file: Path
    references: References
    mistakes: Mistakes
    texts: Mapping[Path, str] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path, env: Mapping[str, str], texts: Mapping[Path, str] | None = None) -> _Loading:
        file, mistakes = main_file(path), Mistakes()
        return cls(file, References(env, file.parent, mistakes), mistakes, texts or {})

    def table(self, file: Path, draft: str | None = None) -> Table | None:
        self.mistakes.files.append(str(file))
        draft = self.texts.get(file) if draft is None else draft
        if draft is not None:
            return parse_table(draft, str(file), self.references, self.mistakes)
        return read_table(file, str(file), self.references, self.mistakes)

    def main(self, table: Table | None) -> MainFile | None:
        return None if table is None else read_entry(MainFile, table, self.mistakes)

    def okrs_files(self, main: MainFile) -> tuple[Path, ...]:
        if self.texts:
            return tuple(file for file in self.texts if file != self.file)
        found: dict[Path, None] = {}
        for number, pattern in enumerate(main.okrs):
            place = main.at("okrs", number)
            if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
                self.mistakes.add(place, "okrs: a pattern starts at the folder of this file and stays in it")
                continue
            matches = sorted(islice(self._matches(pattern), MAX_FILES + 1))
            if not matches and main.written("okrs"):
                self.mistakes.add(place, f"okrs: no file matches {self.mistakes.quote(pattern)}")
            found.update(dict.fromkeys(matches))
        if len(found) > MAX_FILES:
            self.mistakes.add(main.at("okrs"), f"okrs: more than {MAX_FILES:,} files; name fewer, or merge them")
            return ()
        return tuple(found)

    def _matches(self, pattern: str) -> Iterator[Path]:
        return (file for file in self.file.parent.glob(pattern) if file != self.file and not file.is_dir())

    def zone(self, main: MainFile) -> ZoneInfo:
        try:
            return ZoneInfo(main.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            name = main.timezone
            hint = nearest(name, available_timezones()) or "; expected one like Europe/Berlin"
            self.mistakes.add(main.at("timezone"), f"timezone: unknown time zone {self.mistakes.quote(name)}{hint}")
            return ZoneInfo("UTC")

    def schedules(self, main: MainFile) -> dict[str, Schedule]:
        """Return the schedules by the name of their source; an empty name is that of the file."""
        written = {"": (main.schedule, main.at("schedule"))}
        written |= {name: (entry.schedule, entry.at("schedule")) for name, entry in main.sources.items()}
        found = {}
        for name, (text, place) in written.items():
            try:
                if text is not None:
                    found[name] = parse_schedule(text)
            except ValueError as error:
                self.mistakes.add(place, f"schedule: {error}")
        return found
