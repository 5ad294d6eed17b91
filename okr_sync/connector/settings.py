"""The shapes of what stands in config files for a connector: settings, questions, secrets and paths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

__all__ = ["ConfigPath", "Query", "Referenced", "Secret", "Settings"]


class Settings(BaseModel):
    """Base of a source's settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Query(BaseModel):
    """Base of a question (metric query or delivery scope): frozen, unknown keys refused.

    A field that holds answers, as values typed into a file, is `Field(exclude=True)`: one more answer is no other
    question.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Referenced(str):
    """Text that came from `${ENV}` or `${file:…}`: the only text a secret field accepts."""

    __slots__ = ()


def _only_by_reference(value: Any) -> Any:
    if isinstance(value, Referenced | SecretStr):
        return value
    raise ValueError("a secret may not stand in a file; write ${NAME} for an environment variable or ${file:/path}")


def _not_empty(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("this secret is empty")
    return value


Secret = Annotated[SecretStr, BeforeValidator(_only_by_reference), AfterValidator(_not_empty)]
"""A secret setting: given by reference only, never empty, printed as ***."""


def _below_config_folder(value: Any, info: ValidationInfo) -> Any:
    folder = (info.context or {}).get("folder")
    if folder is None or not isinstance(value, str | Path):
        return value
    return Path(folder) / value


ConfigPath = Annotated[Path, BeforeValidator(_below_config_folder)]
"""A path in a config file: relative ones start at the folder of that config."""
