"""Builds the trackers of the example company from `work.txt`: what was opened, started and finished on which day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from okr_sync.sandbox.jira_world import JiraWorld
from okr_sync.sandbox.repositories import GithubWorld, Milestone, Repository

FIRST_DAY = datetime(2026, 10, 1, tzinfo=UTC)
EARLIEST = FIRST_DAY - timedelta(days=60)  # everything else is younger than projects and repositories


@dataclass(frozen=True, slots=True)
class Work:
    """One line of the file; days count from the first day of the quarter."""

    title: str
    labels: tuple[str, ...]
    points: float | None
    opened: int
    started: int | None
    ended: int | None
    dropped: bool
    pull_request: bool


@dataclass(frozen=True, slots=True)
class Place:
    """An epic ("MED-1", title) or a milestone ("owner/name", title) with its work; `due` and `closed` are days."""

    name: str
    title: str
    work: tuple[Work, ...]
    due: int | None = None
    closed: int | None = None


def places() -> tuple[Place, ...]:
    """Return all epics and milestones of the example, in the order of the file."""
    text = (files("okr_sync.demo") / "work.txt").read_text("utf-8")
    return tuple(_places(text))


def build_jira(described: tuple[Place, ...]) -> JiraWorld:
    """Return the Jira site of the example: epics first, so that their keys are those that the config names."""
    world = JiraWorld()
    epics = [place for place in described if "/" not in place.name]
    for project in dict.fromkeys(place.name.split("-")[0] for place in epics):
        world.add_project(project)
    made = [world.add_epic(place.name.split("-")[0], place.title, at=EARLIEST, key=place.name) for place in epics]
    for epic, place in zip(made, epics, strict=True):
        for work in place.work:
            issue = world.add_issue(
                place.name.split("-")[0],
                work.title,
                at=_instant(work.opened),
                parent=epic,
                points=work.points,
                labels=work.labels,
            )
            if work.started is not None:
                world.move(issue, "In Progress", at=_instant(work.started))
            if work.ended is not None:
                world.move(issue, "Done", at=_instant(work.ended), resolution="Won't Do" if work.dropped else "Done")
    return world


def build_github(described: tuple[Place, ...]) -> GithubWorld:
    """Return the GitHub host of the example."""
    world = GithubWorld()
    repositories: dict[str, Repository] = {}
    for place in described:
        if "/" in place.name:
            repository = repositories.get(place.name) or world.add_repository(place.name, at=EARLIEST)
            repositories[place.name] = repository
            due = None if place.due is None else _instant(place.due)
            milestone = world.add_milestone(repository, place.title, at=EARLIEST, due_on=due)
            if place.closed is not None:
                world.close_milestone(milestone, at=_instant(place.closed) + timedelta(hours=1))
            for work in place.work:
                _add_item(world, repository, milestone, work)
    return world


def _add_item(world: GithubWorld, repository: Repository, milestone: Milestone, work: Work) -> None:
    add = world.add_pull_request if work.pull_request else world.add_issue
    item = add(repository, work.title, at=_instant(work.opened), milestone=milestone)
    if work.ended is None:
        return
    if work.pull_request:
        world.merge(item, at=_instant(work.ended))
    else:
        world.close(item, "not_planned" if work.dropped else "completed", at=_instant(work.ended))


def _instant(day: int) -> datetime:
    """Mid-morning of a day of the quarter."""
    return FIRST_DAY + timedelta(days=day, hours=9)


def _places(text: str) -> Iterator[Place]:
    for block in re.split(r"^= ", text, flags=re.MULTILINE)[1:]:
        head, *lines = [line for line in block.splitlines() if line.strip()]
        name, title = head.split(": ", 1) if "/" in head.split()[0] else head.split(" ", 1)
        title, *days = [cell.strip() for cell in title.split("|")]
        known = {word: int(day) for word, day in (cell.split() for cell in days)}
        yield Place(name, title, tuple(_work(line) for line in lines), known.get("due"), known.get("closed"))


def _work(line: str) -> Work:
    title, points, opened, started, ended, how, *rest = [cell.strip() for cell in line.split("|")]
    labels = tuple(re.findall(r"\[(.+?)\]", title))
    return Work(
        re.sub(r"\s*\[.+?\]", "", title),
        labels,
        _number(points),
        int(opened),
        _day(started),
        _day(ended),
        dropped=how == "dropped",
        pull_request=rest == ["pr"],
    )


def _number(cell: str) -> float | None:
    return None if cell == "-" else float(cell)


def _day(cell: str) -> int | None:
    return None if cell == "-" else int(cell)
