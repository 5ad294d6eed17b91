"""No token comes out in any form, and text from trackers can't steer a terminal or a page."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from okr_sync.sandbox.server import Fault, Response
from tests.edge.cli_play import EMAIL, GITHUB_TOKEN, JIRA_TOKEN, QUICK, Play, playing, run

BASIC = base64.b64encode(f"{EMAIL}:{JIRA_TOKEN}".encode()).decode()
FORMS = {
    form
    for token in (JIRA_TOKEN, GITHUB_TOKEN)
    for form in (
        token,
        quote(token, safe=""),
        quote_plus(token),
        json.dumps(token)[1:-1],
        base64.b64encode(token.encode()).decode().rstrip("="),
    )
} | {BASIC, BASIC.rstrip("=")}

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b31m\r\u202eevil\u200b"
MARKUP = "<script>alert(1)</script>[bold red]x[/] | a **b** `c` [l](javascript:x) =1+1"
HOSTILE = f"{ESCAPES}{MARKUP}"
STEERING = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"} | {"\u202e"}


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.change_source("tracker", deadline=QUICK)
        play.change_source("code", deadline=QUICK)
        yield play


COMMANDS = [
    "check", "plan", "sync", "sync --full", "status", "report", "report --format html", "report --format md",
    "report --format csv", "report --format json", "explain assistant-built", "explain launch-built", "explain beta",
    "history beta-built", "runs", "runs 1", "runs 2", "sources", "sources --test", "check-in guide-out --note x",
    "explain nobody", "status --nonsense", "sync --json", "status --json", "sources --json", "runs 2 --json",
]  # fmt: skip


def _echoing(play: Play) -> None:
    """Both servers repeat the credentials that they were sent."""
    said = {"errorMessages": [f"bad {JIRA_TOKEN} {BASIC}"], "message": f"bad {GITHUB_TOKEN}"}
    for server in (play.jira, play.github):
        server.inject(Fault("response", Response.of(said, 400, {"Set-Cookie": JIRA_TOKEN}), times=10_000))


def _elsewhere(play: Play) -> None:
    """Both servers send us on to an address that holds the credentials."""
    for server, token in ((play.jira, JIRA_TOKEN), (play.github, GITHUB_TOKEN)):
        target = {"Location": f"http://localhost:1/login?token={quote(token)}"}
        server.inject(Fault("response", Response(302, b"", target), times=10_000))


def _bad_settings(play: Play) -> None:
    play.setenv("GITHUB_TOKEN", f"{GITHUB_TOKEN}\nX-Evil: 1")
    play.change_source("tracker", url="${JIRA_TOKEN}", email="${GITHUB_TOKEN}")


@pytest.mark.parametrize("trouble", [_echoing, _elsewhere, _bad_settings, None])
def test_no_token_is_in_any_output_or_in_any_byte_of_the_store(play: Play, trouble: object) -> None:
    play.sync()
    if callable(trouble):
        trouble(play)
    said = "".join(play.run(*words.split()).said for words in COMMANDS)
    assert len(said) > 10_000
    assert [form for form in FORMS if form in said] == []
    for name, content in play.bytes_of_store().items():
        assert [form for form in FORMS if form.encode() in content] == [], name


def test_the_forms_searched_for_are_those_that_go_over_the_wire() -> None:
    assert base64.b64encode(f"{EMAIL}:{JIRA_TOKEN}".encode()).decode() in FORMS
    assert quote(JIRA_TOKEN, safe="") != JIRA_TOKEN
    assert len(FORMS) >= 7


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A synced company whose epics, issues, milestones and config carry text that wants to break out."""
    with (
        pytest.MonkeyPatch.context() as environment,
        playing(tmp_path_factory.mktemp("play"), environment.setenv) as play,
    ):
        play.tracker.world.add_issue("APP", HOSTILE, at=play.begin, parent=play.tracker.epics[0])
        epic = play.tracker.world.add_epic("APP", HOSTILE, at=play.begin)
        play.tracker.world.add_issue("APP", HOSTILE, at=play.begin, parent=epic)
        play.okrs["initiatives"][0]["delivery"][0]["epics"].append(epic.key)
        play.okrs["objectives"][0]["title"] = MARKUP
        play.okrs["objectives"][0]["key_results"][0]["title"] = MARKUP
        play.save()
        play.sync()
        play.run("check-in", "guide-out", "--note", HOSTILE, "--author", HOSTILE)
        yield play


READERS = [
    "status",
    "report",
    "explain assistant-built",
    "explain assistant",
    "history assistant-built",
    "runs",
    "runs 1",
]


@pytest.mark.parametrize("words", READERS)
def test_foreign_text_reaches_the_terminal_without_what_steers_it(hostile: Play, words: str) -> None:
    for more in ([], ["--json"]):
        ran = hostile.run(*words.split(), *more)
        assert ran.code == 0
        assert sorted(STEERING & set(ran.said)) == []


def test_foreign_text_is_shown_all_the_same(hostile: Play) -> None:
    assert "evil" in hostile.run("explain", "assistant-built").out
    assert "<script>alert(1)</script>[bold red]x[/]" in hostile.run("explain", "assistant-built").out


def test_what_machines_read_is_what_the_tracker_said(hostile: Play) -> None:
    shown = json.dumps(hostile.run("explain", "assistant-built", "--json").json(), ensure_ascii=False)
    assert json.dumps(HOSTILE, ensure_ascii=False)[1:-1] in shown


def test_a_page_shows_foreign_markup_and_runs_none_of_it(hostile: Play) -> None:
    page = hostile.run("report", "--format", "html").out
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'href="javascript:' not in page


def test_no_cell_of_the_table_is_a_formula(hostile: Play) -> None:
    rows = list(csv.reader(io.StringIO(hostile.run("report", "--format", "csv").out)))
    assert len(rows) > 5
    starts = {cell[:1] for row in rows for cell in row}
    assert not starts & set("=+@")


def test_a_wrong_word_on_the_command_line_is_not_echoed_raw() -> None:
    for words in (
        ["\x1b[31mstatus"],
        ["explain", "x", "--\x1b]0;owned\x07"],
        ["status", "--config", "/no\x1b[2Jwhere"],
    ):
        ran = run(*words)
        assert ran.code == 2
        assert sorted(STEERING & set(ran.said)) == []


def test_a_failing_tracker_cannot_steer_the_terminal_by_its_message(play: Play) -> None:
    play.sync()
    said = {"errorMessages": [HOSTILE], "message": HOSTILE}
    for server in (play.jira, play.github):
        server.inject(Fault("response", Response.of(said, 400), times=10_000))
    for words in (["sync"], ["plan"], ["sources"], ["status"], ["report"], ["runs", "2"], ["explain", "beta-built"]):
        ran = play.run(*words)
        assert sorted(STEERING & set(ran.said)) == [], words
