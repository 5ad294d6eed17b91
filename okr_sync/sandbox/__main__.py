"""`python -m okr_sync.sandbox`: serves made-up Jira and GitHub sites on this machine until it is told to stop."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from threading import Event

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import generate_github
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.server import Server, Site


def options(arguments: Sequence[str]) -> Namespace:
    """Return the options; exits with 2 and the usage when they can't be read."""
    known = Credentials()
    parser = ArgumentParser(
        "python -m okr_sync.sandbox",
        formatter_class=ArgumentDefaultsHelpFormatter,
        description="Serves made-up sites on 127.0.0.1 and prints one JSON line: the name of each and its URL. "
        f"Jira Cloud lets in {known.email} with the token {known.token}, Data Center that token as a bearer, GitHub "
        "the token sandbox-token.",
    )
    parser.add_argument("--jira", choices=["cloud", "dc"], help="play Jira, in this flavour")
    parser.add_argument("--projects", type=int, default=10, help="projects of Jira")
    parser.add_argument("--epics", type=int, default=20, help="epics of Jira")
    parser.add_argument("--issues", type=int, default=20, help="issues of each epic")
    parser.add_argument("--page-limit", type=int, default=None, help="issues on a page of Jira: 100, or 1000 with dc")
    parser.add_argument("--github", choices=["com", "enterprise"], help="play GitHub, in this flavour")
    parser.add_argument("--repositories", type=int, default=5, help="repositories of GitHub")
    parser.add_argument("--milestones", type=int, default=10, help="milestones of GitHub")
    parser.add_argument("--items", type=int, default=20, help="issues and pull requests of each milestone")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes up the same worlds")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--port", type=int, default=0, help="port of the first site, the next one has the next; 0: any")
    chosen = parser.parse_args(arguments)
    if chosen.jira is None and chosen.github is None:
        parser.error("nothing to serve: give --jira, --github or both")
    return chosen


def sites(options: Namespace, clock: Callable[[], datetime]) -> dict[str, Site]:
    """Return the sites asked for, by name; their history ends at `clock()`."""
    found: dict[str, Site] = {}
    if options.jira is not None:
        world = generate_jira(options.seed, options.projects, options.epics, options.issues, clock())
        found["jira"] = JiraSite(world, clock, options.jira, page_limit=options.page_limit)
    if options.github is not None:
        repositories = generate_github(
            options.seed,
            repositories=options.repositories,
            milestones=options.milestones,
            items_per_milestone=options.items,
            now=clock(),
        )
        found["github"] = GithubSite(repositories, clock, enterprise=options.github == "enterprise")
    return found


def serve(chosen: Namespace, clock: Callable[[], datetime], stop: Event) -> None:
    """Serve the sites until `stop` is set; prints their URLs as one line of JSON first."""
    with ExitStack() as running:
        urls = {}
        for number, (name, site) in enumerate(sites(chosen, clock).items()):
            port = chosen.port + number if chosen.port else 0
            urls[name] = running.enter_context(Server(site, latency=chosen.latency, port=port)).url
        sys.stdout.write(json.dumps(urls) + "\n")
        sys.stdout.flush()
        stop.wait()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    chosen = options(sys.argv[1:])
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(chosen, lambda: datetime.now(UTC), stop)  # noqa: TID251 -- a site of its own has the real time


if __name__ == "__main__":
    main()
