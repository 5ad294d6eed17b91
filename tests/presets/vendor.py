"""What every played vendor has: who may ask, what is asked of it, and what must come of it."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

from okr_sync.connector import Answer, Ask, Caller, MetricSource, Referenced
from okr_sync.registry import GROUP, Registry
from okr_sync.testing.server import Request, Response

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, 30, tzinfo=UTC)
FROM, TO = int(START.timestamp()), int(NOW.timestamp())
REGISTRY = Registry([EntryPoint("http_json", "connectors.http_json:HttpJson", GROUP)])


@dataclass(frozen=True)
class Asked:
    """A question as it stands in a file, and the values that must come of it, oldest first."""

    query: Mapping[str, Any]
    values: tuple[float, ...]
    requests: int = 1


class Vendor(ABC):
    """A service that refuses whoever has not its credential."""

    kind: ClassVar[str]
    secret: ClassVar[str] = "s3cret-of-the-vendor"
    refusal: ClassVar[Any] = {"message": "unauthorized"}
    refused_with: ClassVar[int] = 401

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Return settings as they stand in a file, without where the service is."""

    @abstractmethod
    def questions(self) -> Mapping[str, Asked]:
        """Return a question to every name of the recipe, and more."""

    @abstractmethod
    def knows(self, request: Request) -> bool:
        """Return whether the request carries the credential, where the vendor wants it."""

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """Return the answer to whoever is known."""

    def respond(self, request: Request) -> Response:
        """Return what the vendor answers."""
        if request.path in ("", "/"):
            return Response.of({"message": "nothing here"}, 404)
        return self.answer(request) if self.knows(request) else Response.of(self.refusal, self.refused_with)

    def at(self, url: str) -> Mapping[str, Any]:
        """Return the settings that lead to a server at `url`."""
        return {"url": url, "allow_hosts": ["127.0.0.1"], **self.settings()}


def bearer(request: Request, token: str) -> bool:
    """Return whether the request has this bearer token."""
    return request.headers.get("authorization") == f"Bearer {token}"


def basic(request: Request, user: str, password: str) -> bool:
    """Return whether the request has this user and password."""
    expected = base64.b64encode(f"{user}:{password}".encode()).decode()
    return request.headers.get("authorization") == f"Basic {expected}"


def secret(text: str) -> Referenced:
    """Return a secret as a reference brings it."""
    return Referenced(text)


def wanted(given: Any, expected: Any) -> None:
    """Assert that the vendor got what its documentation asks for."""
    assert given == expected, f"the vendor got {json.dumps(given)}, and takes {json.dumps(expected)}"


def connect(vendor: Vendor, url: str, caller: Caller | None = None, **over: Any) -> MetricSource:
    """Return a new source of the vendor's kind."""
    connector: Any = REGISTRY.connector_class(vendor.kind)
    made: MetricSource = connector(connector.Settings.model_validate({**vendor.at(url), **over}), caller)
    return made


def ask(
    vendor: Vendor, url: str, queries: Mapping[str, Mapping[str, Any]], caller: Caller | None = None, **over: Any
) -> Answer:
    """Return what a new source answers."""
    with closing(connect(vendor, url, caller, **over)) as source:
        parsed = {ref: source.Query.model_validate(query) for ref, query in queries.items()}
        return source.read(Ask(parsed, START, NOW))
