"""What people see when what they defined changes: the version, its reason, and a break in the series."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from okr_sync.config import load
from okr_sync.connector import AccessError, Answer, Ask, Miss, Page, Reading
from okr_sync.core.revisions import Edit, Revision
from okr_sync.errors import UsageError
from okr_sync.render import document, html
from okr_sync.render.explanation import render_explanation
from okr_sync.render.records import BROKEN, render_points, render_work_points
from okr_sync.render.revisions import render_revisions, revisions_document
from okr_sync.store import results
from okr_sync.sync.authors import Signed
from okr_sync.sync.run import World, sync
from okr_sync.views.explaining import stored_explanation
from okr_sync.views.reporting import stored_report
from okr_sync.views.revisions import stored_revisions
from tests.edge.cli_play import run
from tests.edge.sync_play import START, House, house, item, numbers, page, work

DAY = timedelta(days=1)


class Survey:
    """A source that answers each place with its number, or not at all."""

    def __init__(self) -> None:
        self.numbers = {"bad": 2.0, "B": 80.0}
        self.why: Miss | None = None
        self.down = False

    def read(self, ask: Ask[Any]) -> Answer:
        if self.down:
            raise AccessError("the token is refused", fix="renew it")
        return {ref: self.why or (Reading(self.numbers[query.place]),) for ref, query in ask.queries.items()}


def changed(home: House, before: str, after: str, file: str = "okr-sync.yaml") -> House:
    """Return the house a day later with a config file edited."""
    path = home.config.folder / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    return replace(home, config=load(home.config.folder, {}, home.registry), now=home.now + DAY)


def other_query(home: House) -> House:
    return changed(home, '"place": "bad"', '"place": "B"')


def key_result(home: House, name: str = "bad") -> Any:
    with home.store.reading() as session:
        snapshot = results.latest_snapshot(session, home.now)
    assert snapshot is not None
    return next(state for state in snapshot.key_results if state.id == name)


@pytest.fixture
def survey() -> Survey:
    return Survey()


@pytest.fixture
def home(tmp_path: Path, survey: Survey) -> House:
    made = house(tmp_path / "house", bad=numbers(survey.read))
    made.sync()
    return made


@pytest.mark.parametrize("down", [True, False])
def test_a_new_query_whose_source_fails_never_shows_the_old_answer(home: House, survey: Survey, down: bool) -> None:
    assert key_result(home).value == 2.0
    survey.down, survey.why = down, Miss("not_found", "there is no place B")
    after = other_query(home)
    after.sync()
    state = key_result(after)
    assert (state.value, state.status) == (None, "unknown")
    assert "its query changed and has no answer yet: " in state.reason
    assert ("the token is refused" if down else "there is no place B") in state.reason
    survey.down, survey.why = False, None
    answered = replace(after, now=after.now + DAY)
    answered.sync()
    state = key_result(answered)
    assert (state.value, state.baseline) == (80.0, 0.0)
    assert f"query changed on {answered.now:%Y-%m-%d}: not comparable before" in state.reason


def test_the_old_query_goes_on_with_its_own_numbers(home: House, survey: Survey) -> None:
    after = other_query(home)
    after.sync()
    back = changed(after, '"place": "B"', '"place": "bad"')
    survey.down = True
    back.sync()
    assert (key_result(back).value, key_result(back).status) == (2.0, "stale")


def test_a_break_shows_in_history_report_and_explanation(home: House) -> None:
    after = other_query(home)
    after.sync()
    day = f"{after.now:%Y-%m-%d}"
    with after.store.reading() as session:
        points = results.points(session, "key_result", "bad")
        other = results.points(session, "key_result", "good")
        report = stored_report(session, after.now, home.now)
        explanation = stored_explanation(session, "bad", after.now)
    assert render_points(points).splitlines()[2] == BROKEN
    assert BROKEN not in render_points(other)
    marks = [point["series_break"] for point in document.history_document("key_result", "bad", points)["points"]]
    assert marks == [False, True]
    row = next(row for row in report.objectives[0].key_results if row.state.id == "bad")
    assert row.chart is not None
    assert [each.at for each in row.chart.breaks] == [after.now]
    assert [cause.kind for cause in row.causes] == ["query"]
    picture = html.render(report)
    assert f"query changed {day}" in picture
    assert f"query changed on {day}, not comparable before" in picture
    assert f"query changed on {day}: not comparable before" in picture
    said = render_explanation(explanation)
    assert f"series      query changed on {day}: not comparable before" in said
    assert 'changed     query {"place":"bad"} → {"place":"B"}' in said
    assert document.explain_document(explanation)["series_since"] == f"{after.now:%Y-%m-%dT%H:%M:%SZ}"


def test_a_new_target_is_no_break_and_explained_in_one_line(home: House) -> None:
    after = changed(home, '"baseline": 0, "target": 10', '"baseline": 0, "target": 20', "okrs/team.yaml")
    world = World(clock=lambda: after.now)
    sync(after.store, after.config, world, signed=Signed("Ana", "the market moved"), registry=after.registry)
    with after.store.reading() as session:
        points = results.points(session, "key_result", "bad")
        explanation = stored_explanation(session, "bad", after.now)
        first = stored_explanation(session, "bad", after.now).revision
    assert BROKEN not in render_points(points)
    assert explanation.series_since is None
    line = f"  changed     target 10 → 20 on {after.now:%Y-%m-%d} by Ana, because: the market moved\n"
    assert line in render_explanation(explanation)
    assert first == Revision("key_result", "bad", 2, after.now, None, "Ana", "the market moved",
                             (Edit("target", 10.0, 20.0),))  # fmt: skip


def test_what_never_changed_has_no_line_about_a_change(home: House) -> None:
    with home.store.reading() as session:
        said = render_explanation(stored_explanation(session, "bad", home.now))
    assert "  changed " not in said
    assert "  series " not in said


def test_changed_scopes_break_the_series_of_an_initiative(tmp_path: Path) -> None:
    brought: list[Page] = [page(item("1"), item("2", state="done"))]
    home = house(tmp_path / "house", bad=work(lambda cursor, now: brought))
    home.sync()
    brought[:] = [page(misses={"bad-work/1": Miss("gone", "no epic B")}, scopes={}, members=(), containers=())]
    failed = changed(home, '"place": "A"', '"place": "B"', "okrs/team.yaml")
    failed.sync()
    assert "its query changed and has no answer yet: no epic B" in key_result(failed).reason
    assert key_result(failed).value is None
    brought[:] = [page(item("1"), item("2", state="done"), item("3"))]
    after = replace(failed, now=failed.now + DAY)
    after.sync(full=True)
    with after.store.reading() as session:
        points = results.delivery_points(session, "bad-work")
        explanation = stored_explanation(session, "bad-work", after.now)
    assert BROKEN in render_work_points(points)
    assert explanation.series_since == failed.now
    assert document.history_document("initiative", "bad-work", points)["points"][1]["series_break"]


def test_versions_of_a_key_result_come_with_those_of_what_it_rests_on(home: House) -> None:
    after = other_query(home)
    after.sync()
    last = changed(after, '"target": 10', '"target": 20', "okrs/team.yaml")
    last.sync()
    with last.store.reading() as session:
        found = stored_revisions(session, "bad")
        metric = stored_revisions(session, "bad")[1]
        assert [each.id for each in stored_revisions(session, "now")] == ["now"]
        with pytest.raises(UsageError, match="nothing called bed was ever defined; did you mean bad"):
            stored_revisions(session, "bed")
    assert [(each.kind, each.version) for each in found] == [
        ("key_result", 1), ("metric", 1), ("key_result", 2), ("metric", 2), ("key_result", 3),
    ]  # fmt: skip
    assert metric.edits == ()
    said = render_revisions(found).splitlines()
    assert said[0] == f"{home.now:%Y-%m-%d %H:%M UTC}  key result bad, version 1, by okr-sync, because: config files"
    assert said[1] == "  the first version"
    assert said[5] == "  what it rests on changed"
    assert said[7] == '  query {"place":"bad"} → {"place":"B"}'
    assert said[9] == "  target 10 → 20"
    made = revisions_document("bad", found)["versions"][-1]
    assert made["changes"] == [{"field": "target", "before": 10.0, "after": 20.0}]
    assert (made["until"], made["since"]) == (None, f"{last.now:%Y-%m-%dT%H:%M:%SZ}")


def test_hostile_reasons_and_long_values_stay_on_their_line() -> None:
    edits = (
        Edit("title\x1b[2J", "a\nb", "x" * 500),
        Edit("strict", None, after=True),
        Edit("strict", before=False, after=None),
    )
    said = render_revisions([Revision("key_result", "kr", 2, START, None, "Eve\x1b[31m", "why\u202e\nnot", edits)])
    assert len(said.splitlines()) == 4
    assert not {"\x1b", "\u202e"} & set(said)
    assert "strict none → yes" in said
    assert "strict no → none" in said
    assert max(map(len, said.splitlines())) < 200


def test_the_command_lists_versions(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    assert run("init", str(folder)).code == 0
    file = next((folder / "okrs").glob("*.yaml"))
    said = ["--config", str(folder)]
    assert run("sync", *said, "--author", "Ana", "--reason", "first").code == 0
    made = run("history", "--definitions", *said, "--json", _first_id(file)).json()
    assert [(each["author"], each["reason"]) for each in made["versions"][:1]] == [("Ana", "first")]
    assert "the first version" in run("history", "--definitions", *said, _first_id(file)).out
    assert (
        run("history", "--definitions", "--since", "2100-01-01", *said, _first_id(file)).out
        == "no version in this time\n"
    )
    assert run("history", "--definitions", *said, "nobody-knows").code == 2


def _first_id(file: Path) -> str:
    rows = [line for line in file.read_text(encoding="utf-8").splitlines() if "- id:" in line]
    return rows[1].partition("- id:")[2].partition("#")[0].strip()


def test_the_json_of_versions_is_json() -> None:
    one = Revision("cycle", "q", 1, START, START + DAY, "ana", "\udc80".encode("utf-8", "replace").decode())
    assert json.loads(json.dumps(revisions_document("q", [one])))["versions"][0]["until"] == "2026-10-06T09:00:00Z"
