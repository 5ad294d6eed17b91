"""What the errors of databases mean, in whatever words their drivers say them."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from connectors.sql_address import place_of, secrets_of
from okr_sync import connector as api

_DENIED = re.compile(
    r"authentication failed|no password|access denied|does not exist|unknown database|unable to open|not permitted|"
    r"incorrect username|no pg_hba",
    re.IGNORECASE,
)
_SLOW = re.compile(
    r"statement timeout|interrupted|max_statement_time|maximum statement execution|timed out", re.IGNORECASE
)
_BROKEN = re.compile(r"not a database|malformed")
_FORBIDDEN = re.compile(r"permission denied|command denied|access denied|insufficient privilege", re.IGNORECASE)
_ABSENT = re.compile(r"does not exist|no such|doesn't exist|unknown column", re.IGNORECASE)


def explain_refusal(error: DBAPIError, url: URL) -> api.SourceError:
    """Return what a failed connection means."""
    place, said = place_of(url), hide(error, url)
    if _DENIED.search(said):
        return api.AccessError(
            f"{place} lets us not in: {said}", fix="correct `url`, the user or `password` of this source"
        )
    return api.TransientError(
        f"{place} can't be reached: {said}", fix="check that the database runs and can be reached"
    )


def explain_failure(error: DBAPIError, url: URL, seconds: float) -> api.Miss:
    """Return what a failed statement means. Raises SourceError when the connection was lost, or the file is broken."""
    place, said = place_of(url), hide(error, url)
    if error.connection_invalidated:
        raise api.TransientError(
            f"the connection to {place} was lost: {said}", fix="it is tried again at the next run"
        ) from None
    if _BROKEN.search(said):
        raise api.ProtocolError(f"{place} is no database: {said}", fix="restore it, or correct `url`") from None
    if _SLOW.search(said):
        return api.Miss("unreachable", f"took longer than {seconds:g} s ({said}); ask for less, or raise `timeout`")
    if _FORBIDDEN.search(said):
        return api.Miss("denied", f"{said}; grant SELECT on it to {url.username}")
    if _ABSENT.search(said):
        return api.Miss("not_found", f"{said}; correct the statement")
    return api.Miss("invalid", f"{said}; correct the statement")


def hide(error: DBAPIError, url: URL) -> str:
    """Return the first line of the driver's own words, without the password that drivers like to quote."""
    text = next(iter(str(error.orig).strip().splitlines()), type(error.orig).__name__)
    for secret in secrets_of(url):
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(form, "***")
    return text
