"""Faces of packages whose names are imported on first use, so that a command pays only for what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def face(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of `package`: name → the module of the package that holds it.

    No name may be that of a module: once imported, the module would hide it.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{names[name]}"), name)

    return find
