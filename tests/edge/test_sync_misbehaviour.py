"""Whatever a connector does wrong, it becomes a miss or a failed source with a clear text, never a number, and it
never disturbs the other sources.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from okr_sync.connector import (
    AccessError,
    Answer,
    Ask,
    LookUp,
    Members,
    Miss,
    Page,
    ProtocolError,
    Reading,
    TransientError,
)
from okr_sync.store.readings import load_metrics
from tests.edge.sync_play import (
    EPIC,
    REF,
    START,
    entry_of,
    house,
    initiative_of,
    item,
    key_result_of,
    numbers,
    page,
    refusal,
    values,
    work,
)

NAIVE = datetime(2026, 10, 6, 9, 0)  # noqa: DTZ001 -- a plugin's mistake
ELSEWHERE = START.astimezone(timezone(timedelta(hours=2)))  # the same instant
LATER = START + timedelta(days=30, hours=1)
SECRET = "s3cret-of-the-plugin"
BROKEN: Any = "odd"


def says(outcome: Any) -> Callable[[Ask[Any]], Answer]:
    return lambda ask: dict.fromkeys(ask.queries, outcome)


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        ((Reading(math.nan, evidence="row 3"),), "gave nan, which is not a number to calculate with (row 3)"),
        ((Reading(math.inf),), "gave inf, which is not a number"),
        ((Reading(-math.inf),), "gave -inf, which is not a number"),
        ((Reading(BROKEN),), "gave a str where a number belongs"),
        ((Reading(True),), "gave a bool where a number belongs"),
        ((Reading(1.0), Reading(math.nan)), "gave nan"),
        ((Reading(1.0, time=NAIVE),), "a time without a zone: 2026-10-06T09:00:00"),
        ((Reading(1.0, expires=NAIVE),), "a time without a zone"),
        ((Reading(1.0, time=LATER, evidence="row 9"),), "a value from the future: 2026-11-04T10:00:00+00:00 (row 9)"),
        ((Reading(1.0, START), Reading(2.0, ELSEWHERE, "row 4")), "11:00:00+02:00: 1.0 and 2.0 (row 4); keep one of"),
        ((Reading(1.0), Reading(2.0)), "two values for 2026-11-04T09:00:00+00:00: 1.0 and 2.0; keep one of them"),
        ((Reading(1.0, time=LATER - timedelta(hours=1)), Reading(2.0)), "two values for 2026-11-04T09:00:00+00:00"),
        (None, "gave no answer to this query"),
        (5.0, "an answer of a shape that is not known"),
        ([Reading(5.0)], "an answer of a shape that is not known"),
        ((5.0,), "an answer of a shape that is not known"),
        (Miss(BROKEN, "why not"), "an answer of a shape that is not known"),
        (Miss("not_found", "no column nps"), "no column nps"),
        (Miss("denied", "the sheet is locked"), "the sheet is locked"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_a_miss(tmp_path: Path, outcome: Any, text: str) -> None:
    """Seen red for two values at one instant by believing them: the one that comes last wins, in silence."""
    report = house(tmp_path, bad=numbers(says(outcome))).sync()
    assert text in refusal(report, "partial")


def test_a_reading_that_a_source_gives_twice_is_taken_once(tmp_path: Path) -> None:
    """Seen red by believing the answer as it is: each of the two is appended."""
    twice = (Reading(4.0, START), Reading(4.0, ELSEWHERE, "said again"), Reading(5.0), Reading(5.0))
    made = house(tmp_path, bad=numbers(says(twice)))
    report = made.sync()
    assert (entry_of(report, "bad").outcome, key_result_of(report, "bad").value) == ("updated", 5.0)
    with made.store.reading() as session:
        kept = load_metrics(session, frozenset({"bad"}))["bad"].readings
    assert [(each.time, each.value, each.evidence) for each in kept] == [(START, 4.0, ""), (made.now, 5.0, "")]


def test_a_question_left_out_is_a_miss_and_the_rest_of_the_answer_counts(tmp_path: Path) -> None:
    report = house(tmp_path, bad=numbers(lambda ask: {})).sync()
    assert "gave no answer to this query" in refusal(report, "partial")


@pytest.mark.parametrize("answers", [values(), numbers(says(Miss("no_data", "no row yet")))])
def test_no_value_yet_is_no_failure_and_no_number(tmp_path: Path, answers: Any) -> None:
    report = house(tmp_path, bad=answers).sync()
    assert (report.outcome, entry_of(report, "bad").outcome) == ("ok", "skipped")
    assert key_result_of(report, "bad").value is None
    assert entry_of(report, "bad").reason


def test_a_clock_a_little_ahead_of_ours_is_not_the_future(tmp_path: Path) -> None:
    made = house(tmp_path, bad=values(Reading(2.0, time=START + timedelta(days=30, minutes=4))))
    assert made.sync().outcome == "ok"


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


FAILURES = [
    (AccessError("the token was refused", fix="make a new one"), "the token was refused", "make a new one"),
    (TransientError("503 again"), "503 again", ""),
    (RuntimeError(SECRET), "broke: RuntimeError at test_sync_misbehaviour.py:", "report it"),
    (KeyError(SECRET), "broke: KeyError at test_sync_misbehaviour.py:", "report it"),
    (AssertionError(SECRET), "broke: AssertionError at test_sync_misbehaviour.py:", "report it"),
]


@pytest.mark.parametrize("make", [lambda error: numbers(raising(error)), lambda error: work(raising(error))])
@pytest.mark.parametrize(("error", "text", "fix"), FAILURES)
def test_a_source_that_raises_fails_alone_and_says_why(
    tmp_path: Path, make: Callable[[BaseException], Any], error: BaseException, text: str, fix: str
) -> None:
    """The text of a typed error is shown; that of any other error is not, for it may quote a secret."""
    report = house(tmp_path, bad=make(error)).sync()
    told = entry_of(report, "bad")
    assert (report.outcome, told.outcome, key_result_of(report, "bad").value) == ("partial", "failed", None)
    assert text in told.reason
    assert fix in told.fix
    assert SECRET not in repr(report)
    assert key_result_of(report, "good").value == 5.0


def test_an_answer_that_is_no_mapping_fails_the_source(tmp_path: Path) -> None:
    assert "broke" in refusal(house(tmp_path, bad=numbers(lambda ask: BROKEN)).sync(), "failed")


ODD_PAGES: list[tuple[Page, str]] = [
    (Page(), f"no answer for {REF}"),
    (page(item("1"), scopes={}), f"no answer for {REF}"),
    (page(item("1"), scopes={REF: ("e", "f")}), f"{REF} names containers that were not described: ['f']"),
    (page(item("1"), containers=()), "not described: ['e']"),
    (page(item("1"), members=()), "items were not listed: ['e']"),
    (page(item("1"), members=(Members("f", frozenset({"1"}), whole=True),)), "items were not listed: ['e']"),
    (page(item("1"), scopes={REF: ("e",), "other/1": ("e",)}), "answers nobody asked for: ['other/1']"),
    (page(item("1"), misses={"other/1": Miss("denied", "no")}), "answers nobody asked for: ['other/1']"),
    (page(item("1", points=math.nan)), "1 came with nan points"),
    (page(item("1", points=math.inf)), "1 came with inf points"),
    (page(item("1", points=-1.0)), "1 came with -1.0 points"),
    (page(item("1", state="resolved")), "1 came with the state 'resolved'"),
    (page(item("1", kind="Story")), "1 came with the kind 'Story'"),
    (page(item("1", updated=NAIVE)), "1 came with a time without a zone"),
    (page(item("1", created=NAIVE)), "1 came with a time without a zone"),
    (page(item("1", state="done", done_at=NAIVE)), "1 came with a time without a zone"),
    (page(item("1"), containers=(replace(EPIC, state=BROKEN),)), "e came with the state 'odd'"),
    (page(item("1"), containers=(replace(EPIC, kind=BROKEN),)), "e came with the kind 'odd'"),
    (page(item("1"), containers=(replace(EPIC, done_at=NAIVE),)), "e came with a time without a zone"),
    (Page(misses={REF: Miss(BROKEN, "why not")}), "the unknown reason 'odd'"),
    (page(item("\ud800")), "broke: UnicodeEncodeError"),
    (BROKEN, "broke: AttributeError"),
]


@pytest.mark.parametrize(("odd", "text"), ODD_PAGES)
def test_a_page_that_breaks_the_contract_fails_the_source(tmp_path: Path, odd: Page, text: str) -> None:
    report = house(tmp_path, bad=work(lambda *_: [odd])).sync()
    assert text in refusal(report, "failed")
    assert initiative_of(report, "bad-work").total is None


def test_what_fails_later_changes_nothing_that_was_known(tmp_path: Path) -> None:
    """After a good run, each broken one leaves every fact as it was; the key result says failed and keeps its value."""
    said: list[Page] = [page(item("1", state="done"), item("2"))]
    made = house(tmp_path, bad=work(lambda *_: said))
    first = made.sync()
    assert key_result_of(first, "bad").value == 50.0
    facts = {name: rows for name, rows in made.tables().items() if name in FACTS}
    assert all(facts.values())
    for odd, _ in ODD_PAGES:
        said[:] = [odd]
        report = made.sync(full=True)
        assert (entry_of(report, "bad").outcome, key_result_of(report, "bad").value) == ("failed", 50.0)
        assert {name: rows for name, rows in made.tables().items() if name in FACTS} == facts


FACTS = ("work_items", "containers", "memberships", "scopes")


def moving(answer: Callable[[frozenset[str]], LookUp]) -> tuple[list[Page], Any]:
    """Return the pages to say and a source that says them, at first the issues 1 and 2."""
    said = [page(item("1", state="done"), item("2"))]
    return said, work(lambda *_: list(said), answer)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda ids: LookUp(), "2 items were asked by id and not answered"),
        (lambda ids: LookUp(gone=frozenset({"1"})), "1 items were asked by id and not answered"),
        (lambda ids: LookUp(found=(item("1"), item("2", points=math.nan))), "2 came with nan points"),
        (raising(ProtocolError("no such page")), "no such page"),
        (lambda ids: BROKEN, "broke: AttributeError"),
    ],
)
def test_a_look_up_that_leaves_items_open_fails_the_source(tmp_path: Path, answer: Any, text: str) -> None:
    said, source = moving(answer)
    made = house(tmp_path, bad=source)
    assert made.sync().outcome == "ok"
    said[:] = [page()]
    report = made.sync()
    assert (report.outcome, entry_of(report, "bad").outcome) == ("partial", "failed")
    assert text in entry_of(report, "bad").reason
    state = initiative_of(report, "bad-work")
    assert (state.done, state.total) == (1, 2)


def test_what_is_gone_leaves_and_what_is_hidden_stays_and_makes_it_stale(tmp_path: Path) -> None:
    """The same shorter list means less work when an item is deleted, and stale numbers when nobody may see it."""
    answers = {"gone": lambda ids: LookUp(gone=ids), "hidden": lambda ids: LookUp(hidden=ids)}
    counts = {}
    for word, answer in answers.items():
        said, source = moving(answer)
        made = house(tmp_path / word, bad=source)
        made.sync()
        said[:] = [page(item("2"))]
        state = initiative_of(made.sync(), "bad-work")
        counts[word] = (state.done, state.total, state.stale)
    assert counts == {"gone": (0, 1, False), "hidden": (1, 2, True)}


def test_what_stands_below_something_hidden_stays_with_it(tmp_path: Path) -> None:
    """Nobody can reach an issue below a hidden epic, though it can be seen itself: work never shrinks for that."""
    epic, story = item("1", kind="container"), item("2", parent="1", state="done")
    part, other = item("3", parent="2"), item("4")
    said = [page(epic, story, part, other)]
    seen = {"2": replace(story, parent=None), "3": part, "4": other}

    def find(ids: frozenset[str]) -> LookUp:
        return LookUp(found=tuple(seen[id_] for id_ in sorted(ids & seen.keys())), hidden=ids - seen.keys())

    made = house(tmp_path, bad=work(lambda *_: said, find))
    assert initiative_of(made.sync(), "bad-work").total == 3
    said[:] = [page()]  # 4 says nothing of having left: it does when it is missing a second time
    for total in (3, 2, 2):
        state = initiative_of(made.sync(), "bad-work")
        assert (state.done, state.total, state.stale) == (1, total, True), "4 is taken out, 2 and 3 may still be there"
    said[:], seen["3"] = [page(epic, story)], replace(part, parent="4")
    state = initiative_of(made.sync(), "bad-work")
    assert (state.done, state.total, state.stale) == (1, 1, False)
