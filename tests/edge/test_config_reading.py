"""Laws of reading YAML: hostile and broken files cost little and are told with their line and column."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.config.places import Mistakes, Table
from okr_sync.config.reading import MAX_BYTES, MAX_DEPTH, read_table
from okr_sync.config.references import References
from tests.edge.config_builders import HEAD, MAIN, Folder

ROOT = Path(__file__).parents[2]

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
"""Ten levels of nine aliases each: 10 · 9⁹ values."""

HOSTILE: dict[str, tuple[bytes, str]] = {
    "a billion laughs": (LAUGHS.encode(), "6:15: aliases expand to more than 100,000 values"),
    "30 MB": (b"a: " + b"x" * 30_000_000, "1:1: the file is larger than 1 MiB"),
    "a mebibyte of commas": (b"a: [" + b"1," * 500_000 + b"]", ": more than 10,000 keys and values in one file"),
    "a mebibyte of lines": (b"a:\n" + b"- b\n" * 250_000, ": more than 10,000 keys and values in one file"),
    "a long scalar": (b"a: " + b"x" * 1_000_000, "1:1: unknown key 'a'"),
    "deep brackets": (b"a: " + b"[" * 100_000, "1:33: nested deeper than 30 levels"),
    "deep blocks": ("".join(f"{' ' * n}a:\n" for n in range(200)).encode(), "31:31: nested deeper than 30 levels"),
    "deep dashes": (b"a: \n" + b"- " * 100_000, "2:59: nested deeper than 30 levels"),
    "many aliases": (b"a: &a 1\nb: [" + b"*a," * 200 + b"]", "2:305: more than 100 aliases"),
    "depth by alias": (b"a: &a " + b"[" * 20 + b"]" * 20 + b"\nb: " + b"[" * 15 + b"*a", "2:19: nested deeper than 30"),
    "an alias of itself": (b"a: &a [*a]\n", "1:8: alias *a names no finished anchor above it"),
    "an unknown alias": (b"a: *b\n", "1:4: alias *b names no finished anchor above it"),
    "a tag": (b"a: !!python/object/apply:os.system [x]\n", "1:4: YAML tags (!…) are not allowed here"),
    "a tag on a scalar": (b"a: !x y\n", "1:4: YAML tags (!…) are not allowed here"),
    "bad UTF-8": (b"a: 1\nb: \xc3\x28\n", "2:4: this is not UTF-8"),
    "UTF-16": ("a: 1".encode("utf-16"), "1:1: this is not UTF-8"),
    "a NUL": (b"a: 1\nb: \x00\n", "2:4: character U+0000 is not allowed in YAML"),
    "an escape code": (b"a: \x1b[31m\n", "1:4: character U+001B is not allowed in YAML"),
    "a tab": (b"a:\n\tb: 1\n", "2:1: this is not YAML: found character '\\t' that cannot start any token"),
    "no end": (b"a: [1,\n", "2:1: this is not YAML: expected the node content"),
    "no quote": (b"a: 'x\n", "2:1: this is not YAML: found unexpected end of stream"),
    "an escape beyond Unicode": (b'a: "\\UFFFFFFFF"\n', "1:1: this is not YAML: OverflowError"),
    "two documents": (b"a: 1\n---\nb: 1\n", "2:1: a second document begins here"),
    "a list": (b"- a\n", "1:1: expected a mapping (key: value) at the top of the file"),
    "a word": (b"hello\n", "1:1: expected a mapping (key: value) at the top of the file"),
    "a mapping as key": (b"? {a: b}\n: c\n", "1:3: a key must be a word, not a mapping or list"),
    "a key twice": (b"okrs: []\nokrs: []\n", "2:1: key 'okrs' is here twice; the first is in line 1"),
    "another version": (b"%YAML 9.9\n---\na: 1\n", "1:1: this is not YAML: found incompatible YAML document"),
    "a merge": (b"timezone: UTC\n<<: {}\n", "2:1: unknown key '<<'"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_mistake_with_its_place(tmp_path: Path, name: str) -> None:
    content, told = HOSTILE[name]
    folder = Folder(tmp_path)
    folder.write("okr-sync.yaml", content)
    found = folder.told()
    assert len(found) == 1, found
    assert told in found[0]
    assert found[0].startswith("okr-sync.yaml:")


MEASURED = r"""
import re, sys, time
from pathlib import Path
from tests.edge.config_builders import Folder

