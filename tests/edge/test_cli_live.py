"""`check --live` and `sources --test` ask the sources whether all that is mapped is there, and write nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from okr_sync.sandbox.github_permissions import PermittedGithub
from okr_sync.sandbox.server import Fault, Response
from tests.edge.cli_play import GITHUB_TOKEN, JIRA_TOKEN, QUICK, Play, playing

WRONG = {"source": "tracker", "epics": ["APP-1", "APQ-7"]}


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        for name in ("tracker", "code"):
            play.change_source(name, deadline=QUICK)
        yield play


def line_of(file: Path, word: str) -> tuple[int, int]:
    """Return line and column of a word in quotes in a file, from 1."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if f'"{word}"' in line:
            return number, line.index(f'"{word}"') + 1
    raise AssertionError(f"{word} is not in {file}")


def test_everything_that_is_mapped_is_there(play: Play) -> None:
    """Sources of numbers are read once, without a value in the output; nothing is written, not even a store."""
    before = sorted(play.folder.rglob("*"))
    ran = play.run("check", "--live")
    assert ran.code == 0, ran.said
    assert "everything that is mapped is there" in ran.out
    assert "tracker: signed in as Ana" in ran.out
    shown = play.run("check", "--live", "--json")
    assert shown.code == 0
    live = {each["source"]: each for each in shown.json()["live"]}
    assert shown.json()["ok"] is True
    assert {each["ok"] for each in live.values()} == {True}
    places = [each["said"] for each in live["tracker"]["named"] if each["question"]]
    assert places == ["APP-1: Epic 'Epic 1'", "APP-2: Epic 'Epic 2'"]
    assert live["numbers"]["named"][0]["said"].startswith("readings: 1, the newest of ")
    assert live["typed"]["named"][0]["miss"] is None
    assert sorted(play.folder.rglob("*")) == before
    assert "live" not in play.run("check", "--json").json()


def test_every_name_that_leads_nowhere_is_told_at_once_with_file_line_and_column(play: Play) -> None:
    """Of all sources, in the order of the files; the exit code is 3.

    Seen red with the places of questions left out of the config.
    """
    play.okrs["initiatives"][0]["delivery"] = [WRONG, {"source": "tracker", "jql": "project = APPS"}]
    play.okrs["initiatives"][1]["delivery"] = [{"source": "code", "repos": ["acme/apps"], "milestone": "Beta 1"}]
    play.okrs["initiatives"][2]["delivery"][1]["milestone"] = "Lunch"
    play.main["metrics"]["nps"]["column"] = "nsp"
    play.change_source("tracker", points_field="Storypoints")
    ran = play.run("check", "--live")
    assert ran.code == 3, ran.said
    found = [line for line in ran.out.splitlines() if line.startswith(str(play.folder)) and "no mistakes" not in line]
    okrs, main = play.folder / "okrs" / "product.yaml", play.folder / "okr-sync.yaml"
    expected = [(main, "Storypoints"), (okrs, "APQ-7"), (okrs, "project = APPS"), (okrs, "acme/apps"), (okrs, "Lunch")]
    for file, word in expected:
        line, column = line_of(file, word)
        assert [each for each in found if each.startswith(f"{file}:{line}:{column}: ")], (word, found)
    assert [each for each in found if each.startswith(f"{main}:") and "nsp" in each]
    assert len(found) == len(expected) + 1
    assert found == sorted(found, key=lambda each: (each.partition(":")[0], int(each.split(":")[1])))
    for near in ("did you mean APP?", "did you mean acme/app?", "did you mean 'Launch'?", "'Story Points'"):
        assert near in ran.out
    shown = play.run("sources", "--test", "--json").json()["sources"]
    wrong = {(each["name"], name["line"]) for each in shown for name in each["named"] if name["miss"]}
    assert ("tracker", line_of(okrs, "APQ-7")[0]) in wrong
    assert len(wrong) == len(found)


@pytest.mark.parametrize("words", [("check", "--live"), ("sources", "--test")])
def test_what_is_to_be_known_of_a_source_as_a_whole_is_told(play: Play, words: tuple[str, ...]) -> None:
    """Where points are read, what drops work; for machines, too. Seen red with those words left out of the text."""
    play.tracker.world.add_level("Staff", seen=True)
    play.tracker.world.protect("APP-1", "Staff", at=play.begin)
    ran = play.run(*words)
    assert ran.code == 0, ran.said
    told = [line.strip() for line in ran.out.splitlines()]
    assert [line for line in told if line.startswith("points are read from customfield_")]
    assert [line for line in told if line.startswith("1 issues of APP have a security level; give the account all")]
    assert (
        "where no `dropped` is written, 'Fixed', 'Done', 'Invalid', '完成' count as done, \"Won't Do\", \"Won't Fix\", "
        "'Duplicate', 'Cannot Reproduce' drop work"
    ) in told
    assert "'merged' count as done, 'not_planned', 'duplicate', 'unmerged' drop work" in ran.out


