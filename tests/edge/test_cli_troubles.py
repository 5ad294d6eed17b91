"""What people see of a source whose credential is refused, in every command that speaks of sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from okr_sync.render.costs import size
from okr_sync.sandbox.server import Fault, Response, Server
from tests.edge.cli_play import GITHUB_TOKEN, JIRA_TOKEN, Play, playing

CAPTCHA = Response(
    403,
    b"",
    {
        "X-Seraph-LoginReason": "AUTHENTICATION_DENIED",
        "X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://x",
    },
)
REFUSED = "credential refused since "
ALWAYS = 10_000


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.sync()
        yield play


def asked(server: Server) -> int:
    """Return how many requests came since this was asked last."""
    count = len(server.log)
    server.forget()
    return count


def test_a_refused_token_is_tried_twice_at_most_and_then_not_until_there_is_another(play: Play) -> None:
    """Over jira and PyGithub themselves."""
    asked(play.jira), asked(play.github)
    play.setenv("JIRA_TOKEN", "wr0ng")
    play.setenv("GITHUB_TOKEN", "wr0ng")
    play.sync(code=3)
    assert 1 <= asked(play.jira) <= 2
    assert 1 <= asked(play.github) <= 2
    again = play.sync(code=3)
    assert (asked(play.jira), asked(play.github)) == (0, 0)
    assert f"! code: not asked: {REFUSED}" in again.out
    play.setenv("JIRA_TOKEN", JIRA_TOKEN)
    play.setenv("GITHUB_TOKEN", GITHUB_TOKEN)
    play.sync()
    assert asked(play.jira) > 0
    assert asked(play.github) > 0


def test_a_captcha_counts_as_refused_and_a_person_asks_again_when_it_is_answered(play: Play) -> None:
    play.jira.inject(Fault("response", CAPTCHA, times=ALWAYS))
    asked(play.jira)
    play.sync(code=3)
    assert 1 <= asked(play.jira) <= 2
    play.jira.heal()
    play.sync(code=3)
    assert asked(play.jira) == 0
    assert play.run("sync", "--retry").code == 0
    assert asked(play.jira) > 0


def test_every_command_says_since_when_and_when_the_next_try_is(play: Play) -> None:
    play.setenv("JIRA_TOKEN", "wr0ng")
    play.sync(code=3)
    play.sync(code=3)
    for words in (("sources",), ("runs", "3"), ("status",), ("explain", "assistant-built"), ("doctor", "--offline")):
        said = " ".join(play.run(*words).out.split())
        assert REFUSED in said, words
        assert "next try " in said, words
    (row,) = [row for row in play.run("sources", "--json").json()["sources"] if row["name"] == "tracker"]
    assert row["held_back"]["trouble"] == "refused"
    assert row["held_back"]["failures"] == 1
    told = play.run("sync", "--json").json()["sources"]
    assert {each["source"]: each["requests"] for each in told if each["held_back"]} == {"tracker": 0}


def test_the_last_line_of_a_sync_and_the_ledger_say_what_it_cost(play: Play) -> None:
    play.jira.forget()
    play.github.forget()
    out = play.sync().out
    received = sum(each.sent for each in (*play.jira.log, *play.github.log))
    requests = len(play.jira.log) + len(play.github.log) + 1  # reading a file is one, too
    assert f"; {requests} requests, {size(received)}" in out.splitlines()[-1]
    rows = {row["source"]: row for row in play.run("runs", "2", "--json").json()["sources"]}
    assert rows["tracker"]["received"] == sum(each.sent for each in play.jira.log)
    assert rows["code"]["received"] == sum(each.sent for each in play.github.log)
    assert f"{len(play.jira.log)} requests, " in play.run("runs", "2").out
