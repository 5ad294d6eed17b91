"""The suite's laws of the past catch what they forbid: each planted fault fails the law meant for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from connectors.github_milestones import GithubMilestones
from connectors.jira_epics import JiraEpics
from okr_sync.connector import (
    AccessError,
    Caller,
    DeliverySource,
    ProtocolError,
    SourceError,
    TransientError,
    Transition,
    WorkItem,
)
from okr_sync.sandbox.server import Response
from okr_sync.testing.delivery_past import DeliveryPast
from okr_sync.testing.delivery_world import DeliveryWorld
from tests.contract.github_fixtures import GithubWork
from tests.contract.jira_fixtures import JiraDeliveryWorld
from tests.contract.test_github_milestones import TestByGraphql as GraphqlContract
from tests.contract.test_jira_epics import TestCloud as CloudContract

Items = Mapping[str, WorkItem]
Pieces = Iterator[tuple[Transition, ...]]


class _Spoiled(JiraEpics):
    """Tells the truth, then spoils it."""

    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return told

    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        yield tuple(self.spoil([each for piece in super().past(items, since, now) for each in piece]))


class _OnlyTheEnd(_Spoiled):
    """Knows when an item became what it is, not that it had been reopened."""

    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        last = {(each.item, each.field): each for each in sorted(told, key=lambda each: each.at)}
        return last.values()


class _WrongWayRound(_Spoiled):
    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return [replace(each, before=each.after, after=each.before) for each in told]


class _LosesReparenting(_Spoiled):
    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return [each for each in told if each.field not in ("container", "parent")]


class _LosesEstimates(_Spoiled):
    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return [each for each in told if each.field != "points"]


class _LocalTime(_Spoiled):
    """Takes the account's wall clock for UTC."""

    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return [replace(each, at=each.at - timedelta(hours=1)) for each in told]


class _NaiveTime(_Spoiled):
    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return [replace(each, at=each.at.replace(tzinfo=None)) for each in told]


class _WholeSeconds(_Spoiled):
    """Forgets what order changes of one second had."""

    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return [replace(each, at=each.at.replace(microsecond=0)) for each in told]


class _TellsTwice(_Spoiled):
    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return told * 2


class _TellsOfStrangers(_Spoiled):
    def spoil(self, told: list[Transition]) -> Iterable[Transition]:
        return [*told, replace(told[0], item="a stranger")]


class _TellsEverything(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        return super().past(items, since - timedelta(days=365), now)


class _NeverForgets(JiraEpics):
    _told: ClassVar[dict[int, list[tuple[Transition, ...]]]] = {}

    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        yield from self._told.setdefault(id(self), list(super().past(items, since, now)))


class _AsksOneByOne(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        for id_, item in items.items():
            yield from super().past({id_: item}, since, now)


class _AsksForNothing(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        self.probe()
        return super().past(items, since, now)


class _Swallows(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        try:
            yield from list(super().past(items, since, now))
        except SourceError:
            return


class _Retries(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        try:
            yield from list(super().past(items, since, now))
        except TransientError:
            yield from super().past(items, since, now)


class _Mistypes(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        try:
            yield from list(super().past(items, since, now))
        except SourceError as error:
            raise TransientError(str(error)) from error


class _FailsForTheDeleted(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        if self.look_up(frozenset(items), items).gone:
            raise ProtocolError("an item is there no more")
        return super().past(items, since, now)


class _Uncounted(JiraEpics):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        return JiraEpics(self.settings, Caller()).past(items, since, now)


class _LosesPullRequests(GithubMilestones):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        issues = {id_: item for id_, item in items.items() if item.kind == "issue"}
        return super().past(issues, since, now)


class _TakesEachClosingForDone(GithubMilestones):
    def past(self, items: Items, since: datetime, now: datetime) -> Pieces:
        for piece in super().past(items, since, now):
            yield tuple(replace(each, before="completed") if each.before == "not_planned" else each for each in piece)


_TRUTH, _FAILURE = "the_past_undone_is_the_truth", "no_failure_passes_for_a_quiet_past"
_FAULTS: list[tuple[type[DeliverySource], str, dict[str, Any]]] = [
    (_OnlyTheEnd, _TRUTH, {"seed": 1}),
    (_WrongWayRound, _TRUTH, {"seed": 1}),
    (_LosesReparenting, _TRUTH, {"seed": 1}),
    (_LosesEstimates, _TRUTH, {"seed": 1}),
    (_LocalTime, _TRUTH, {"seed": 1}),
    (_NaiveTime, _TRUTH, {"seed": 1}),
    (_WholeSeconds, _TRUTH, {"seed": 1}),
    (_TellsTwice, "the_past_does_not_change", {}),
    (_TellsOfStrangers, "the_past_does_not_change", {}),
    (_TellsEverything, "only_the_window_is_told", {}),
    (_NeverForgets, "what_happens_later_is_told_later", {}),
    (_NeverForgets, "only_the_window_is_told", {}),
    (_AsksOneByOne, "the_past_of_many_costs_few_requests", {}),
    (_Uncounted, "the_past_of_many_costs_few_requests", {}),
    (_AsksForNothing, "no_past_asked_nothing_sent", {}),
    (_Swallows, _FAILURE, {"reply": Response(401), "expected": AccessError}),
    (_Swallows, "a_past_cut_short_may_be_asked_again", {"kind": "truncate"}),
    (_Retries, _FAILURE, {"reply": Response(500), "expected": TransientError}),
    (_Mistypes, _FAILURE, {"reply": Response(200, b"{}"), "expected": ProtocolError}),
    (_FailsForTheDeleted, "the_deleted_tell_nothing", {}),
    (_LosesPullRequests, _TRUTH, {"seed": 1}),
    (_TakesEachClosingForDone, _TRUTH, {"seed": 1}),
]


def _try(source: type[DeliverySource], law: str, more: Mapping[str, Any]) -> None:
    """Try one law on a connector, without pytest's fixtures."""
    made: list[DeliverySource] = []
    jira = issubclass(source, JiraEpics)
    suite: DeliveryPast = CloudContract() if jira else GraphqlContract()
    world: DeliveryWorld = JiraDeliveryWorld("cloud") if jira else GithubWork()

    def connect(caller: Caller | None = None) -> DeliverySource:
        made.append(source(source.Settings(**suite.settings(world.server.url)), caller))
        return made[-1]

    suite.source = source  # type: ignore[misc] # this instance only
    with world.server:
        try:
            method: Callable[..., None] = getattr(suite, f"test_{law}")
            method(world, connect, **more)
        finally:
            for connector in made:
                connector.close()


@pytest.mark.parametrize(("source", "law", "more"), _FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_fault_is_caught(source: type[DeliverySource], law: str, more: dict[str, Any]) -> None:
    """The law fails for the faulty connector, and holds for the one without the fault."""
    _try(JiraEpics if issubclass(source, JiraEpics) else GithubMilestones, law, more)
    with pytest.raises((AssertionError, pytest.fail.Exception, SourceError, TypeError)):
        _try(source, law, more)
