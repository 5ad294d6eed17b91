"""A source that fails: one message with what to do, exit code 3, its key results stale, the others updated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from okr_sync.sandbox.server import Fault, Response, Server
from tests.edge.cli_play import QUICK, Play, Ran, playing

FOR_EVER = 10_000
LOGIN = b"<html><head><title>Log in</title></head><body><form action=login>Sign in</form></body></html>"
REMOVED = Response.of({"errorMessages": ["The requested API has been removed. Please migrate."]}, 410)

LIMITED = Response.of({"errors": [{"type": "RATE_LIMIT", "message": "API rate limit already exceeded."}]})

BY_SOURCE = {
    "tracker": ({"assistant-built", "launch-built"}, "beta-built"),
    "code": ({"beta-built", "launch-built"}, "assistant-built"),
}
"""Source → the key results that rest on it, and one that does not and whose work has changed."""


@contextmanager
def at_work(folder: Path, environment: pytest.MonkeyPatch) -> Iterator[Play]:
    """Give a company that was synced once, and whose work has gone on in both trackers since."""
    with playing(folder, environment.setenv) as play:
        play.change_source("tracker", deadline=QUICK)
        play.change_source("code", deadline=QUICK)
        play.sync()
        play.tracker.finish(1)
        play.code.finish(1)
        yield play


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with at_work(tmp_path, monkeypatch) as play:
        yield play


@dataclass(frozen=True)
class Break:
    """A way to break a source, and the words of the message: what happened, what to do."""

    source: str
    begin: Callable[[Play], None]
    happened: str
    to_do: str


def _answers(source: str, reply: Response, where: str = "") -> Callable[[Play], None]:
    def begin(play: Play) -> None:
        server: Server = play.jira if source == "tracker" else play.github
        server.inject(Fault("response", reply, where=where, times=FOR_EVER))

    return begin


def _html(status: int = 200) -> Response:
    return Response(status, LOGIN, {"Content-Type": "text/html"})


def _issue(**lacking: object) -> Response:
    return Response.of({"isLast": True, "issues": [{"id": "1", "key": "APP-1", "fields": lacking}]})


BREAKS = {
    "wrong token of Jira": Break(
        "tracker", lambda play: play.setenv("JIRA_TOKEN", "wr0ng"), "refused to sign", "token"
    ),
    "wrong token of GitHub": Break("code", lambda play: play.setenv("GITHUB_TOKEN", "wr0ng"), "401", "renew the token"),
    "Jira is down": Break("tracker", lambda play: play.jira.stop(), "ConnectionError", "check `url`"),
    "GitHub is down": Break("code", lambda play: play.github.stop(), "ConnectionError", "check the network and `url`"),
    "login page of Jira": Break("tracker", _answers("tracker", _html()), "login page", "check the token"),
    "login page of GitHub": Break("code", _answers("code", _html()), "not JSON", "sign-in page"),
    "removed search of Jira": Break("tracker", _answers("tracker", REMOVED, "search"), "410", "update okr-sync"),
    "GitHub is gone": Break(
        "code", _answers("code", Response.of({"message": "Gone"}, 410)), "410: Gone", "check `url`"
    ),
    "empty body of Jira": Break("tracker", _answers("tracker", Response(200)), "no JSON", "check `url`"),
    "empty body of GitHub": Break("code", _answers("code", Response(200)), "200 with nothing", "check `url`"),
    "no list from Jira": Break("tracker", _answers("tracker", Response.of({}), "search"), "no list of issues", "`url`"),
    "issue without status": Break("tracker", _answers("tracker", _issue(), "search"), "APP-1 has no", "may see this"),
    "no data from GitHub": Break("code", _answers("code", Response.of({"data": {}})), "lacks", "token may read"),
    "Jira is ill": Break("tracker", _answers("tracker", Response(500)), "500", "the next run asks again"),
    "GitHub is ill": Break("code", _answers("code", Response(503)), "503", "githubstatus.com"),
    "GitHub limits us": Break("code", _answers("code", LIMITED), "rate limit", "wait, or sync less often"),
    "Jira limits us": Break(
        "tracker", _answers("tracker", Response(429, b"", {"Retry-After": "60"})), "429", "next run"
    ),
}


@dataclass(frozen=True)
class Seen:
    """What the commands said before, during and after a sync with a broken source."""

    broken: Break
    before: Mapping[str, Mapping[str, Any]]
    ran: Ran
    run: Mapping[str, Any]
    after: Mapping[str, Mapping[str, Any]]

    @property
    def resting(self) -> set[str]:
        return BY_SOURCE[self.broken.source][0]

    @property
    def moving(self) -> str:
        return BY_SOURCE[self.broken.source][1]


@pytest.fixture(scope="module", params=list(BREAKS.values()), ids=list(BREAKS))
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Break one source after a good sync, sync again, and look."""
    broken: Break = request.param
    with pytest.MonkeyPatch.context() as environment, at_work(tmp_path_factory.mktemp("play"), environment) as play:
        before = play.key_results()
        broken.begin(play)
        ran = play.sync(code=3)
        yield Seen(broken, before, ran, play.last_run(), play.key_results())


