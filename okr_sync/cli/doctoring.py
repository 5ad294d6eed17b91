"""`doctor`: whether everything that okr-sync needs is there and works."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE, FAILED
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, current_time
from okr_sync.doctor import Examination, Finding, examine, write_bundle
from okr_sync.errors import UsageError
from okr_sync.redaction import current


def doctor(
    *,
    offline: Annotated[bool, Parameter(negative="", help="Ask no source.")] = False,
    bundle: Annotated[Path | None, Parameter(help="Write a file (tar.gz) for whoever helps; it has no secret.")] = None,
    log: Annotated[Path | None, Parameter(help="Put the end of this log into the bundle, too.")] = None,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Examine config, time zones, store, disk, clock, sources and tokens; say what to do about each finding.

    Example: okr-sync doctor --bundle for-support.tar.gz
    """
    if log is not None and bundle is None:
        raise UsageError("--log belongs to --bundle; give that, too")
    place = place or Place()
    file = place.config_file()
    examined = examine(file, os.environ, current_time, store=place.store, offline=offline)
    packed = write_bundle(bundle, examined, file, at=current_time(), veil=current().over, log=log) if bundle else ()
    if json:
        emit({"passed": examined.passed, "findings": [asdict(each) for each in examined.findings], "bundle": packed})
    else:
        say("\n".join([*map(_line, examined.findings), *_end(examined), *([f"wrote {bundle}"] if bundle else [])]))
    return DONE if examined.passed else FAILED


def _line(finding: Finding) -> str:
    fix = f"\n      What to do: {finding.fix.removesuffix('.')}." if finding.fix else ""
    return f"{finding.level:4}  {finding.subject}: {finding.said}{fix}"


def _end(examined: Examination) -> list[str]:
    counts = [(level, sum(each.level == level for each in examined.findings)) for level in ("ok", "warn", "fail")]
    return ["", ", ".join(f"{count} {level}" for level, count in counts)]
