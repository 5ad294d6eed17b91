"""Writes a commented config to start from: it loads as it is, offline, from a small CSV file and typed values."""

from __future__ import annotations

import json
import re
from calendar import monthrange
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from okr_sync.config.schema import json_schema
from okr_sync.config.store_address import MAIN_NAME
from okr_sync.new_files import write_new_files

__all__ = ["starter"]

LAST_DAYS = 30  # a template's day from here on means the last of its month
SHAPES: tuple[Literal["main", "okrs"], ...] = ("main", "okrs")
TEMPLATES = (MAIN_NAME, "okrs/first-team.yaml", "data/survey.csv")


def starter(folder: Path, today: date) -> tuple[Path, ...]:
    """Write okr-sync.yaml, a first team's file, example data and the schemas for editors; return their paths.

    Its cycle is the quarter of `today`.

    Missing folders are made. Raises UsageError when one of the files exists or can't be written; it then changes none
    that was there.
    """
    texts = {name: _in_quarter(_template(name), today) for name in TEMPLATES}
    for shape in SHAPES:
        texts[f".okr-sync/schema-{shape}.json"] = _schema(shape)
    return write_new_files({folder / name: text for name, text in texts.items()})


@cache
def _schema(shape: Literal["main", "okrs"]) -> str:
    return json.dumps(json_schema(shape), indent=1, ensure_ascii=False) + "\n"


def _template(name: str) -> str:
    return files("okr_sync.config").joinpath("templates", name).read_text(encoding="utf-8")


def _in_quarter(text: str, today: date) -> str:
    """Return the text with the days of the templates' quarter, the last of 2026, moved into that of `today`."""
    quarter = (today.month - 1) // 3
    text = text.replace("2026-Q4", f"{today.year}-Q{quarter + 1}")

    def moved(found: re.Match[str]) -> str:
        month = quarter * 3 + int(found["month"]) - 9
        last = monthrange(today.year, month)[1]
        day = last if int(found["day"]) >= LAST_DAYS else int(found["day"])
        return f"{today.year}-{month:02}-{day:02}"

    return re.sub(r"2026-(?P<month>1[0-2])-(?P<day>\d\d)", moved, text)
