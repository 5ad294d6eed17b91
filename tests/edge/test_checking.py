"""A connector that resolves nothing by itself is checked by asking each of its questions once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from okr_sync.config import Config, load
from okr_sync.connector import (
    Answer,
    Ask,
    Container,
    DeliverySource,
    Grant,
    LookUp,
    MetricSource,
    Miss,
    Named,
    Page,
    Query,
    Reading,
    Secret,
    Settings,
    TransientError,
    WorkItem,
)
from okr_sync.registry import Registry
from okr_sync.sync.checking import check_all, mistakes
from okr_sync.sync.probing import grant_words
from tests.edge.config_builders import entry

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
TOKEN = "s3cret-token"


class PlaceSettings(Settings):
    """A secret, and what to do wrong."""

    token: Secret
    trouble: str = ""


class PlaceQuery(Query):
    """One word."""

    word: str


class Numbers(MetricSource):
    """Answers by the word that is asked."""

    kind = "numbers"
    summary = "numbers for tests"
    Settings = PlaceSettings
    Query = PlaceQuery
    asked: ClassVar[list[int]] = []

    def probe(self) -> str:
        return f"signed in with {self.settings.token.get_secret_value()}"

    def grant(self) -> Grant:
        return Grant(("read",), (f"read {self.settings.token.get_secret_value()}",), expires=NOW)

    def read(self, ask: Ask[Any]) -> Answer:
        self.asked.append(len(ask.queries))
        if self.settings.trouble == "bug":
            raise ZeroDivisionError(TOKEN)
        return {ref: _outcome(query.word) for ref, query in ask.queries.items()}


def _outcome(word: str) -> Any:
    if word == "there":
        return (Reading(4711.0, NOW - timedelta(days=1), "a file"),)
    if word == "undated":
        return (Reading(4711.0, None, "a file"),)
    return {"empty": (), "strange": 7}.get(word, Miss("not_found", f"no {word} for {TOKEN}"))


class Work(DeliverySource):
    """Yields a page of nothing, then the answer, then what nobody should have to read."""

    kind = "work"
    summary = "work for tests"
    Settings = PlaceSettings
    Query = PlaceQuery
    pages: ClassVar[list[str]] = []

    def probe(self) -> str:
        return "here"

    def pull(self, scopes: Mapping[str, Any], cursor: str | None, now: datetime) -> Iterator[Page]:
        assert (len(scopes), cursor) == (1, None)
        [(ref, query)] = scopes.items()
        yield Page()
        if query.word == "down":
            raise TransientError("it is down")
        if query.word == "there":
            box = Container("c1", "C-1", "C", "https://c", "epic", "open")
            yield Page(containers=(box,), scopes={ref: ("c1",)})
        elif query.word != "silent":
            yield Page(misses={ref: Miss("denied", f"not for {TOKEN}")})
        self.pages.append(ref)

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        raise AssertionError("a check looks nothing up")


CONFIG = """\
sources:
  survey: {kind: numbers, token: "${TOKEN}", trouble: %s}
  tracker: {kind: work, token: "${TOKEN}"}
cycles:
  2026-Q4: {start: 2026-10-01, end: 2026-12-31}
teams:
  product: {title: Product}
metrics:
%s
"""
OKRS = """\
cycle: 2026-Q4
team: product
initiatives:
  - id: app
    title: App
    delivery:
