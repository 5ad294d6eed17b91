"""Entries of config files → the book: references between them resolved, and everything refused that can't be meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from okr_sync.config.adding import units_of
from okr_sync.config.calendar import overlapping, without_days
from okr_sync.config.capturing import refuse_two_captures
from okr_sync.config.language import (
    CycleEntry,
    InitiativeEntry,
    KeyResultEntry,
    MainFile,
    MetricEntry,
    ObjectiveEntry,
    OkrsFile,
)
from okr_sync.config.measuring import unpeopled
from okr_sync.config.names import Declared
from okr_sync.config.pacing import StatusEntry, curve_of, preset_of
from okr_sync.config.places import Mistakes, Place
from okr_sync.config.sources import Sources
from okr_sync.core.model import (
    DROPPED_RESOLUTIONS,
    Book,
    Cycle,
    DeliveryScope,
    Initiative,
    KeyResult,
    Level,
    Metric,
    Objective,
)

__all__ = ["BookMaker"]

MOST_WEIGHT = 1e9

DAY = timedelta(days=1)


@dataclass(slots=True)
class BookMaker:
    """Makes the book of one config; all mistakes are noted, so the result counts only when there are none.

    It is also what measures look their metrics and initiatives up in.
    """

    main: MainFile
    okrs: tuple[OkrsFile, ...]
    zone: ZoneInfo
    declared: Declared
    sources: Sources
    mistakes: Mistakes
    _metrics: dict[str, MetricEntry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entries in (self.main.metrics, *(file.metrics for file in self.okrs)):
            for name, entry in entries.items():
                self._metrics.setdefault(name, entry)

    def make(self) -> Book:
        """Return the book, in the order of the files."""
        cycles = {name: self._cycle(name, entry) for name, entry in self.main.cycles.items()}
        for name, message in overlapping(cycles):
            self.mistake(self.main.cycles[name].place, message)
        metrics = tuple(self._metric(name, entry) for name, entry in self._metrics.items())
        objectives = tuple(
            self._objective(entry, file, cycles.get(file.cycle or ""))
            for file in self._checked_files()
            for entry in file.objectives
        )
        self._refuse_circles(objectives)
        self._refuse_sums(objectives)
        return Book(
            timezone=self.zone.key,
            cycles=tuple(cycles.values()),
            objectives=objectives,
            metrics=metrics,
            initiatives=tuple(self._initiative(entry) for entry in self._initiatives()),
            people=tuple((name, entry.name) for name, entry in self.main.people.items()),
            teams=tuple((name, entry.title or name) for name, entry in self.main.teams.items()),
        )

    def metric(self, id: str, place: Place) -> MetricEntry | None:  # noqa: A002 -- as `Facts` has it
        """Return a metric; an unknown one is noted at `place`."""
        entry = self._metrics.get(id) if self.declared.has("metric", id, place) else None
        return entry and entry.as_measured()

    def initiative(self, id: str, place: Place) -> bool:  # noqa: A002 -- as `Facts` has it
        """Return whether there is such an initiative; an unknown one is noted at `place`."""
        return self.declared.has("initiative", id, place)

    def mistake(self, place: Place, message: str) -> None:
        """Note a mistake."""
        self.mistakes.add(place, message)

    def _initiatives(self) -> Iterator[InitiativeEntry]:
        for file in self.okrs:
            yield from file.initiatives
            for objective in file.objectives:
                yield from objective.initiatives

    def _checked_files(self) -> Iterator[OkrsFile]:
        for file in self.okrs:
            if file.cycle is not None:
                self.declared.has("cycle", file.cycle, file.at("cycle"))
            elif file.objectives:
                self.mistake(file.place, "missing key 'cycle'; objectives belong to one")
            if file.team is not None and self.declared.any("team"):
                self.declared.has("team", file.team, file.at("team"))
            yield file

    def _instant(self, day: date) -> datetime:
        """Return the first instant of a local day; where midnight is skipped, the instant of the skip."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def _cycle(self, name: str, entry: CycleEntry) -> Cycle:
        if entry.end < entry.start:
            self.mistake(
                entry.at("end"), f"end: {entry.end} is before the start, {entry.start}; both days are inclusive"
            )
        bounds = self._instant(entry.start), self._instant(entry.end + DAY)
        return Cycle(name, entry.start, entry.end, *bounds, grace=entry.grace)

    def _metric(self, name: str, entry: MetricEntry) -> Metric:
        low, high = entry.minimum, entry.maximum
        if low is not None and high is not None and high < low:
            self.mistake(entry.at("maximum"), f"maximum: {high:g} is below the minimum, {low:g}")
        return Metric(
            id=name,
            title=entry.title or name,
            source=entry.source,
            query=self.sources.ask(name, entry),
            unit=entry.unit,
            type=entry.type,
            minimum=low,
            maximum=high,
            max_age_days=entry.max_age / DAY if entry.max_age else None,
            guard=entry.guard,
            personal=entry.personal,
            population=self._population(name, entry),
            privacy_k=entry.privacy_k or self.main.privacy_k,
            readings=entry.readings.build(entry.type, entry.unit, self.mistakes) if entry.readings else None,
        )

    def _population(self, name: str, entry: MetricEntry) -> str | None:
        for key in ("population", "privacy_k"):
            if entry.written(key) and not entry.personal:
                self.mistake(entry.at(key), f"{key}: belongs to what is `personal: true`")
        if entry.population == name:
            self.mistake(entry.at("population"), "population: name another metric, which counts the people")
        elif entry.population is not None:
            self.declared.has("metric", entry.population, entry.at("population"))
        return entry.population

    def _owner(self, entry: InitiativeEntry | KeyResultEntry | ObjectiveEntry) -> str | None:
        if entry.owner is not None and self.declared.any("person"):
            self.declared.has("person", entry.owner, entry.at("owner"))
        return entry.owner

    def _initiative(self, entry: InitiativeEntry) -> Initiative:
        for number, name in enumerate(entry.key_results):
            self.declared.has("key result", name, entry.at("key_results", number))
        if entry.written("delivery") and not entry.holds("delivery"):
            self.mistake(entry.at("delivery"), "delivery: expected at least one {source: …}; leave it out for none")
        scopes = []
        for number, scope in enumerate(entry.delivery or (), start=1):
            ref = f"{entry.id}/{number}"
            scopes.append(DeliveryScope(ref, scope.source, self.sources.ask(ref, scope, entry)))
        return Initiative(
            id=entry.id,
            title=entry.title,
            owner=self._owner(entry),
            key_results=tuple(entry.key_results),
            scopes=tuple(scopes),
            weight_by=entry.weight_by,
            missing_points=entry.missing_points,
            unit=entry.unit,
            include=entry.include,
            containers=entry.containers,
            dropped=DROPPED_RESOLUTIONS if entry.dropped is None else frozenset(map(str.casefold, entry.dropped)),
            due=entry.due,
            guard=entry.guard,
        )

    def _objective(self, entry: ObjectiveEntry, file: OkrsFile, cycle: Cycle | None) -> Objective:
        for place, name in self._links(entry):
            self.declared.has("objective", name, place)
        self._check_weight(entry)
        if entry.key_results and all(each.weight == 0 for each in entry.key_results):
            self.mistake(entry.at("key_results"), "key_results: all weights are 0; give at least one more than that")
        team = self.main.teams.get(file.team or "")
        said = (entry.status, file.status, self.main.status)
        level: Level = entry.level or file.level or (team and team.level) or "team"
        return Objective(
            id=entry.id,
            title=entry.title,
            cycle=file.cycle or "",
            level=level,
            team=file.team,
            owner=self._owner(entry),
            contributes_to=entry.contributes_to,
            supports=tuple(entry.supports),
            weight=entry.weight,
            key_results=tuple(each for each in (self._key_result(kr, cycle, said) for kr in entry.key_results) if each),
            preset=preset_of(said),
            roll_up=entry.roll_up,
        )

    def _links(self, entry: ObjectiveEntry) -> Iterator[tuple[Place, str]]:
        if entry.contributes_to is not None:
            yield entry.at("contributes_to"), entry.contributes_to
        for number, name in enumerate(entry.supports):
            yield entry.at("supports", number), name

    def _check_weight(self, entry: ObjectiveEntry | KeyResultEntry) -> None:
        if entry.weight < 0:
            self.mistake(entry.at("weight"), f"weight: {entry.weight:g} is negative; 0 means watched only")
        if entry.weight > MOST_WEIGHT:
            self.mistake(entry.at("weight"), f"weight: {entry.weight:g} is above {MOST_WEIGHT:g}; only ratios matter")

    def _key_result(
        self, entry: KeyResultEntry, cycle: Cycle | None, said: tuple[StatusEntry | None, ...]
    ) -> KeyResult | None:
        self._check_weight(entry)
        measure, owner = entry.measure.build(self), self._owner(entry)
        if cycle is None:
            return None
        first, last = entry.start or cycle.first, entry.due or cycle.last
        for key, day in (("start", first), ("due", last)):
            if entry.written(key) and not cycle.first <= day <= cycle.last:
                self.mistake(
                    entry.at(key), f"{key}: {day} is outside cycle {cycle.id!r} ({cycle.first} to {cycle.last})"
                )
        if last < first:
            self.mistake(entry.at("due"), f"due: {last} is before the start, {first}")
        if measure is None:
            return None
        refuse_two_captures(measure, entry.at("measure"), self)
        for name in unpeopled(measure, self._metrics):
            self.mistake(
                entry.at("measure"),
                f"measure: metric {name!r} is personal; name its `population`, the metric that counts the people",
            )
        if last >= first and without_days(measure, first, last):
            self.mistake(entry.at("measure"), f"measure: every day from {first} to {last} is skipped: nothing is due")
        return KeyResult(
            id=entry.id,
            title=entry.title,
            measure=measure,
            start=self._instant(first),
            due=self._instant(last + DAY),
            owner=owner,
            weight=entry.weight,
            preset=preset_of((entry.status, *said)),
            curve=curve_of((entry.status, *said), first, self.zone.key),
        )

    def _refuse_sums(self, objectives: tuple[Objective, ...]) -> None:
        """A sum adds up values of one unit, which objectives don't have."""
        entries = {entry.id: entry for file in self.okrs for entry in file.objectives}
        for objective in (each for each in objectives if each.roll_up == "sum"):
            place = entries[objective.id].at("roll_up")
            below = [each.id for each in objectives if each.contributes_to == objective.id]
            if below:
                said = f"it leaves out what contributes to it ({', '.join(below)}); let that support it, or use both"
                self.mistake(place, f"roll_up: sum adds up its own key results; {said}")
            elif not objective.key_results:
                self.mistake(place, "roll_up: sum needs key results to add up")
            units = units_of(objective, self._metrics)
            if len(set(units.values())) > 1:
                said = ", ".join(f"{name} in {unit or 'no unit'}" for name, unit in units.items())
                self.mistake(place, f"roll_up: sum adds up values of one unit, and these have several: {said}")

    def _refuse_circles(self, objectives: tuple[Objective, ...]) -> None:
        parents = {each.id: each.contributes_to for each in objectives}
        places = {entry.id: entry.at("contributes_to") for file in self.okrs for entry in file.objectives}
        seen: set[str] = set()
        for start in parents:
            path: list[str] = []
            here: str | None = start
            while here is not None and here not in seen:
                seen.add(here)
                path.append(here)
                here = parents.get(here)
            if here in path:
                circle = [*path[path.index(here) :], here]
                self.mistake(
                    places[circle[-2]], f"contributes_to: goes round in a circle: {' → '.join(circle)}; remove one link"
                )
