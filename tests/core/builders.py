"""Short construction of books and facts: a quarter of 100 days, one objective, sources that answered just now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Container, History, MetricFacts, Miss, Reading, ScopeFacts, SourceState, WorkItem
from okr_sync.core.model import (
    Book,
    Change,
    Cycle,
    DeliveryScope,
    DoneSubject,
    Initiative,
    KeyResult,
    Measure,
    Metric,
    Objective,
    Step,
    Threshold,
)
from okr_sync.core.snapshot import InitiativeState, KeyResultState, Snapshot

START = datetime(2026, 1, 1, tzinfo=UTC)
DUE = START + timedelta(days=100)
HALF = START + timedelta(days=50)
CYCLE = Cycle("q", START.date(), (DUE - timedelta(days=1)).date(), START, DUE)


def day(number: float) -> datetime:
    """The instant `number` days after the start."""
    return START + timedelta(days=number)


def key_result(measure: Measure, name: str = "kr", **more: Any) -> KeyResult:
    return KeyResult(
        **{"id": name, "title": f"Title of {name}", "measure": measure, "start": START, "due": DUE, **more}
    )


def objective(*key_results: KeyResult, name: str = "o", **more: Any) -> Objective:
    return Objective(**{"id": name, "title": f"Title of {name}", "cycle": "q", "key_results": key_results, **more})


def metric(name: str = "m", **more: Any) -> Metric:
    return Metric(**{"id": name, "title": name, "source": "survey", "query": "{}", **more})


def reading(value: float, at: float = 1.0, **more: Any) -> Reading:
    """A reading `at` days after the start."""
    return Reading(value=value, time=day(at), **more)


def readings(*values: float | Reading, **more: Any) -> MetricFacts:
    """Readings of days 1, 2, 3 …; `Reading`s stand as they are."""
    timed = (each if isinstance(each, Reading) else reading(each, at) for at, each in enumerate(values, 1))
    return MetricFacts(readings=tuple(timed), **more)


def source(name: str, last_success: datetime | None, **more: Any) -> SourceState:
    return SourceState(**{"name": name, "last_success": last_success, "fresh_for": timedelta(hours=1), **more})


def fresh(now: datetime, *names: str) -> dict[str, SourceState]:
    return {name: source(name, now) for name in names or ("survey", "tracker")}


State = Literal["done", "in_progress", "open", "dropped"]


def item(name: str, state: State = "open", points: float | None = None, **more: Any) -> WorkItem:
    """An issue; `dropped` is done as Won't Do."""
    facts = {"id": name, "key": f"APP-{name}", "title": name, "url": f"https://tracker/{name}", "kind": "issue"}
    closed = {"state": "done", "resolution": "Won't Do"} if state == "dropped" else {"state": state}
    return WorkItem(**{**facts, "points": points, **closed, **more})


def items(done: int = 0, in_progress: int = 0, todo: int = 0, dropped: int = 0, prefix: str = "") -> list[WorkItem]:
    wanted: list[tuple[State, int]] = [
        ("done", done),
        ("in_progress", in_progress),
        ("open", todo),
        ("dropped", dropped),
    ]
    return [item(f"{prefix}{state}{n}", state) for state, count in wanted for n in range(count)]


def container(name: str = "e", **more: Any) -> Container:
    facts = {
        "id": name,
        "key": f"EPIC-{name}",
        "title": name,
        "url": f"https://tracker/{name}",
        "kind": "epic",
        "state": "open",
    }
    return Container(**{**facts, **more})


def scope(
    ref: str,
    contents: Mapping[str, Sequence[WorkItem]] | Iterable[WorkItem] = (),
    miss: Miss | None = None,
    **more: Any,
) -> ScopeFacts:
    """A resolved scope: a mapping of container id to items, or the items of the one container "e"."""
    held = contents if isinstance(contents, Mapping) else {"e": tuple(contents)}
    facts: dict[str, Any] = {
        "ref": ref,
        "source": "tracker",
        "containers": tuple(container(name) for name in held),
        "items": {name: tuple(each) for name, each in held.items()},
        "miss": miss,
        "resolved": True,
    }
    return ScopeFacts(**{**facts, **more})


def initiative(name: str = "i", scopes: int = 1, **more: Any) -> Initiative:
    places = tuple(DeliveryScope(f"{name}/{n}", "tracker", "{}") for n in range(1, scopes + 1))
    return Initiative(**{"id": name, "title": f"Title of {name}", "scopes": places, **more})


def work(name: str) -> DoneSubject:
    return DoneSubject(initiative=name)


def number(name: str) -> DoneSubject:
    return DoneSubject(metric=name)


def steps(*subjects: DoneSubject) -> tuple[Step, ...]:
    return tuple(Step(f"step {place}", subject) for place, subject in enumerate(subjects, 1))


def book(
    *key_results: KeyResult,
    metrics: Sequence[Metric] = (metric(),),
    initiatives: Sequence[Initiative] = (),
    objectives: Sequence[Objective] | None = None,
) -> Book:
    held = (objective(*key_results),) if objectives is None else tuple(objectives)
    return Book("UTC", (CYCLE,), held, tuple(metrics), tuple(initiatives))


def history(
    now: datetime,
    facts: MetricFacts | Mapping[str, MetricFacts] | None = None,
    scopes: Sequence[ScopeFacts] = (),
    sources: Mapping[str, SourceState] | None = None,
) -> History:
    """Facts (of the metric "m" when just one) as sources brought them that all answered at `now`."""
    by_metric = {"m": facts} if isinstance(facts, MetricFacts) else dict(facts or {})
    asked = fresh(now) if sources is None else sources
    return History(by_metric, {each.ref: each for each in scopes}, asked)


def judge(
    measure: Measure,
    facts: MetricFacts | Mapping[str, MetricFacts] | None = None,
    *,
    now: datetime = HALF,
    scopes: Sequence[ScopeFacts] = (),
    initiatives: Sequence[Initiative] = (),
    metrics: Sequence[Metric] = (metric(),),
    sources: Mapping[str, SourceState] | None = None,
    **more: Any,
) -> KeyResultState:
    """The state of one key result with this measure."""
    held = book(key_result(measure, **more), metrics=metrics, initiatives=initiatives)
    return evaluate(held, history(now, facts, scopes, sources), now).key_results[0]


def deliver_one(each: Initiative, *scopes: ScopeFacts, now: datetime = HALF) -> InitiativeState:
    """The state of one initiative."""
    return evaluate(book(initiatives=(each,)), history(now, scopes=scopes), now).initiatives[0]


def change(value: float, baseline: float, target: float, now: datetime = HALF, **more: Any) -> KeyResultState:
    """A change from baseline to target, judged on one reading."""
    return judge(Change("m", baseline, target=target), readings(value), now=now, **more)


def at_most(bound: float, **more: Any) -> Threshold:
    return Threshold(metric="m", bound=bound, side="at_most", **more)


def at_least(bound: float, **more: Any) -> Threshold:
    return Threshold(metric="m", bound=bound, side="at_least", **more)


def one(snapshot: Snapshot) -> KeyResultState:
    """The only key result."""
    (state,) = snapshot.key_results
    return state
