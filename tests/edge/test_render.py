"""Every format says the same facts, and is the same to the byte."""

from __future__ import annotations

import csv
import html as html_text
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from okr_sync.core.report import Report, build_report
from okr_sync.core.snapshot import KeyResultState
from okr_sync.render import document, html, table, terminal, words
from okr_sync.render.drawing import draw
from tests.edge.render_reading import FOR_MACHINES, RENDERERS, parse, shown
from tests.edge.render_samples import (
    BEFORE,
    NOW,
    SNAPSHOT,
    before,
    empty_report,
    key_result,
    points,
    report,
)


def _said(name: str, value: float | None, unit: str) -> str:
    if name in FOR_MACHINES:
        return str(value)
    return words.amount(value, unit)


@pytest.mark.parametrize("name", RENDERERS)
def test_every_fact_of_every_key_result_is_there(name: str) -> None:
    """Id, title, value, target, status, reason and age of each key result stand in each format."""
    said = shown(name, report())
    for state in SNAPSHOT.key_results:
        assert state.id in said
        assert state.title in said
        assert state.reason in said or state.reason.replace("'", "\\'") in said
        assert (state.status if name in FOR_MACHINES else words.status_word(state.status)) in said
        if state.value is not None:
            assert _said(name, state.value, state.unit) in said
        if state.as_of is not None:
            at = state.as_of.isoformat().replace("+00:00", "Z") if name in FOR_MACHINES else words.moment(state.as_of)
            assert at in said


@pytest.mark.parametrize("name", RENDERERS)
def test_every_objective_initiative_and_source_is_there(name: str) -> None:
    """Titles, ids, reasons and counts of what stands around the key results are there, too."""
    said = shown(name, report())
    for objective in SNAPSHOT.objectives:
        assert all(fact in said for fact in (objective.id, objective.title, objective.reason))
    for initiative in SNAPSHOT.initiatives:
        assert all(fact in said for fact in (initiative.id, initiative.title, initiative.reason))
    assert all(source in said for source in ("surveys", "tracker", "code", "HTTP 401 from Jira", "renew the API token"))


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_unknown_is_said_and_never_a_zero(name: str) -> None:
    """A key result without a number says so where the number would stand."""
    state = key_result("kr", "Only this", value=None, progress=None, score=None, status="unknown", reason="none yet")
    alone = replace(
        SNAPSHOT, objectives=SNAPSHOT.objectives[:1], key_results=(replace(state, baseline=None),), initiatives=()
    )
    said = shown(name, build_report(alone)).rsplit("Only this", 1)[1]
    assert "unknown" in said
    assert not re.search(r"(?<![\d.-])0(?![\d.-])", said.replace("2026-11-22 00:46 UTC", "")), said


def test_unknown_is_null_in_json_and_empty_in_csv() -> None:
    """Machines get no number and the reason."""
    found = [each for each in _json(report())["objectives"][1]["key_results"] if each["id"] == "adoption"]
    assert [(each["value"], each["progress"], each["score"], each["as_of"]) for each in found] == [(None,) * 4]
    assert "'n/a'" in found[0]["reason"]
    (row,) = [row for row in _csv(report()) if row["id"] == "adoption"]
    assert (row["value"], row["progress"], row["score"], row["as_of"]) == ("",) * 4


@pytest.mark.parametrize("name", RENDERERS)
def test_a_stale_number_is_marked(name: str) -> None:
    """A stale key result that kept its status carries the mark beside it; a fresh one carries none."""
    fresh = key_result("kr", "Only this", reason="on its way")
    stale = replace(fresh, stale=True)
    empty = replace(SNAPSHOT, initiatives=())
    marks = [
        shown(name, build_report(replace(empty, key_results=(state,)))).split("Only this", 1)[1]
        for state in (fresh, stale)
    ]
    mark = {"table": "yes", "document": "'stale': True"}.get(name, "stale")
    assert mark not in marks[0]
    assert mark in marks[1]


def _json(made: Report) -> Any:
    return json.loads(document.render(made))


def _csv(made: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.render(made), newline="")))


def test_numbers_for_machines_are_raw() -> None:
    """JSON and CSV hold the numbers of the snapshot to the last digit."""
    rows = {row["id"]: row for row in _csv(report())}
    documents = {each["id"]: each for objective in _json(report())["objectives"] for each in objective["key_results"]}
    for state in SNAPSHOT.key_results:
        for field in ("value", "baseline", "target", "progress", "score"):
            number = getattr(state, field)
            assert documents[state.id][field] == number
            assert rows[state.id][field] == ("" if number is None else str(number))


