"""Where a command works: the config, the store, and what time it is; shared by all commands."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from okr_sync.errors import UsageError
from okr_sync.redaction import learn_address

CONFIG_NAMES = ("okr-sync.yaml", "config/okr-sync.yaml")  # looked for in this order, in the current folder

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for machines.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Place:
    """Options that every command shares."""

    config: Annotated[Path | None, Parameter(help="The config file or its folder [default: here, then ./config].")] = (
        None
    )
    store: Annotated[
        str | None,
        Parameter(help="The store's address, over the config's: sqlite:////path/okr-sync.db, or postgresql://…"),
    ] = None

    def __post_init__(self) -> None:
        learn_address(self.store)

    def config_file(self) -> Path:
        """Return the config file. Raises UsageError that says where it was looked for."""
        if self.config is not None:
            file = self.config / CONFIG_NAMES[0] if self.config.is_dir() else self.config
            if file.is_file():
                return file
            folder = file.parent if file.suffix else file
            raise UsageError(f"there is no config file {file}; `okr-sync init {folder}` writes one")
        found = next((Path(name) for name in CONFIG_NAMES if Path(name).is_file()), None)
        if found is None:
            raise UsageError(
                f"there is no {' nor '.join(CONFIG_NAMES)} in this folder; name one with --config, "
                "or write one with `okr-sync init`"
            )
        return found


def current_time() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)  # noqa: TID251 -- the one place where the program asks the clock


def author_of_changes() -> str:
    """Return who is at the keyboard, for check-ins and versions."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "unknown"


AsOf = Annotated[
    datetime | None, Parameter(help="Read as if it were this instant (UTC unless a zone is given) [default: now].")
]


def reading_time(given: datetime | None) -> datetime:
    """Return the instant at which a reader reads: the one given, in UTC if it has no zone; else now."""
    if given is None:
        return current_time()
    return given if given.tzinfo else given.replace(tzinfo=UTC)
