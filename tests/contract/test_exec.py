"""exec keeps the laws of metric sources, and lets no program hang, flood, leak or take the others down."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.exec import Exec, ExecQuery, ExecSettings
from okr_sync.connector import (
    AccessError,
    Ask,
    Caller,
    Miss,
    Outcome,
    ProtocolError,
    Reading,
    Referenced,
    SourceError,
    TransientError,
)
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller, MetricSourceContract, MetricWorld
from tests.contract.programs import program

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
SECRET = "s3cret-of-the-warehouse"
LINES: list[dict[str, Any]] = [
    {"ref": "pallets", "value": 7, "time": "2026-09-30T12:00:00Z"},
    {"ref": "pallets", "value": 8, "time": "2026-10-02T12:00:00+02:00", "evidence": "gate 4"},
    {"ref": "pallets", "value": 9.5, "time": "2026-11-01T00:00:00Z"},
    {"ref": "pallets", "value": 99, "time": "2026-12-01T00:00:00Z"},
    {"ref": "returns", "value": 3},
    {"ref": "words", "value": "many"},
    {"ref": "naive", "value": 1, "time": "2026-10-02T12:00:00"},
    {"ref": "twice", "value": 1},
    {"ref": "twice", "value": 2},
    {"ref": "later", "value": 1, "time": "2026-12-01T00:00:00Z"},
]
COUNT = """
import os, sys
if sys.argv[1:] == ["--alone"]:
    print(os.environ.get("ALONE", "41"))
elif sys.argv[1:] == ["--fail"]:
    sys.exit("no access with " + os.environ["TOKEN"])
else:
    print(open("lines").read())
