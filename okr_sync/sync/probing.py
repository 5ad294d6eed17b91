"""Asks each source who we are there and what we may do, without reading or writing anything else."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from okr_sync.config import Source
from okr_sync.connector import Grant
from okr_sync.errors import SourceError
from okr_sync.registry import Registry
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.collect import REPORT, broken
from okr_sync.sync.veiling import Veil

PATIENCE = 30.0  # seconds for one source, if its deadline is not shorter


@dataclass(frozen=True, slots=True)
class Probe:
    """Who we are at a source and what we may do there, or why it can't be asked."""

    source: str
    identity: str | None = None
    error: str | None = None
    fix: str | None = None
    grant: Grant | None = None


def probe_all(sources: Mapping[str, Source], registry: Registry | None = None) -> tuple[Probe, ...]:
    """Return one probe a source, in their order."""
    known = registry or Registry()
    if not sources:
        return ()
    with ThreadPoolExecutor(len(sources), thread_name_prefix="okr-sync-probe") as pool:
        return tuple(pool.map(lambda source: _probe(source, known), sources.values()))


def failed(source: Source, error: Exception, so_far: Probe | None = None) -> Probe:
    """Return the probe of a source that `error` ended: its own words veiled, those of a bug left out."""
    probe = so_far or Probe(source.name)
    if isinstance(error, SourceError):
        veil = Veil.of(source.settings)
        return replace(probe, error=veil.over(str(error)), fix=veil.over(error.fix))
    return replace(probe, error=broken(source, error), fix=REPORT)


def grant_words(grant: Grant) -> str:
    """Return what a credential may do against what it needs, and when it ends; empty when nothing is known."""
    parts = [f"needs {', '.join(grant.needed)}"] if grant.needed else []
    if grant.granted is not None:
        parts.append(f"has {', '.join(grant.granted) or 'no scopes'}")
    parts += [f"lacks {', '.join(grant.missing)}"] if grant.missing else []
    parts += [f"ends on {grant.expires:%Y-%m-%d %H:%M} UTC"] if grant.expires else []
    return "; ".join(parts)


def _probe(source: Source, registry: Registry) -> Probe:
    try:
        caller = RetryingCaller(seconds=min(PATIENCE, source.deadline.total_seconds()))
        connector = registry.connector_class(source.kind)(source.settings, caller)
        try:
            return Probe(source.name, identity=connector.probe(), grant=connector.grant())
        finally:
            connector.close()
    except Exception as error:  # noqa: BLE001 -- a connector is a plugin: its bug must not hide the others
        return failed(source, error)
