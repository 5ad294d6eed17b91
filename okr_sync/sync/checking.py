"""Resolves every name that the config maps to a source, at the source itself; nothing is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from okr_sync.config import Config, Source
from okr_sync.connector import DeliverySource, Grant, MetricSource, Named, ProtocolError
from okr_sync.core.facts import Miss, Outcome, Reading
from okr_sync.errors import Mistake
from okr_sync.registry import ConnectorClass, Registry
from okr_sync.sync.answers import gather_readings
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.collect import Watch, side_by_side
from okr_sync.sync.contract import FIX
from okr_sync.sync.dropping import about_dropped
from okr_sync.sync.probing import Probe, failed
from okr_sync.sync.veiling import Veil


@dataclass(frozen=True, slots=True)
class Checked:
    """What one source said: who we are and what we may do there (`probe`), and what each name leads to."""

    probe: Probe
    named: tuple[Named, ...] = ()
    requests: int = 0
    resolutions: tuple[str, ...] | None = None
    """The names of all resolutions that items can have there; None: it doesn't tell."""

    @property
    def passed(self) -> bool:
        """Return whether the source can be asked, every name leads somewhere, and no permission is known to lack."""
        grant = self.probe.grant
        return not (self.probe.error or any(each.miss for each in self.named) or (grant and grant.missing))


def check_all(
    config: Config,
    now: datetime,
    *,
    only: str | None = None,
    registry: Registry | None = None,
    watch: Watch | None = None,
) -> tuple[Checked, ...]:
    """Return what each source says about all that is mapped to it, in the order of the config; `only` names one."""
    known = registry or Registry()
    start = min((cycle.start for cycle in config.book.cycles), default=now)
    asked = [source for name, source in config.sources.items() if only in (None, name)]

    def check(source: Source, stop: threading.Event) -> Checked:
        caller = RetryingCaller(
            seconds=source.deadline.total_seconds(),
            concurrency=source.concurrency,
            stop=stop,
            watch=None if watch is None else lambda count: watch(source.name, count),
        )
        checked = _Check(source, start, now).run(known.connector_class(source.kind), caller)
        return _veiled(replace(checked, requests=caller.requests), Veil.of(source.settings))

    return with_dropped(config, side_by_side(asked, check))


@dataclass(frozen=True, slots=True)
class _Check:
    source: Source
    start: datetime
    now: datetime

    def run(self, made: ConnectorClass, caller: RetryingCaller) -> Checked:
        """Return all that could be learnt until the source failed, if it did."""
        probe, named = Probe(self.source.name), list[Named]()
        resolutions: tuple[str, ...] | None = None
        try:
            connector = made(self.source.settings, caller)
            try:
                probe = replace(probe, identity=connector.probe())
                probe = replace(probe, grant=connector.grant())
                for each in self._named(connector):
                    named.append(each)
                if isinstance(connector, DeliverySource) and self.source.questions:
                    resolutions = connector.resolutions()
            finally:
                connector.close()
        except Exception as error:  # noqa: BLE001 -- a connector is a plugin: its bug must not hide the others
            probe = failed(self.source, error, probe)
        return Checked(probe, tuple(named), resolutions=resolutions)

    def _named(self, connector: MetricSource | DeliverySource) -> Iterable[Named]:
        told = connector.resolve(self.source.questions, self.now)
        if told is not None:
            return told
        return self._pulled(connector) if isinstance(connector, DeliverySource) else self._read(connector)

    def _read(self, connector: MetricSource) -> Iterator[Named]:
        inbox: Mapping[str, tuple[Reading, ...]] | None = {} if connector.INBOX else None
        brought = gather_readings(connector, self.source, self.start, self.now, inbox=inbox)
        return (_of_outcome(ref, outcome) for ref, outcome in brought.answers.items())

    def _pulled(self, connector: DeliverySource) -> Iterator[Named]:
        for ref in self.source.questions:
            yield self._pull(connector, ref)

    def _pull(self, connector: DeliverySource, ref: str) -> Named:
        """Return what one scope leads to; no more pages are asked for than tell it."""
        for page in connector.pull({ref: self.source.questions[ref]}, None, self.now):
            if ref in page.misses:
                return Named(ref, (), page.misses[ref].message, page.misses[ref].why)
            if ref in page.scopes:
                return Named(ref, (), f"containers found: {len(page.scopes[ref])}")
        raise ProtocolError(f"no answer for {ref}", fix=FIX)


def _of_outcome(ref: str, outcome: Outcome) -> Named:
    """Return that a metric can be read, without its value: it may be about people."""
    if isinstance(outcome, Miss):
        known = outcome.why == "no_data"  # a state of the world, not a wrong question
        return Named(ref, (), outcome.message, None if known else outcome.why)
    times = [reading.time for reading in outcome if reading.time] if isinstance(outcome, tuple) else []
    newest = f", the newest of {max(times):%Y-%m-%d %H:%M} UTC" if times else ""
    return Named(ref, (), f"readings: {len(outcome)}{newest}" if isinstance(outcome, tuple) else "it answers")


def _veiled(checked: Checked, veil: Veil) -> Checked:
    probe, grant = checked.probe, checked.probe.grant
    identity = None if probe.identity is None else veil.over(probe.identity)
    named = tuple(replace(each, said=veil.over(each.said)) for each in checked.named)
    probe = replace(probe, identity=identity, grant=_veiled_grant(grant, veil))
    resolutions = None if checked.resolutions is None else tuple(map(veil.over, checked.resolutions))
    return replace(checked, probe=probe, named=named, resolutions=resolutions)


def with_dropped(config: Config, checked: Iterable[Checked]) -> tuple[Checked, ...]:
    """Return what the sources said, with what it means for the names that initiatives drop work by."""
    found = tuple(checked)
    words = about_dropped(config, {each.probe.source: each.resolutions for each in found})
    return tuple(replace(each, named=(*each.named, *words.get(each.probe.source, ()))) for each in found)


def _veiled_grant(grant: Grant | None, veil: Veil) -> Grant | None:
    if grant is None or grant.granted is None:
        return grant
    return replace(grant, granted=tuple(veil.over(each) for each in grant.granted))


def mistakes(checked: Iterable[Checked], sources: Mapping[str, Source]) -> tuple[Mistake, ...]:
    """Return each name that leads nowhere as a mistake of the file that it stands in, in the order of the files."""
    found = []
    for each in checked:
        for named in each.named:
            place = sources[each.probe.source].place(named.ref, named.path)
            if named.miss and place is not None:
                found.append(Mistake(place.file, place.line, place.column, f"{each.probe.source}: {named.said}"))
    return tuple(sorted(found))
