"""`new-connector`: a package to start a connector of one's own from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json
from okr_sync.kit.writing import names_of, write_package
from okr_sync.registry import Registry


def new_connector(
    name: Annotated[str, Parameter(help="What the source is called, like weather-station; it becomes its kind.")],
    /,
    *,
    delivery: Annotated[
        bool, Parameter(negative="", help="It brings work items of epics or milestones instead of numbers.")
    ] = False,
    folder: Annotated[Path, Parameter(help="Where the package's own folder is made.")] = Path(),
    json: Json = False,
) -> int:
    """Write a package with a connector of your own: it works as it is, and its test holds it to the contract.

    Example: okr-sync new-connector weather-station
    """
    names = names_of(name, Registry().kinds())
    written = write_package(names, folder, delivery=delivery)
    if json:
        emit({"kind": names.kind, "package": names.package, "written": [str(file) for file in written]})
        return DONE
    for file in written:
        say(f"wrote {file}")
    say(f"Next: cd {folder / names.package}, then pip install -e . --group dev, then pytest.")
    return DONE
