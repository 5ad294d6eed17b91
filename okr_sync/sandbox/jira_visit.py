"""One request at a Jira site: what was asked, what can be seen, and the errors that the API answers with."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from okr_sync.sandbox.issues import Picture, View
from okr_sync.sandbox.jira_access import Address
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_json import Writer
from okr_sync.sandbox.jira_query import Reader
from okr_sync.sandbox.jira_world import JiraWorld
from okr_sync.sandbox.server import Request, Response


class JiraError(Exception):
    """An error of the API: its status, and messages as Jira words them."""

    def __init__(self, status: int, *messages: str) -> None:
        super().__init__(*messages)
        self.status = status

    def response(self) -> Response:
        """Return the error as Jira sends it."""
        return Response.of({"errorMessages": list(self.args), "errors": {}}, self.status)


PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
NO_ISSUE = "Issue does not exist or you do not have permission to see it."


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in. `picture` is how things are at `now`; `indexed` how the search index has them."""

    request: Request
    address: Address
    flavour: Flavour
    world: JiraWorld
    zone: ZoneInfo
    now: datetime
    picture: Picture
    indexed: Picture

    @property
    def writer(self) -> Writer:
        """Writes what is so now."""
        return self._writer(self.picture)

    @property
    def index_writer(self) -> Writer:
        """Writes what the search index has."""
        return self._writer(self.indexed)

    @property
    def reader(self) -> Reader:
        """Reads queries against the search index."""
        return Reader(self.world, self.indexed, self.flavour, self.zone, self.now)

    def body(self, known: Collection[str]) -> dict[str, Any]:
        """Return the JSON object sent; raises JiraError 400 when it is none or has a property that is not known."""
        try:
            body = self.request.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise JiraError(400, PAYLOAD) from error
        if not isinstance(body, dict) or not body.keys() <= set(known):
            raise JiraError(400, PAYLOAD)
        return body

    def many(self, name: str) -> list[str]:
        """Return a query parameter that may be repeated and may have several words between commas."""
        values = parse_qs(self.request.raw_query).get(name, [])
        return [word.strip() for value in values for word in value.split(",") if word.strip()]

    def number(self, name: str, default: int) -> int:
        """Return a whole number, at least 0, from the query; raises JiraError 400 for anything else."""
        return whole(self.request.query.get(name, default), name)

    def issue(self, id_or_key: str) -> View:
        """Return an issue that can be seen now; raises JiraError 404."""
        view = self.picture.get(id_or_key)
        if view is None:
            raise JiraError(404, NO_ISSUE)
        return view

    def _writer(self, picture: Picture) -> Writer:
        return Writer(self.world, picture, self.flavour, self.zone, self.address.api)


def whole(value: Any, name: str, least: int = 0) -> int:
    """Return `value` as a whole number; raises JiraError 400 when it is none or below `least`."""
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise JiraError(400, f"The value '{value}' of '{name}' is not a number.") from error
    if number < least:
        raise JiraError(400, f"The value '{value}' of '{name}' must be at least {least}.")
    return number


def texts(value: Any, name: str, most: int) -> list[str]:
    """Return a JSON list of texts or numbers as texts; raises JiraError 400 when it is none or has more than `most`."""
    if not isinstance(value, list) or not all(isinstance(each, str | int) for each in value):
        raise JiraError(400, f"'{name}' must be a list of texts.")
    if len(value) > most:
        raise JiraError(400, f"'{name}' has {len(value)} entries; at most {most} are allowed.")
    return [str(each) for each in value]
