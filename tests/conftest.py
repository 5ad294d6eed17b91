"""Hypothesis settings of all tests: a slow machine is no failure, and as many examples as are asked for.

In CI its examples are the same every time. They are partly made of constants of the modules that are loaded, so all are
loaded before the first: which test a worker runs first, and what that imports, changes nothing.
"""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module

from hypothesis import HealthCheck, settings

import connectors
import okr_sync
from tests.examples import EXAMPLES

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=EXAMPLES)
settings.load_profile("patient")

if os.environ.get("CI"):
    for package in (okr_sync, connectors):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("__main__", "migrations.env")):  # those run something
                import_module(found.name)
