"""Declares the connectors of this checkout, whatever the installed package declares."""

from __future__ import annotations

import tomllib
from pathlib import Path

from okr_sync.registry import GROUP

ROOT = Path(__file__).parents[2]


def declare(folder: Path) -> Path:
    """Write what an installation would say of this checkout's connectors; return the folder to put on the path."""
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][GROUP]
    info = folder / "declared-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 0\n", "utf-8")
    lines = [f"[{GROUP}]", *(f"{kind} = {target}" for kind, target in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder
