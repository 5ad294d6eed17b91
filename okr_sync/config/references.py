"""Resolves `${NAME}`, `${NAME:-default}` and `${file:/path}` inside the text of config files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from okr_sync.config.places import Mistakes, Place
from okr_sync.connector import Referenced

__all__ = ["References"]

MAX_FILE = 65_536  # bytes of a file that `${file:…}` reads

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)|\$\{file:(?P<file>[^}]+)\}|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<broken>\$\{)"
)


@dataclass(frozen=True, slots=True)
class References:
    """What references can reach: the environment, and files (relative ones start at `folder`)."""

    env: Mapping[str, str]
    folder: Path
    mistakes: Mistakes

    def resolve(self, text: str, place: Place) -> str:
        """Return `text` with its references replaced: a `Referenced` if there was one.

        `$${` stands for a literal `${`. What can't be resolved is noted as a mistake at `place`.
        """
        if "${" not in text:
            return text
        if all(match["escaped"] for match in _REFERENCE.finditer(text)):
            return text.replace("$${", "${")
        resolved = _REFERENCE.sub(lambda match: self._one(match, place), text)
        self.mistakes.hide(resolved, _REFERENCE.sub(_as_written, text))
        return Referenced(resolved)

    def _one(self, match: re.Match[str], place: Place) -> str:
        if match["escaped"]:
            return "${"
        if match["broken"]:
            self.mistakes.add(
                place, "this reference can't be read; write ${NAME}, ${NAME:-default} or ${file:/path}, or $${ for text"
            )
            return ""
        value = self._file(match["file"], place) if match["file"] else self._variable(match, place)
        self.mistakes.hide(value, _as_written(match))
        return value

    def _variable(self, match: re.Match[str], place: Place) -> str:
        name, default = match["name"], match["default"]
        value = self.env.get(name)
        if default is not None:
            return value or default
        if value is None:
            self.mistakes.add(
                place, f"environment variable {name} is not set; set it, or give a default: ${{{name}:-…}}"
            )
            return ""
        return value

    def _file(self, name: str, place: Place) -> str:
        try:
            with (self.folder / name).open("rb") as file:
                content = file.read(MAX_FILE + 1)
            if len(content) > MAX_FILE:
                self.mistakes.add(place, f"file {name} is larger than {MAX_FILE} bytes; a secret is one short line")
                return ""
            return content.decode().rstrip("\r\n")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self.mistakes.add(place, f"file {name} can't be read: {why}; put the value there, readable by this user")
            return ""


def _as_written(match: re.Match[str]) -> str:
    if match["escaped"] or match["broken"]:
        return "${"
    return f"${{file:{match['file']}}}" if match["file"] else f"${{{match['name']}}}"
