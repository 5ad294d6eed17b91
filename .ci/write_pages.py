"""Writes the part of each connector's page that is made from its models; `--check` only says which is stale."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from okr_sync.kit.describing import BEGIN, END, describe, markdown
from okr_sync.registry import GROUP, Registry

ROOT = Path(__file__).parents[1]


def pages() -> dict[Path, str]:
    """Return page → what it should say, for every connector that the project file declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    declared = project["project"]["entry-points"][GROUP]
    registry = Registry(EntryPoint(kind, target, GROUP) for kind, target in declared.items())
    found = {}
    for kind in registry.kinds():
        page = ROOT / "docs" / "connectors" / f"{kind}.md"
        text = page.read_text("utf-8") if page.is_file() else f"# {kind}\n"
        made = markdown(describe(kind, registry.connector_class(kind)))
        part = re.compile(f"^{re.escape(BEGIN)}$.*?^{re.escape(END)}\n", re.MULTILINE | re.DOTALL)
        found[page] = part.sub(lambda _, made=made: made, text) if part.search(text) else f"{text.rstrip()}\n\n{made}"
    return found


def main(words: list[str]) -> int:
    """Return 0 when nothing is, or stays, stale."""
    stale = {page: text for page, text in pages().items() if not page.is_file() or page.read_text("utf-8") != text}
    for page, text in stale.items():
        sys.stdout.write(f"{'stale' if words else 'wrote'} {page.relative_to(ROOT)}\n")
        if not words:
            page.write_text(text, "utf-8")
    return int(bool(stale and words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
