"""What people write about a Google spreadsheet and the numbers to take from it."""

from __future__ import annotations

import re
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from connectors.google_key import GoogleKey
from okr_sync import connector as api

_ADDRESS = re.compile(r"^https://docs\.google\.com/spreadsheets/d/([\w-]+)")


class SheetsSettings(api.WebSettings):
    """Which spreadsheet, and who reads it."""

    spreadsheet: str = Field(description="Its id, or its address in the browser")
    key: GoogleKey = Field(description="JSON key of the service account, as ${file:/path/of/key.json}")
    decimal: Literal[".", ","] = Field(".", description="Sign in numbers that are written as text")
    date_format: str | None = Field(None, description="Of dates written as text, as in strptime; default: ISO 8601")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="Of dates and times: that of the spreadsheet")
    url: str = Field("https://sheets.googleapis.com", pattern=r"^https?://[^/?#@\s]+$", description="Of the service")

    @field_validator("spreadsheet")
    @classmethod
    def _is_id(cls, text: str) -> str:
        found = _ADDRESS.match(text)
        name = found[1] if found else text
        if not re.fullmatch(r"[\w-]+", name):
            raise ValueError("write the id of the spreadsheet, or its address in the browser")
        return name


class SheetsQuery(api.Query):
    """One number from `range`, or dated rows from a `column` of a `sheet`."""

    range: str | None = Field(None, min_length=1, description="Cells in A1 notation, like KPIs!B4, or a named range")
    aggregate: Literal["only", "last", "sum", "mean", "min", "max", "count"] = Field(
        "only", description="What to make of several cells of `range`; `only`: there must be just one"
    )
    sheet: str | None = Field(None, min_length=1, description="Name of the sheet that `column` stands in")
    column: str | None = Field(None, min_length=1, description="Header of the column: each dated row is a reading")
    date_column: str = Field("date", description="Header of the dates; case does not count")
    header: int = Field(1, ge=1, le=1000, description="Row of the sheet that the headers stand in")

    @model_validator(mode="after")
    def _asks_one_way(self) -> SheetsQuery:
        if (self.range is None) == (self.column is None) or (self.sheet is None) != (self.column is None):
            raise ValueError("give `range`, or `sheet` and `column`")
        if self.column and self.aggregate != "only":
            raise ValueError("`aggregate` is for a `range`; rows of a `column` are readings of their own")
        return self

    def cells(self) -> str:
        """Return what to ask for, in A1 notation: for a column the whole sheet."""
        if self.range:
            return self.range
        name = (self.sheet or "").replace("'", "''")
        return f"'{name}'"
