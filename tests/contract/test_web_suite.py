"""The laws of web sources catch connectors that break them: the connector of the kit with one fault each."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from okr_sync.connector import (
    AccessError,
    Answer,
    Ask,
    Caller,
    MetricSource,
    Miss,
    ProtocolError,
    Reading,
    SourceError,
    TransientError,
)
from okr_sync.kit.writing import names_of, write_package
from okr_sync.testing.breaking import SIZES, WAYS
from okr_sync.testing.server import Fault, Server
from okr_sync.testing.web import WebSourceContract, WebWorld

LAWS = sorted(name for name in dir(WebSourceContract) if name.startswith("test_"))


@dataclass(frozen=True)
class Kit:
    """The modules of a package as the kit writes it."""

    connector: ModuleType
    service: ModuleType
    test: ModuleType

    @property
    def source(self) -> Any:
        """The connector's class."""
        return self.connector.Planted


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """Write a package and load its modules under names of their own."""
    names = names_of("planted")
    write_package(names, folder := tmp_path_factory.mktemp("kit"))
    root = folder / names.package
    before = set(sys.modules)
    loaded = {}
    files = {
        "okr_sync_planted.connector": root / names.module / "connector.py",
        "okr_sync_planted": root / names.module / "__init__.py",
        "planted_service": root / "tests" / "service.py",
        "planted_test": root / "tests" / "test_planted.py",
    }
    (root / "tests" / "test_planted.py").write_text(
        (root / "tests" / "test_planted.py").read_text("utf-8").replace("from tests.service", "from planted_service"),
        "utf-8",
    )
    for name, file in files.items():
        loaded[name] = _loaded(name, file)
    yield Kit(loaded["okr_sync_planted.connector"], loaded["planted_service"], loaded["planted_test"])
    for name in set(sys.modules) - before:
        if "planted" in name:
            del sys.modules[name]


