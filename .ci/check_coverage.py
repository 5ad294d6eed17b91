"""Holds the measured branch coverage to floors, each `pattern=per cent` of lines and branches; 0 files are red."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from coverage import Coverage


def main(words: list[str]) -> int:
    """Return 0 when every floor holds, and there is one."""
    coverage = Coverage()
    if list(Path().glob(".coverage.*")):
        coverage.combine()
    coverage.load()
    files = len(coverage.get_data().measured_files())
    fails = int(files == 0 or not words)
    for pattern, floor in (_floor(word) for word in words):
        table = io.StringIO()
        share = coverage.report(include=None if pattern == "*" else [pattern], file=table, skip_covered=True)
        if share < floor:
            sys.stdout.write(table.getvalue())
            fails += 1
        word = "the whole" if pattern == "*" else pattern.removesuffix("/*")
        sys.stdout.write(f"coverage: {word}: {share:.2f} % of lines and branches (floor {floor:g} %)\n")
    sys.stdout.write(f"coverage: {files} files\n")
    return int(fails > 0)


def _floor(word: str) -> tuple[str, float]:
    pattern, _, floor = word.partition("=")
    return pattern, float(floor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
