"""Loads issues dumped from a real Jira, one JSON file an issue, into a world."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from okr_sync.sandbox.jira_world import Issue, JiraWorld


def load_archive(folder: Path) -> JiraWorld:
    """Return the world of all issues below `folder`; raises ValueError when there are none.

    A dump has no change log: issues are born "Open" and reach their state at `resolutiondate`, else at `updated`. The
    parent is `fields.parent` or the agile `fields.epic`; one that is not in the dump stays a stranger.
    """
    dumps = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.rglob("*.json"))]
    if not dumps:
        raise ValueError(f"no issues below {folder}; it needs JSON files with id, key and fields")
    world = JiraWorld()
    for dump in dumps:
        _add_catalogue(world, dump["fields"])
    for dump in sorted(dumps, key=lambda each: _depth(each["fields"])):
        _add_issue(world, dump)
    return world


def _depth(fields: dict[str, Any]) -> int:
    if fields["issuetype"]["subtask"]:
        return 2
    return 0 if fields["issuetype"]["name"] == "Epic" else 1


def _add_catalogue(world: JiraWorld, fields: dict[str, Any]) -> None:
    project, status, kind, resolution = (fields[name] for name in ("project", "status", "issuetype", "resolution"))
    if project["key"] not in world.projects:
        world.add_project(project["key"], project["name"], id=project["id"])
    if status["name"] not in {each.name for each in world.statuses}:
        world.add_status(status["name"], status["statusCategory"]["key"], id=status["id"])
    if kind["name"] not in {each.name for each in world.types}:
        world.add_issue_type(kind["name"], -1 if kind["subtask"] else 0, id=kind["id"])
    if resolution and resolution["name"] not in {each.name for each in world.resolutions}:
        world.add_resolution(resolution["name"])
    for version in fields.get("fixVersions", []):
        released = date.fromisoformat(version["releaseDate"]) if version.get("releaseDate") else None
        world.add_version(version["name"], released=version["released"], release_date=released)


def _add_issue(world: JiraWorld, dump: dict[str, Any]) -> None:
    fields = dump["fields"]
    issue = world.add_issue(
        fields["project"]["key"],
        fields["summary"],
        at=datetime.fromisoformat(fields["created"]),
        parent=_parent(world, fields),
        type=fields["issuetype"]["name"],
        status="Open",
        labels=tuple(fields["labels"]),
        fix_versions=tuple(version["name"] for version in fields.get("fixVersions", [])),
        key=dump["key"],
        id=dump["id"],
    )
    _bring_to_state(world, issue, fields)


def _parent(world: JiraWorld, fields: dict[str, Any]) -> str | None:
    above = fields.get("parent") or fields.get("epic")
    if not above:
        return None
    id_ = str(above["id"])
    return id_ if id_ in world.issues else world.add_stranger(id_, above["key"])


def _bring_to_state(world: JiraWorld, issue: Issue, fields: dict[str, Any]) -> None:
    updated = datetime.fromisoformat(fields["updated"])
    resolution = fields["resolution"]["name"] if fields["resolution"] else None
    settled = datetime.fromisoformat(fields["resolutiondate"]) if resolution else updated
    if resolution or fields["status"]["name"] != "Open":
        world.move(issue, fields["status"]["name"], at=settled, resolution=resolution)
    world.touch(issue, at=updated)