def _loaded(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def world_of(kit: Kit, source: type[MetricSource]) -> Iterator[WebWorld]:
    """Give the kit's world around this connector."""
    service = kit.service.Service()
    with Server(service) as server:
        world: WebWorld = kit.test.PlantedWorld(service, server)
        world.connector = source  # type: ignore[misc] # this instance only
        with world:
            yield world


def faults(right: Any) -> Mapping[str, tuple[type[MetricSource], str, dict[str, Any]]]:  # noqa: C901 -- a list of classes
    """Return fault → the connector with it, the law that forbids it, and the case of that law."""

    class Asking(right):  # type: ignore[misc] # loaded at run time
        """Passes the question on."""

        def read(self, ask: Ask[Any]) -> Answer:
            answer: Answer = super().read(ask)
            return answer

    class RetriesByItself(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            try:
                return super().read(ask)
            except TransientError:
                return super().read(ask)

    class Swallows(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            try:
                return super().read(ask)
            except SourceError as error:
                return dict.fromkeys(ask.queries, Miss("unreachable", str(error)))

    class Mistypes(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            try:
                return super().read(ask)
            except SourceError as error:
                raise TransientError(str(error), fix=error.fix) from error

    class ForgetsTheWish(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            try:
                return super().read(ask)
            except TransientError as error:
                raise TransientError(str(error), fix=error.fix) from error

    class NoWayOut(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            try:
                return super().read(ask)
            except SourceError as error:
                raise type(error)(str(error)) from error

    class TellsTheToken(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            try:
                return super().read(ask)
            except AccessError as error:
                raise AccessError(f"{error} for {self.settings.token.get_secret_value()}", fix="x") from error

    class QuotesTheBody(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            try:
                return super().read(ask)
            except SourceError as error:
                raise type(error)(f"{error}: planted-body-e81c", fix="x") from error

    class LogsTheToken(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            logging.getLogger("faulty").debug("asking with %s", self.settings.token.get_secret_value())
            return super().read(ask)

    class ByItself(Asking):
        """Asks with a client of its own: without the guard, without the caller."""

        follow = False
        method = "GET"

        def _document(self, path: str, params: dict[str, str]) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}
            with httpx.Client(trust_env=False, follow_redirects=self.follow) as client:
                try:
                    answer = client.request(
                        self.method, f"{self.settings.url}{path}", params=params, headers=headers, timeout=5
                    )
                    answer.raise_for_status()
                    document: dict[str, Any] = answer.json()
                except httpx.TransportError as error:
                    raise TransientError(type(error).__name__, fix="x") from None
                except (httpx.HTTPStatusError, ValueError):
                    raise ProtocolError("no", fix="x") from None
            return document

    class Follows(ByItself):
        follow = True

    class Writes(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            with httpx.Client(trust_env=False) as client:
                client.put(f"{self.settings.url}/seen", timeout=5)
            return super().read(ask)

    class OneByOne(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            whole: dict[str, Any] = {}
            for ref, query in ask.queries.items():
                whole |= super().read(replace(ask, queries={ref: query}))
            return whole

    class NeverWell(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            if "failed" in vars(self):
                raise TransientError("it failed before", fix="x")
            try:
                return super().read(ask)
            except SourceError:
                self.failed = True
                raise

    class AsksForNothing(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            self.probe()
            return super().read(ask)

    class LooksAhead(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            return super().read(replace(ask, now=ask.now + timedelta(days=90)))

    class MissIsZero(Asking):
        def read(self, ask: Ask[Any]) -> Answer:
            return {ref: (Reading(0.0),) if isinstance(each, Miss) else each for ref, each in super().read(ask).items()}

    class TakesAnythingForAnAnswer(Asking):
        def _document(self, path: str, params: dict[str, str]) -> dict[str, Any]:
            try:
                document: dict[str, Any] = super()._document(path, params)
            except ProtocolError:
                return {"series": {}}
            return document

    once = "test_each_failure_has_its_type_and_is_asked_once"
    silent = "test_no_failure_tells_a_secret"
    return {
        "an own retry": (RetriesByItself, once, {"name": "status 503"}),
        "errors swallowed": (Swallows, once, {"name": "status 401"}),
        "access is taken for a passing fault": (Mistypes, once, {"name": "status 403"}),
        "a wrong answer is tried again": (Mistypes, once, {"name": "half an object"}),
        "the wish in seconds is lost": (ForgetsTheWish, once, {"name": "status 429 for seconds"}),
        "the wish as a date is lost": (ForgetsTheWish, once, {"name": "status 429 until a date"}),
        "no way out": (NoWayOut, once, {"name": "status 500"}),
        "a page for people is an answer": (TakesAnythingForAnAnswer, once, {"name": "a page for people"}),
        "waits for ever": (ByItself, once, {"name": "silence"}),
        "a drip is waited for": (ByItself, once, {"name": "a drip"}),
        "eats a bomb": (ByItself, once, {"name": "a gzip bomb"}),
        "eats a flood": (ByItself, once, {"name": "a huge answer"}),
        "the token in a message": (TellsTheToken, silent, {"name": "status 401"}),
        "the body in a message": (QuotesTheBody, silent, {"name": "status 500"}),
        "the token in a log": (LogsTheToken, silent, {"name": "status 404"}),
        "never well again": (NeverWell, "test_after_the_failure_it_works_again", {}),
        "down is for ever": (Swallows, "test_a_service_that_is_down_may_be_tried_again", {}),
        "something is written": (Writes, "test_nothing_is_changed_at_the_service", {}),
        "past the caller": (ByItself, "test_every_request_goes_through_the_caller", {}),
        "follows anywhere": (Follows, "test_credentials_stay_with_their_host", {}),
        "a request a question": (OneByOne, "test_a_full_batch_costs_no_more_than_promised", {}),
        "a request for nothing": (AsksForNothing, "test_nothing_asked_nothing_sent", {}),
        "the future is shown": (LooksAhead, "test_an_earlier_now_hides_what_came_later", {}),
        "a miss is 0": (MissIsZero, "test_one_bad_question_leaves_the_others_alone", {}),
    }


class Nothing(MetricSource):
    """Stands for the class that the kit brings, where only the names of the faults are needed."""

    def probe(self) -> str:
        return ""

    def read(self, ask: Ask[Any]) -> Answer:
        return {}


FAULTS = sorted(faults(Nothing))


def _try(world: WebWorld, law: str, more: Mapping[str, Any]) -> None:
    method = getattr(WebSourceContract(), law)
    wanted = inspect.signature(method).parameters
    method(world, **{name: value for name, value in more.items() if name in wanted})


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_breaks_its_law_and_the_right_connector_keeps_it(
    kit: Kit, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    """Red comes from the fault alone."""
    faulty, law, more = faults(kit.source)[fault]
    with world_of(kit, kit.source) as world:
        _try(world, law, {"caplog": caplog, **more})
    caplog.clear()
    with world_of(kit, faulty) as world, pytest.raises((AssertionError, pytest.fail.Exception, SourceError)):
        _try(world, law, {"caplog": caplog, **more})


def test_every_law_of_the_web_has_a_fault_that_breaks_it() -> None:
    """No law is there that nothing can break."""
    own = {name for name in vars(WebSourceContract) if name.startswith("test_")}
    assert own <= {law for _, law, _ in faults(Nothing).values()}
    assert len(FAULTS) >= 20
    assert set(SIZES) <= set(WAYS)


def test_a_page_that_repeats_can_be_played(kit: Kit) -> None:
    """The server sends the answer before once more, whatever is asked: a connector that pages must notice."""
    with world_of(kit, kit.source) as world:
        caller = Caller()
        source = world.connect(caller)
        assert source.probe()
        world.server.inject(Fault("repeat"))
        with pytest.raises(ProtocolError, match="without its series"):
            source.read(Ask({"x": kit.connector.PlantedQuery(series="x")}, world.start, world.now))
