"""Runs import-linter and says how much it looked at; nothing looked at is red."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Return 0 when every contract is kept and there was something to look at."""
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, check=False)  # noqa: S603
    sys.stdout.write(done.stdout + done.stderr)
    files = re.search(r"Analyzed (\d+) files", done.stdout)
    kept = re.search(r"Contracts: (\d+) kept, (\d+) broken", done.stdout)
    sys.stdout.write(
        f"imports: {files[1] if files else 0} files, {kept[1] if kept else 0} contracts kept, "
        f"{kept[2] if kept else '?'} broken\n"
    )
    return done.returncode or int(not (files and int(files[1]) and kept and int(kept[1])))


if __name__ == "__main__":
    sys.exit(main())
