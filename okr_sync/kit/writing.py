"""Writes a package with a connector of one's own, which passes the contract suite as it is written."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from okr_sync import __version__
from okr_sync.errors import UsageError
from okr_sync.new_files import write_new_files

__all__ = ["Names", "names_of", "write_package"]

LONGEST = 30  # characters of a name
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", re.ASCII)
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "{module}/__init__.py": "package.py",
    "{module}/connector.py": "{shape}/connector.py",
    "{module}/py.typed": None,
    "tests/__init__.py": None,
    "tests/service.py": "{shape}/service.py",
    "tests/test_{kind}.py": "{shape}/test.py",
    "example/okr-sync.yaml": "{shape}/okr-sync.yaml",
    "example/okrs/example.yaml": "{shape}/okrs.yaml",
    "README.md": "{shape}/README.md",
}
"""File of the package → template beside this module; None: an empty file."""


@dataclass(frozen=True, slots=True)
class Names:
    """One name in every spelling that a package needs."""

    kind: str

    @property
    def module(self) -> str:
        """The Python package."""
        return f"okr_sync_{self.kind}"

    @property
    def package(self) -> str:
        """The name to install."""
        return f"okr-sync-{self.kind.replace('_', '-')}"

    def fill(self, text: str) -> str:
        """Return the template with the names in their places."""
        words = self.kind.split("_")
        spelled = {
            "__KIND__": self.kind,
            "__MODULE__": self.module,
            "__PACKAGE__": self.package,
            "__CLASS__": "".join(word.capitalize() for word in words),
            "__TITLE__": " ".join(word.capitalize() for word in words),
            "__TOKEN__": f"{self.kind.upper()}_TOKEN",
            "__VERSION__": __version__,
        }
        for mark, name in spelled.items():
            text = text.replace(mark, name)
        return text


def names_of(name: str, taken: Collection[str] = ()) -> Names:
    """Return the names of a connector. Raises UsageError when it can't be called so."""
    kind = name.replace("-", "_")
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise UsageError(
            f"a connector can't be called {name[:60]!r}: use small letters, digits and single - or _ between them, a "
            f"letter first, at most {LONGEST} characters, like weather-station"
        )
    if keyword.iskeyword(kind) or keyword.issoftkeyword(kind):
        raise UsageError(f"{kind} is a word of Python; choose another name")
    if kind in taken:
        raise UsageError(f"there is a connector of kind {kind} already; choose another name")
    return Names(kind)


def write_package(names: Names, folder: Path, *, delivery: bool = False) -> tuple[Path, ...]:
    """Write the package into a new folder inside `folder` and return its files.

    Raises UsageError when `folder` is not there, when one of the files is, or can't be written.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; make it, or name another with --folder")
    shape = "delivery" if delivery else "metric"
    marks = {"module": names.module, "kind": names.kind, "shape": shape}
    root = folder / names.package
    texts = {
        root / file.format(**marks): "" if template is None else names.fill(_template(template.format(**marks)))
        for file, template in _FILES.items()
    }
    return write_new_files(texts)


def _template(name: str) -> str:
    return files("okr_sync.kit").joinpath("templates", f"{name}.txt").read_text(encoding="utf-8")
