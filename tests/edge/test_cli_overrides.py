"""`check-in --status`: said at once, shown with its author, taken back by none, refused when it can't be meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.edge.cli_play import run

SAID = ("check-in", "guide", "--status", "at_risk", "--reason", "The printer quit", "--author", "ana")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A started folder that one stands in, with one value typed."""
    monkeypatch.chdir(tmp_path)
    run("init")
    run("sync")
    run("check-in", "guide", "--value", "0", "--author", "ana")
    return tmp_path


def _guide() -> dict[str, Any]:
    (objective,) = run("status", "--json").json()["objectives"]
    found: dict[str, Any] = next(each for each in objective["key_results"] if each["id"] == "guide")
    return found


def test_a_status_said_counts_at_once_and_after_the_next_sync(folder: Path) -> None:
    before = _guide()
    ran = run(*SAID)
    assert ran.code == 0
    assert f"status {before['status']} → at_risk" in ran.out
    for _ in range(2):
        shown = _guide()
        assert (shown["status"], shown["value"]) == ("at_risk", 0)
        assert shown["reason"].startswith("ana says so until ")
        assert "The printer quit; computed " in shown["reason"]
        run("sync")
    assert "The printer quit" in run("explain", "guide").out


def test_none_takes_a_status_back(folder: Path) -> None:
    before = _guide()["status"]
    run(*SAID)
    assert run("check-in", "guide", "--status", "none", "--author", "ben").code == 0
    assert _guide()["status"] == before


def test_a_status_expires_when_it_was_said_to(folder: Path) -> None:
    before = _guide()["status"]
    assert run(*SAID, "--expires", "2999-01-01").code == 0
    assert "until 2999-01-01" in _guide()["reason"]
    assert run(*SAID, "--expires", "2001-01-01").code == 2
    assert before != "at_risk"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--status", "at_risk"), "needs a reason; give --reason"),
        (("--reason", "because"), "--reason belongs to --status"),
        (("--status", "met", "--reason", "because"), "met"),
        ((), "give --value, --confidence, --status, --note or --blockers"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(folder: Path, words: tuple[str, ...], told: str) -> None:
    before = _guide()
    ran = run("check-in", "guide", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert _guide()["status"] == before["status"]
