"""Asks each source who we are there, without reading or writing anything else."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from okr_sync.config import Source
from okr_sync.errors import SourceError
from okr_sync.registry import Registry
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.collect import REPORT, broken
from okr_sync.sync.veiling import Veil

PATIENCE = 30.0  # seconds for one source, if its deadline is not shorter


@dataclass(frozen=True, slots=True)
class Probe:
    """Who we are at a source, or why it can't be asked."""

    source: str
    identity: str | None = None
    error: str | None = None
    fix: str | None = None


def probe_all(sources: Mapping[str, Source], registry: Registry | None = None) -> tuple[Probe, ...]:
    """Return one probe a source, in their order."""
    known = registry or Registry()
    if not sources:
        return ()
    with ThreadPoolExecutor(len(sources), thread_name_prefix="okr-sync-probe") as pool:
        return tuple(pool.map(lambda source: _probe(source, known), sources.values()))


def _probe(source: Source, registry: Registry) -> Probe:
    try:
        caller = RetryingCaller(seconds=min(PATIENCE, source.deadline.total_seconds()))
        connector = registry.connector_class(source.kind)(source.settings, caller)
        try:
            return Probe(source.name, identity=connector.probe())
        finally:
            connector.close()
    except SourceError as error:
        veil = Veil.of(source.settings)
        return Probe(source.name, error=veil.over(str(error)), fix=veil.over(error.fix))
    except Exception as error:  # noqa: BLE001 -- a connector is a plugin: its bug must not hide the others
        return Probe(source.name, error=broken(source, error), fix=REPORT)
