"""Changed definitions are credited to their commits, to who says so, else to who runs it; git never fails a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.config.commits import Commits, FileLines
from okr_sync.store.definitions import Definition, versions
from okr_sync.sync.authors import UNSIGNED, Signed
from okr_sync.sync.run import World, evaluate_only, sync
from tests.edge.git_play import FILE, MAIN, OKRS, GitPlay, needs_git
from tests.store.empty import new_store

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
FIRST = ("Ana", "Write the goals (commit ")


class Runs:
    """One sync after the other of a folder, an hour apart."""

    def __init__(self, folder: Path, commits: Callable[[], Commits] | None = Commits) -> None:
        self.folder, self.commits, self.now = folder, commits, NOW
        self.store = new_store(folder.parent / "versions.db")

    def sync(self, signed: Signed = UNSIGNED) -> None:
        self.now += timedelta(hours=1)
        world = World(clock=lambda: self.now, commits=self.commits)
        sync(self.store, load(self.folder, {}), world, author="runner", signed=signed)

    def last(self, name: str, kind: str = "key_result") -> Definition:
        with self.store.reading() as session:
            return versions(session, kind, name)[-1]  # type: ignore[arg-type]

    def said(self, name: str, kind: str = "key_result") -> tuple[int, str, str]:
        found = self.last(name, kind)
        return found.version, found.author, found.reason.partition(" (commit")[0]


@pytest.fixture
def play(tmp_path: Path) -> GitPlay:
    return GitPlay.at(tmp_path / "config")


@needs_git
def test_two_authors_each_have_their_own_key_result(play: GitPlay) -> None:
    play.edit("target: 50", "target: 40")
    play.commit("Ben", "Aim lower", 5)
    runs = Runs(play.folder)
    runs.sync()
    commit = play.git("log", "-1", "--format=%H").strip()
    assert (runs.last("calls").author, runs.last("calls").reason) == (
        "Ben",
        f"Aim lower (commit {commit[:10]} of 2026-10-05 09:00 UTC)",
    )
    assert runs.said("nps-20") == (1, "Ana", "Write the goals")
    assert runs.said("2026-Q4", "cycle") == (1, "Ana", "Write the goals")
    assert runs.said("experience", "objective") == (1, "Ana", "Write the goals")
    play.edit("target: 51", "target: 55")
    play.commit("Cid", "Raise the target", 9)
    runs.sync()
    assert runs.said("nps-20") == (2, "Cid", "Raise the target")
    assert runs.said("calls") == (1, "Ben", "Aim lower")


@needs_git
def test_a_line_that_goes_on_below_belongs_to_the_definition_and_a_comment_does_not(play: GitPlay) -> None:
    play.edit("said on two lines", "said on 2 lines")
    play.edit("# about the next one", "# about another")
    play.commit("Ben", "Say it shorter", 5)
    runs = Runs(play.folder)
    runs.sync()
    assert runs.said("calls")[1] == "Ben"
    assert runs.said("nps-20")[1] == "Ana"


@needs_git
def test_what_is_not_committed_is_said_to_be_so(play: GitPlay) -> None:
    play.edit("target: 51", "target: 55")
    runs = Runs(play.folder)
    runs.sync()
    assert runs.said("nps-20") == (1, "runner", "config files (not committed)")
    assert runs.said("calls") == (1, "Ana", "Write the goals")
    play.write("okrs/new.yaml", OKRS.replace("experience", "other").replace("nps", "csat").replace("calls", "visits"))
    runs.sync()
    assert runs.said("csat-20") == (1, "runner", "config files (not committed)")


@needs_git
def test_a_repository_without_a_commit_has_nothing_committed(tmp_path: Path) -> None:
    play = GitPlay(tmp_path / "config")
    play.write("okr-sync.yaml", MAIN)
    play.write(FILE, OKRS)
    play.git("init", "--quiet")
    runs = Runs(play.folder)
    runs.sync()
    assert runs.said("nps-20") == (1, "runner", "config files (not committed)")


@needs_git
def test_a_renamed_file_keeps_the_authors_of_its_lines(play: GitPlay) -> None:
    play.git("mv", str(FILE), "okrs/renamed.yaml")
    play.commit("Ben", "Rename the file", 5)
    runs = Runs(play.folder)
    runs.sync()
    assert runs.said("nps-20") == (1, "Ana", "Write the goals")


@needs_git
def test_a_line_that_was_removed_is_credited_to_the_last_commit_of_the_file(play: GitPlay) -> None:
    play.edit("title: NPS by 20 points\n", "title: NPS by 20 points\n        weight: 2\n")
    play.commit("Ana", "Weigh it", 3)
    runs = Runs(play.folder)
    runs.sync()
    assert runs.said("nps-20") == (1, "Ana", "Weigh it")
    play.edit("        weight: 2\n", "")
    play.commit("Ben", "Weigh all the same", 6)
    runs.sync()
    assert runs.said("nps-20") == (2, "Ben", "Weigh all the same")


@needs_git
def test_a_line_that_was_removed_and_not_committed_is_said_to_be_so(play: GitPlay) -> None:
    runs = Runs(play.folder)
    play.edit("title: NPS by 20 points\n", "title: NPS by 20 points\n        weight: 2\n")
    play.commit("Ana", "Weigh it", 3)
    runs.sync()
    play.edit("        weight: 2\n", "")
    runs.sync()
    assert runs.said("nps-20") == (2, "runner", "config files (not committed)")


@needs_git
def test_a_cycle_that_moves_is_what_moved_its_key_results(play: GitPlay) -> None:
    runs = Runs(play.folder)
    runs.sync()
    play.edit("timezone: UTC\n", "timezone: Europe/Berlin\n", "okr-sync.yaml")
    play.commit("Ben", "Move to Berlin", 5)
    runs.sync()
    assert runs.said("2026-Q4", "cycle") == (2, "Ben", "Move to Berlin")
    assert runs.said("nps-20") == (2, "Ben", "Move to Berlin")


@needs_git
def test_a_version_that_no_commit_of_its_file_explains_is_credited_to_who_runs_it(play: GitPlay) -> None:
    runs = Runs(play.folder)
    runs.sync()
    play.edit("timezone: UTC\n", "timezone: UTC\nstatus: {preset: viva}\n", "okr-sync.yaml")
    play.commit("Ben", "Judge like others", 5)
    runs.sync()
    assert runs.said("nps-20") == (2, "runner", "config files")


@needs_git
def test_a_changed_metric_is_what_changed_the_key_result(play: GitPlay) -> None:
    runs = Runs(play.folder)
    runs.sync()
    play.edit("nps: {source: typed, unit: points}", "nps: {source: typed, unit: '%'}")
    play.commit("Ben", "Count in per cent", 5)
    runs.sync()
    assert runs.said("nps", "metric") == (2, "Ben", "Count in per cent")
    assert runs.said("nps-20") == (2, "Ben", "Count in per cent")
    assert runs.said("calls")[0] == 1


@needs_git
def test_a_key_result_more_changes_its_objective(play: GitPlay) -> None:
    runs = Runs(play.folder)
    runs.sync()
    more = "      - {id: more, title: More, measure: {metric: calls, at_most: 9}}\n"
    play.edit("      # about the next one\n", more)
    play.commit("Ben", "Want more", 5)
    runs.sync()
    assert runs.said("more") == (1, "Ben", "Want more")
    assert runs.said("experience", "objective") == (2, "Ben", "Want more")


@needs_git
@pytest.mark.parametrize(
    ("signed", "expected"),
    [
        (Signed("cid", None), ("cid", "Write the goals")),
        (Signed(None, "agreed"), ("Ana", "agreed")),
        (Signed("cid", "agreed"), ("cid", "agreed")),
    ],
)
def test_what_is_said_wins_over_git(play: GitPlay, signed: Signed, expected: tuple[str, str]) -> None:
    runs = Runs(play.folder)
    runs.sync(signed)
    assert runs.said("nps-20")[1:] == expected


@needs_git
def test_an_evaluation_alone_credits_by_git_too(play: GitPlay) -> None:
    runs = Runs(play.folder)
    world = World(clock=lambda: NOW, commits=Commits)
    evaluate_only(runs.store, load(play.folder, {}), world, trigger="check-in", author="runner")
    assert runs.said("nps-20")[1] == "Ana"


def test_without_git_it_is_as_ever(tmp_path: Path) -> None:
    play = GitPlay(tmp_path / "config")
    play.write("okr-sync.yaml", MAIN)
    play.write(FILE, OKRS)
    runs = Runs(play.folder)
    runs.sync()
    assert runs.said("nps-20") == (1, "runner", "config files")


@needs_git
@pytest.mark.parametrize(
    "commits",
    [lambda: Commits(program="no-such-program"), lambda: Commits(seconds=0.0), lambda: Commits(seconds=1e-6), None],
    ids=["no program", "no time", "hardly any time", "not asked"],
)
def test_where_git_gives_no_answer_it_is_as_ever(play: GitPlay, commits: Callable[[], Commits] | None) -> None:
    runs = Runs(play.folder, commits)
    runs.sync()
    assert runs.said("nps-20") == (1, "runner", "config files")


@needs_git
def test_a_broken_repository_is_as_no_repository(play: GitPlay) -> None:
    (play.folder / ".git" / "HEAD").write_text("nonsense")
    runs = Runs(play.folder)
    runs.sync()
    assert runs.said("nps-20") == (1, "runner", "config files")


@needs_git
def test_a_shallow_clone_credits_nobody_with_what_is_older(play: GitPlay, tmp_path: Path) -> None:
    play.edit("target: 51", "target: 55")
    play.commit("Ben", "Raise the target", 5)
    play.git("clone", "--quiet", "--depth=1", f"file://{play.folder}", str(tmp_path / "clone"))
    runs = Runs(tmp_path / "clone")
    runs.sync()
    assert runs.said("nps-20") == (1, "runner", "config files")


@needs_git
def test_hostile_names_and_subjects_stay_text(play: GitPlay) -> None:
    play.edit("target: 51", "target: 55")
    subject = "\x1b[31mred\x07 $(touch /tmp/x) \u202e author Eve\u2028summary none 'quoted' " + "long " * 100
    play.commit("E\x1b[2Jve;\u202e 'x'", subject, 5)
    runs = Runs(play.folder)
    runs.sync()
    found = runs.last("nps-20")
    assert found.author.startswith("E\x1b[2Jve")
    assert found.reason.startswith("\x1b[31mred\x07 $(touch /tmp/x)")
    assert len(found.reason) < 250
    assert runs.said("calls")[1] == "Ana"


@needs_git
def test_a_config_below_the_top_of_its_repository_is_found(tmp_path: Path) -> None:
    play = GitPlay.at(tmp_path / "top")
    (play.folder / "deep").mkdir()
    for name in ("okr-sync.yaml", "okrs"):
        shutil.move(play.folder / name, play.folder / "deep" / name)
    play.commit("Ben", "Move it down", 5)
    runs = Runs(play.folder / "deep")
    runs.sync()
    assert runs.said("nps-20") == (1, "Ana", "Write the goals")


@needs_git
def test_each_file_is_asked_for_once(play: GitPlay) -> None:
    commits = Commits()
    first = commits.lines(play.folder / FILE)
    play.edit("target: 51", "target: 55")
    assert commits.lines(play.folder / FILE) is first
    assert isinstance(first, FileLines)
    assert first.texts == tuple(OKRS.splitlines())
