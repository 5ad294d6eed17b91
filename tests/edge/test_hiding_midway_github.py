"""A repository that can't be seen any more since the middle of a run, over real HTTP: stale, and never smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from okr_sync.sandbox.server import Request, Response, Site
from tests.edge.sync_trackers import Github, counts, states, watching

Interface = Literal["graphql", "rest"]
ENOUGH = 60  # requests; no run of these repositories takes as many
INTERFACES = pytest.mark.parametrize("interface", ["graphql", "rest"])


class Losing:
    """A site whose repository acme/beta can't be seen any more once it has answered `after` requests; None: it can."""

    def __init__(self, tracker: Github, site: Site) -> None:
        self.after: int | None = None
        self._tracker = tracker
        self._site = site

    def respond(self, request: Request) -> Response:
        """Return the site's answer, and lose what is to be lost."""
        answer = self._site.respond(request)
        if self.after is not None:
            self.after -= 1
            if self.after == 0:
                self._tracker.world.hide(self._tracker.away, at=self._tracker.now)
        return answer


def news(tracker: Github) -> None:
    """Open an issue in each repository, and delete another one in the one that will be lost."""
    tracker.issue(tracker.alpha)
    doomed = tracker.issue(tracker.beta)
    tracker.issue(tracker.beta)
    tracker.world.delete(doomed, at=tracker.now)


@pytest.mark.parametrize("full", [True, False], ids=["full", "changed"])
@INTERFACES
def test_whenever_a_repository_is_lost_in_a_run_what_rests_on_it_is_stale_and_never_smaller(
    interface: Interface, full: bool, tmp_path: Path
) -> None:
    """Lost after the first answer of a run, or the second, and so on to its end; the run that sees it again heals.

    Red where a milestone that can't be seen when its items are asked for is passed over: it keeps what it had, fresh.
    """
    tracker = Github(interface)
    losing = tracker.server.site = Losing(tracker, tracker.server.site)
    with watching(tracker, tmp_path) as home:
        home.sync()
        for requests in range(1, ENOUGH):
            before = tracker.truth()
            home.do(news)
            home.pass_time(60)
            losing.after = requests
            found, truth = states(home.house.sync(full=full, retry=True)), tracker.truth()
            for name, state in found.items():
                told = counts(state)
                assert state.stale or told == truth[name], f"{name} after {requests}: {told}, {truth[name]} is true"
                assert told is not None
                assert sum(told) >= sum(before[name]), f"{name} after {requests}: {told}, it was {before[name]}"
            if losing.after > 0:
                break
            losing.after = None
            home.do(lambda github: github.world.show(github.away, at=github.now))
            healed = states(home.sync())
            assert {name: counts(state) for name, state in healed.items()} == truth, f"healed after {requests}"
            assert not any(state.stale for state in healed.values())
        assert 1 < requests < ENOUGH
