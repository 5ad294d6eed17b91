"""What a user writes about a scope of GitHub, and which milestones it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Self

from pydantic import Field, StrictInt, StrictStr, model_validator

from connectors.github_items import Milestone
from okr_sync.connector import Miss, Query


class MilestoneQuery(Query):
    """Milestones by number (in each repository) or by title (wherever one of that title is); their items are pooled."""

    repo: StrictStr | None = Field(None, description="one repository, as owner/name")
    repos: tuple[StrictStr, ...] = Field((), description="or several of them")
    milestone: StrictInt | StrictStr | None = Field(None, description="one milestone, by number or title")
    milestones: tuple[StrictInt | StrictStr, ...] = Field((), description="or several of them")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.repo) == bool(self.repos):
            raise ValueError("give `repos: [owner/name, …]`, or `repo:` for a single one")
        if (self.milestone is not None) == bool(self.milestones):
            raise ValueError("give `milestone:` as a number or a title, or a list of them as `milestones:`")
        for name in self.names:
            if not re.fullmatch(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+", name) or name.endswith(("/.", "/..")):
                raise ValueError(f"{name!r} is not a repository; write owner/name")
        for each in self.wanted:
            if (each.strip() == "") if isinstance(each, str) else (each < 1):
                raise ValueError(f"{each!r} is neither the number nor the title of a milestone")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Return the repositories, each once."""
        return tuple(dict.fromkeys((self.repo,) if self.repo else self.repos))

    @property
    def wanted(self) -> tuple[int | str, ...]:
        """Return the numbers and titles."""
        return self.milestones if self.milestone is None else (self.milestone,)

    def names_still(self, milestone: Milestone) -> bool:
        """Return whether a milestone that was named once has the number or, letter case aside, the title yet."""
        titles = {each.casefold() for each in self.wanted if isinstance(each, str)}
        return milestone.number in self.wanted or milestone.container.title.casefold() in titles


def resolve(query: MilestoneQuery, listed: Mapping[str, list[Milestone] | Miss]) -> tuple[Milestone, ...] | Miss:
    """Return the milestones that a query names, or why it can't be told which they are."""
    seen: dict[str, list[Milestone]] = {}
    lost: list[Miss] = []
    for name in query.names:
        rows = listed[name]
        if isinstance(rows, Miss):
            lost.append(rows)
        else:
            seen[name] = rows
    if lost:
        return Miss(lost[0].why, "; ".join(miss.message for miss in lost))
    found: list[Milestone] = []
    for wanted in query.wanted:
        some = _by_number(wanted, seen) if isinstance(wanted, int) else _by_title(wanted, seen)
        if isinstance(some, Miss):
            return some
        found += some
    return tuple({each.container.id: each for each in found}.values())


def _by_number(number: int, seen: Mapping[str, list[Milestone]]) -> list[Milestone] | Miss:
    found = []
    for repo, rows in seen.items():
        hit = next((each for each in rows if each.number == number), None)
        if hit is None:
            numbers = sorted((each.number for each in rows), key=lambda other: abs(other - number))
            near = f"; its nearest are {', '.join(map(str, numbers[:3]))}" if numbers else "; it has none at all"
            return Miss("not_found", f"{repo} has no milestone {number}{near}")
        found.append(hit)
    return found


def _by_title(title: str, seen: Mapping[str, list[Milestone]]) -> list[Milestone] | Miss:
    found = [each for rows in seen.values() for each in _titled(title, rows)]
    if found:
        return found
    titles = {each.container.title.casefold(): each.container.title for rows in seen.values() for each in rows}
    near = get_close_matches(title.casefold(), titles, n=1)
    hint = f"; did you mean {titles[near[0]]!r}?" if near else _some(titles.values())
    return Miss("not_found", f"no milestone {title!r} in {', '.join(seen)}{hint}")


def _titled(title: str, rows: Sequence[Milestone]) -> list[Milestone]:
    exact = [each for each in rows if each.container.title == title]
    return exact or [each for each in rows if each.container.title.casefold() == title.casefold()]


def _some(titles: Iterable[str]) -> str:
    first = ", ".join(map(repr, sorted(titles)[:3]))
    return f"; there are {first}" if first else "; there are none at all"
