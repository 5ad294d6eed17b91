"""Turns what happened to GitHub issues and pull requests into transitions of their work items; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from connectors.github_fields import Fields
from connectors.transitions import Row, told
from okr_sync.connector import Transition, WorkItem

Happened: TypeAlias = Literal[
    "closed",
    "demilestoned",
    "merged",
    "milestoned",
    "parent_issue_added",
    "parent_issue_removed",
    "reopened",
    "transferred",
]
HAPPENED: tuple[Happened, ...] = get_args(Happened)
"""The events that count."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of an item; `value` is the reason of closing, the milestone's title of that day, or a parent's id."""

    at: datetime
    kind: Happened
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A milestone as it is now."""

    id: str
    title: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """All that happened to an item in its repository (owner/name), oldest first, and the milestone that holds it."""

    item: str
    repo: str
    happenings: tuple[Happening, ...]
    holder: Holder | None

    def since_arrival(self) -> tuple[Happening, ...]:
        """Return what happened in this repository: before a transfer the issue was another one elsewhere."""
        moved = [place for place, each in enumerate(self.happenings, 1) if each.kind == "transferred"]
        return self.happenings[moved[-1] :] if moved else self.happenings


class Titles:
    """Which milestone a title of some day means. Events name the title only, and milestones are renamed; but an item
    that a milestone still holds tells what its title was when it came in.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[tuple[datetime | None, Holder]]] = defaultdict(list)

    def learn(self, story: Story) -> None:
        """Take what an item tells of the milestone that holds it."""
        if story.holder is None:
            return
        self.add(story.repo, story.holder)
        came = [each for each in story.since_arrival() if each.kind == "milestoned" and each.value]
        if came:
            self._known[story.repo, str(came[-1].value)].append((came[-1].at, story.holder))

    def add(self, repo: str, holder: Holder) -> None:
        """Take a milestone by its present title."""
        if (None, holder) not in self._known[repo, holder.title]:
            self._known[repo, holder.title].append((None, holder))

    def find(self, repo: str, title: str, at: datetime) -> str | None:
        """Return the id of the milestone that had this title at `at`; None for one that nobody tells of.

        Of several, the one whose items tell of the title at the nearest instant; then one that has the title now.
        """
        told = [each for each in self._known.get((repo, title), ()) if each[1].created <= at]
        dated = [(abs(time - at), holder.id) for time, holder in told if time is not None]
        if dated:
            return min(dated)[1]
        return told[0][1].id if told else None

    def unknown(self, stories: Iterable[Story]) -> set[str]:
        """Return the repositories in which titles occur that nobody tells of."""
        return {
            story.repo
            for story in stories
            for each in story.since_arrival()
            if each.kind.endswith("milestoned") and self.find(story.repo, str(each.value), each.at) is None
        }


def read_event(raw: Fields, kind: Happened, time: str) -> Happening:
    """Return an event; `time` is the name of its instant's field. Raises ProtocolError for a hole."""
    at = raw.moment(time)
    if kind.endswith("milestoned"):
        title = raw.text("milestoneTitle") if raw.has("milestoneTitle") else raw.inner("milestone").text("title")
        return Happening(at, kind, title)
    if kind.startswith("parent"):
        return Happening(at, kind, raw.inner("parent").text("id") if raw.has("parent") else None)
    reason = "stateReason" if time == "createdAt" else "state_reason"
    return Happening(at, kind, raw.text(reason).lower() if kind == "closed" and raw.has(reason) else None)


def read_transitions(item: WorkItem, story: Story, titles: Titles) -> list[Transition]:
    """Return the transitions of an item, oldest first.

    An issue closed without a reason was completed. The last reason is the item's own: it may have been corrected.
    """
    endings = list(_endings(item, story.happenings))
    changes = told(item.id, "state", ((at, _state(before), _state(after)) for at, before, after in endings))
    changes += told(item.id, "resolution", ((at, before or None, after or None) for at, before, after in endings))
    changes += told(item.id, "container", _containers(story, titles))
    changes += told(item.id, "parent", _parents(story.since_arrival()))
    return sorted(changes, key=lambda each: each.at)


def _state(ending: str | None) -> str:
    return "open" if ending is None else "done"


def _endings(item: WorkItem, happenings: Sequence[Happening]) -> Iterator[Row]:
    """Yield how the item ended, time and again: None while it is open, "" for no reason at all."""
    last = next((each for each in reversed(happenings) if each.kind in ("closed", "reopened")), None)
    ending: str | None = None
    for each in happenings:
        after = ending
        if each.kind in ("reopened", "merged"):
            after = None if each.kind == "reopened" else "merged"
        elif each.kind == "closed" and ending != "merged":  # a merge closes too
            reason = each.value or ("unmerged" if item.kind == "pull_request" else "completed")
            after = item.resolution or "" if each is last and item.state == "done" else reason
        yield each.at, ending, after
        ending = after


def _parents(happenings: Sequence[Happening]) -> Iterator[Row]:
    """Yield whose sub-issue the item was. Another parent is out of the first one in the same instant."""
    held: str | None = None
    for each in happenings:
        if each.kind == "parent_issue_removed" and held in (None, each.value):
            yield each.at, each.value, None
            held = None
        elif each.kind == "parent_issue_added":
            yield each.at, held, each.value
            held = each.value


def _containers(story: Story, titles: Titles) -> Iterator[Row]:
    """Yield which milestone held the item. Into another one means out of the first, in one instant, in either order."""
    instants: dict[datetime, Counter[str]] = defaultdict(Counter)
    for each in story.since_arrival():
        if each.kind.endswith("milestoned"):
            instants[each.at][str(each.value)] += 1 if each.kind == "milestoned" else -1
    held: str | None = None
    for at, counts in instants.items():
        came = [titles.find(story.repo, title, at) for title, count in counts.items() if count > 0]
        left = [titles.find(story.repo, title, at) for title, count in counts.items() if count < 0]
        if not came and held and left and left[0] not in (held, None):
            continue  # it left a milestone that had been exchanged before
        before, held = (left[0] or held if left else held), (came[-1] if came else None)
        yield at, before, held
