"""Holds the measured branch coverage to its floors: 100 % of the core, 90 % of the whole; 0 files are red."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from coverage import Coverage

FLOORS = {"okr_sync/core/*": 100.0, "*": 90.0}  # per cent of lines and branches


def main() -> int:
    """Return 0 when every floor holds."""
    coverage = Coverage()
    if list(Path().glob(".coverage.*")):
        coverage.combine()
    coverage.load()
    files = len(coverage.get_data().measured_files())
    fails = int(files == 0)
    for pattern, floor in FLOORS.items():
        table = io.StringIO()
        share = coverage.report(include=None if pattern == "*" else [pattern], file=table, skip_covered=True)
        if share < floor:
            sys.stdout.write(table.getvalue())
            fails += 1
        word = "the whole" if pattern == "*" else pattern.removesuffix("/*")
        sys.stdout.write(f"coverage: {word}: {share:.2f} % of lines and branches (floor {floor:g} %)\n")
    sys.stdout.write(f"coverage: {files} files\n")
    return int(fails > 0)


if __name__ == "__main__":
    sys.exit(main())
