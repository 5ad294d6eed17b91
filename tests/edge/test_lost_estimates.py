"""A field of GitHub's projects that is there no more, over real HTTP: what its items weigh since then is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from okr_sync.sandbox.server import Request, Response, Site
from tests.edge.sync_trackers import states, watching
from tests.edge.test_sync_weights import Weighed

FIELD = "Estimate"


class Renaming:
    """A site whose projects call the field otherwise once it is `renamed`: by its old name it is not there."""

    def __init__(self, site: Site) -> None:
        self.renamed = False
        self._site = site

    def respond(self, request: Request) -> Response:
        if self.renamed:
            request = replace(request, body=request.body.replace(FIELD.encode(), b"Former"))
        return self._site.respond(request)


def test_items_whose_field_was_renamed_are_said_to_have_no_points(tmp_path: Path) -> None:
    """What was read with points keeps them until it is read anew. Seen red without the number in the policy."""
    hub = Weighed("graphql")
    hub.settings = {**hub.settings, "points_field": FIELD}
    issues = [each for each in hub.world.items if each.repository is hub.home and not each.pull_request]
    for issue, points in zip(issues, (5, 8, 21, 0), strict=True):  # open, done, dropped, open
        hub.world.estimate(issue, points, at=hub.now)
    site = hub.server.site = Renaming(hub.server.site)
    with watching(hub, tmp_path) as home:
        home.sync()
        site.renamed = True
        quiet = states(home.sync(minutes=1))["alpha"]
        home.pass_time(60)
        full = states(home.house.sync(full=True))["alpha"]
    assert (quiet.weight_done, quiet.weight_total, quiet.policy) == (8.0, 13.0, "points")
    said = "points; 3 items without points counted as 1"
    assert (full.weight_done, full.weight_total, full.policy) == (1.0, 3.0, said)
