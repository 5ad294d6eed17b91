"""The GitLab connector keeps the contract of delivery sources."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from connectors.gitlab import Gitlab
from okr_sync.connector import DeliverySource
from okr_sync.testing.delivery import TOKEN, DeliverySourceContract, DeliveryWorld
from tests.contract.gitlab_fixtures import GitlabWork


class TestGitlab(DeliverySourceContract):
    """Two requests for each of five projects, one for each of twenty milestones; later the former."""

    source: ClassVar[type[DeliverySource]] = Gitlab
    full_batch = 2 * 5 + 20
    quiet_batch = 2 * 5
    quick: ClassVar[dict[str, object]] = {"timeout": 0.3}
    dropped = frozenset({"duplicate"})
    secrets: ClassVar[tuple[str, ...]] = (TOKEN, base64.b64encode(TOKEN.encode()).decode())

    @pytest.fixture
    def world(self) -> Iterator[DeliveryWorld]:
        """Yield a fresh world on a running server."""
        work = GitlabWork()
        with work.server:
            yield work

    def settings(self, url: str) -> dict[str, Any]:
        """Return settings that sign in with the planted token."""
        return {"url": url, "token": self.token(), "allow_hosts": ["127.0.0.1"]}
