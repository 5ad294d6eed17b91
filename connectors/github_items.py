"""Maps GitHub's milestones, issues and pull requests, from REST or GraphQL, to okr-sync's facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.github_fields import Fields
from okr_sync.connector import Container, ItemState, Miss, ProtocolError, TransientError, WorkItem

_COUNTS = ("issues_all", "pulls_all", "issues_closed", "pulls_closed")


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone as listed; `mark` changes whenever its items do, `total` counts them when the list says so."""

    container: Container
    number: int
    mark: str
    created: datetime
    total: int | None = None

    @property
    def repo(self) -> str:
        """Return owner/name as of now, whatever the repository was called when it was asked for."""
        return repository_of(self.container.url)


@dataclass(frozen=True, slots=True)
class Contents:
    """A milestone with its items; `whole`: as many came as the milestone says to have."""

    milestone: Milestone
    items: tuple[WorkItem, ...]
    whole: bool


def milestone_of_graphql(raw: Any) -> Milestone:
    """Return a milestone from a GraphQL node; `total` and `mark` count only where the query asked for counts."""
    fields = Fields(raw, "milestone")
    counts = [fields.inner(name).number("totalCount") for name in _COUNTS if fields.has(name)]
    mark = " ".join([fields.text("updatedAt"), *map(str, counts)])
    total = counts[0] + counts[1] if counts else None
    container = _container(fields, fields.text("id"), fields.text("url"), ("dueOn", "closedAt"))
    return Milestone(container, fields.number("number"), mark, fields.moment("createdAt"), total)


def milestone_of_rest(raw: Any) -> Milestone:
    """Return a milestone from a row of REST's list."""
    fields = Fields(raw, "milestone")
    opened, closed = fields.number("open_issues"), fields.number("closed_issues")
    container = _container(fields, fields.text("node_id"), fields.text("html_url"), ("due_on", "closed_at"))
    mark = f"{fields.text('updated_at')} {opened} {closed}"
    return Milestone(container, fields.number("number"), mark, fields.moment("created_at"), opened + closed)


def item_of_graphql(raw: Any, project: int | None = None) -> WorkItem:
    """Return the work item of a GraphQL Issue or PullRequest node; its points are those of `project`, else of any."""
    fields = Fields(raw, "issue or pull request")
    is_pull = fields.text("__typename") == "PullRequest"
    labels = [Fields(each, "label").text("name") for each in _labels(fields)]
    return WorkItem(
        id=fields.text("id"),
        key=f"{repository_of(fields.text('url'))}#{fields.number('number')}",
        title=fields.text("title"),
        url=fields.text("url"),
        created=fields.moment("createdAt"),
        done_at=fields.maybe_moment("closedAt"),
        updated=fields.moment("updatedAt"),
        **_ending(
            fields,
            is_closed=fields.flag("closed"),
            merged=fields.flag("merged") if is_pull else None,
            reason="stateReason",
        ),
        parent=fields.inner("parent").text("id") if fields.has("parent") else None,
        points=_points(raw, project),
        labels=tuple(sorted(labels)),
    )


def item_of_rest(raw: Any) -> WorkItem:
    """Return the work item of a REST issue; pull requests are those with the key `pull_request`."""
    fields = Fields(raw, "issue or pull request")
    merged = fields.inner("pull_request").has("merged_at") if fields.has("pull_request") else None
    labels = [Fields(each, "label").text("name") for each in fields.rows("labels")]
    return WorkItem(
        id=fields.text("node_id"),
        key=f"{repository_of(fields.text('html_url'))}#{fields.number('number')}",
        title=fields.text("title"),
        url=fields.text("html_url"),
        created=fields.moment("created_at"),
        done_at=fields.maybe_moment("closed_at"),
        updated=fields.moment("updated_at"),
        **_ending(fields, is_closed=_state(fields) == "done", merged=merged, reason="state_reason"),
        labels=tuple(sorted(labels)),
    )