"""


class ExecWorld(MetricWorld):
    """A warehouse that prints lines, or a number alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "count"
        program(self.file, COUNT)
        self._print(LINES)
        bad = {
            "nobody": BadQuestion({"ref": "nobody"}, "no line with the ref 'nobody'"),
            "text": BadQuestion({"ref": "words"}, "line 6: the value is a str"),
            "naive": BadQuestion({"ref": "naive"}, "names no zone"),
            "twice": BadQuestion({"ref": "twice"}, "2 values"),
            "later": BadQuestion({"ref": "later"}, "from 2026-10-01 to 2026-11-15"),
            "unnamed": BadQuestion({}, "line 1 is about 'pallets'"),
            "failing": BadQuestion({"args": ["--fail"]}, "ended with exit code 1: no access with ***"),
        }
        breakages = {
            "gone": Breakage(self.file.unlink, AccessError, "there is no program"),
            "exit 1": Breakage(
                lambda: self._become("import sys; sys.exit('out of order')"), SourceError, "out of order"
            ),
            "exit 75": Breakage(lambda: self._become("import sys; sys.exit(75)"), TransientError, "exit code 75"),
            "exit 77": Breakage(lambda: self._become("import sys; sys.exit(77)"), AccessError, "exit code 77"),
            "killed": Breakage(lambda: self._become("import os; os.kill(os.getpid(), 9)"), SourceError, "signal 9"),
            "a flood": Breakage(lambda: self._become("while True: print('7' * 1000)"), ProtocolError, "100,000 bytes"),
        }
        super().__init__(START, NOW, requests=2, bad=bad, breakages=breakages, secrets=(SECRET,))

    def _print(self, lines: list[dict[str, Any]]) -> None:
        (self.folder / "lines").write_text("\n".join(map(json.dumps, lines)))

    def _become(self, code: str) -> None:
        program(self.file, code)

    def connect(self, caller: Caller) -> Exec:
        """Return a connector that runs the program."""
        return Exec(ExecSettings.model_validate(self.settings()), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return a command below the folder, with a secret in its environment."""
        env = {"TOKEN": Referenced(SECRET), "LANG": "C.UTF-8"}
        return {"command": ["./count"], "folder": self.folder, "env": env, "max_bytes": 100_000}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return two questions to one command and one to another."""
        return {"pallets": {"ref": "pallets"}, "returns": {"ref": "returns"}, "alone": {"args": ["--alone"]}}

    def truth(self, ref: str) -> tuple[float, ...]:
        """Return what the lines inside the window say."""
        newest = 10.0 if '"value": 10' in (self.folder / "lines").read_text() else 9.5
        return {"pallets": (8.0, newest), "returns": (3.0,), "alone": (41.0,)}[ref]

    def change(self, ref: str) -> None:
        """Correct a line."""
        self._print([{**line, "value": 10} if line["value"] == 9.5 else line for line in LINES])


class TestExecContract(MetricSourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> MetricWorld:
        return ExecWorld(tmp_path)


def source(folder: Path, code: str, caller: Caller | None = None, **settings: Any) -> Exec:
    """Return a connector that runs a new program."""
    command = [program(folder / "it", code)]
    return Exec(ExecSettings.model_validate({"command": command, "folder": folder, **settings}), caller)


def ask(folder: Path, code: str, **settings: Any) -> Outcome:
    """Return the outcome of one question to a new program."""
    return source(folder, code, **settings).read(Ask({"kr": ExecQuery()}, START, NOW))["kr"]


def printed(text: str) -> str:
    """Return a program that prints the text."""
    return f"import sys; sys.stdout.buffer.write({text.encode()!r})"


@pytest.mark.parametrize(("text", "value"), [("42\n", 42), (" -1.5e2 ", -150), (".5", 0.5), ("+0", 0)])
def test_one_number_is_true_now(tmp_path: Path, text: str, value: float) -> None:
    """A command that prints a number alone needs no JSON."""
    assert ask(tmp_path, printed(text)) == (Reading(value, None, "printed by the command"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no value at all"),
        ("many", "line 1 is neither a number nor JSON"),
        ("1\n2", "line 1 is no object"),
        ("nan", "line 1 is neither"),
        ("1e999", "no number to calculate with"),
        ('{"value": NaN}', "no number to calculate with"),
        ('{"value": 1e999}', "no number to calculate with"),
        ('{"value": true}', "the value is a bool"),
        ('{"value": null}', "the value is a NoneType"),
        ('{"value": 1, "tiem": "x"}', "line 1 is no object of value"),
        ('{"value": 1, "time": "soon"}', "no time like 2026-10-31T12:00:00Z"),
        ('{"value": 1, "time": 7}', "no time like"),
        ("1" + "0" * 400, "no number to calculate with"),
        ('{"value": 1' + "0" * 400 + "}", "too large"),
        ("[" * 100_000, "no answer"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "line 1 is neither"),
    ],
)
def test_what_is_no_answer_is_a_miss_that_says_why(tmp_path: Path, text: str, says: str) -> None:
    """Text, NaN, infinity, booleans, naive times and typing errors never become a number."""
    outcome = ask(tmp_path, printed(text))
    assert isinstance(outcome, Miss), outcome
    assert says in outcome.message


def test_bytes_that_are_no_text_are_a_miss(tmp_path: Path) -> None:
    """A picture is no number."""
    outcome = ask(tmp_path, "import sys; sys.stdout.buffer.write(bytes([255, 254]))")
    assert isinstance(outcome, Miss)
    assert outcome.why == "invalid"


def test_the_environment_holds_what_is_listed_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of okr-sync reaches the program, its own tokens least of all."""
    monkeypatch.setenv("JIRA_TOKEN", "not for you")
    code = "import os; print(len(set(os.environ) - {'LC_CTYPE'}), end=''); assert os.environ['A'] == 'b'"
    assert ask(tmp_path, code, env={"A": "b"}) == (Reading(1, None, "printed by the command"),)


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    """What a shell would run is one word of text."""
    words = ["$(touch pwned)", "; touch pwned", "`touch pwned`"]
    code = f"import sys; assert sys.argv[1:] == {words!r}; print(3)"
    settings = {"command": [program(tmp_path / "it", code), *words], "folder": tmp_path}
    outcome = Exec(ExecSettings.model_validate(settings)).read(Ask({"kr": ExecQuery()}, START, NOW))["kr"]
    assert outcome == (Reading(3, None, "printed by the command"),)
    assert not (tmp_path / "pwned").exists()


HANG = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("child", "w").write(str(child.pid))
"""


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _wait_for_the_end(pid: int) -> bool:
    for _ in range(500):
        if not _is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """The time limit ends the whole group, and may be tried again."""
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"did not end within 0\.8 s") as caught:
        ask(tmp_path, HANG + "time.sleep(60)", timeout=0.8)
    assert time.monotonic() - began < 30  # of 60
    assert "raise `timeout`" in caught.value.fix
    assert _wait_for_the_end(int((tmp_path / "child").read_text()))


def test_what_a_program_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    """A child that keeps the pipe open after its parent ended neither holds the answer up nor lives on."""
    began = time.monotonic()
    assert ask(tmp_path, HANG + "print(5)") == (Reading(5, None, "printed by the command"),)
    assert time.monotonic() - began < 30  # of 60
    assert _wait_for_the_end(int((tmp_path / "child").read_text()))


def test_identical_commands_run_once(tmp_path: Path) -> None:
    """A hundred questions to two commands are two executions."""
    caller = CountingCaller()
    it = source(tmp_path, "open('ran', 'a').write('x'); print(1)", caller)
    queries = {f"kr-{n}": ExecQuery(args=("--odd",) if n % 2 else ()) for n in range(100)}
    answer = it.read(Ask(queries, START, NOW))
    assert (len(answer), caller.count, (tmp_path / "ran").read_text()) == (100, 2, "xx")


def test_the_last_words_of_stderr_are_told_without_secrets(tmp_path: Path) -> None:
    """Only the last line, at most 200 characters of it."""
    code = f"import sys; sys.stderr.write('first\\n' + 'x {SECRET} ' * 90 + '\\n'); sys.exit(3)"
    with pytest.raises(SourceError) as caught:
        ask(tmp_path, code, env={"TOKEN": SecretStr(SECRET)})
    assert str(caught.value).startswith("/")
    assert "exit code 3: x ***" in str(caught.value)
    assert "first" not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_flood_on_stderr_costs_no_memory_and_ends_well(tmp_path: Path) -> None:
    """A program that warns a lot is no failure."""
    code = "import sys\nfor _ in range(2000): sys.stderr.write('warning ' * 100)\nprint(1)"
    assert ask(tmp_path, code) == (Reading(1, None, "printed by the command"),)


def test_a_program_that_waits_for_words_gets_none(tmp_path: Path) -> None:
    """Standard input is empty: nothing waits for a person."""
    assert ask(tmp_path, "import sys; print(len(sys.stdin.read()))") == (Reading(0, None, "printed by the command"),)


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    """A file without the right to run, and one that the system can't run."""
    (tmp_path / "text").write_text("hello")
    settings = ExecSettings.model_validate({"command": ["./text"], "folder": tmp_path})
    with pytest.raises(AccessError, match=r"no program \./text that we may run"):
        Exec(settings).probe()
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(AccessError, match=r"can't be started"):
        Exec(settings).read(Ask({"kr": ExecQuery()}, START, NOW))


def test_a_command_is_a_list_of_words() -> None:
    """A line for a shell is refused, and so is no command at all."""
    commands: tuple[object, ...] = ("count --all", [])
    for command in commands:
        with pytest.raises(ValidationError):
            ExecSettings.model_validate({"command": command})
