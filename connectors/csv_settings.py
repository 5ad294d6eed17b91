"""What the `csv_file` connector can be told: where the files are, how they are written, and what to make of them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from connectors.table_rows import TableQuery
from okr_sync import connector as api


def _check_address(value: Any) -> Any:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str) or not re.fullmatch(r"https?://[^/?#@\s]+(/\S*)?(\?\S*)?", text):
        raise ValueError("expected an address like https://data.example.com/survey.csv, without user and password")
    return SecretStr(text)


class CsvSettings(api.WebSettings):
    """Where the files are and how they are written."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["path"]}, {"required": ["url"]}]})

    path: api.ConfigPath | None = Field(None, description="a file, or a pattern (data/*.csv), in order of their names")
    url: Annotated[SecretStr, BeforeValidator(_check_address)] | None = Field(None, description="instead: of one file")
    token: api.Secret | None = Field(None, description="with url: bearer token")
    username: str | None = Field(None, description="with url and password: basic authentication")
    password: api.Secret | None = Field(None, description="with url and username")
    delimiter: Literal["auto", ",", ";", "tab"] = Field("auto", description="auto: what the header has most of")
    decimal: Literal[".", ","] = Field(".", description="the sign before the decimals")
    date_column: str | None = Field(None, description="default: the column `date`, if there is one")
    date_format: str | None = Field(None, description="as in strptime; default: ISO 8601")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give exactly one of path and url")
        if (self.username is None) != (self.password is None) or (self.token and self.password):
            raise ValueError("give token, or username with password, or none of them")
        if self.url is None and (self.token or self.password):
            raise ValueError("token and password belong to url")
        return self

    @property
    def place(self) -> str:
        """The path or the address, without its query: that may hold a key."""
        return str(self.path) if self.url is None else self.url.get_secret_value().partition("?")[0]


class CsvQuery(TableQuery):
    """One number from the rows of the files."""
