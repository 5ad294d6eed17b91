"""A value that a program sends reaches its key result with the next sync, once, and nothing else does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from okr_sync.cli.exits import BROKEN_CONFIG, DONE, SOURCE_FAILED
from tests.edge.cli_play import Ran, run
from tests.edge.declared import declare

MAIN = """\
cycles:
  2026-Q4: {start: 2026-10-01, end: 2029-12-31}
sources:
  sent: {kind: push}
  typed: {kind: manual}
metrics:
  deploys: {source: sent, minimum: 0, maximum: 100}
  mood: {source: typed}
"""
OKRS = """\
cycle: 2026-Q4
objectives:
  - id: fast
    title: Deliver fast
    key_results:
      - {id: often, title: Deploy often, measure: {metric: deploys, baseline: 0, target: 20}}
"""


class Place:
    """A config folder with its store."""

    def __init__(self, folder: Path, setenv: Callable[[str, str], None]) -> None:
        self.folder, self.setenv = folder, setenv
        (folder / "okrs").mkdir(parents=True)
        (folder / "okr-sync.yaml").write_text(MAIN, "utf-8")
        (folder / "okrs" / "fast.yaml").write_text(OKRS, "utf-8")
        self.where = ("--config", str(folder))

    def run(self, *words: str) -> Ran:
        return run(*words, *self.where)

    def token(self, *words: str) -> str:
        """Make a token, and use it from now on."""
        made = self.run("tokens", "add", "ci", "--json", *words)
        assert made.code == DONE, made.said
        text = str(json.loads(made.out)["token"])
        self.setenv("OKR_SYNC_TOKEN", text)
        return text


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.syspath_prepend(declare(tmp_path / "declared"))
    monkeypatch.delenv("OKR_SYNC_TOKEN", raising=False)
    return Place(tmp_path / "config", monkeypatch.setenv)


def test_a_value_that_was_sent_counts_after_the_next_sync(place: Place) -> None:
    """Before the sync the key result is unknown; afterwards it says who sent what, and where it came from."""
    place.token("--metric", "deploys")
    assert place.run("sync").code == DONE
    assert "nothing was sent yet" in place.run("explain", "often").out
    sent = place.run("push", "deploys", "12", "--evidence", "pipeline 481")
    assert (sent.code, sent.out) == (DONE, "taken in; the next sync counts it\n")
    assert place.run("sync").code == DONE
    told = place.run("explain", "often").out
    assert "unknown → 12" in told
    with closing(sqlite3.connect(place.folder / "okr-sync.db")) as store:
        rows = store.execute(
            "SELECT metric, value, evidence, author, expires > valid_time FROM observations"
        ).fetchall()
    assert rows == [("deploys", 12.0, "sent with the token ci: pipeline 481", "ci", 1)]


def test_sending_again_changes_nothing_and_a_correction_counts(place: Place) -> None:
    """The same value for the same time is one fact; another value for that time replaces it."""
    place.token("--metric", "*")
    at = ("--at", "2026-11-01T09:00:00+02:00")
    assert json.loads(place.run("push", "deploys", "3", *at, "--json").out) == {"metric": "deploys", "new": True}
    again = place.run("push", "deploys", "3", "--at", "2026-11-01T07:00:00")
    assert again.out == "known already; nothing changed\n"
    place.run("sync")
    assert place.run("push", "deploys", "4", *at).code == DONE
    changed = place.run("sync").out
    assert "often" in changed
    assert "4" in changed
    assert "often" not in place.run("sync").out.partition("run ")[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("deploys", "101"), "lies from 0 to 100"),
        (("deploys", "-1"), "lies from 0 to 100"),
        (("deploys", "nan"), "not a number to calculate with"),
        (("deploys", "inf"), "not a number to calculate with"),
        (("deploys", "1", "--at", "2099-01-01"), "lies in the future"),
        (("deploys", "1", "--evidence", "x" * 2001), "2,000 are enough"),
        (("deploy", "1"), "did you mean deploys?"),
        (("zzz", "1"), "there is no metric zzz"),
        (("mood", "1"), "give it a source of kind push"),
    ],
)
def test_what_can_not_be_is_refused_with_a_way_out(place: Place, words: tuple[str, ...], says: str) -> None:
    """Bounds, NaN, the future, unknown metrics, and metrics whose source asks by itself."""
    place.token("--metric", "*")
    ran = place.run("push", *words)
    assert ran.code == BROKEN_CONFIG
    assert says in ran.err
    assert place.run("push", "deploys", "1").out == "taken in; the next sync counts it\n"


def test_without_a_token_that_fits_nothing_gets_in(place: Place) -> None:
    """None, a wrong one, one for another metric, an ended one."""
    place.run("sync")
    assert "set OKR_SYNC_TOKEN" in place.run("push", "deploys", "1").err
    place.setenv("OKR_SYNC_TOKEN", "guessed")
    refused = place.run("push", "deploys", "1")
    assert (refused.code, "was not made for this store" in refused.err) == (BROKEN_CONFIG, True)
    assert "guessed" not in refused.said
    place.token("--metric", "mood")
    assert "is for mood, not for deploys" in place.run("push", "deploys", "1").err
    place.run("tokens", "revoke", "ci")
    place.token("--metric", "deploys")
    assert place.run("push", "deploys", "1").code == DONE
    assert place.run("tokens", "revoke", "ci").out == "ci is revoked\n"
    assert "the token ci is revoked" in place.run("push", "deploys", "2").err


def test_the_list_of_tokens_shows_no_token(place: Place) -> None:
    """Name, state, metrics, days and who made it; the text was shown once."""
    text = place.token("--metric", "deploys", "--metric", "build_*", "--expires", "2029-01-01", "--author", "ana")
    shown = place.run("tokens")
    assert "ci: valid, for deploys, build_*, until 2029-01-01 00:00 UTC, made by ana" in shown.out
    listed = json.loads(place.run("tokens", "list", "--json").out)["tokens"]
    assert [(each["name"], each["state"], each["metrics"]) for each in listed] == [
        ("ci", "valid", ["deploys", "build_*"])
    ]
    assert text not in shown.said + json.dumps(listed)
    assert "there is a valid token ci" in place.run("tokens", "add", "ci", "--metric", "x").err
    assert "name the token" in place.run("tokens", "add", "--metric", "x").err
    assert "at least one metric" in place.run("tokens", "add", "other").err
    assert "no valid token other" in place.run("tokens", "revoke", "other").err


def test_without_tokens_the_list_says_so(place: Place) -> None:
    """An empty list is no mistake."""
    place.run("sync")
    assert place.run("tokens").out == "there are no tokens\n"
    made = place.run("tokens", "add", "ci", "--metric", "*")
    assert "the only time that it is shown" in made.out


def test_a_value_outside_the_cycle_is_no_value_of_it(place: Place) -> None:
    """It is kept, and counts when a cycle reaches it."""
    place.token("--metric", "*")
    assert place.run("push", "deploys", "3", "--at", "2026-01-01").code == DONE
    assert place.run("sync").code in (DONE, SOURCE_FAILED)
    assert "nothing was sent yet" in place.run("explain", "often").out
