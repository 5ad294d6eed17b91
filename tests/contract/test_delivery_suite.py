"""The delivery suite catches what it forbids: a correct connector with one planted fault fails the law meant for it."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import pytest
import requests
from pydantic import ConfigDict

from connectors.jira_epics import JiraEpics
from connectors.jira_settings import JiraQuery, JiraSettings
from okr_sync.connector import (
    AccessError,
    Caller,
    DeliverySource,
    LookUp,
    Page,
    SourceError,
    TransientError,
    WorkItem,
)
from okr_sync.sandbox.server import Response
from tests.contract.jira_fixtures import JiraDeliveryWorld
from tests.contract.test_jira_epics import TestCloud as CloudContract

Scopes = Mapping[str, JiraQuery]
T = TypeVar("T")


class _Edited(JiraEpics):
    """Answers rightly, then spoils each page."""

    def spoil(self, page: Page) -> Page:
        return page

    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        for page in super().pull(scopes, cursor, now):
            yield self.spoil(page)


class _AsksOneByOne(JiraEpics):
    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        for ref, scope in scopes.items():
            yield from super().pull({ref: scope}, None, now)


class _KeepsAResolutionBack(JiraEpics):
    def resolutions(self) -> tuple[str, ...] | None:
        return tuple(each for each in super().resolutions() or () if each != "Done")


class _DropsMisses(_Edited):
    def spoil(self, page: Page) -> Page:
        return replace(page, misses={})


class _SaysNothingInMisses(_Edited):
    def spoil(self, page: Page) -> Page:
        return replace(page, misses={ref: replace(miss, message="") for ref, miss in page.misses.items()})


class _AnswersTwice(_Edited):
    def spoil(self, page: Page) -> Page:
        return replace(page, scopes={**page.scopes, **dict.fromkeys(page.misses, ())})


class _FailsForOneBadScope(JiraEpics):
    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        for page in super().pull(scopes, cursor, now):
            if page.misses:
                raise AccessError("one of the scopes is wrong")
            yield page


class _Retries(JiraEpics):
    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        try:
            yield from list(super().pull(scopes, cursor, now))
        except TransientError:
            yield from super().pull(scopes, cursor, now)


class _NaiveTimes(_Edited):
    def spoil(self, page: Page) -> Page:
        return replace(page, items=tuple(replace(each, created=datetime(2026, 1, 1)) for each in page.items))  # noqa: DTZ001 -- the fault


class _NotANumber(_Edited):
    def spoil(self, page: Page) -> Page:
        return replace(page, items=tuple(replace(each, points=float("nan")) for each in page.items))


class _Swallows(JiraEpics):
    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        try:
            yield from list(super().pull(scopes, cursor, now))
        except SourceError:
            yield Page(scopes=dict.fromkeys(scopes, ()))


class _Mistypes(JiraEpics):
    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        try:
            yield from list(super().pull(scopes, cursor, now))
        except SourceError as error:
            raise TransientError(str(error)) from error


class _Tells(JiraEpics):
    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        try:
            yield from list(super().pull(scopes, cursor, now))
        except SourceError as error:
            token = self.settings.token.get_secret_value()
            raise AccessError(f"{error} with {token}") from error


class _OpenSettings(JiraSettings):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Lax(JiraEpics):
    Settings = _OpenSettings


class _PlainSettings(JiraSettings):
    token: str  # type: ignore[assignment] # the fault


class _PlainToken(JiraEpics):
    Settings = _PlainSettings


class _NeverForgets(JiraEpics):
    _pages: ClassVar[dict[int, list[Page]]] = {}

    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        if id(self) not in self._pages:
            self._pages[id(self)] = list(super().pull(scopes, cursor, now))
        yield from self._pages[id(self)]


class _Invents(_Edited):
    def spoil(self, page: Page) -> Page:
        ghosts = tuple(replace(each, id=f"{each.id}-ghost") for each in page.items)
        members = tuple(
            replace(each, items=each.items | {f"{id_}-ghost" for id_ in each.items}) for each in page.members
        )
        return replace(page, items=page.items + ghosts, members=members)


class _Loses(_Edited):
    def spoil(self, page: Page) -> Page:
        return replace(
            page, members=tuple(replace(each, items=frozenset(sorted(each.items)[1:])) for each in page.members)
        )


class _Swaps(_Edited):
    def spoil(self, page: Page) -> Page:
        ids = list(page.scopes.values())
        return replace(page, scopes=dict(zip(page.scopes, ids[1:] + ids[:1], strict=True)))


class _KeepsWhatLeft(_Edited):
    def spoil(self, page: Page) -> Page:
        whole = tuple(replace(each, whole=False) for each in page.members)
        return replace(page, members=whole, placed={id_: held for id_, held in page.placed.items() if held})


class _ForgetsChanges(JiraEpics):
    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        for page in super().pull(scopes, cursor, now):
            yield replace(page, items=()) if cursor else page


class _Buries(JiraEpics):
    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        looked = super().look_up(ids, known)
        return replace(looked, gone=looked.gone | looked.hidden, hidden=frozenset())


class _Empties(JiraEpics):
    """Takes a container that can't be seen for an empty one."""

    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        for page in super().pull(scopes, cursor, now):
            yield replace(page, misses={}, scopes={**page.scopes, **dict.fromkeys(page.misses, ())})


