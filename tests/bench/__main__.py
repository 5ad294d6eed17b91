"""`make bench`: runs every module of this package, or the one named: `make bench ARGS="delivery --epics 50"`.

Each module measures one subject: `main(words)` takes its own options, prints both sides of each ratio, and never fails
because a machine is slow.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

SUBJECTS = sorted(
    module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if not module.name.startswith("_")
)


def main(words: Sequence[str]) -> int:
    """Run the subject that `words` begin with, or all; return the exit code."""
    if words and words[0] not in SUBJECTS:
        sys.stderr.write(f"there is no bench {words[0]!r}; there is: {', '.join(SUBJECTS)}\n")
        return 2
    for subject in words[:1] or SUBJECTS:
        sys.stdout.write(f"== {subject}\n")
        sys.stdout.flush()
        importlib.import_module(f"tests.bench.{subject}").main(list(words[1:]))
    sys.stdout.write(f"bench: {len(words[:1] or SUBJECTS)} subjects\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
