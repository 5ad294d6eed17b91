"""Everything that the store knows of the past of a book, with valid times: what `core.past` walks through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.capturing import wanted_baselines
from okr_sync.core.facts import Miss, Override, Reading, Transition
from okr_sync.core.lives import Logged, Stay, Version, stays_below, stays_of, versions_of
from okr_sync.core.model import Book
from okr_sync.core.past import MetricPast, Past, ScopePast, TrackerPast
from okr_sync.store import mirror
from okr_sync.store.baselines import load_baselines
from okr_sync.store.changelog import counting_transitions, members_ever
from okr_sync.store.history import states_of
from okr_sync.store.overrides import words_on
from okr_sync.store.readings import by_metric, outcomes
from okr_sync.store.statements import Row, chunks, fetch
from okr_sync.store.tables import MembershipRow, sql
from okr_sync.store.work import scope_rows

MEMBERSHIPS = sql(MembershipRow)


def load_past(session: Session, book: Book, fresh_for: Mapping[str, timedelta]) -> Past:
    """Return the past of the book's metrics, scopes and words on statuses, by all that is known now.

    Each metric has the value recorded last for each valid time; what was retracted is left out.
    """
    refs = frozenset(scope.ref for initiative in book.initiatives for scope in initiative.scopes)
    rows = sorted(scope_rows(session, refs), key=lambda row: str(row["ref"]))
    return Past(
        metrics=_metrics(session, frozenset(metric.id for metric in book.metrics)),
        scopes={row["ref"]: _scope(row) for row in rows},
        trackers={source: _Tracker(session, source, rows).past() for source in sorted({row["source"] for row in rows})},
        sources=states_of(session, fresh_for),
        words=_words(session, frozenset(key_result.id for key_result in book.key_results())),
        baselines=load_baselines(session, frozenset(each.id for each in book.key_results() if wanted_baselines(each))),
    )


def _metrics(session: Session, metrics: frozenset[str]) -> dict[str, MetricPast]:
    known = by_metric(session, metrics)
    states = {row["metric"]: row for row in outcomes(session, metrics)}
    return {name: _metric(known.get(name, {}).values(), states.get(name)) for name in sorted(metrics)}


def _metric(rows: Iterable[Row], state: Row | None) -> MetricPast:
    kept = [row for row in rows if not row["retracted"]]
    return MetricPast(
        readings=tuple(
            Reading(row["value"], row["valid_time"], row["evidence"], row["author"], row["expires"]) for row in kept
        ),
        undated=frozenset(row["valid_time"] for row in kept if not row["dated"]),
        miss=_miss(state),
        missed=None if state is None else state["since"],
    )


def _miss(row: Row | None) -> Miss | None:
    return None if row is None or row["miss_kind"] is None else Miss(row["miss_kind"], row["miss_message"])


def _scope(row: Row) -> ScopePast:
    held = tuple(json.loads(row["containers"]))
    return ScopePast(row["ref"], row["source"], held, row["resolved"], _miss(row), row["since"])


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
        statement = counting_transitions(source)
        stays = select(MEMBERSHIPS).where(MEMBERSHIPS.c.source == source)
        for chunk in chunks(ids):
            for row in fetch(session, statement.where(statement.selected_columns.item.in_(chunk))):
                self._moves.setdefault(row["item"], []).append(row)
            for row in fetch(session, stays.where(MEMBERSHIPS.c.item.in_(chunk))):
                if row["container"] in wanted:
                    self._stays[row["item"]].append(_stay(row))

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
        )

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
