"""The laws catch a connector for databases that breaks them: faults are planted, one each, and must be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sql import Sql
from okr_sync.connector import Answer, Ask, Caller, Miss, Outcome, Reading, SourceError, TransientError
from okr_sync.testing.metrics import MetricSourceContract
from tests.contract.sql_worlds import REGIONS, SqlWorld, sqlite


class StatementPerQuestion(Sql):
    def read(self, ask: Ask[Any]) -> Answer:
        return {ref: super(StatementPerQuestion, self).read(replace(ask, queries={ref: query}))[ref] for ref, query in ask.queries.items()}  # fmt: skip # noqa: E501


class AllRefsAlike(Sql):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(replace(ask, queries={ref: each.model_copy(update={"ref": None}) for ref, each in ask.queries.items()}))  # fmt: skip # noqa: E501


class NullIsZero(Sql):
    def read(self, ask: Ask[Any]) -> Answer:
        answer = super().read(ask)
        return {ref: (Reading(0.0),) if _is_empty(each) else each for ref, each in answer.items()}


class NoWindow(Sql):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(replace(ask, start=ask.start - timedelta(days=9), now=ask.now + timedelta(days=30)))


class NoDatabaseIsNoData(Sql):
    def read(self, ask: Ask[Any]) -> Answer:
        try:
            return super().read(ask)
        except SourceError as error:
            return dict.fromkeys(ask.queries, Miss("unreachable", str(error)))


class AllIsTransient(Sql):
    def read(self, ask: Ask[Any]) -> Answer:
        try:
            return super().read(ask)
        except SourceError as error:
            raise TransientError(str(error), fix=error.fix) from error


class ShowsItsAddress(Sql):
    def probe(self) -> str:
        return f"connected to {self.settings.url.get_secret_value()}"


def _is_empty(outcome: Outcome) -> bool:
    return isinstance(outcome, Miss) and outcome.why == "no_data"


FAULTS: Mapping[str, tuple[type[Sql], str]] = {
    "a statement a question": (StatementPerQuestion, "test_a_full_batch_costs_no_more_than_promised"),
    "the ref ignored": (AllRefsAlike, "test_known_questions_have_known_answers"),
    "nothing is zero": (NullIsZero, "test_one_bad_question_leaves_the_others_alone"),
    "no window": (NoWindow, "test_numbers_are_finite_and_times_aware_and_inside_the_window"),
    "failures swallowed": (NoDatabaseIsNoData, "test_a_broken_source_raises_a_typed_error_after_one_try"),
    "every failure passes": (AllIsTransient, "test_a_broken_source_raises_a_typed_error_after_one_try"),
    "the address shown": (ShowsItsAddress, "test_no_secret_in_repr_or_messages"),
}


class FaultyWorld(SqlWorld):
    """The survey in a SQLite file whose address is secret, read by a connector with a fault."""

    def __init__(self, folder: Path, faulty: type[Sql]) -> None:
        super().__init__(sqlite(folder))
        self.faulty = faulty

    def connect(self, caller: Caller) -> Sql:
        """Return a faulty connector."""
        return self.faulty(self.faulty.Settings.model_validate(self.settings()), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return the address, which needs no password."""
        return {"statements": {"regions": REGIONS}, **self.database.settings}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_breaks_its_law_and_nothing_else_does(tmp_path: Path, fault: str) -> None:
    faulty, law = FAULTS[fault]
    for folder, connector in (("right", Sql), ("wrong", faulty)):
        (tmp_path / folder).mkdir()
        world = FaultyWorld(tmp_path / folder, connector)
        if fault == "the address shown":
            world.secrets = ("timeout=7",)
            world.database = replace(world.database, settings={"url": f"{world.database.settings['url']}?timeout=7"})
        check = getattr(MetricSourceContract(), law)
        if connector is Sql:
            check(world)
        else:
            with pytest.raises((AssertionError, SourceError)):
                check(world)
