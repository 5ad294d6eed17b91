"""Judges GitHub's answers: what is refused, why, whether to ask again and when; the rest is checked JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import orjson
from github.Requester import Requester

from connectors.github_grants import accepted
from okr_sync.connector import AccessError, ProtocolError, TransientError, UnauthorizedError

SECONDARY_WAIT = 60.0  # seconds; GitHub asks for "at least one minute" after a secondary limit that names no time
LONGEST_QUOTE = 200  # characters of GitHub's own words that a message repeats
_ACCESS = "give the token read access to repositories, issues, pull requests and, with `points_field`, projects"
_UNKNOWN = frozenset({"undefinedField", "undefinedType", "argumentNotAccepted", "argumentLiteralsIncompatible"})


class TooMuchError(TransientError):
    """GitHub could not answer a question of this size in its ten seconds: ask for less next time."""


class NotThereError(ProtocolError):
    """404: what the path names does not exist, or the token may not see it."""


class GoneError(ProtocolError):
    """410: what the path names was deleted."""


class UnknownWordError(ProtocolError):
    """The server's schema is too old, or too new, for a word of the query: its `words` name what stumbled."""

    def __init__(self, message: str, words: frozenset[str], *, fix: str) -> None:
        super().__init__(message, fix=fix)
        self.words = words


@dataclass(frozen=True, slots=True)
class Judge:
    """Turns responses of `host` into JSON or errors; `token` is kept out of every message."""

    host: str
    token: str = field(repr=False)

    def checked(self, status: int, headers: Mapping[str, str], body: bytes) -> Any:
        """Return the JSON of a response. Raises by its status; ProtocolError when there is no JSON."""
        payload, is_json = _parse(body)
        if status not in (200, 201):
            said = payload.get("message") if isinstance(payload, dict) else None
            self._refuse(status, headers, self._quote(said))
        if not is_json:
            raise ProtocolError(
                f"GitHub at {self.host} answered 200 with {'nothing' if not body else 'something that is not JSON'}",
                fix="check `url`; a proxy or a sign-in page may stand in between",
            )
        return payload

    def _refuse(self, status: int, headers: Mapping[str, str], said: str) -> NoReturn:
        where = f"GitHub at {self.host} answered {status}{said}"
        if status == 401:
            raise UnauthorizedError(where, fix="renew the token, or check that the variable holds the right one")
        if status == 404:
            raise NotThereError(where, fix="check `url` of this source")
        if status == 410:
            raise GoneError(where, fix="check `url` of this source")
        if status == 429 or (status == 403 and _is_limit(headers, said)):
            raise TransientError(where, fix="wait, or sync less often", retry_after=seconds_to_wait(headers, said))
        if status == 403:
            fix = "give the token read access to issues and pull requests; authorise it for SSO"
            raise AccessError(f"{where}{accepted(headers)}", fix=fix)
        if status in (502, 504):
            raise TooMuchError(where, fix="see githubstatus.com", retry_after=seconds_to_wait(headers, said))
        if status >= 500:
            raise TransientError(where, fix="see githubstatus.com", retry_after=seconds_to_wait(headers, said))
        raise ProtocolError(where, fix="check `url` of this source")

    def graphql(self, payload: Any, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the object with `data`; `errors` left in it concern single parts only."""
        if not isinstance(payload, dict) or not ({"data", "errors"} & payload.keys()):
            raise ProtocolError(f"GitHub at {self.host} gave a GraphQL answer without data", fix="check `url`")
        for error in payload.get("errors") or []:
            self._judge(error if isinstance(error, dict) else {}, headers)
        if not isinstance(payload.get("data"), dict):
            raise ProtocolError(f"GitHub at {self.host} gave a GraphQL answer without data", fix="try again later")
        return payload

    def _judge(self, error: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        kind, said = error.get("type"), str(error.get("message") or "no reason given")
        where = f"GitHub at {self.host} refused a query{self._quote(said)}"
        if kind in ("RATE_LIMITED", "RATE_LIMIT"):  # documented, and seen in 2026
            raise TransientError(
                where, fix="wait, or sync less often", retry_after=seconds_to_wait(headers, said, spent=True)
            )
        if said.startswith("Something went wrong while executing your query") or kind == "MAX_NODE_LIMIT_EXCEEDED":
            raise TooMuchError(where, fix="try again later, or lower `batch`")
        path = [str(step) for step in error.get("path") or ()]
        holds_items = any(step.startswith(("issues", "pull", "project")) for step in path)
        if kind == "INSUFFICIENT_SCOPES" or (kind == "FORBIDDEN" and holds_items):
            raise AccessError(where, fix=_ACCESS)
        said_more = error.get("extensions")
        if isinstance(said_more, dict) and said_more.get("code") in _UNKNOWN:
            words = frozenset(str(word) for word in said_more.values()) | frozenset(re.findall(r"\w+", said))
            raise UnknownWordError(where, words, fix="for an older Enterprise server set `api: rest`")
        if kind not in ("NOT_FOUND", "FORBIDDEN") or not path:
            raise ProtocolError(where, fix="for an older Enterprise server set `api: rest`")

    def _quote(self, said: object) -> str:
        if not isinstance(said, str) or not said:
            return ""
        return f": {said.replace(self.token, '***')[:LONGEST_QUOTE]}"


def _parse(body: bytes) -> tuple[Any, bool]:
    """Return the payload, and whether the body was JSON at all: no NaN, no 1e999, no bad UTF-8."""
    try:
        return orjson.loads(body), True
    except orjson.JSONDecodeError:
        return None, False


def _is_limit(headers: Mapping[str, str], said: str) -> bool:
    spent = headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in headers or Requester.isRateLimitError(said.removeprefix(": "))


def seconds_to_wait(headers: Mapping[str, str], said: str, *, spent: bool = False) -> float | None:
    """Return seconds to wait as the server wishes, ≥ 0; None when it names no time that can be read.

    Times are taken relative to the answer's own Date header: no clock of ours is involved. `spent`: the hour is known
    to be, although some points may remain, too few for this question.
    """
    asked = headers.get("retry-after")
    served = moment(headers.get("date"))
    if asked is not None:
        if re.fullmatch(r"\d{1,9}", asked):
            return float(asked)
        until = moment(asked)
    elif spent or headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        until = datetime.fromtimestamp(int(reset), UTC) if re.fullmatch(r"\d{1,10}", reset) else None
    else:
        return SECONDARY_WAIT if "secondary rate limit" in said else None
    return max(0.0, (until - served).total_seconds()) if until and served else None


def moment(text: str | None) -> datetime | None:
    """Return an HTTP date as an instant; None when it is missing or unreadable."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
