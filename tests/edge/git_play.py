"""A config folder in a real git repository, edited and committed by different people."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

GIT = shutil.which("git") or ""
needs_git = pytest.mark.skipif(not GIT, reason="git is not on this machine")

MAIN = """\
timezone: UTC
store: sqlite:///okr-sync.db
sources:
  typed: {kind: manual}
cycles:
  2026-Q4: {start: 2026-10-01, end: 2026-12-31}
"""
OKRS = """\
cycle: 2026-Q4
objectives:
  - id: experience
    title: Experience
    key_results:
      - id: nps-20
        title: NPS by 20 points
        measure: {metric: nps, baseline: 31, target: 51}

      # about the next one
      - id: calls
        title: >
          Fewer calls,
          said on two lines
        measure: {metric: calls, baseline: 100, target: 50}
metrics:
  nps: {source: typed, unit: points}
  calls: {source: typed}
"""
FILE = Path("okrs") / "team.yaml"


@dataclass(frozen=True)
class GitPlay:
    """A folder with a config of two key results, in git from the first commit by Ana on."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> GitPlay:
        """Return the play with the config committed by Ana."""
        play = cls(folder)
        play.write("okr-sync.yaml", MAIN)
        play.write(FILE, OKRS)
        play.git("init", "--quiet", "--initial-branch=main")
        play.commit("Ana", "Write the goals", 1)
        return play

    def write(self, name: str | Path, text: str) -> None:
        """Write a file below the folder."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str, name: str | Path = FILE) -> None:
        """Replace text in a file."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert before in text
        self.write(name, text.replace(before, after, 1))

    def commit(self, author: str, subject: str, day: int) -> None:
        """Commit everything as `author` on a day of October 2026."""
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--author={author} <someone@example.com>", "-m", subject,
                 f"--date=2026-10-{day:02}T09:00:00Z")  # fmt: skip

    def git(self, *words: str) -> str:
        """Run git in the folder and return what it says."""
        home = {"HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        names = {"GIT_COMMITTER_NAME": "Machine", "GIT_COMMITTER_EMAIL": "machine@example.com"}
        done = subprocess.run(
            [GIT, *words], cwd=self.folder, env=home | names, capture_output=True, text=True, check=True
        )
        return done.stdout
