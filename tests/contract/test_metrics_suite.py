"""The laws of metric sources catch connectors that break them: faults are planted, one each, and must be found."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict

from connectors.csv_file import CsvFile
from connectors.csv_settings import CsvQuery, CsvSettings
from okr_sync.connector import (
    AccessError,
    Answer,
    Ask,
    Caller,
    Continued,
    Miss,
    Outcome,
    Reading,
    SourceError,
    Unchanged,
)
from okr_sync.testing.metrics import MetricSourceContract, MetricWorld
from tests.contract.test_csv_file import NOW, CsvWorld


class FaultyWorld(CsvWorld):
    """The survey of csv_file, read by a connector with a fault."""

    def __init__(self, folder: Path, faulty: type[CsvFile]) -> None:
        super().__init__(folder)
        self.faulty = faulty
        self.secrets = ("s3cret",)

    def connect(self, caller: Caller) -> CsvFile:
        """Return a faulty connector."""
        return self.faulty(self.faulty.Settings.model_validate(self.settings()), caller)


def change_readings(change: Callable[[Reading], Reading]) -> type[CsvFile]:
    """Return a connector that changes all its readings."""

    class Changing(CsvFile):
        def read(self, ask: Ask[Any]) -> Answer:
            return {ref: _each(outcome, change) for ref, outcome in super().read(ask).items()}

    return Changing


def _each(outcome: Outcome, change: Callable[[Reading], Reading]) -> Outcome:
    return tuple(map(change, outcome)) if isinstance(outcome, tuple) else outcome


class RequestPerQuestion(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return {ref: super(RequestPerQuestion, self).read(replace(ask, queries={ref: query}))[ref] for ref, query in ask.queries.items()}  # fmt: skip # noqa: E501


class DropsMisses(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return {ref: outcome for ref, outcome in super().read(ask).items() if not isinstance(outcome, Miss)}


class InventsRefs(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return {**super().read(ask), "bonus": Unchanged()}


class NothingIsSomething(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return {ref: () if isinstance(outcome, Miss) else outcome for ref, outcome in super().read(ask).items()}


class MissIsZero(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        answer = super().read(ask)
        return {ref: (Reading(0.0),) if isinstance(outcome, Miss) else outcome for ref, outcome in answer.items()}


class OneBadSpoilsAll(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        answer = super().read(ask)
        bad = [outcome for outcome in answer.values() if isinstance(outcome, Miss)]
        return dict.fromkeys(answer, bad[0]) if bad else answer


class SilentMiss(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        answer = super().read(ask)
        return {ref: Miss("invalid", "no") if isinstance(each, Miss) else each for ref, each in answer.items()}


class ShiftsAnswers(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        answer = super().read(ask)
        return dict(zip(answer, [*list(answer.values())[1:], *list(answer.values())[:1]], strict=True))


class DependsOnOrder(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        answer = dict(super().read(ask))
        for ref in list(answer)[:1]:
            answer[ref] = _each(answer[ref], lambda reading: replace(reading, evidence="the first"))
        return answer


class Counts(CsvFile):
    times = 0

    def read(self, ask: Ask[Any]) -> Answer:
        self.times += 1
        said = f"asked {self.times} times"
        return {ref: _each(each, lambda reading: replace(reading, evidence=said)) for ref, each in super().read(ask).items()}  # fmt: skip # noqa: E501


class ForgetsWhatItKept(CsvFile):
    CONTINUES = True

    def read(self, ask: Ask[Any]) -> Answer:
        answer = super().read(ask)
        if ask.state is None:
            return Continued(answer, "rows were read")
        return Continued(dict.fromkeys(answer, Unchanged()), ask.state)


class KeepsInSecret(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return Continued(super().read(ask), "nobody knows")


class AsksForNothing(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        self.probe()
        return super().read(ask)


class NewestFirst(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return {ref: each[::-1] if isinstance(each, tuple) else each for ref, each in super().read(ask).items()}


class ContradictsItself(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        said = (Reading(1.0), Reading(2.0))
        return {ref: said if isinstance(each, tuple) else each for ref, each in super().read(ask).items()}


class LooksAhead(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(replace(ask, now=ask.now + timedelta(days=90)))


class LooksBack(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(replace(ask, start=ask.start - timedelta(days=90)))


class IgnoresNow(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(replace(ask, now=ask.start + timedelta(days=45.5)))


class SwallowsErrors(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        try:
            return super().read(ask)
        except SourceError as error:
            return dict.fromkeys(ask.queries, Miss("unreachable", str(error)))


class WrongError(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        try:
            return super().read(ask)
        except SourceError as error:
            raise SourceError(str(error), fix=error.fix) from error


class NoWayOut(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        try:
            return super().read(ask)
        except SourceError as error:
            raise type(error)(str(error)) from error


class RetriesByItself(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        try:
            return super().read(ask)
        except SourceError:
            return super().read(ask)


class CachesForEver(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        kept: dict[str, Outcome] = self.__dict__.setdefault("kept", {})
        missing = {ref: query for ref, query in ask.queries.items() if ref not in kept}
        kept.update(super().read(replace(ask, queries=missing)))
        return {ref: kept[ref] for ref in ask.queries}


class BoundToItsThread(CsvFile):
    def __init__(self, settings: Any, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self.thread = threading.get_ident()

    def read(self, ask: Ask[Any]) -> Answer:
        if threading.get_ident() != self.thread:
            raise AccessError("made in another thread", fix="make it here")
        return super().read(ask)


class ClosesOnce(CsvFile):
    def close(self) -> None:
        del self.settings


class TellsSecrets(CsvFile):
    def probe(self) -> str:
        return "signed in with s3cret"


class KeepsSecretsInTheOpen(CsvFile):
    def __init__(self, settings: Any, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self.token = "s3cret"


class LongProbe(CsvFile):
    def probe(self) -> str:
        return "fine\nand more"


class LaxSettings(CsvFile):
    class Settings(CsvSettings):
        model_config = ConfigDict(extra="ignore")


class LaxQuery(CsvFile):
    class Query(CsvQuery):
        model_config = ConfigDict(extra="ignore")


class DeniesItsPast(CsvFile):
    HISTORY = False


class AlwaysNow(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(replace(ask, now=max(ask.now, NOW)) if ask.past else ask)


class EndsBeforeTheEnd(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(replace(ask, now=ask.now - timedelta(seconds=1)) if ask.past else ask)


class ThinsOut(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        answer = super().read(ask)
        return {ref: each[-1:] if ask.past and isinstance(each, tuple) else each for ref, each in answer.items()}


class LagsBehind(CsvFile):
    def read(self, ask: Ask[Any]) -> Answer:
        return super().read(ask if ask.past else replace(ask, now=ask.now - timedelta(days=30)))


def without_zone(reading: Reading) -> Reading:
    """Return the reading with a naive time."""
    return replace(reading, time=reading.time and reading.time.replace(tzinfo=None))


WINDOW = "test_numbers_are_finite_and_times_aware_and_inside_the_window"
KNOWN = "test_known_questions_have_known_answers"
FAULTS: Mapping[str, tuple[type[CsvFile], str]] = {
    "a request a question": (RequestPerQuestion, "test_a_full_batch_costs_no_more_than_promised"),
    "misses dropped": (DropsMisses, "test_every_ref_has_exactly_one_outcome"),
    "refs invented": (InventsRefs, "test_every_ref_has_exactly_one_outcome"),
    "empty readings": (NothingIsSomething, "test_every_ref_has_exactly_one_outcome"),
    "a miss is 0": (MissIsZero, "test_one_bad_question_leaves_the_others_alone"),
    "one bad question spoils all": (OneBadSpoilsAll, "test_one_bad_question_leaves_the_others_alone"),
    "a miss that says nothing": (SilentMiss, "test_one_bad_question_leaves_the_others_alone"),
    "answers shifted": (ShiftsAnswers, KNOWN),
    "numbers scaled": (change_readings(lambda r: replace(r, value=r.value * 100)), KNOWN),
    "order matters": (DependsOnOrder, "test_the_order_of_questions_does_not_matter"),
    "answers differ": (Counts, "test_answers_repeat"),
    "what was kept is forgotten": (ForgetsWhatItKept, "test_going_on_from_its_state_changes_nothing"),
    "a state that nobody keeps": (KeepsInSecret, "test_going_on_from_its_state_changes_nothing"),
    "a request for nothing": (AsksForNothing, "test_nothing_asked_nothing_sent"),
    "NaN": (change_readings(lambda r: replace(r, value=math.nan)), WINDOW),
    "naive times": (change_readings(without_zone), WINDOW),
    "newest first": (NewestFirst, WINDOW),
    "two values for now": (ContradictsItself, WINDOW),
    "future readings": (LooksAhead, WINDOW),
    "readings before the window": (LooksBack, WINDOW),
    "an own idea of now": (IgnoresNow, "test_an_earlier_now_hides_what_came_later"),
    "errors swallowed": (SwallowsErrors, "test_a_broken_source_raises_a_typed_error_after_one_try"),
    "errors of the wrong type": (WrongError, "test_a_broken_source_raises_a_typed_error_after_one_try"),
    "errors without a fix": (NoWayOut, "test_a_broken_source_raises_a_typed_error_after_one_try"),
    "an own retry": (RetriesByItself, "test_a_broken_source_raises_a_typed_error_after_one_try"),
    "a cache for ever": (CachesForEver, "test_the_same_connector_sees_a_change"),
    "bound to a thread": (BoundToItsThread, "test_it_works_in_another_thread"),
    "closed once": (ClosesOnce, "test_it_may_be_closed_twice"),
    "a secret told": (TellsSecrets, "test_no_secret_in_repr_or_messages"),
    "a secret kept open": (KeepsSecretsInTheOpen, "test_no_secret_in_repr_or_messages"),
    "a long probe": (LongProbe, "test_the_probe_says_one_line"),
    "lax settings": (LaxSettings, "test_unknown_keys_are_refused"),
    "history denied": (DeniesItsPast, "test_who_keeps_history_can_tell_what_was_true"),
    "a past that knows the present": (AlwaysNow, "test_a_past_window_gives_what_was_true_then"),
    "an end left out": (EndsBeforeTheEnd, "test_both_ends_of_a_past_window_belong_to_it"),
    "days left out": (ThinsOut, "test_the_past_has_a_reading_for_each_day_that_had_one"),
    "a present that lags behind": (LagsBehind, "test_the_present_is_the_end_of_the_past"),
    "lax questions": (LaxQuery, "test_unknown_keys_are_refused"),
}  # fmt: skip
LAWS = sorted(name for name in dir(MetricSourceContract) if name.startswith("test_"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_breaks_its_law(tmp_path: Path, fault: str) -> None:
    """The suite is red for the fault that the law forbids."""
    faulty, law = FAULTS[fault]
    with pytest.raises((AssertionError, SourceError, AttributeError)):
        getattr(MetricSourceContract(), law)(FaultyWorld(tmp_path, faulty))


@pytest.mark.parametrize("law", LAWS)
def test_the_correct_connector_keeps_every_law(tmp_path: Path, law: str) -> None:
    """In the same world the suite is green without a fault: red comes from the fault alone."""
    world: MetricWorld = FaultyWorld(tmp_path, CsvFile)
    getattr(MetricSourceContract(), law)(world)


def test_every_law_has_a_fault_that_breaks_it() -> None:
    """No law is there that nothing can break."""
    assert {law for _, law in FAULTS.values()} == set(LAWS)
