"""`python -m okr_sync.sandbox`: serves made-up Jira and GitHub sites on this machine until it is told to stop."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Event

from okr_sync.sandbox.control import Control
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import generate_github
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.server import Server

SETTLED = timedelta(hours=2)
"""How long before now the last of a settled history may have happened: made-up histories run an hour over."""


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
    parser.add_argument("--hour-limit", type=int, default=5000, help="points an hour of GitHub's limits")
    parser.add_argument("--settled", action="store_true", help="nothing happens by itself while it is served")
    parser.add_argument("--control", action="store_true", help="serve a control, too: log, truth, changes on demand")
    parser.add_argument("--port", type=int, default=0, help="port of the first site, the next one has the next; 0: any")
    chosen = parser.parse_args(arguments)
    if chosen.jira is None and chosen.github is None:
        parser.error("nothing to serve: give --jira, --github or both")
    return chosen


def sites(options: Namespace, clock: Callable[[], datetime]) -> dict[str, JiraSite | GithubSite]:
    """Return the sites asked for, by name; their history ends at `clock()`, or before it when it is settled."""
    found: dict[str, JiraSite | GithubSite] = {}
    now = clock() - SETTLED if options.settled else clock()
    if options.jira is not None:
        world = generate_jira(options.seed, options.projects, options.epics, options.issues, now)
        found["jira"] = JiraSite(world, clock, options.jira, page_limit=options.page_limit)
    if options.github is not None:
        repositories = generate_github(
            options.seed,
            repositories=options.repositories,
            milestones=options.milestones,
            items_per_milestone=options.items,
            now=now,
        )
        limits = {"limit": options.hour_limit, "graphql_limit": options.hour_limit}
        found["github"] = GithubSite(repositories, clock, enterprise=options.github == "enterprise", **limits)
    return found


def serve(chosen: Namespace, clock: Callable[[], datetime], stop: Event) -> None:
    """Serve the sites until `stop` is set; prints their URLs as one line of JSON first."""
    made = sites(chosen, clock)
    ports = (chosen.port + number if chosen.port else 0 for number in range(len(made) + 1))
    with ExitStack() as running:
        served = {
            name: (running.enter_context(Server(site, latency=chosen.latency, port=next(ports))), site.world)
            for name, site in made.items()
        }
        urls = {name: server.url for name, (server, _) in served.items()}
        if chosen.control:
            urls["control"] = running.enter_context(Server(Control(served, clock), port=next(ports))).url
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