%s
"""


def config(folder: Path, metrics: tuple[str, ...], places: tuple[str, ...], trouble: str = '""') -> Config:
    rows = "\n".join(f"  {word}: {{source: survey, word: {word}}}" for word in metrics)
    (folder / "okr-sync.yaml").write_text(CONFIG % (trouble, rows or "  {}"), "utf-8")
    (folder / "okrs").mkdir(exist_ok=True)
    lines = "\n".join(f"      - {{source: tracker, word: {word}}}" for word in places or ("there",))
    (folder / "okrs" / "team.yaml").write_text(OKRS % lines, "utf-8")
    return load(folder, {"TOKEN": TOKEN}, registry())


def registry(work: str = "Work") -> Registry:
    return Registry([entry("numbers", f"{__name__}:Numbers"), entry("work", f"{__name__}:{work}")])


@pytest.fixture(autouse=True)
def forget() -> None:
    Numbers.asked.clear()
    Work.pages.clear()


def test_metrics_are_read_once_together_and_told_without_their_values(tmp_path: Path) -> None:
    """No value yet is a state of the world; a strange answer is a wrong one.

    Seen red with a read a metric, and with the value in the words.
    """
    found = check_all(config(tmp_path, ("there", "undated", "empty", "strange", "lost"), ()), NOW, registry=registry())
    said = {each.ref: (each.said, each.miss) for each in found[0].named}
    assert Numbers.asked == [5]
    assert said["there"] == ("readings: 1, the newest of 2026-11-01 09:00 UTC", None)
    assert said["undated"] == ("readings: 1", None)
    assert said["empty"][1] is None
    assert said["strange"][1] == "invalid"
    assert said["lost"] == ("no lost for ***", "not_found")
    assert "4711" not in str(found)


def test_scopes_are_asked_one_by_one_and_no_further_than_the_answer(tmp_path: Path) -> None:
    """Seen red with the pages read to the end."""
    found = check_all(config(tmp_path, (), ("there", "other")), NOW, registry=registry())
    assert [(each.said, each.miss) for each in found[1].named] == [
        ("containers found: 1", None),
        ("not for ***", "denied"),
    ]
    assert Work.pages == []


class German(Work):
    """Its resolutions have other names than those that drop work by default."""

    def resolutions(self) -> tuple[str, ...]:
        return "Fertig", f"Doppelt {TOKEN}"


class Dropping(Work):
    """All that ends there is dropped by default."""

    def resolutions(self) -> tuple[str, ...]:
        return ("Duplicate",)


def test_where_no_resolution_drops_work_by_default_that_is_said_once(tmp_path: Path) -> None:
    """Not where every initiative says what drops work, and nowhere a secret. Seen red with those that do left out."""
    known = registry("German")
    made = config(tmp_path, (), ("there", "there"))
    [word] = [each for each in check_all(made, NOW, registry=known)[1].named if not each.ref]
    assert word.miss is None
    assert word.said == (
        "where no `dropped` is written, 'Fertig', 'Doppelt ***' count as done, "
        "so that nothing is dropped: name those that take work out in each `dropped`"
    )
    [word] = [each for each in check_all(made, NOW, registry=registry("Dropping"))[1].named if not each.ref]
    assert word.said == "where no `dropped` is written, 'Duplicate' drop work"
    file = tmp_path / "okrs/team.yaml"
    file.write_text(file.read_text("utf-8") + "    dropped: [Doppelt]\n", "utf-8")
    made = load(tmp_path, {"TOKEN": TOKEN}, registry())
    assert [each.ref for each in check_all(made, NOW, registry=known)[1].named] == ["app/1", "app/2", "app/1"]


def test_what_leads_nowhere_is_a_mistake_where_its_question_begins(tmp_path: Path) -> None:
    made = config(tmp_path, ("lost",), ("there", "other"))
    told = mistakes(check_all(made, NOW, registry=registry()), made.sources)
    assert [str(each).removeprefix(f"{tmp_path}/") for each in told] == [
        "okr-sync.yaml:9:9: survey: no lost for ***",
        "okrs/team.yaml:8:9: tracker: not for ***",
    ]


@pytest.mark.parametrize(("word", "said"), [("silent", "no answer for"), ("down", "it is down")])
def test_a_scope_that_is_not_answered_ends_the_check_of_its_source_alone(tmp_path: Path, word: str, said: str) -> None:
    found = check_all(config(tmp_path, ("there",), ("there", word)), NOW, registry=registry())
    assert [each.passed for each in found] == [True, False]
    assert said in str(found[1].probe.error)
    assert len(found[1].named) == 1


def test_a_bug_of_a_connector_is_told_without_its_words(tmp_path: Path) -> None:
    found = check_all(config(tmp_path, ("there",), (), "bug"), NOW, registry=registry())
    assert "ZeroDivisionError" in str(found[0].probe.error)
    assert TOKEN not in str(found[0])


def test_secrets_stay_out_of_identity_and_scopes(tmp_path: Path) -> None:
    found = check_all(config(tmp_path, ("there",), ()), NOW, registry=registry(), only="survey")
    assert len(found) == 1
    assert TOKEN not in str(found)
    assert found[0].probe.identity == "signed in with ***"


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        (Grant(), ""),
        (Grant(("a", "b"), ("a",), ("b",), NOW), "needs a, b; has a; lacks b; ends on 2026-11-02 09:00 UTC"),
        (Grant(("a",), ()), "needs a; has no scopes"),
        (Grant(("a",)), "needs a"),
    ],
)
def test_a_grant_reads_as_a_sentence(grant: Grant, words: str) -> None:
    assert grant_words(grant) == words


def test_a_name_is_plain_data() -> None:
    assert Named("a", ("epics", 1), "there").miss is None
