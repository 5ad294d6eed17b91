"""Examines everything in order; what one part can't say keeps no other part from being examined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

from okr_sync.config import Config, load, store_url
from okr_sync.doctor.findings import Finding
from okr_sync.doctor.sources import examine_sources
from okr_sync.doctor.store import examine_store
from okr_sync.errors import ConfigError
from okr_sync.registry import Registry


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings; `config` is None when its files are wrong, `store_url` when even the store's address is."""

    findings: tuple[Finding, ...]
    config: Config | None
    store_url: str | None

    @property
    def passed(self) -> bool:
        """Return whether nothing failed; warnings are no failures."""
        return all(finding.level != "fail" for finding in self.findings)


def examine(
    file: Path,
    env: Mapping[str, str],
    clock: Callable[[], datetime],
    *,
    store: str | None = None,
    offline: bool = False,
    registry: Registry | None = None,
) -> Examination:
    """Return what there is to say about the config in `file` and all that it names; `offline` asks no source.

    `store` is an address over the config's. Nothing is written anywhere.
    """
    known = registry or Registry()
    config, found = _config(file, env, known)
    findings = [found, _zones(config)]
    address = store or (config.store_url if config else _address(file, env))
    if address is not None:
        findings += examine_store(address, clock())
    if config is not None and not offline:
        findings += examine_sources(config.sources, clock, known)
    return Examination(tuple(findings), config, address)


def _config(file: Path, env: Mapping[str, str], registry: Registry) -> tuple[Config | None, Finding]:
    try:
        config = load(file, env, registry)
    except ConfigError as error:
        count = len(error.mistakes)
        said = f"{count} mistake{'s' * (count != 1)}, the first: {error.mistakes[0]}"
        return None, Finding("config", "fail", said, "correct them; okr-sync check shows all")
    said = f"{len(config.files)} files, {len(config.sources)} sources, {len(config.book.key_results())} key results"
    return config, Finding("config", "ok", said)


def _address(file: Path, env: Mapping[str, str]) -> str | None:
    try:
        return store_url(file, env)
    except ConfigError:
        return None  # the finding on the config says why


def _zones(config: Config | None) -> Finding:
    name = config.book.timezone if config else "Europe/Berlin"
    data = f"tzdata {found}" if (found := _tzdata()) else "the system's data"
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return Finding("time zones", "fail", f"there are no data of {name}", "install tzdata")
    return Finding("time zones", "ok", f"{name} is known; {data}")


def _tzdata() -> str | None:
    try:
        return version("tzdata")
    except PackageNotFoundError:
        return None
