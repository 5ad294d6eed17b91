"""What the doctor finds: a subject, how bad it is, what was seen, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ok needs nothing, warn will need something, fail keeps the program from working. `fix` says what."""

    subject: str
    level: Level
    said: str
    fix: str = ""
