"""Reads cells and dated columns of a Google spreadsheet with a service account: all ranges in one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.google_key import google_token, service_account
from connectors.google_sheets_cells import Column, Written, column, one
from connectors.google_sheets_settings import SheetsQuery, SheetsSettings
from okr_sync import connector as api

_SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
_OPTIONS = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}
_LONGEST = 6000  # characters of ranges in one address


class GoogleSheets(api.MetricSource):
    """A metric source over one spreadsheet; a token is fetched once and renewed before it ends."""

    kind = "google_sheets"
    summary = "Numbers from Google Sheets, by a service account"
    Settings = SheetsSettings
    Query = SheetsQuery
    permissions = "The spreadsheet is shared with the service account's address as viewer; the Sheets API is enabled."
    example = """\
sources:
  sheet:
    kind: google_sheets
    spreadsheet: https://docs.google.com/spreadsheets/d/1aBcD-eFg_hIj/edit
    key: ${SHEETS_JSON}
    timezone: Europe/Berlin
metrics:
  churn: {source: sheet, range: KPIs!B4, unit: "%"}
  revenue: {source: sheet, sheet: Sales, column: Revenue, date_column: Day, unit: EUR}
"""

    def __init__(self, settings: SheetsSettings, caller: api.Caller | None = None) -> None:
        super().__init__(settings, caller)
        self._granting = api.Http(self.caller, settings)
        tokens = api.Tokens(lambda: google_token(self._granting, settings.key, _SCOPE))
        self._http = api.Http(self.caller, settings, auth=tokens)
        self._account = service_account(settings.key).client_email
        self._written = Written(settings.decimal, settings.date_format, settings.timezone)

    def probe(self) -> str:
        """Return who reads which spreadsheet. Raises SourceError."""
        found = self._get("", {"fields": "properties.title"})
        title = found.get("properties", {}).get("title") if isinstance(found, dict) else None
        return f"{self._account} may read {title or self.settings.spreadsheet!r}"

    def close(self) -> None:
        """Close all connections."""
        self._granting.close()
        self._http.close()

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return one outcome for every ref. Raises SourceError when the spreadsheet can't be read."""
        wanted = {ref: query.cells() for ref, query in ask.queries.items()}
        found: dict[str, Any] = {}
        for some in _packed(list(dict.fromkeys(wanted.values()))):
            found |= self._fetch(some)
        return {ref: self._outcome(found[wanted[ref]], query, ask) for ref, query in ask.queries.items()}

    def _outcome(self, rows: list[Any] | api.Miss, query: SheetsQuery, ask: api.Ask[Any]) -> api.Outcome:
        if isinstance(rows, api.Miss):
            return rows
        if query.column:
            told = Column(f"sheet {query.sheet!r}", query.column, query.date_column, query.header)
            return column(rows, told, self._written, ask)
        return one(rows, query.aggregate, self._written, str(query.range))

    def _fetch(self, ranges: list[str]) -> Mapping[str, list[Any] | api.Miss]:
        """Return the cells of each range; one that can't be read makes all fail, so it is left out and said."""
        if not ranges:
            return {}
        found = self._get("/values:batchGet", {"ranges": ranges, **_OPTIONS})
        if isinstance(found, str):
            bad = [each for each in ranges if found.endswith(f": {each}")] or (ranges if len(ranges) == 1 else [])
            said = "there is no such range or sheet in the spreadsheet; correct it"
            if bad:
                rest = [each for each in ranges if each not in bad]
                return {**{each: api.Miss("not_found", f"{each}: {said}") for each in bad}, **self._fetch(rest)}
            half = len(ranges) // 2
            return {**self._fetch(ranges[:half]), **self._fetch(ranges[half:])}
        parts = found.get("valueRanges") if isinstance(found, dict) else None
        if not isinstance(parts, list) or len(parts) != len(ranges) or not all(map(_is_range, parts)):
            raise api.ProtocolError("the answer holds other ranges than were asked for", fix="check `url`")
        return {each: part.get("values", []) for each, part in zip(ranges, parts, strict=True)}

    def _get(self, what: str, params: Mapping[str, Any]) -> Any:
        """Return the answer as JSON; of a range that can't be read what the service says."""
        url = f"{self.settings.url}/v4/spreadsheets/{quote(self.settings.spreadsheet)}{what}"
        answer = self._http.request("GET", url, params=params, accept=(200, 400, 403, 404))
        if answer.status == 403:
            fix = f"share the spreadsheet with {self._account} as viewer; enable the Google Sheets API in its project"
            raise api.AccessError(f"{answer.place}: {self._account} may not read it (status 403)", fix=fix)
        if answer.status == 404:
            raise api.AccessError(
                f"{answer.place}: there is no such spreadsheet (status 404)", fix="correct `spreadsheet`"
            )
        return answer.json() if answer.status == 200 else _complaint(answer)


def _complaint(answer: api.HttpAnswer) -> str:
    said = answer.json()
    error = said.get("error") if isinstance(said, dict) else None
    text = str(error.get("message")) if isinstance(error, dict) else ""
    if "range" not in text.lower():
        raise api.ProtocolError(f"{answer.place}: status 400", fix="check `spreadsheet` and `url`")
    return text


def _is_range(part: Any) -> bool:
    rows = part.get("values", []) if isinstance(part, dict) else None
    return isinstance(rows, list) and all(isinstance(row, list) for row in rows)


def _packed(ranges: list[str]) -> list[list[str]]:
    """Return the ranges in as few lists as addresses can hold."""
    packed: list[list[str]] = []
    size = _LONGEST
    for each in ranges:
        size += len(quote(each)) + len("&ranges=")
        if size > _LONGEST:
            packed.append([])
            size = len(quote(each))
        packed[-1].append(each)
    return packed
