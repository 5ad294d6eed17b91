"""Everything that the store knows of the past of a book, with valid times: what `core.past` walks through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.capturing import wanted_baselines
from okr_sync.core.facts import DueSeen, Miss, Override, Transition
from okr_sync.core.lives import Logged, Stay, Version, stays_below, stays_of, versions_of
from okr_sync.core.model import Book
from okr_sync.core.past import MetricPast, Past, ScopePast, Series, TrackerPast
from okr_sync.store import mirror
from okr_sync.store.baselines import load_versions
from okr_sync.store.changelog import counting_transitions, members_ever
from okr_sync.store.due_dates import load_due_dates
from okr_sync.store.history import states_of
from okr_sync.store.overrides import words_on
from okr_sync.store.readings import load_series, outcomes
from okr_sync.store.statements import Row, chunks, fetch
from okr_sync.store.tables import MembershipRow, sql
from okr_sync.store.work import scope_rows

MEMBERSHIPS = sql(MembershipRow)
FOREVER = timedelta.max  # how long the last answers hold of a source that is not configured any more


def load_past(session: Session, books: Sequence[Book], fresh_for: Mapping[str, timedelta]) -> Past:
    """Return the past of the metrics, scopes and words on statuses of all these books, by all that is known now.

    The books are one book at several instants. Sources that are not configured any more, and so not in `fresh_for`,
    stay as fresh as they were last.
    """
    initiatives = [initiative for book in books for initiative in book.initiatives]
    judged = [key_result for book in books for key_result in book.key_results()]
    refs = frozenset(scope.ref for initiative in initiatives for scope in initiative.scopes)
    rows = sorted(scope_rows(session, refs), key=lambda row: str(row["ref"]))
    captured = frozenset(each.id for each in judged if wanted_baselines(each))
    return Past(
        metrics=_metrics(session, frozenset(metric.id for book in books for metric in book.metrics)),
        scopes={row["ref"]: _scope(row) for row in rows},
        trackers={source: _Tracker(session, source, rows).past() for source in sorted({row["source"] for row in rows})},
        sources=states_of(session, {**dict.fromkeys(_named(books), FOREVER), **fresh_for}),
        words=_words(session, frozenset(each.id for each in judged)),
        baselines=load_versions(session, captured),
    )


def _named(books: Sequence[Book]) -> frozenset[str]:
    """Return the sources that the books name."""
    scopes = [scope for book in books for initiative in book.initiatives for scope in initiative.scopes]
    return frozenset([*(scope.source for scope in scopes), *(each.source for book in books for each in book.metrics)])


def _metrics(session: Session, metrics: frozenset[str]) -> dict[str, MetricPast]:
    series = load_series(session, metrics)
    states = {row["metric"]: row for row in outcomes(session, metrics)}
    return {name: _metric(series.get(name, {}), states.get(name)) for name in sorted(metrics)}


def _metric(series: Mapping[str | None, Series], state: Row | None) -> MetricPast:
    return MetricPast(series, miss=_miss(state), missed=None if state is None else state["since"])


def _miss(row: Row | None) -> Miss | None:
    return None if row is None or row["miss_kind"] is None else Miss(row["miss_kind"], row["miss_message"])


def _scope(row: Row) -> ScopePast:
    held = tuple(json.loads(row["containers"]))
    return ScopePast(row["ref"], row["source"], held, row["resolved"], _miss(row), row["since"], row["question"])


def _words(session: Session, key_results: frozenset[str]) -> dict[str, tuple[tuple[datetime, Override | None], ...]]:
    found: dict[str, tuple[tuple[datetime, Override | None], ...]] = {}
    for name, at, word in words_on(session, key_results):
        found[name] = (*found.get(name, ()), (at, word))
    return found


class _Tracker:
    """The mirror of one source, read in a few statements, with all that its containers ever held."""

    def __init__(self, session: Session, source: str, scopes: Iterable[Row]) -> None:
        wanted = frozenset(id_ for row in scopes if row["source"] == source for id_ in json.loads(row["containers"]))
        self._containers = {row["id"]: mirror.container(row) for row in mirror.container_rows(session, source, wanted)}
        ids = frozenset(item for _, item in members_ever(session, source, wanted))
        self._items = {row["id"]: row for row in mirror.item_rows(session, source, ids)}
        self._moves: dict[str, list[Row]] = {}
        self._stays: dict[str, list[Stay]] = {item: [] for item in ids}
        self._first_seen: dict[str, datetime] = {}
        statement = counting_transitions(source)
        stays = select(MEMBERSHIPS).where(MEMBERSHIPS.c.source == source)
        for chunk in chunks(ids):
            for row in fetch(session, statement.where(statement.selected_columns.item.in_(chunk))):
                self._moves.setdefault(row["item"], []).append(row)
            for row in fetch(session, stays.where(MEMBERSHIPS.c.item.in_(chunk))):
                self._met(row["item"], row["since"])
                self._met(row["container"], row["since"])
                if row["container"] in wanted:
                    self._stays[row["item"]].append(_stay(row))
        self._dues = load_due_dates(session, source, wanted | ids)

    def past(self) -> TrackerPast:
        """Return it with every item in all its versions."""
        versions = {
            id_: versions_of(mirror.work_item(row), map(_move, self._moves.get(id_, ())))
            for id_, row in self._items.items()
        }
        return TrackerPast(
            containers=self._containers,
            versions=versions,
            stays=tuple(self._all_stays(versions)),
            hidden={id_: row["absent_since"] for id_, row in self._items.items() if row["absence"] == "hidden"},
            dues={thing: self._seen(thing, dues) for thing, dues in self._dues.items()},
        )

    def _met(self, thing: str, at: datetime) -> None:
        """Note that somebody saw a thing then."""
        self._first_seen[thing] = min(at, self._first_seen.get(thing, at))

    def _seen(self, thing: str, dues: tuple[DueSeen, ...]) -> tuple[DueSeen, ...]:
        """Return the due days of a thing; one that was seen without any before begins with none."""
        first = self._first_seen.get(thing)
        return dues if first is None or first >= dues[0].at else (DueSeen(None, first), *dues)

    def _all_stays(self, versions: Mapping[str, tuple[Version, ...]]) -> Iterator[Stay]:
        """Yield all stays; logs of sub-tasks don't say in which container they are: they are where their issue is."""
        own = {id_: self._stays_of(id_) for id_ in sorted(self._stays)}
        followed = frozenset(id_ for id_, held in self._containers.items() if held.kind != "query")
        for id_, stays in own.items():
            row = self._items.get(id_)
            if row is None or row["kind"] != "subtask" or row["past_since"] is None:
                yield from stays
            else:
                yield from stays_below(versions[id_], stays, own, followed)

    def _stays_of(self, id_: str) -> tuple[Stay, ...]:
        row = self._items.get(id_)
        if row is None or row["past_since"] is None:
            return tuple(self._stays[id_])
        moves = tuple(_move(move) for move in self._moves.get(id_, ()) if move["logged"])
        return stays_of(id_, row["created"], self._stays[id_], Logged(row["past_since"], row["past_until"], moves))


def _stay(row: Row) -> Stay:
    until = row["valid_until"] or row["until"]
    return Stay(row["container"], row["item"], row["valid_since"] or row["since"], until)


def _move(row: Row) -> Transition:
    return Transition(row["item"], row["field"], row["before"], row["after"], row["at"])