class _Eager(JiraEpics):
    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self.probe()


class _Writes(JiraEpics):
    def probe(self) -> str:
        requests.put(f"{self.settings.url}/rest/api/2/property", timeout=5)
        return super().probe()


class _Uncounted(JiraEpics):
    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, None)


class _NeedsItsThread(JiraEpics):
    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self._home = threading.get_ident()

    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        assert threading.get_ident() == self._home
        return super().pull(scopes, cursor, now)


class _ClosesOnce(JiraEpics):
    def close(self) -> None:
        super().close()
        del self._http


class _TrustsItsPull(JiraEpics):
    """Takes it that what could be seen in its last pull can be seen."""

    saw_all = False

    def pull(self, scopes: Scopes, cursor: str | None, now: datetime) -> Iterator[Page]:
        self.saw_all = True
        for page in super().pull(scopes, cursor, now):
            self.saw_all = self.saw_all and not page.misses
            yield page

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        looked = super().look_up(ids, known)
        gone = looked.gone | looked.hidden if self.saw_all else looked.gone
        return LookUp(looked.found, gone, looked.hidden - gone)


class _NamesTooLittle(JiraEpics):
    """Keeps answers by a part of the question: one page for all, one epic for another."""

    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, _Blurring(caller) if caller else None)


class _Blurring(Caller):
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @property
    def goes_on(self) -> bool:
        return self._caller.goes_on

    def call(self, ask: Callable[[], T]) -> T:
        return self._caller.call(ask)

    def kept(self, question: str) -> Any | None:
        return self._caller.kept(question.partition("{")[0])

    def keep(self, question: str, answer: Any) -> None:
        self._caller.keep(question.partition("{")[0], answer)


class _AsksAgain(JiraEpics):
    """Keeps, and never looks at what is kept."""

    def __init__(self, settings: JiraSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, _Forgetful(caller) if caller else None)


class _Forgetful(_Blurring):
    def kept(self, question: str) -> Any | None:
        return None