root, longest, files = Path(sys.argv[1]), 0.0, 0
for path in sorted(root.iterdir()):
    begin = time.process_time()
    files += bool(Folder(path).mistakes())
    longest = max(longest, time.process_time() - begin)
# The high-water mark of this program alone: ru_maxrss would begin with that of the process it was forked from.
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]
print(files, longest, peak)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_no_hostile_file_runs_away_and_all_of_them_stay_below_200_mib(tmp_path: Path) -> None:
    """In a process of its own: peak memory never falls, and nothing else traces or fills it."""
    for number, (content, _) in enumerate(HOSTILE.values()):
        Folder(tmp_path / f"{number:02}").write("okr-sync.yaml", content)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    files, longest, peak = map(float, done.stdout.split())
    assert files == len(HOSTILE)
    assert 0 < longest < 20  # seconds of CPU: none runs away, however slow the machine
    assert 10 * 1024 < peak < 200 * 1024  # KiB


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "okr-sync.yaml").mkdir()
    assert Folder(tmp_path).told() == ["okr-sync.yaml:1:1: this is not a regular file; put a YAML file here"]


def test_too_many_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main(MAIN + "okrs: okrs/*.yaml\n")
    for number in range(2_001):
        folder.write(f"okrs/{number}.yaml", "[")
    assert folder.told() == ["okr-sync.yaml:16:7: okrs: more than 2,000 files; name fewer, or merge them"]


def test_the_largest_file_and_the_deepest_nesting_are_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main(MAIN)
    folder.okrs(HEAD + "#" * (MAX_BYTES - len(HEAD)))
    assert folder.told() == []
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert Folder(tmp_path).main(f"nothing: {deep}\n").told()[0].startswith("okr-sync.yaml:1:1: unknown key 'nothing'")


def _read(path: Path, content: str) -> tuple[Table | None, Mistakes]:
    mistakes = Mistakes()
    path.write_text(content, encoding="utf-8", newline="")
    return read_table(path, "f.yaml", References({}, path.parent, mistakes), mistakes), mistakes


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("12", 12),
        ("+20", 20),
        ("0x1f", 31),
        ("0o17", 15),
        ("007", 7),
        ("-1.5e3", -1500.0),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("-.inf", float("-inf")),
        ("2026-10-01", "2026-10-01"),
        ("12:30", "12:30"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("1" * 50, float("1" * 50)),
        ("|\n  a\n  b", "a\nb\n"),
    ],
)
def test_a_plain_value_means_what_yaml_1_2_says(tmp_path: Path, written: str, value: Any) -> None:
    table, mistakes = _read(tmp_path / "f.yaml", f"key: {written}\n")
    assert mistakes.told() == ()
    assert table is not None
    assert table["key"] == value
    assert type(table["key"]) is type(value)


def test_an_alias_stands_for_its_anchor_and_a_bom_for_nothing(tmp_path: Path) -> None:
    table, _ = _read(tmp_path / "f.yaml", "\ufeffa: &x {b: [1, 2]}\nc: *x\nd: &y 5\ne: *y\n")
    assert table == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": 5, "e": 5}


@settings(max_examples=300, deadline=None)
@given(content=st.text(alphabet=st.sampled_from("ab: -[]{}&*!|>'\"%#?,\n\t\\xU0~<=$é\r\x85"), max_size=60))
def test_any_text_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    table, mistakes = _read(tmp_path_factory.getbasetemp() / "any.yaml", content)
    assert (table is None) <= bool(mistakes.told())
    assert all(mistake.line >= 1 and mistake.column >= 1 for mistake in mistakes.told())


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=80))
def test_any_bytes_are_read_or_told(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(content)
    mistakes = Mistakes()
    table = read_table(path, "f.yaml", References({}, path.parent, mistakes), mistakes)
    assert (table is None) <= bool(mistakes.told())
