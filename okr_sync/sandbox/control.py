"""A door behind served sites: their requests so far, the truth of their worlds, and changes made on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeAlias

from okr_sync.sandbox.census import Place, github_census, github_places, jira_census, jira_places
from okr_sync.sandbox.deeds import disturb_github, disturb_jira
from okr_sync.sandbox.jira_world import JiraWorld
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Logged, Request, Response, Server

World: TypeAlias = JiraWorld | GithubWorld


class Control:
    """Answers about `served`: site name → its server and its world, as they are at `clock()`.

    GET /places, /truth, /log: by site, the epics or milestones; what they hold by id ([id, state, resolution, points]
    of each item); the requests since the last POST /forget. GET /cost: `cpu` seconds of this process so far.
    POST /latency {"seconds"}: wait so long before each answer. POST /change {"share", "seed"}: disturb that share of
    the items now; the answer counts what was done by site.
    """

    def __init__(self, served: Mapping[str, tuple[Server, World]], clock: Callable[[], datetime]) -> None:
        self._served = served
        self._clock = clock
        self._answers: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "/places"): lambda _: self._of_worlds(lambda each: [asdict(one) for one in self._places(each)]),
            ("GET", "/truth"): lambda _: self._of_worlds(self._census),
            ("GET", "/log"): lambda _: self._of_servers(lambda each: [_line(line) for line in list(each.log)]),
            ("GET", "/cost"): lambda _: {"cpu": time.process_time()},
            ("POST", "/forget"): lambda _: self._of_servers(Server.forget),
            ("POST", "/latency"): lambda told: self._of_servers(lambda each: _slow(each, float(told["seconds"]))),
            ("POST", "/change"): lambda told: self._change(float(told["share"]), int(told["seed"])),
        }

    def respond(self, request: Request) -> Response:
        """Return what was asked for; 404 for anything else, 400 when a number is missing."""
        answer = self._answers.get((request.method, request.path))
        if answer is None:
            return Response.of({"error": f"no {request.method} {request.path} here"}, 404)
        try:
            return Response.of(answer(request.json()))
        except (KeyError, TypeError, ValueError) as error:
            return Response.of({"error": f"what was sent can't be used: {error!r}"}, 400)

    def _of_servers(self, ask: Callable[[Server], Any]) -> dict[str, Any]:
        return {name: ask(server) for name, (server, _) in self._served.items()}

    def _of_worlds(self, ask: Callable[[World], Any]) -> dict[str, Any]:
        return {name: ask(world) for name, (_, world) in self._served.items()}

    def _places(self, world: World) -> list[Place]:
        if isinstance(world, JiraWorld):
            return jira_places(world, self._clock())
        return github_places(world, self._clock())

    def _census(self, world: World) -> Any:
        if isinstance(world, JiraWorld):
            return jira_census(world, self._clock())
        return github_census(world, self._clock())

    def _change(self, share: float, seed: int) -> dict[str, Any]:
        def change(world: World) -> dict[str, int]:
            if isinstance(world, JiraWorld):
                return disturb_jira(world, seed, share, self._clock())
            return disturb_github(world, seed, share, self._clock())

        return self._of_worlds(change)


def _slow(server: Server, seconds: float) -> float:
    server.latency = seconds
    return seconds


def _line(line: Logged) -> dict[str, Any]:
    told = {"method": line.method, "path": line.path, "query": dict(line.query), "status": line.status}
    return {**told, "sent": line.sent, "body": line.body.decode(errors="replace")}
