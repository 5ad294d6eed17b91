"""Examines the sources: whether they let us in, and whether their clocks agree with ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from okr_sync.config import Source
from okr_sync.connector import Caller, Http, WebSettings
from okr_sync.doctor.findings import Finding
from okr_sync.errors import SourceError
from okr_sync.registry import Registry
from okr_sync.sync.probing import Probe, grant_words, probe_all

NOTICEABLE, HARMFUL = timedelta(seconds=30), timedelta(minutes=5)  # difference of two clocks
EXACTNESS = timedelta(seconds=1)  # of a Date header
SOON = timedelta(days=14)  # before a credential ends
ANY_STATUS = range(200, 600)  # whoever refuses us tells the time all the same


def examine_sources(
    sources: Mapping[str, Source], clock: Callable[[], datetime], registry: Registry
) -> Iterator[Finding]:
    """Yield a finding on the credential of each source, and one on the clock of each that is asked over the web."""
    now = clock()
    for probe in probe_all(sources, registry):
        yield _access(probe, registry.connector_class(sources[probe.source].kind).permissions, now)
    asked = [source for source in sources.values() if _address(source)]
    if asked:
        with ThreadPoolExecutor(len(asked), thread_name_prefix="okr-sync-clock") as pool:
            yield from pool.map(lambda source: _clock(source, clock), asked)


def skew(said: datetime, before: datetime, after: datetime) -> timedelta:
    """Return how far the other clock is ahead of ours (negative: behind), 0 inside of what can't be told.

    The other one read `said`, to the second, at some instant between `before` and `after` of ours.
    """
    if said > after:
        return said - after
    return min(timedelta(0), said + EXACTNESS - before)


def _access(probe: Probe, permissions: str, now: datetime) -> Finding:
    subject, need = f"source {probe.source}", f" It needs: {permissions}" if permissions else ""
    if probe.error is not None:
        return Finding(subject, "fail", probe.error, f"{probe.fix or 'see the error'}.{need}")
    said, grant = probe.identity or "it answers", probe.grant
    if grant is None:
        return Finding(subject, "ok", said)
    said = "; ".join(part for part in (said, grant_words(grant)) if part)
    if grant.missing:
        return Finding(subject, "fail", said, f"give the credential {', '.join(grant.missing)}.{need}")
    if grant.expires is not None and grant.expires - now < SOON:
        return Finding(subject, "warn", said, "make a new credential before this one ends")
    return Finding(subject, "ok", said)


def _clock(source: Source, clock: Callable[[], datetime]) -> Finding:
    subject, before = f"clock and {source.name}", clock()
    try:
        said = _date(source)
    except (SourceError, ValueError) as error:
        return Finding(subject, "warn", f"it tells no time: {type(error).__name__}", "see the source's own finding")
    if said is None:
        return Finding(subject, "ok", "it tells no time")
    off = skew(said, before, clock())
    if abs(off) <= NOTICEABLE:
        return Finding(subject, "ok", "they agree")
    text = f"this machine's clock is {abs(off).total_seconds():.0f} s {'behind' if off > timedelta(0) else 'ahead'}"
    return Finding(subject, "fail" if abs(off) > HARMFUL else "warn", text, "synchronise it (NTP)")


def _date(source: Source) -> datetime | None:
    """Ask without any credential; return what the Date header says. Raises SourceError, ValueError."""
    settings = source.settings
    reach = settings if isinstance(settings, WebSettings) else WebSettings()
    http = Http(Caller(), reach)
    try:
        said = http.request("GET", _address(source), accept=ANY_STATUS).headers.get("date")
    finally:
        http.close()
    if not said:
        return None
    # A proxy may have added a second one, and a zone of "-0000" reads as none: HTTP knows UTC alone.
    return parsedate_to_datetime(said.partition("GMT")[0] + "GMT").replace(tzinfo=UTC)


def _address(source: Source) -> str:
    url = str(getattr(source.settings, "url", "") or "")
    return url if url.startswith(("http://", "https://")) else ""
