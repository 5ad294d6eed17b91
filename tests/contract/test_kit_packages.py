"""What the kit writes is right as it is written: formatted, linted, typed, and held to the contract by its own test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from okr_sync.kit.writing import LONGEST, names_of, write_package

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SHAPES = {"metric": False, "delivery": True}
NAMES = ["x", "weather-station", ("abcd_" * LONGEST)[: LONGEST - 1] + "z"]


def say(folder: Path, *words: str | Path, library: Path = ROOT) -> str:
    """Run a command in the package and return what it said; a failure is shown whole."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MYPYPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_package_is_formatted_and_linted(tmp_path: Path, name: str, shape: str) -> None:
    """However short or long its name is."""
    names = names_of(name)
    write_package(names, tmp_path, delivery=SHAPES[shape])
    say(tmp_path / names.package, BIN / "ruff", "format", "--check", "--no-cache", ".")
    say(tmp_path / names.package, BIN / "ruff", "check", "--no-cache", "--select", "E,F,I,UP,B,RUF", ".")


def test_both_packages_are_typed_strictly(tmp_path: Path) -> None:
    """Strict mypy, as their own project files ask for, tests too: those of the package, not of this house."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "okr_sync").symlink_to(ROOT / "okr_sync")
    for name, delivery in (("weather-station", False), ("work-board", True)):
        names = names_of(name)
        write_package(names, tmp_path, delivery=delivery)
        assert "strict = true" in (tmp_path / names.package / "pyproject.toml").read_text("utf-8")
        said = say(tmp_path / names.package, BIN / "mypy", "--cache-dir", tmp_path / "cache", library=library)
        assert "no issues found in 5 source files" in said


def test_a_delivery_package_passes_its_suite(tmp_path: Path) -> None:
    """As it is written; that a metric package does, the tutorial's test shows."""
    names = names_of("work-board")
    write_package(names, tmp_path, delivery=True)
    said = say(tmp_path / names.package, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    passed = re.search(r"(\d+) passed", said)
    assert passed
    assert int(passed[1]) > 50
