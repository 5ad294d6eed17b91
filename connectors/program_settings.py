"""What connectors that run programs can be told: commands, environments, limits, and the secrets in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr

from okr_sync import connector as api

SHORTEST = 4  # characters of a secret that is taken out of messages; shorter ones stand in too many words


def _sealed(value: Any) -> Any:
    """Return the value with every text that a reference brought, at any depth, as a secret."""
    if isinstance(value, api.Referenced):
        return SecretStr(value)
    if isinstance(value, dict):
        return {key: _sealed(each) for key, each in value.items()}
    return [_sealed(each) for each in value] if isinstance(value, list) else value


Command = Annotated[tuple[str, ...], Field(min_length=1)]
"""A program and its words, one by one; no shell reads them."""
Environment = Annotated[dict[str, SecretStr | str], BeforeValidator(_sealed)]
"""Name → value; what a reference brought is kept as a secret."""
Sealed = Annotated[dict[str, Any], BeforeValidator(_sealed)]
"""Any mapping; what a reference brought is kept as a secret."""


class ProgramSettings(api.Settings):
    """How a program is run."""

    env: Environment = Field(default_factory=dict, description="the whole environment of the program; nothing else")
    folder: api.ConfigPath = Field(
        Path(), validate_default=True, description="where it runs; default: beside the config"
    )
    timeout: float = Field(60, gt=0, le=3600, description="seconds; then it is ended with all that it started")
    max_bytes: int = Field(64 * 1024 * 1024, gt=0, le=1024**3, description="the most that it may print")


def opened(value: Any) -> Any:
    """Return the value with every secret in the open, for the program that needs it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: opened(each) for key, each in value.items()}
    return [opened(each) for each in value] if isinstance(value, list) else value


def scrubbed(text: str, *held: Any) -> str:
    """Return the text with *** in place of every secret in `held`."""
    for secret in sorted(set(_secrets(list(held))), key=len, reverse=True):
        text = text.replace(secret, "***") if len(secret) >= SHORTEST else text
    return text


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _secrets(each)