@pytest.mark.parametrize("name", RENDERERS)
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    """Nothing depends on the clock, the order of a set or the last run."""
    assert RENDERERS[name](report()) == RENDERERS[name](report())


@pytest.mark.parametrize("name", RENDERERS)
def test_an_empty_store_has_a_report(name: str) -> None:
    """Without objectives the report says as of when it is and that there is nothing."""
    said = shown(name, empty_report())
    assert "2026-11-22" in said or name == "table"
    assert "None" not in said or name == "document"


def test_the_terminal_fits_eighty_columns_and_shows_every_title() -> None:
    """Nothing is cut off: long titles are folded."""
    out = io.StringIO()
    terminal.show(report(), Console(file=out, width=80, force_terminal=False))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    for state in SNAPSHOT.key_results:
        assert all(word in out.getvalue() for word in [*state.title.split(), state.id])
    assert "! tracker: last success 2026-11-19 20:00 UTC; late" in " ".join(" ".join(lines).split())


def test_the_terminal_is_quiet_where_there_is_nothing_to_say() -> None:
    """An empty store shows two lines; a known key result without reason or basis has one line, sources in time none."""
    out = io.StringIO()
    terminal.show(empty_report(), Console(file=out, width=80))
    assert len(out.getvalue().splitlines()) == 2
    alone = replace(SNAPSHOT, key_results=(key_result("kr", "Title", reason=""),), objectives=SNAPSHOT.objectives[:1])
    out = io.StringIO()
    terminal.show(build_report(replace(alone, initiatives=())), Console(file=out, width=120))
    assert "kr" in out.getvalue().splitlines()[-2]
    assert "!" not in out.getvalue()


@pytest.mark.parametrize(
    "zone", ["UTC", "Pacific/Honolulu", "America/New_York", "Europe/Paris", "Asia/Kathmandu", "Pacific/Auckland"]
)
def test_the_days_of_a_cycle_are_those_of_its_own_zone(zone: str) -> None:
    """A cycle from 1 October through 31 December reads so, wherever its midnights lie in UTC."""
    start, end = (datetime(year, month, 1, tzinfo=ZoneInfo(zone)) for year, month in ((2026, 10), (2027, 1)))
    assert (words.first_day(start), words.last_day(end)) == ("2026-10-01", "2026-12-31")


def test_an_axis_that_goes_below_zero_names_zero() -> None:
    """Worse than at the start is told from the start."""
    picture = draw(next(row for row in report().key_results() if row.state.id == "turnover"))
    assert picture is not None
    assert [label.text for label in picture.labels][:3] == ["100 %", "0 %", "-25 %"]


def test_a_bound_without_target_has_no_label_for_it() -> None:
    """The axis names its ends only."""
    state = key_result("kr", "Title", kind="threshold", target=None, baseline=None)
    made = build_report(replace(SNAPSHOT, key_results=(state,)), histories={"kr": points((0, 0.0), (9, 0.5))})
    picture = draw(made.key_results()[0])
    assert picture is not None
    assert picture.target is None
    assert [label.text for label in picture.labels] == ["31", "41", "2026-10-01", "2026-12-31"]


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """One file: no script, no link, no picture, no URL; policies forbid the rest."""
    page = html.render(report())
    parsed = parse(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "a", "form"} & set(parsed.tags)
    assert not re.search(r"url\(|@import|https?:|javascript:|\son\w+=", page)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in parsed.attributes


def test_every_chart_says_what_it_shows() -> None:
    """Each picture has the role of one, a name for those who can't see it, and a background of its own."""
    page = html.render(report())
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    drawn = [row for row in report().key_results() if row.chart]
    assert len(pictures) == len(drawn) == 6
    for picture, row in zip(pictures, drawn, strict=True):
        assert 'role="img"' in picture
        assert f'aria-label="History of {html_text.escape(row.state.title)}: 2026-10-01 to 2026-12-31; now' in picture
        assert "<title>History of " in picture
        assert re.search(r'<rect width="320" height="132" style="fill: var\(--panel\)"', picture)
    assert "1 stale point" in page
    assert "gap without data" in page


def test_status_is_said_by_word_and_sign_not_by_colour_alone() -> None:
    """Without colours, the sign of each status stands beside its word."""
    said = shown("html", report())
    for state in SNAPSHOT.key_results:
        assert f"{words.SYMBOLS[state.status]} {words.status_word(state.status)}" in said


