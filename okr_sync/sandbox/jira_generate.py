"""Makes up a Jira world of any size, always the same one for the same seed."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from okr_sync.sandbox.jira_world import Issue, JiraWorld, Points

PAST = timedelta(days=180)
"""How long before `now` the history begins."""
_VERBS = ("Add", "Repair", "Measure", "Simplify", "Document", "Speed up", "Translate", "Secure", "Test", "Retire")
_NOUNS = ("prescription upload", "refill reminder", "login", "stock search", "invoice", "chat", "dosage chart", "map")
_HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x")',
    "\x1b[31mred",
    "a | b\n# c",
    "Zoë’s 药房 💊",
    "*_`x`_*",
)
_POINTS: tuple[Points, ...] = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 0.5)
_DROPS = ("Won't Do", "Duplicate", "Cannot Reproduce")


def generate_jira(seed: int, projects: int, epics: int, issues_per_epic: int, now: datetime) -> JiraWorld:
    """Return `projects` projects P1…, `epics` epics spread over them with `issues_per_epic` issues each, and some
    sub-tasks, which come on top.

    The issues of an epic lie in several projects. About half are done, one in twelve is dropped; some are reopened,
    done without a resolution, moved, re-parented or deleted; points may be missing, 0, -1 or text. All of it happened
    in the `PAST` before `now`, except for a few changes in the hour after it.
    """
    if projects < 1:
        raise ValueError(f"{projects} projects can't hold anything; ask for at least 1")
    made = _Maker(Random(seed), JiraWorld(), now)  # noqa: S311 -- made up on purpose
    for number in range(1, projects + 1):
        made.world.add_project(f"P{number}", f"Project {number}", managed="team" if number % 3 == 0 else "company")
    above = [made.epic(f"P{number % projects + 1}", number) for number in range(epics)]
    for epic in above:
        for number in range(issues_per_epic):
            made.issue(epic, above, number)
    return made.world


class _Maker:
    """Draws from one stream of random numbers, in one order."""

    def __init__(self, random: Random, world: JiraWorld, now: datetime) -> None:
        self.random = random
        self.world = world
        self.now = now
        self.start = now - PAST

    def epic(self, project: str, number: int) -> Issue:
        kind = "长篇故事" if number % 11 == 10 else "Epic"
        due = (self.now + timedelta(days=self.random.randint(-30, 90))).date() if self.random.random() < 0.7 else None
        epic = self.world.add_epic(
            project, f"{self._title()} ({number + 1})", at=self._after(self.start, 20), type=kind, due=due
        )
        if self.random.random() < 0.4:
            self.world.move(epic, "In Progress", at=self._after(epic.created, 30))
        if self.random.random() < 0.1:
            self.world.move(epic, "Done", at=self._after(epic.changes[-1].at, 90), resolution="Done")
        return epic

    def issue(self, epic: Issue, above: list[Issue], number: int) -> None:
        project = epic.key.rpartition("-")[0] if number % 5 else self.random.choice(list(self.world.projects))
        issue = self.world.add_issue(
            project,
            self._title(),
            at=self._after(epic.created, 100),
            parent=epic,
            type=self.random.choice(("Story", "Story", "Task", "Bug")),
            points=self._points(),
            labels=("customer",) if self.random.random() < 0.15 else (),
        )
        self._live(issue)
        tasks = self._subtasks(issue) if self.random.random() < 0.12 else []
        self._disturb(issue, above, max(each.changes[-1].at for each in (issue, *tasks)))

    def _live(self, issue: Issue) -> None:
        fate = self.random.random()
        if fate < 0.3:
            return
        started = self._after(issue.created, 30)
        self.world.move(issue, "进行中" if fate < 0.34 else "In Progress", at=started)
        if fate < 0.45:
            return
        ended = self._after(started, 40)
        if fate < 0.53:
            self.world.move(issue, "Closed", at=ended, resolution=self.random.choice(_DROPS))
        elif fate < 0.55:
            self.world.move(issue, "已完成", at=ended, resolution="完成")
        else:
            self.world.move(issue, "Done", at=ended, resolution="Done" if fate < 0.9 else None)
        if fate > 0.97:
            self.world.move(issue, "In Progress", at=self._after(ended, 20))

    def _subtasks(self, issue: Issue) -> list[Issue]:
        tasks = []
        for number in range(self.random.randint(1, 3)):
            task = self.world.add_subtask(issue, f"Part {number + 1}", at=self._after(issue.created, 20))
            if self.random.random() < 0.5:
                self.world.move(task, "Done", at=self._after(task.created, 30), resolution="Done")
            tasks.append(task)
        return tasks

    def _disturb(self, issue: Issue, above: list[Issue], last: datetime) -> None:
        fate = self.random.random()
        if fate < 0.01:
            self.world.change_project(issue, self.random.choice(list(self.world.projects)), at=self._after(last, 10))
        elif fate < 0.02:
            self.world.reparent(issue, self.random.choice(above), at=self._after(last, 10))
        elif fate < 0.03:
            self.world.delete(issue, at=self._after(last, 10))
        elif fate < 0.035:
            self.world.touch(issue, at=self.now + timedelta(minutes=self.random.randint(1, 60)))

    def _after(self, start: datetime, days: int) -> datetime:
        """Return an instant up to `days` after `start`, not after now unless `start` is."""
        left = min(timedelta(days=days), max(self.now - start, timedelta(0)))
        return start + timedelta(seconds=int(self.random.random() * left.total_seconds()))

    def _points(self) -> Points:
        fate = self.random.random()
        rare: tuple[tuple[float, Points], ...] = ((0.2, None), (0.24, 0.0), (0.25, -1.0), (0.26, "5"))
        return next((points for limit, points in rare if fate < limit), self.random.choice(_POINTS))

    def _title(self) -> str:
        if self.random.random() < 0.01:
            return self.random.choice(_HOSTILE)
        return f"{self.random.choice(_VERBS)} {self.random.choice(_NOUNS)}"