_WISH = {"headers": {"Retry-After": "7"}, "seconds": 7.0}
_FAULTS: list[tuple[type[JiraEpics], str, dict[str, Any]]] = [
    (_KeepsAResolutionBack, "all_resolutions_are_told_or_none", {}),
    (_AsksOneByOne, "a_full_batch_costs_few_requests", {}),
    (_DropsMisses, "one_bad_scope_leaves_the_others", {}),
    (_SaysNothingInMisses, "one_bad_scope_leaves_the_others", {}),
    (_AnswersTwice, "one_bad_scope_leaves_the_others", {}),
    (_FailsForOneBadScope, "one_bad_scope_leaves_the_others", {}),
    (_FailsForOneBadScope, "only_bad_scopes_bring_misses", {}),
    (_Retries, "each_failure_has_its_type", {"reply": Response(503), "expected": TransientError}),
    (_NaiveTimes, "the_answer_is_the_truth", {}),
    (_NotANumber, "the_answer_is_the_truth", {}),
    (_Swallows, "each_failure_has_its_type", {"reply": Response(401), "expected": AccessError}),
    (_Swallows, "a_server_that_is_down_may_be_retried", {}),
    (_Mistypes, "each_failure_has_its_type", {"reply": Response(403), "expected": AccessError}),
    (_Mistypes, "the_wish_of_the_server_is_kept", _WISH),
    (_Tells, "no_secret_comes_out", {"status": 401}),
    (_Lax, "unknown_keys_are_refused", {}),
    (_PlainToken, "a_literal_secret_is_refused", {}),
    (_NeverForgets, "a_later_pull_equals_a_fresh_one", {}),
    (_NeverForgets, "a_strange_cursor_means_everything", {}),
    (_Invents, "the_answer_is_the_truth", {}),
    (_Loses, "the_answer_is_the_truth", {}),
    (_Swaps, "the_answer_is_the_truth", {}),
    (_Swaps, "the_order_of_scopes_does_not_matter", {}),
    (_KeepsWhatLeft, "a_later_pull_equals_a_fresh_one", {}),
    (_ForgetsChanges, "a_later_pull_equals_a_fresh_one", {}),
    (_ForgetsChanges, "changes_add_up_over_many_pulls", {}),
    (_Buries, "lost_permission_is_not_deletion", {}),
    (_Empties, "lost_permission_is_not_deletion", {}),
    (_TrustsItsPull, "permission_lost_before_a_look_up_is_not_deletion", {}),
    (_Eager, "nothing_asked_nothing_sent", {}),
    (_Writes, "a_pull_only_reads", {}),
    (_Uncounted, "a_full_batch_costs_few_requests", {}),
    (_NeedsItsThread, "another_thread_may_ask", {}),
    (_NamesTooLittle, "a_pull_goes_on_wherever_it_broke", {}),
    (_NamesTooLittle, "what_is_kept_is_no_more_than_the_question", {}),
    (_AsksAgain, "a_pull_goes_on_wherever_it_broke", {}),
    (_ClosesOnce, "closing_twice_is_fine", {}),
]


def _try(source: type[JiraEpics], law: str, more: Mapping[str, Any]) -> None:
    """Try one law of the suite on a connector, without pytest's fixtures."""
    suite = CloudContract()
    suite.source = source  # type: ignore[misc] # this instance only
    world = JiraDeliveryWorld("cloud")
    made: list[DeliverySource] = []

    def connect(url: str | None = None, caller: Caller | None = None) -> DeliverySource:
        made.append(source(source.Settings(**suite.settings(url or world.server.url)), caller))  # type: ignore[arg-type]
        return made[-1]

    with world.server:
        try:
            method = getattr(suite, f"test_{law}")
            wanted = inspect.signature(method).parameters
            method(world, **{name: value for name, value in {"connect": connect, **more}.items() if name in wanted})
        finally:
            for connector in made:
                if hasattr(connector, "_http"):
                    connector.close()


@pytest.mark.parametrize(("source", "law", "more"), _FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_fault_is_caught(
    source: type[JiraEpics], law: str, more: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The law fails for the faulty connector, and holds for the one without the fault."""
    more = {**more, "caplog": caplog}
    _try(JiraEpics, law, more)
    with pytest.raises((AssertionError, pytest.fail.Exception, AttributeError, SourceError, ValueError)):
        _try(source, law, more)
