"""`make bench`: runs every module of this package, or the one named: `make bench ARGS="delivery --size M"`.

Each module measures one subject: `main(words)` takes its own options, prints both sides of each ratio, and never fails
because a machine is slow; it may return 1 when what it measured is wrong. Packages hold the parts of a module.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

SUBJECTS = sorted(
    module.name
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if not module.name.startswith("_") and not module.ispkg
)


def main(words: Sequence[str]) -> int:
    """Run the subject that `words` begin with, or all; return the exit code."""
    if words and words[0] not in SUBJECTS:
        sys.stderr.write(f"there is no bench {words[0]!r}; there is: {', '.join(SUBJECTS)}\n")
        return 2
    wrong = 0
    for subject in words[:1] or SUBJECTS:
        sys.stdout.write(f"== {subject}\n")
        sys.stdout.flush()
        wrong |= importlib.import_module(f"tests.bench.{subject}").main(list(words[1:])) or 0
    sys.stdout.write(f"bench: {len(words[:1] or SUBJECTS)} subjects\n")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