def numbers_of(raw: Any, only: int | None) -> Iterator[tuple[str, int, float]]:
    """Yield the id and number of each project that has a number for an item, `only` of this one, and what it is."""
    fields = Fields(raw, "issue or pull request")
    rows = fields.inner("projectItems").rows("nodes") if fields.has("projectItems") else ()
    for row in filter(None, rows):  # null: of a project that can't be seen
        item = Fields(row, "item of a project")
        value = item.inner("fieldValueByName").maybe_value("number") if item.has("fieldValueByName") else None
        if value is not None:
            project = item.inner("project")
            if only in (None, project.number("number")):
                yield project.text("id"), project.number("number"), value


def _points(raw: Any, only: int | None) -> float | None:
    """Return the number that projects have for an item; None where none has one ≥ 0, or they contradict each other."""
    known = {value for _, _, value in numbers_of(raw, only) if value >= 0}
    return known.pop() if len(known) == 1 else None


def _labels(fields: Fields) -> list[Any]:
    return fields.inner("labels").rows("nodes") if fields.has("labels") else []


ENDINGS = ("completed", "not_planned", "duplicate", "merged", "unmerged")
"""All resolutions."""


def _ending(fields: Fields, *, is_closed: bool, merged: bool | None, reason: str) -> dict[str, Any]:
    """Return kind, state and resolution; `merged` is None for issues, whose field `reason` says how they ended."""
    resolution = None
    if is_closed and merged is not None:
        resolution = "merged" if merged else "unmerged"
    elif is_closed and fields.has(reason):
        resolution = fields.text(reason).lower()
    kind = "issue" if merged is None else "pull_request"
    return {"kind": kind, "state": "done" if is_closed else "open", "resolution": resolution}


def _state(fields: Fields) -> ItemState:
    word = fields.text("state").lower()
    if word not in ("open", "closed"):
        raise ProtocolError(f"GitHub's answer has a state that is not known: {word[:40]!r}")
    return "open" if word == "open" else "done"


def _container(fields: Fields, node_id: str, url: str, names: tuple[str, str]) -> Container:
    """Return the container; of the due time only the date counts, its hour is arbitrary."""
    due = fields.maybe_moment(names[0])
    return Container(
        id=node_id,
        key=f"{repository_of(url)} milestone {fields.number('number')}",
        title=fields.text("title"),
        url=url,
        kind="milestone",
        state=_state(fields),
        due=due.date() if due else None,
        done_at=fields.maybe_moment(names[1]),
    )


def contents(milestone: Milestone, rows: Iterable[tuple[WorkItem, bool]]) -> Contents:
    """Return the milestone with those of its items that count, each once; some may have left while they were read.
    `rows`: all its items, and whether they count. Raises TransientError when a page came in place of another: oldest
    first, no change puts an item on two pages.
    """
    listed = list(rows)
    distinct = {item.id: (item, counts) for item, counts in listed}
    if len(distinct) < len(listed) and len(distinct) != milestone.total:
        said = f"a page of {milestone.container.key} came twice, and another one not at all"
        raise TransientError(said, fix="nothing to do unless it lasts: the next run asks again")
    counted = tuple(item for item, counts in distinct.values() if counts)
    return Contents(milestone, counted, whole=len(distinct) == milestone.total)


def deleted_meanwhile() -> TransientError:
    """Return the failure of reading a milestone that was there when the pull began."""
    return TransientError("a GitHub milestone was deleted while it was read", fix="the next sync leaves it out")


def odd(milestone: Milestone) -> Miss:
    """Return the Miss of a milestone that says to have more or fewer items than GitHub lists."""
    said = (
        f"GitHub lists other items of {milestone.container.key} than the {milestone.total} that it counts, twice in a "
        "row; the next run reads it again: if this lasts, compare both at GitHub"
    )
    return Miss("unreachable", said)


def unseen(repo: str, *, denied: bool = False) -> Miss:
    """Return the Miss of a repository that GitHub does not show."""
    if denied:
        return Miss("denied", f"the token may not read {repo}; grant it access to issues and pull requests")
    return Miss("not_found", f"repository {repo} not found, or the token may not see it; check its name and the token")


def repository_of(url: str) -> str:
    """Return owner/name out of a page's address, https://HOST/owner/name/… as it is."""
    parts = urlsplit(url).path.split("/")
    if len(parts) < 4 or not all(parts[1:3]):
        raise ProtocolError(f"GitHub's answer has an address without a repository: {url[:200]}")
    return f"{parts[1]}/{parts[2]}"
