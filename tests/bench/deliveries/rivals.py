"""`python -m tests.bench.deliveries.rivals NAME PLAN`: what people would write instead of this program.

`loop`: the libraries `jira` and `PyGithub` as their documentation shows them, a search an epic, a request a milestone.
`threads`: by someone who cares: many epics or milestones a question, few fields, pages of 100, 10 threads.
Prints how many items it saw and how many of them are done as JSON, and the seconds that asking took, without the start.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from github import Auth, Github
from jira import JIRA

from tests.bench.deliveries.playing import EMAIL, GITHUB_TOKEN, TOKEN

T = TypeVar("T")

NAMES = ("loop", "threads")
THREADS = 10
TOGETHER = 50  # epics in one question of those who care

Counts: TypeAlias = tuple[int, int]
"""Items, and those that are done."""


def main() -> None:
    """Do it and print."""
    name, plan = sys.argv[1:]
    told = json.loads(Path(plan).read_text("utf-8"))
    began = time.perf_counter()
    counts = RIVALS[told["tracker"] == "github", name](told)
    items, done = (sum(each) for each in zip(*counts, strict=True))
    sys.stdout.write(json.dumps({"items": items, "done": done, "seconds": time.perf_counter() - began}))


def sample(places: Sequence[T], most: int, key: Callable[[T], Any]) -> list[T]:
    """Return about `most` of these places, spread evenly, those of one `key` together; all where there are no more."""
    groups: dict[Any, list[T]] = {}
    for place in places:
        groups.setdefault(key(place), []).append(place)
    step = max(1.0, len(places) / most)
    chosen = {int(number * step) for number in range(len(groups))}
    return [place for number, group in enumerate(groups.values()) if number in chosen for place in group]


def _jira(told: Any) -> JIRA:
    if told["tracker"] == "jira-cloud":
        return JIRA(told["url"], basic_auth=(EMAIL, TOKEN))
    return JIRA(told["url"], token_auth=TOKEN)


def _jira_loop(told: Any) -> list[Counts]:
    client = _jira(told)
    word = "parent" if told["tracker"] == "jira-cloud" else '"Epic Link"'
    return [_of_issues(client.search_issues(f"{word} = {place['key']}", maxResults=False)) for place in told["places"]]


def _jira_threads(told: Any) -> list[Counts]:
    word = "parent" if told["tracker"] == "jira-cloud" else '"Epic Link"'
    clients = threading.local()

    def ask(keys: Sequence[str]) -> Counts:
        if not hasattr(clients, "one"):
            clients.one = _jira(told)
        found = clients.one.search_issues(
            f"{word} in ({', '.join(keys)})", maxResults=False, fields="status,resolution"
        )
        return _of_issues(found)

    keys = [place["key"] for place in told["places"]]
    return _side_by_side(ask, [keys[start : start + TOGETHER] for start in range(0, len(keys), TOGETHER)])


def _of_issues(issues: Iterable[Any]) -> Counts:
    done = [issue.fields.status.statusCategory.key == "done" for issue in issues]
    return len(done), sum(done)


def _github_loop(told: Any) -> list[Counts]:
    client = Github(base_url=told["url"], auth=Auth.Token(GITHUB_TOKEN))
    counts = []
    for place in told["places"]:
        repository = client.get_repo(place["key"])
        milestone = repository.get_milestone(place["number"])
        counts.append(_of_items(repository.get_issues(milestone=milestone, state="all")))
    return counts


def _github_threads(told: Any) -> list[Counts]:
    clients = threading.local()

    def ask(name: str) -> Counts:
        if not hasattr(clients, "one"):
            auth = Auth.Token(GITHUB_TOKEN)
            clients.one = Github(
                base_url=told["url"], auth=auth, per_page=100, seconds_between_requests=0, lazy=True, pool_size=1
            )
        return _of_items(clients.one.get_repo(name).get_issues(milestone="*", state="all"))

    return _side_by_side(ask, list(dict.fromkeys(place["key"] for place in told["places"])))


def _of_items(items: Iterable[Any]) -> Counts:
    done = [item.state == "closed" and item.state_reason == "completed" for item in items]
    return len(done), sum(done)


def _side_by_side(ask: Callable[[Any], Counts], questions: Sequence[Any]) -> list[Counts]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(ask, questions))


RIVALS: dict[tuple[bool, str], Callable[[Any], list[Counts]]] = {
    (False, "loop"): _jira_loop,
    (False, "threads"): _jira_threads,
    (True, "loop"): _github_loop,
    (True, "threads"): _github_threads,
}
"""By whether the tracker is GitHub, and the name."""


if __name__ == "__main__":
    main()
