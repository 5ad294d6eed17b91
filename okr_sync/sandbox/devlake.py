"""Reads Apache DevLake's raw GitHub rows: one real milestone and the items that the rows give it."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from okr_sync.sandbox.repositories import GithubWorld, Milestone

__all__ = ["load_devlake"]

_ROW_LIMIT = 1 << 20
"""The largest cell in bytes: issue bodies exceed the 128 KiB that csv allows by default."""


def load_devlake(folder: Path) -> GithubWorld:
    """Return a world with the rows of `folder` (the one that holds `github/`): each milestone, and every item once.

    All items lie in the repository of their milestone, whichever repository they came from, and are put into it at
    the milestone's `updated_at`. FileNotFoundError when the files are not there.
    """
    world = GithubWorld()
    rows = _rows(folder / "github" / "_raw_github_api_milestones.csv")
    items = {row["id"]: row for row in _rows(folder / "github" / "_raw_github_api_issues.csv") if row["milestone"]}
    births = [datetime.fromisoformat(row["created_at"]) for row in (*rows, *items.values())]
    milestones = {row["id"]: _add_milestone(world, row, min(births)) for row in rows}
    for row in items.values():
        joined = datetime.fromisoformat(row["milestone"]["updated_at"])
        _add_item(world, milestones[row["milestone"]["id"]], row, joined)
    return world


def _rows(path: Path) -> list[dict[str, Any]]:
    limit = csv.field_size_limit(_ROW_LIMIT)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [json.loads(row["data"]) for row in csv.DictReader(file)]
    finally:
        csv.field_size_limit(limit)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _add_milestone(world: GithubWorld, row: dict[str, Any], birth: datetime) -> Milestone:
    name = "/".join(row["url"].split("/repos/")[1].split("/")[:2])
    found = next((one for one in world.repositories if one.full_name == name), None)
    milestone = world.add_milestone(
        found or world.add_repository(name, at=birth),
        row["title"],
        at=datetime.fromisoformat(row["created_at"]),
        due_on=_instant(row["due_on"]),
        description=row["description"],
        number=row["number"],
        id=row["id"],
        node_id=row["node_id"],
    )
    closed = _instant(row["closed_at"])
    if closed is not None:
        world.close_milestone(milestone, at=closed)
    return milestone


def _add_item(world: GithubWorld, milestone: Milestone, row: dict[str, Any], joined: datetime) -> None:
    add = world.add_pull_request if "pull_request" in row else world.add_issue
    item = add(
        milestone.repository,
        row["title"],
        at=datetime.fromisoformat(row["created_at"]),
        labels=[label["name"] for label in row["labels"]],
        number=row["number"],
        id=row["id"],
        node_id=row["node_id"],
    )
    merged = _instant(row.get("pull_request", {}).get("merged_at"))
    closed = _instant(row["closed_at"])
    if merged is not None:
        world.merge(item, at=merged)
    elif closed is not None:
        world.close(item, row["state_reason"] or "completed", at=closed)
    world.set_milestone(item, milestone, at=max(joined, item.created_at))