def test_a_name_in_dropped_that_no_resolution_has_is_told_where_it_stands(play: Play) -> None:
    """What is known to one source of an initiative is right, in any letter case; the exit code is 3.

    Seen red with each source asked for itself, and without `casefold`.
    """
    first, _, both = play.okrs["initiatives"]
    first["dropped"], both["dropped"] = ["duplicate", "Wont Do", "On hold"], ["WON'T DO", "not_planned", "merge"]
    play.save()
    ran = play.run("check", "--live")
    assert ran.code == 3, ran.said
    found = [line for line in ran.out.splitlines() if "no resolution is called" in line]
    okrs = play.folder / "okrs" / "product.yaml"
    expected = {
        "Wont Do": '; did you mean "Won\'t Do"?',
        "On hold": "; there are 'Fixed', 'Done',",
        "merge": "'merged'?",
    }
    assert len(found) == len(expected)
    for line, (word, hint) in zip(found, expected.items(), strict=True):
        row, column = line_of(okrs, word)
        assert line.startswith(f"{okrs}:{row}:{column}: tracker: no resolution is called {word!r}, so it drops nothing")
        assert hint in line


def test_no_name_in_dropped_is_doubted_while_a_source_of_its_initiative_does_not_tell(play: Play) -> None:
    """It may have just that one. Seen red where what is known is the whole of what is told."""
    play.okrs["initiatives"][2]["dropped"] = ["Wont Do"]
    play.save()
    play.github.inject(Fault("response", Response.of({}, 418), times=9))
    ran = play.run("check", "--live")
    assert "! " in ran.out
    assert "no resolution is called" not in ran.out


def test_one_source_may_be_tested_alone(play: Play) -> None:
    play.okrs["initiatives"][0]["delivery"] = [WRONG]
    play.save()
    play.github.forget()
    ran = play.run("sources", "--test", "tracker")
    assert ran.code == 3
    assert "APQ-7" not in play.run("sources", "--test", "code").out
    assert play.run("sources", "--test", "code").code == 0
    assert "no project APQ" in ran.out
    assert play.run("sources", "numbers", "--json").json()["sources"][0]["name"] == "numbers"
    refused = play.run("sources", "--test", "trakcer")
    assert refused.code == 2
    assert "did you mean tracker?" in refused.err


def test_a_source_that_can_not_be_asked_hides_no_other(play: Play) -> None:
    """The others are resolved; what to do stands beside the error, and no secret anywhere."""
    play.okrs["initiatives"][1]["delivery"][0]["milestone"] = "Betta 1"
    play.setenv("JIRA_TOKEN", "wr0ng")
    play.save()
    ran = play.run("check", "--live")
    assert ran.code == 3
    assert "! GET http" in ran.out
    assert "what to do: check the token" in ran.out
    assert "did you mean 'Beta 1'?" in ran.out
    assert not [secret for secret in (JIRA_TOKEN, GITHUB_TOKEN, "wr0ng") if secret in ran.said]


def test_what_was_found_before_a_source_failed_is_kept(play: Play) -> None:
    play.okrs["initiatives"][0]["delivery"] = [WRONG]
    play.change_source("tracker", points_field="Storypoints")
    play.jira.inject(Fault("response", Response.of({}, 418), where="bulkfetch"))
    ran = play.run("check", "--live", "--json")
    tracker = next(each for each in ran.json()["live"] if each["source"] == "tracker")
    assert "418" in tracker["error"]
    assert [each["miss"] for each in tracker["named"]] == ["not_found"]


def test_a_broken_config_asks_no_source(play: Play) -> None:
    play.main["sources"]["tracker"]["kind"] = "nothing"
    play.save()
    play.jira.forget()
    assert play.run("check", "--live").code == 2
    assert play.jira.log == []


def test_a_permission_that_is_missing_is_told_where_it_is_missed(play: Play) -> None:
    """Beside it stand those that are needed; one that is there is not complained of."""
    play.github.site = PermittedGithub(play.code.site, permissions=["issues=read"])
    play.change_source("code", api="rest")
    ran = play.run("check", "--live")
    assert ran.code == 3, ran.said
    assert "needs pull_requests=read" in ran.out
    assert "needs Issues: read, Pull requests: read" in ran.out
    assert "needs issues=read" not in ran.out
    play.github.site = PermittedGithub(play.code.site, permissions=["issues=read", "pull_requests=read"])
    assert play.run("check", "--live").code == 0


@pytest.mark.parametrize(
    ("expires", "level"), [("2020-01-01 00:00:00 UTC", "warn"), ("2999-01-01 00:00:00 UTC", "ok"), ("", "ok")]
)
def test_the_doctor_tells_scopes_granted_against_needed_and_when_the_token_ends(
    play: Play, expires: str, level: str
) -> None:
    """From the same place as the check.

    Seen red with the end left out of the finding.
    """
    play.github.site = PermittedGithub(play.code.site, "repo, read:org", expires=expires)
    found = {each["subject"]: each for each in play.run("doctor", "--json").json()["findings"]}["source code"]
    assert found["level"] == level
    assert "has read:org, repo" in found["said"]
    assert ("ends on" in found["said"]) == bool(expires)
    shown = json.loads(play.run("sources", "--test", "code", "--json").out)["sources"][0]["grant"]
    assert shown["granted"] == ["read:org", "repo"]


def test_the_doctor_fails_on_a_permission_that_is_missing(play: Play) -> None:
    for project in ("APP", "OPS"):
        play.tracker.world.hide_project(project, at=play.begin)
    ran = play.run("doctor", "--json")
    found = {each["subject"]: each for each in ran.json()["findings"]}["source tracker"]
    assert (found["level"], "lacks Browse Projects" in found["said"]) == ("fail", True)
    assert "give the credential Browse Projects" in found["fix"]
