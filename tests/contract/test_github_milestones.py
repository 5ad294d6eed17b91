"""The GitHub connector keeps the contract of delivery sources, by GraphQL and by REST alike."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import DeliverySource
from okr_sync.testing.delivery import TOKEN, DeliverySourceContract, DeliveryWorld
from tests.contract.github_fixtures import GithubWork


class TestByGraphql(DeliverySourceContract):
    """One request lists the five repositories of the full batch, one brings the items of its twenty milestones."""

    source: ClassVar[type[DeliverySource]] = GithubMilestones
    api: ClassVar[str] = "graphql"
    full_batch = 2
    quiet_batch = 1
    past_batch = 1
    quick: ClassVar[dict[str, object]] = {"timeout": 0.3}
    secrets: ClassVar[tuple[str, ...]] = (TOKEN, base64.b64encode(TOKEN.encode()).decode())

    @pytest.fixture
    def world(self) -> Iterator[DeliveryWorld]:
        """Yield a fresh world on a running server."""
        work = GithubWork()
        with work.server:
            yield work

    def settings(self, url: str) -> dict[str, Any]:
        """Return settings that sign in with the planted token."""
        return {"url": url, "token": self.token(), "api": self.api, "allow_hosts": ["127.0.0.1"]}


class TestByRest(TestByGraphql):
    """One request for each of five repositories, one for each of twenty milestones that changed.

    The past takes one for what the milestones of each repository hold, and one for each item.
    """

    api = "rest"
    full_batch = 5 + 20
    quiet_batch = 5
    past_batch = 5 + 60
