"""What is wrong in the files is said once, with its place and what to write instead; nothing is asked or written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.edge.cli_play import Play, playing, run

LITERAL = "l1teral-t0ken-that-nobody-may-see"


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        yield play


def _key_result(play: Play, name: str) -> dict[str, Any]:
    listed: list[dict[str, Any]] = play.okrs["objectives"][0]["key_results"]
    return next(each for each in listed if each["id"] == name)


def _twice(play: Play) -> None:
    _key_result(play, "beta-built")["id"] = "assistant-built"


def _circle(play: Play) -> None:
    play.okrs["objectives"] += [
        {"id": "first", "title": "First", "contributes_to": "second"},
        {"id": "second", "title": "Second", "contributes_to": "first"},
    ]


def _equal(play: Play) -> None:
    _key_result(play, "nps-raised")["measure"]["baseline"] = 50


def _ambiguous(play: Play) -> None:
    play.main["metrics"]["nps"]["unit"] = "%"
    _key_result(play, "nps-raised")["measure"] = {"metric": "nps", "baseline": 40, "by": "25 %"}


def _literal(play: Play) -> None:
    play.main["sources"]["tracker"]["token"] = LITERAL


def _unset(play: Play) -> None:
    play.main["sources"]["code"]["token"] = "${TOKEN_THAT_IS_NOT_SET}"


def _kind(play: Play) -> None:
    play.main["sources"]["tracker"]["kind"] = "jira_epic"


def _key(play: Play) -> None:
    play.main["sources"]["tracker"]["fresh_fr"] = "1 h"


def _no_address(play: Play) -> None:
    play.main["sources"]["tracker"]["url"] = "jira.example.com"


def _empty_repository(play: Play) -> None:
    play.okrs["initiatives"][1]["delivery"][0]["repos"] = ["acme"]


@dataclass(frozen=True)
class Mistake:
    """How to make it, the file that it is in, and all that its message must say."""

    make: Callable[[Play], None]
    file: str
    says: tuple[str, ...]


MISTAKES = {
    "an id twice": Mistake(_twice, "okrs/product.yaml", ("'assistant-built' is declared twice", "the first is at")),
    "a circle": Mistake(_circle, "okrs/product.yaml", ("first → second → first", "remove one link")),
    "baseline is target": Mistake(_equal, "okrs/product.yaml", ("the target equals the baseline", "use at_most")),
    "ambiguous percent": Mistake(_ambiguous, "okrs/product.yaml", ("ambiguous", "{points: 25}", "{relative: 25 %}")),
    "literal token": Mistake(_literal, "okr-sync.yaml", ("a secret may not stand in a file", "${NAME}")),
    "unset variable": Mistake(_unset, "okr-sync.yaml", ("TOKEN_THAT_IS_NOT_SET is not set", "set it")),
    "unknown kind": Mistake(_kind, "okr-sync.yaml", ("'jira_epic'", "did you mean 'jira_epics'?")),
    "unknown key": Mistake(_key, "okr-sync.yaml", ("fresh_fr", "fresh_for")),
    "no address": Mistake(_no_address, "okr-sync.yaml", ("url", "https://")),
    "no owner of a repository": Mistake(_empty_repository, "okrs/product.yaml", ("'acme'", "write owner/name")),
}
every_mistake = pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)


@every_mistake
@pytest.mark.parametrize("command", ["check", "sync", "plan"])
def test_a_mistake_has_its_place_and_its_cure_and_nothing_is_done(play: Play, mistake: Mistake, command: str) -> None:
    mistake.make(play)
    play.save()
    ran = play.run(command)
    assert (ran.code, ran.out) == (2, "")
    first, last = ran.err.splitlines()[0], ran.err.splitlines()[-1]
    assert re.match(rf"{re.escape(str(play.folder / mistake.file))}:\d+:\d+: ", first), ran.err
    assert [word for word in mistake.says if word not in first] == []
    assert last == "1 mistake in 1 file; nothing was done. Correct them and run `okr-sync check`."
    assert LITERAL not in ran.said
    assert not play.store.exists()
    assert (play.jira.log, play.github.log) == ([], [])


@every_mistake
def test_check_gives_each_mistake_to_machines_with_the_line_that_it_is_on(play: Play, mistake: Mistake) -> None:
    mistake.make(play)
    play.save()
    ran = play.run("check", "--json")
    shown = ran.json()
    assert (ran.code, ran.err, shown["ok"], len(shown["mistakes"])) == (2, "", False, 1)
    (only,) = shown["mistakes"]
    assert only["file"] == str(play.folder / mistake.file)
    lines = Path(only["file"]).read_text("utf-8").splitlines()
    assert 1 <= only["line"] <= len(lines)
    assert 1 <= only["column"] <= len(lines[only["line"] - 1]) + 1
    assert LITERAL not in ran.said


def test_all_mistakes_of_all_files_come_at_once(play: Play) -> None:
    for make in (_twice, _equal, _literal, _unset):
        make(play)
    play.save()
    ran = play.run("check")
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("4 mistakes in 2 files; nothing was done.")
    assert LITERAL not in ran.said


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"sources: [", "this is not YAML"), (b"\xff\xfe\x00", "not UTF-8"), (b"- a\n- b\n", "okr-sync.yaml:1:1")],
)
def test_a_file_that_is_no_config_is_refused_at_its_place(play: Play, content: bytes, says: str) -> None:
    (play.folder / "okr-sync.yaml").write_bytes(content)
    ran = play.run("check")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_readers_need_no_secret_of_any_source(play: Play) -> None:
    play.sync()
    play.main["sources"]["code"]["token"] = "${TOKEN_THAT_IS_NOT_SET}"
    play.save()
    words = (["status"], ["report"], ["explain", "beta-built"], ["history", "beta-built"], ["runs"])
    assert [play.run(*each).code for each in words] == [0] * len(words)


@pytest.mark.parametrize("command", ["check", "sync", "plan", "status", "report", "runs", "sources", "migrate"])
def test_without_a_config_the_message_names_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(command)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no okr-sync.yaml" in ran.err
    assert "--config" in ran.err
    assert "okr-sync init" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_named_config_that_is_not_there_is_named_in_the_message(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    ran = run("check", "--config", str(missing))
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no config file {missing}; `okr-sync init {missing}` writes one" in ran.err


def test_the_environment_names_config_and_store(play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OKR_SYNC_CONFIG", str(play.folder))
    assert run("sync").code == 0
    assert run("status").code == 0
    elsewhere = tmp_path / "other.db"
    monkeypatch.setenv("OKR_SYNC_STORE", f"sqlite:///{elsewhere}")
    assert run("status").code == 4
    assert run("sync").code == 0
    assert elsewhere.is_file()
    assert [each["id"] for each in run("runs", "--json").json()["runs"]] == [1]


def test_a_word_on_the_command_line_is_stronger_than_the_environment(play: Play, tmp_path: Path) -> None:
    play.setenv("OKR_SYNC_STORE", f"sqlite:///{tmp_path / 'environment.db'}")
    assert play.run("sync", "--store", f"sqlite:///{tmp_path / 'words.db'}").code == 0
    assert (tmp_path / "words.db").is_file()
    assert not (tmp_path / "environment.db").exists()
