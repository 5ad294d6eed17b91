"""What the `sql` connector can be told: which database, as whom, and statements that only read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, model_validator
from sqlalchemy import text
from sqlalchemy.engine import URL

from connectors.sql_address import parse_url, secrets_of
from okr_sync import connector as api

PARAMETERS = frozenset({"start", "end", "now"})
_SILENT = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"[\s(]*(select|with|values|table)\b", re.IGNORECASE)


def _check_statement(sql: str) -> str:
    bare = _SILENT.sub(lambda found: ("x" if found[0][0] in "'\"" else " ") * len(found[0]), sql).rstrip()
    if bare.endswith(";"):
        bare, sql = bare[:-1], sql[: len(bare) - 1]
    if not _READS.match(bare) or ";" in bare:
        raise ValueError("expected one SELECT (or WITH … SELECT)")
    if unknown := set(text(sql).compile().params) - PARAMETERS:
        raise ValueError(f"unknown parameter :{min(unknown)}; there are :start, :end and :now; write \\: for a colon")
    return sql


def _check_url(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str):
        return value
    url = parse_url(value)
    if secrets_of(url) and not isinstance(value, api.Referenced):
        raise ValueError("a password may not stand in a file; write `password: ${NAME}`, or the whole url as ${NAME}")
    folder = (info.context or {}).get("folder")
    if url.get_backend_name() == "sqlite" and url.database and folder is not None:
        url = url.set(database=str(Path(folder) / url.database))
    return SecretStr(url.render_as_string(hide_password=False))


Statement = Annotated[str, AfterValidator(_check_statement)]


class SqlSettings(api.Settings):
    """Which database, as whom, and how much a statement may ask of it."""

    url: Annotated[SecretStr, BeforeValidator(_check_url)] = Field(description="as SQLAlchemy has it; without password")
    password: api.Secret | None = Field(None, description="of the user in the url")
    timeout: float = Field(30, gt=0, le=3600, description="seconds for one statement")
    rows: int = Field(10_000, ge=1, le=1_000_000, description="that one statement may return")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")
    statements: dict[str, Statement] = Field(default_factory=dict, description="name: SELECT that many metrics share")

    def address(self) -> URL:
        """Return the URL with the password in it."""
        url = parse_url(self.url.get_secret_value())
        return url if self.password is None else url.set(password=self.password.get_secret_value())


class SqlQuery(api.Query):
    """One number: a statement, and which of its rows are meant."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["sql"]}, {"required": ["statement"]}]})

    sql: Statement | None = Field(None, description="a SELECT; it may use :start, :end and :now")
    statement: str | None = Field(None, description="instead of sql: the name of one of the source's statements")
    ref: str | None = Field(None, description="only rows whose column `ref` is this")

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        if (self.sql is None) == (self.statement is None):
            raise ValueError("give exactly one of sql and statement")
        return self