def test_what_moved_since_is_the_same_in_all_formats() -> None:
    """A rise of 10 percentage points and 2 points is said as such, or as raw numbers."""
    for name in ("text", "markdown", "html"):
        assert "+10 pp, value +2 points, was at risk" in shown(name, report())
    (row,) = [row for row in _csv(report()) if row["id"] == "nps"]
    assert float(row["progress_delta"]) == pytest.approx(0.1)
    assert float(row["value_delta"]) == 2


SHARES = {
    None: "unknown", 0: "0 %", -1e-9: "0 %", 0.65: "65 %", 1.1388: "113.9 %", 0.99999: "99.9 %", 1: "100 %",
    -0.25: "-25 %", 12.5: "1,250 %",
}  # fmt: skip


@pytest.mark.parametrize(("share", "said"), SHARES.items())
def test_a_share_is_said_as_a_percentage(share: float | None, said: str) -> None:
    """At most one decimal; below 1 never reads as 100 %."""
    assert words.percent(share) == said


@pytest.mark.parametrize(("delta", "said"), [(None, ""), (0.1, "+10 pp"), (-0.125, "-12.5 pp"), (1e-6, "±0 pp")])
def test_a_change_of_progress_is_said_in_percentage_points(delta: float | None, said: str) -> None:
    """With its sign; unknown is silent."""
    assert words.progress_delta(delta) == said


def test_what_has_no_target_is_said_without_one() -> None:
    """A range has bounds instead of a target."""
    bounded = replace(SNAPSHOT.key_results[0], value=65, baseline=None, target=None, unit="days")
    assert words.key_result_numbers(bounded) == "65 days"
    assert words.key_result_numbers(replace(bounded, target=60)) == "65 days; target 60 days"


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_a_range_is_said_by_its_two_bounds_and_not_as_a_target_that_nobody_knows(name: str) -> None:
    bounded = key_result("stock", "Stock", kind="range", value=64.0, baseline=None, target=None, bounds=(40.0, 60.0))
    held = replace(SNAPSHOT, key_results=(bounded,), objectives=SNAPSHOT.objectives[:1])
    said = shown(name, build_report(held))
    assert re.search(r"between 40 and 60 points", said, re.IGNORECASE), said
    assert "Target unknown" not in said


def test_a_change_of_a_percentage_is_said_in_points_and_once() -> None:
    """A value of 25 % that was 19 % rose by 6 pp; where the value is the progress itself it isn't repeated."""
    now = key_result("kr", "Title", unit="%", baseline=0.0, target=75.0, value=25.0, progress=1 / 3)
    old = replace(now, value=19.0, progress=19 / 75)
    assert _note(now, old) == "+8 pp, value +6 pp"
    whole = replace(now, target=100.0, progress=0.25)
    assert _note(whole, replace(whole, value=19.0, progress=0.19)) == "+6 pp"
    assert _note(whole, replace(whole, value=19.0, progress=None)) == "value +6 pp"


def _note(now: KeyResultState, old: KeyResultState) -> str:
    made = build_report(replace(SNAPSHOT, key_results=(now,)), replace(SNAPSHOT, key_results=(old,)), BEFORE)
    (row,) = made.key_results()
    return words.since_note(row)


@pytest.mark.parametrize(
    ("delta", "said"), [(None, ""), (2.0, "+2 h"), (-1.5, "-1.5 h"), (0.0, "±0 h"), (0.1 + 0.2 - 0.3, "±0 h")]
)
def test_a_change_of_value_is_said_with_sign_and_unit(delta: float | None, said: str) -> None:
    """Noise of floats is no change."""
    assert words.value_delta(delta, "h") == said


def test_a_report_without_basis_says_no_deltas() -> None:
    """The first report has nothing to compare with and claims nothing."""
    first = build_report(SNAPSHOT)
    assert "compared with" not in shown("text", first)
    assert " pp" not in shown("text", first)
    assert _json(first)["since"] is None


def _walk(value: Any) -> Iterator[Any]:
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(each)


def test_times_in_json_are_utc() -> None:
    """Every time ends in Z, whatever zone it was known in."""
    times = [each for each in _walk(_json(report())) if isinstance(each, str) and re.match(r"\d{4}-\d\d-\d\dT", each)]
    assert len(times) > 10
    assert all(each.endswith("Z") for each in times)
    assert _json(report())["as_of"] == NOW.isoformat().replace("+00:00", "Z")
    assert _json(build_report(SNAPSHOT, before(), BEFORE))["since"] == "2026-11-15T08:00:00Z"
