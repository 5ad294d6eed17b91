"""Commands on a house in this process: quicker than a program of their own, where it is not they that are tried."""

from __future__ import annotations

from typing import Any

from tests.bar.house import House
from tests.edge.cli_play import Ran, run


def here(house: House, *words: str) -> Ran:
    """Run one command; what the house's `site` holds must be on the path of this process."""
    return run(*house._words(words)[3:])


def shown(house: House) -> list[float]:
    """Return the values of all key results as people see them."""
    said: Any = here(house, "status", "--json").json()
    return [each["value"] for each in said["objectives"][0]["key_results"]]