def test_one_message_says_what_happened_and_what_to_do(seen: Seen) -> None:
    lines = [line for line in seen.ran.out.splitlines() if line.startswith("! ")]
    assert len(lines) == 1, seen.ran.out
    assert lines[0].startswith(f"! {seen.broken.source}: ")
    happened, _, to_do = lines[0].partition(" What to do: ")
    assert seen.broken.happened in happened
    assert seen.broken.to_do in to_do
    assert seen.ran.err == ""


def test_values_of_the_broken_source_are_kept_and_go_stale_while_others_move(seen: Seen) -> None:
    before, after = seen.before, seen.after
    for name in seen.resting:
        kept = ("value", "progress", "as_of")
        assert [after[name][key] for key in kept] == [before[name][key] for key in kept], name
        assert (after[name]["stale"], after[name]["status"]) == (True, "stale")
        assert f"source {seen.broken.source} failed when last asked" in after[name]["reason"]
        assert seen.broken.happened in after[name]["reason"]
    assert after[seen.moving]["value"] > before[seen.moving]["value"]
    assert {name for name, each in after.items() if each["stale"]} == seen.resting


def test_the_ledger_says_for_every_key_result_what_became_of_it(seen: Seen) -> None:
    outcomes = {name: entry["outcome"] for name, entry in seen.run["entries"].items()}
    others = {seen.moving: "updated", "nps-raised": "unchanged", "guide-out": "skipped"}
    assert (seen.run["outcome"], outcomes) == ("partial", dict.fromkeys(seen.resting, "failed") | others)
    for name in seen.resting:
        entry = seen.run["entries"][name]
        assert entry["reason"].startswith(f"{seen.broken.source}: ")
        assert seen.broken.happened in entry["reason"]
        assert seen.broken.to_do in entry["fix"]


def test_a_source_that_recovers_brings_everything_up_to_date_by_itself(play: Play) -> None:
    _answers("tracker", Response(503))(play)
    play.sync(code=3)
    play.jira.heal()
    play.sync()
    assert play.key_results()["assistant-built"]["value"] == 100
    assert not [each for each in play.key_results().values() if each["stale"]]
    assert play.last_run()["outcome"] == "ok"


def test_when_every_source_fails_the_command_failed_and_nothing_is_lost(play: Play) -> None:
    before = play.key_results()
    play.jira.stop()
    play.github.stop()
    (play.folder / "numbers.csv").unlink()
    play.main["sources"].pop("typed")
    play.main["metrics"]["guide"]["source"] = "numbers"
    play.main["metrics"]["guide"]["column"] = "guide"
    play.save()
    ran = play.sync(code=4)
    assert len([line for line in ran.out.splitlines() if line.startswith("! ")]) == 3
    after = play.key_results()
    assert {name: each["value"] for name, each in after.items()} == {
        name: each["value"] for name, each in before.items()
    }


@pytest.mark.parametrize("source", ["tracker", "code"])
def test_the_very_first_sync_with_a_broken_source_leaves_its_key_results_unknown_not_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    with playing(tmp_path, monkeypatch.setenv) as play:
        _answers(source, _html())(play)
        play.sync(code=3)
        resting, other = BY_SOURCE[source]
        shown = play.key_results()
        for name in resting:
            assert (shown[name]["value"], shown[name]["status"]) == (None, "unknown")
            assert source in shown[name]["reason"]
        assert shown[other]["value"] is not None


def test_plan_tells_of_a_broken_source_just_like_sync(play: Play) -> None:
    play.setenv("JIRA_TOKEN", "wr0ng")
    planned = play.run("plan")
    synced = play.sync(code=3)
    changes = [line for line in planned.out.splitlines() if not line.startswith("Nothing was written")]
    assert planned.code == 3
    assert changes == [line for line in synced.out.splitlines() if not line.startswith("run ")]


def test_sources_shows_the_last_error_and_asks_anew_with_test(play: Play) -> None:
    play.setenv("JIRA_TOKEN", "wr0ng")
    play.sync(code=3)
    shown = play.run("sources")
    assert shown.code == 0
    assert "refused to sign us in" in shown.out
    assert "what to do: check the token" in shown.out
    asked = play.run("sources", "--test", "--json")
    rows = {row["name"]: row for row in asked.json()["sources"]}
    assert asked.code == 3
    assert "refused to sign us in" in rows["tracker"]["error"]
    assert (rows["code"]["error"], rows["code"]["identity"][:9]) == (None, "signed in")
