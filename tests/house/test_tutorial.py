"""The tutorial is true: a stranger who follows it word by word has a number of his own in a key result."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial-connector.md"
OURS = re.compile(r"okr_sync|connectors|_okr|__editable__|.*\.pth$|.*\.egg-link$")
PORT = 8765


def blocks(kind: str) -> list[str]:
    """Return the blocks of the page that are written in `kind`."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@dataclass
class Stranger:
    """A folder of somebody who has Python, and a registry that has okr-sync in it."""

    folder: Path
    environment: dict[str, str]
    left_running: list[subprocess.Popen[str]] = field(default_factory=list)

    def follow(self, block: str) -> str:
        """Do each line as it stands; return all that was said."""
        return "".join(self._do(line) for line in block.splitlines())

    def _do(self, line: str) -> str:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value
            return ""
        if line.endswith(" &"):
            words = line.removesuffix(" &").split()
            process = subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True)
            self.left_running.append(process)
            assert process.stdout is not None
            return process.stdout.readline()
        words = [sys.executable if word == "python3" else word for word in line.split()]
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        if words[1:3] == ["-m", "venv"]:
            self._reach_dependencies()
        return done.stdout

    def _reach_dependencies(self) -> None:
        """Let the new venv see what is installed here, but for okr-sync: that has to come from its wheel."""
        place = next((self.folder / "venv" / "lib").glob("python*/site-packages"))
        reach = self.folder / "dependencies"
        reach.mkdir()
        for each in Path(sysconfig.get_path("purelib")).iterdir():
            if not OURS.match(each.name):
                (reach / each.name).symlink_to(each)
        (place / "dependencies.pth").write_text(f"{reach}\n", "utf-8")

    def change(self, diff: str) -> None:
        """Change the package as the page shows it: each line that goes is replaced by those that come after it."""
        file, text = Path(), ""
        for part in re.split(r"^--- a/\S+\n\+\+\+ b/", diff, flags=re.MULTILINE)[1:]:
            name, _, hunks = part.partition("\n")
            file = self.folder / "okr-sync-weather-station" / name
            text = file.read_text("utf-8")
            for hunk in hunks.split("@@\n")[1:]:
                old = [line[1:] for line in hunk.splitlines() if line.startswith("-")]
                new = [line[1:] for line in hunk.splitlines() if line.startswith("+")]
                assert text.count("\n".join(old)) == 1, f"{name} has no {old}"
                text = text.replace("\n".join(old), "\n".join(new))
            file.write_text(text, "utf-8")


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    pytest.importorskip("hatchling")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"something else listens on port {PORT}, where the tutorial's service wants to be")
    wheels = tmp_path / "wheels"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    quick: Mapping[str, str] = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_BUILD_ISOLATION": "0",  # which is how pip wants to be told not to isolate
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    (tmp_path / "home").mkdir()
    somebody = Stranger(tmp_path / "home", {**kept, **quick})
    yield somebody
    for process in somebody.left_running:
        process.kill()
        process.communicate()


def test_a_stranger_who_follows_the_tutorial_has_a_number(stranger: Stranger) -> None:
    """Four steps: the package is written, passes its suite, is changed and passes again, and a sync brings 7.5."""
    write, install, again, sync = blocks("console")
    (change,) = blocks("diff")
    began = time.monotonic()
    assert "wrote okr-sync-weather-station/pyproject.toml" in stranger.follow(write)
    first = stranger.follow(install)
    passed = re.search(r"(\d+) passed", first)
    assert passed, first
    assert int(passed[1]) > 70
    stranger.change(change)
    assert f"{passed[1]} passed" in stranger.follow(again)
    said = stranger.follow(sync)
    seconds = time.monotonic() - began
    sys.stdout.write(f"tutorial: followed in {seconds:.0f} s; {passed[1]} tests of the new package passed, twice\n")
    assert "signed in as 'a reader'" in said
    assert "kind: weather_station" in said
    shown = stranger.follow("venv/bin/okr-sync status --json --config okr-sync-weather-station/example")
    assert "7.5" in json.dumps(json.loads(shown))


def test_the_page_has_four_steps() -> None:
    """The number in its title is kept."""
    assert len(re.findall(r"^## \d\. ", PAGE.read_text("utf-8"), re.MULTILINE)) == 4
