"""The loopback site of these tests; what they open is closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from okr_sync.sandbox.server import Server
from tests.outbound.web import MADE, Site


@pytest.fixture
def site() -> Site:
    """What the server answers with."""
    return Site()


@pytest.fixture
def server(site: Site) -> Iterator[Server]:
    """The site on loopback."""
    with Server(site) as server:
        yield server


@pytest.fixture(autouse=True)
def no_connection_stays_open() -> Iterator[None]:
    """Close every Http that a test made."""
    yield
    while MADE:
        MADE.pop().close()
