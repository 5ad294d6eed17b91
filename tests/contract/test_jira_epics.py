"""The delivery contract, kept by jira_epics at Cloud and at Data Center."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from connectors.jira_epics import JiraEpics
from okr_sync.testing.delivery import TOKEN, DeliverySourceContract
from tests.contract.jira_fixtures import EMAIL, JiraDeliveryWorld


class _JiraContract(DeliverySourceContract):
    source = JiraEpics
    full_batch = 6  # serverInfo, field, epics, how many issues there are, those of the epics, are projects still seen
    quiet_batch = 2  # what changed, and how many issues there are
    past_batch = 2  # the statuses, the change logs
    quick: ClassVar[dict[str, object]] = {"timeout": 0.3}
    secrets = (TOKEN, base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode())


class TestCloud(_JiraContract):
    @pytest.fixture
    def world(self) -> Iterator[JiraDeliveryWorld]:
        world = JiraDeliveryWorld("cloud")
        with world.server:
            yield world

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "email": EMAIL, "token": self.token(), "allow_hosts": ["127.0.0.1"]}


class TestDataCenter(_JiraContract):
    past_batch = 1 + 60  # the statuses, each issue with its change log

    @pytest.fixture
    def world(self) -> Iterator[JiraDeliveryWorld]:
        world = JiraDeliveryWorld("dc")
        with world.server:
            yield world

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": self.token(), "allow_hosts": ["127.0.0.1"]}
