"""Asks git who last changed which line of a config file; without git, or outside a work tree, nobody is known."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["UNCOMMITTED", "Commit", "Commits", "FileLines", "date_of"]

PATIENCE = 10.0  # seconds for all files of a run together
LONGEST = 200  # characters kept of a subject or a name: both are somebody's text
NOBODY = frozenset({"0" * 40, "0" * 64})  # what git calls the commit of lines that are not committed
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")  # would lead to another repository
LIMITS = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
DATE = "%Y-%m-%d %H:%M UTC"
_DATED = re.compile(r"\(commit [0-9a-f]{10} of (\d{4}-\d\d-\d\d \d\d:\d\d UTC)\)\Z")
NOT_COMMITTED = ("no such path", "no such ref", "bad revision", "does not have any commits")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, or what is not committed yet (`hash` empty)."""

    hash: str
    author: str = ""
    subject: str = ""
    at: datetime | None = None

    @property
    def reason(self) -> str:
        """What it says about itself: its subject, its hash and its date."""
        date = f" of {self.at:{DATE}}" if self.at else ""
        return f"{self.subject or 'no subject'} (commit {self.hash[:10]}{date})"


def date_of(reason: str) -> datetime | None:
    """Return the date of the commit that gave this `Commit.reason`, to the minute; None when none did."""
    found = _DATED.search(reason)
    return None if found is None else datetime.strptime(found[1], DATE).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FileLines:
    """A file as git sees it: the commit of each line, from line 1 on, and the text of that line."""

    commits: tuple[Commit, ...]
    texts: tuple[str, ...]


UNCOMMITTED = Commit("")


class Commits:
    """Who changed config files, for one run; each file is asked for once, and all of them in ten seconds."""

    def __init__(self, seconds: float = PATIENCE, program: str = "git") -> None:
        self._until = time.monotonic() + seconds
        self._program = program
        self._lines: dict[Path, FileLines | Commit | None] = {}
        self._last: dict[Path, Commit | None] = {}

    def lines(self, file: Path) -> FileLines | Commit | None:
        """Return the commits of a file's lines; `UNCOMMITTED` when all of it is; None when nothing can be known."""
        file = file.resolve()
        if file not in self._lines:
            self._lines[file] = self._blamed(file)
        return self._lines[file]

    def last(self, file: Path) -> Commit | None:
        """Return the last commit that touched a file; `UNCOMMITTED` when it was changed since; None if not known."""
        file = file.resolve()
        if file not in self._last:
            self._last[file] = self._logged(file)
        return self._last[file]

    def _blamed(self, file: Path) -> FileLines | Commit | None:
        root = _work_tree(file)
        said = self._ask(file, "blame", "--porcelain", "--root", "--", file.name) if root else None
        if root is None or said is None:
            return None
        if said.returncode != 0:
            lost = said.stderr.decode(errors="replace")
            return UNCOMMITTED if any(words in lost for words in NOT_COMMITTED) else None
        cut_off = _shallow(root)
        commits, texts = zip(*_parse(said.stdout, cut_off), strict=True) if said.stdout else ((), ())
        return FileLines(commits, texts)

    def _logged(self, file: Path) -> Commit | None:
        root = _work_tree(file)
        form = "--format=%H%x00%an%x00%at%x00%s"
        said = self._ask(file, "log", "-1", form, "--no-show-signature", "--", file.name) if root else None
        if root is None or said is None or said.returncode != 0 or not said.stdout:
            return None
        changed = self._ask(file, "diff", "--quiet", "--no-ext-diff", "--no-textconv", "HEAD", "--", file.name)
        if changed is not None and changed.returncode == 1:
            return UNCOMMITTED
        name, author, at, subject = said.stdout.decode(errors="replace").removesuffix("\n").split("\0", 3)
        return None if name in _shallow(root) else _commit(name, author, at, subject)

    def _ask(self, file: Path, *words: str) -> subprocess.CompletedProcess[bytes] | None:
        left = self._until - time.monotonic()
        if left <= 0:
            return None
        command = [self._program, "--no-pager", "-c", "core.fsmonitor=false", *words]
        env = {name: value for name, value in os.environ.items() if name not in ELSEWHERE} | LIMITS
        try:
            return subprocess.run(  # noqa: S603 -- a list of words, no shell; the file's name follows "--"
                command,
                cwd=file.parent,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=left,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None  # who wrote it is then not known, which is no reason to fail


def _work_tree(file: Path) -> Path | None:
    return next((folder for folder in file.parents if (folder / ".git").exists()), None)


def _shallow(root: Path) -> frozenset[str]:
    """Return the commits at which a shallow clone was cut off: they seem to have written every older line."""
    cut = root / ".git" / "shallow"
    try:
        return frozenset(cut.read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return frozenset()


def _parse(blamed: bytes, cut_off: frozenset[str]) -> Iterator[tuple[Commit, str]]:
    """Yield each line's commit and text. Only the first line of a commit says what the commit is."""
    known: dict[str, dict[str, str]] = {}
    name = ""
    for raw in blamed.removesuffix(b"\n").split(b"\n"):
        line = raw.decode(errors="replace")
        word, _, rest = line.partition(" ")
        if line.startswith("\t"):
            yield _told(name, known[name], cut_off), line[1:]
        elif len(word) in {40, 64} and rest[:1].isdecimal():
            name = word
            known.setdefault(name, {})
        else:
            known[name].setdefault(word, rest)


def _told(name: str, facts: dict[str, str], cut_off: frozenset[str]) -> Commit:
    if name in NOBODY:
        return UNCOMMITTED
    if name in cut_off:
        return Commit(name)
    return _commit(name, facts.get("author", ""), facts.get("author-time", ""), facts.get("summary", ""))


def _commit(name: str, author: str, at: str, subject: str) -> Commit:
    return Commit(name, author[:LONGEST], subject[:LONGEST], _instant(at))


def _instant(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a date beyond the calendar is possible in git
