"""What is typed wrong is answered with the nearest right word; JSON goes to stdout, errors to stderr, always."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from okr_sync.cli.program import COMMANDS
from tests.edge.cli_play import Play, playing, run


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """One synced company for all readers here."""
    with (
        pytest.MonkeyPatch.context() as environment,
        playing(tmp_path_factory.mktemp("play"), environment.setenv) as play,
    ):
        play.sync()
        yield play


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ran = run(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: okr-sync {command}" in ran.out
    assert len(ran.out.splitlines()) > 5


def test_help_lists_every_command_with_exit_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = run("--help")
    assert shown.code == 0
    assert [name for name, (_, line) in COMMANDS.items() if name not in shown.out or line not in shown.out] == []
    assert "Exit codes: 0 done, 1 a bug, 2 wrong config or words, 3 done but a source failed, 4 failed" in shown.out
    assert run("--version").out.strip()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("stauts", 'Did you mean "status"?'),
        ("nonsense", 'Unknown command "nonsense"'),
        ("sync --ful", "Did you mean --full?"),
        ("sync --deadline 3", "Unknown option: --deadline"),
        ("report --format pdf", 'Choose from: "md", "html", "csv", "json", "text"'),
        ("runs x", 'unable to convert "x" into int'),
        ("runs --limit 0", "Must be >= 1"),
        ("runs --limit -1", "Must be >= 1"),
        ("history nps-raised --since yesterday", 'unable to convert "yesterday" into datetime'),
        ("check-in guide-out --value much", 'unable to convert "much" into float'),
        ("check-in guide-out --confidence 11", "Must be <= 10"),
        ("explain", "requires an argument"),
    ],
)
def test_words_that_mean_nothing_are_answered_with_a_way_out(words: str, says: str) -> None:
    ran = run(*words.split())
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert "See `okr-sync --help`." in ran.err


@pytest.mark.parametrize("command", ["explain", "history", "check-in"])
def test_an_unknown_key_result_is_answered_with_the_nearest(play: Play, command: str) -> None:
    more = ["--note", "x"] if command == "check-in" else []
    near = play.run(command, "assistent-built", *more)
    far = play.run(command, "zzz", *more)
    assert (near.code, near.out, far.code, far.out) == (2, "", 2, "")
    assert "did you mean assistant-built?" in near.err
    assert "`okr-sync status` lists them" in far.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("assistant-built --value 3", "its initiatives measure it"),
        ("nps-raised --value 3", "the source numbers measures it"),
        ("guide-out --value nan", "give --value a finite number"),
        ("guide-out --value -inf", "give --value a finite number"),
        ("guide-out --value 7", "lies from 0 to 1; correct --value"),
        ("guide-out", "give --value, --confidence, --status, --note or --blockers"),
    ],
)
def test_a_check_in_that_cannot_be_believed_is_refused_and_nothing_written(play: Play, words: str, says: str) -> None:
    before = play.rows()
    ran = play.run("check-in", *words.split())
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert play.rows() == before


@pytest.mark.parametrize("output", ["nowhere/report.html", "."])
def test_a_report_that_cannot_be_written_says_where_and_why(play: Play, output: str) -> None:
    ran = play.run("report", "--output", str(play.folder / output))
    assert (ran.code, ran.out) == (2, "")
    assert str(play.folder / output) in ran.err
    assert "name another --output" in ran.err


def test_a_run_that_is_not_there_is_answered_with_the_list(play: Play) -> None:
    ran = play.run("runs", "99")
    assert (ran.code, ran.out, ran.err) == (2, "", "there is no run 99; `okr-sync runs` lists them\n")


@pytest.mark.parametrize("command", ["status", "report", "explain nps-raised"])
def test_an_instant_before_the_newest_run_is_refused_and_not_answered_with_newer_numbers(
    play: Play, command: str
) -> None:
    ran = play.run(*command.split(), "--as-of", "2020-01-01")
    assert (ran.code, ran.out) == (2, "")
    assert "--as-of 2020-01-01 00:00 UTC lies before the newest run" in ran.err
    assert "okr-sync history" in ran.err


def test_the_instant_that_status_prints_can_be_typed_again(play: Play) -> None:
    printed = play.run("status").out.split(",")[0].removeprefix("As of ").removesuffix(" UTC").replace(" ", "T")
    assert play.run("status", "--as-of", printed).code == 0


READERS = [
    "status",
    "report",
    "runs",
    "runs 1",
    "sources",
    "explain launch-built",
    "explain beta",
    "history beta-built",
]
ALL = [*READERS, "history experience", "history beta", "check", "plan", "sources --test", "sources --kinds", "migrate"]


@pytest.mark.parametrize("words", ALL)
def test_what_is_for_machines_parses_and_ends_with_a_line(play: Play, words: str) -> None:
    ran = play.run(*words.split(), "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("}\n")
    assert isinstance(json.loads(ran.out, parse_constant=_refuse), dict)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize("words", READERS)
def test_a_reader_tells_the_same_twice_in_both_languages(play: Play, words: str) -> None:
    for more in ([], ["--json"]):
        first, second = (play.run(*words.split(), *more) for _ in range(2))
        assert (first.code, first.err) == (0, "")
        assert first.out == second.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("explain zzz", 2),
        ("history zzz", 2),
        ("runs 99", 2),
        ("check-in nps-raised --value 3", 2),
        ("report --output {folder}/nowhere/x", 2),
        ("status --store sqlite:////nowhere/x.db", 4),
        ("sync --store sqlite:////nowhere/x.db", 4),
    ],
)
def test_with_json_an_error_stays_on_stderr_with_its_exit_code(play: Play, words: str, code: int) -> None:
    ran = play.run(*words.format(folder=play.folder).split(), "--json")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.strip()


def _contract(name: str) -> list[object]:
    text = (Path(__file__).parents[2] / "docs" / "contract.md").read_text("utf-8")
    return _keys(json.loads(text.partition(f"```json {name}\n")[2].partition("```")[0]))


def _keys(shown: object) -> list[object]:
    """All keys in their order with those inside, but of a forecast, which may be null; of a list those of its first."""
    if isinstance(shown, dict):
        return [(key, [] if key == "forecast" else _keys(value)) for key, value in shown.items()]
    return _keys(shown[0]) if isinstance(shown, list) and shown else []


def test_status_for_machines_has_exactly_the_keys_of_the_contract_in_their_order(play: Play) -> None:
    shown = play.run("status", "--json").json()
    assert _keys(shown) == _contract("status")
    first = _keys(shown["objectives"][0]["key_results"][0])
    assert [_keys(each) for each in shown["objectives"][0]["key_results"]] == [first] * 5
    assert [_keys(each) for each in shown["initiatives"]] == [_keys(shown["initiatives"][0])] * 3


def test_sync_and_check_in_tell_machines_what_they_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with playing(tmp_path, monkeypatch.setenv) as play:
        synced = play.run("sync", "--json")
        shown = synced.json()
        assert (synced.code, shown["run"], shown["outcome"]) == (0, 1, "ok")
        assert [each["outcome"] for each in shown["key_results"]] == ["updated"] * 4 + ["skipped"]
        assert {each["source"]: each["outcome"] for each in shown["sources"]} == dict.fromkeys(
            play.main["sources"], "ok"
        )
        typed = play.run("check-in", "guide-out", "--value", "1", "--note", "Out", "--json")
        assert (typed.code, typed.json()["run"]) == (0, 2)
        assert play.key_results()["guide-out"]["status"] == "met"
        play.jira.stop()
        play.change_source("tracker", deadline="1 s")
        failed = play.run("sync", "--json")
        assert (failed.code, failed.err, failed.json()["outcome"]) == (3, "", "partial")
        told = next(each for each in failed.json()["sources"] if each["source"] == "tracker")
        assert (told["outcome"], "ConnectionError" in told["error"], bool(told["fix"])) == ("failed", True, True)
