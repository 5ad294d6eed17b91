"""Hypothesis settings of all tests: a slow machine is no failure, and as many examples as are asked for.

In CI its examples are the same every time. They are partly made of constants of the modules that are loaded, so all are
loaded before the first: which test a worker runs first, and what that imports, changes nothing.

What starts the tests may have been told to ignore Ctrl-C, as whatever a shell runs in the background: the programs
that they start would ignore it, too.

Laws in the paths that OKR_SYNC_LAWS_APART names are left out: CI tries them by themselves, with more examples.
"""

from __future__ import annotations

import os
import pkgutil
import signal
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import connectors
import okr_sync
from tests.examples import EXAMPLES

APART = [Path(__file__).parents[1] / name for name in os.environ.get("OKR_SYNC_LAWS_APART", "").split()]

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=EXAMPLES)
settings.load_profile("patient")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if os.environ.get("CI"):
    for package in (okr_sync, connectors):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("__main__", "migrations.env", "schedule.warm")):  # those do something
                import_module(found.name)


@pytest.hookimpl(trylast=True)  # when Hypothesis has marked its own
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is tried apart."""
    apart = [item for item in items if _is_apart(item)]
    config.hook.pytest_deselected(items=apart)
    items[:] = [item for item in items if not _is_apart(item)]


def _is_apart(item: pytest.Item) -> bool:
    within = any(item.path.is_relative_to(place) for place in APART)
    return within and item.get_closest_marker("hypothesis") is not None
