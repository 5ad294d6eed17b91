"""Fields that become others between two runs, over real HTTP: weights stay the truth, or the source says why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from okr_sync.sandbox.jira_catalogue import POINTS
from okr_sync.sandbox.server import Request, Response, Site
from tests.edge.sync_trackers import Jira, Watched, states, watching

Flavour = Literal["cloud", "dc"]
KINDS = pytest.mark.parametrize("kind", ["cloud", "dc"])
LATER = "customfield_10999"
HOUR = 60  # minutes


class Drifting:
    """A site whose points are in another field from `drift` on; `beside`: the former one is there still, and empty."""

    def __init__(self, site: Site, *, beside: bool = False) -> None:
        self.fields = 0  # times that the list of fields was asked for
        self._site = site
        self._beside = beside
        self._drifted = False

    def drift(self) -> None:
        self._drifted = True

    def respond(self, request: Request) -> Response:
        self.fields += request.path.endswith("/field")
        if not self._drifted:
            return self._site.respond(request)
        swapped = request.body.replace(POINTS.encode(), b"customfield_1").replace(LATER.encode(), POINTS.encode())
        wants_both = POINTS.encode() in request.body and self._beside
        answer = self._site.respond(replace(request, body=swapped))
        told = json.loads(answer.body)
        if request.path.endswith("/field"):
            told = [each for one in told for each in self._listed(one)]
        elif isinstance(told, dict):
            for issue in told.get("issues", ()):
                _swap(issue["fields"], wants_both=wants_both)
        return replace(answer, body=json.dumps(told).encode())

    def _listed(self, field: dict[str, Any]) -> list[dict[str, Any]]:
        if field["id"] != POINTS:
            return [field]
        later = {name: LATER if value == POINTS else value for name, value in field.items()}
        return [field, later] if self._beside else [later]


def _swap(fields: dict[str, Any], *, wants_both: bool) -> None:
    if POINTS in fields:
        fields[LATER] = fields.pop(POINTS)
    if wants_both:
        fields[POINTS] = None


def weights(found: Any) -> dict[str, tuple[float | None, float | None, str]]:
    return {name: (each.weight_done, each.weight_total, each.policy) for name, each in found.items()}


def estimate(points: float) -> Callable[[Jira], None]:
    """Give a story that is done another number of points."""
    return lambda jira: jira.world.edit(jira.done, at=jira.now, points=points)


def opened(kind: Flavour, folder: Path, *, beside: bool = False) -> tuple[Any, Drifting]:
    jira = Jira(kind)
    drifting = Drifting(jira.server.site, beside=beside)
    jira.server.site = drifting
    return watching(jira, folder), drifting


def check_weights(home: Watched, found: Any) -> None:
    assert weights(found) == weights(home.fresh())
    assert not any(each.stale for each in found.values())


def test_points_in_a_field_made_anew_are_read_from_it_with_the_first_change(tmp_path: Path) -> None:
    """On Data Center an issue shows none of the known fields then. Red without a look at the list of fields: the
    story counts as one without points until the daily full reading.
    """
    watched, drifting = opened("dc", tmp_path)
    with watched as home:
        home.sync()
        drifting.drift()
        home.do(estimate(8))
        check_weights(home, states(home.sync(minutes=1)))


@pytest.mark.parametrize("beside", [False, True], ids=["made anew", "a second of the same name"])
@KINDS
def test_points_in_another_field_are_read_from_it_after_an_hour_at_the_latest(
    kind: Flavour, beside: bool, tmp_path: Path
) -> None:
    """Also those of issues that did not change. Red without the look at the list of fields once an hour."""
    watched, drifting = opened(kind, tmp_path, beside=beside)
    with watched as home:
        home.sync()
        drifting.drift()
        home.do(estimate(8))
        home.sync(minutes=1)
        check_weights(home, states(home.sync(minutes=HOUR)))


@KINDS
def test_the_list_of_fields_is_asked_for_once_an_hour_while_it_stays_as_it_is(kind: Flavour, tmp_path: Path) -> None:
    """One request, and nothing is read anew. Red when the instant is not kept: with each run after the first hour."""
    watched, drifting = opened(kind, tmp_path)
    with watched as home:
        home.sync()
        asked = [_asked(home, drifting, minutes=20) for _ in range(7)]
    assert [fields for fields, _ in asked] == [0, 0, 1, 0, 0, 1, 0]
    assert [requests for _, requests in asked] == [2, 2, 3, 2, 2, 3, 2]


def _asked(home: Watched, drifting: Drifting, minutes: float) -> tuple[int, int]:
    """Return how often a run asked for the list of fields, and how many requests it made."""
    before = drifting.fields, len(home.tracker.server.log)
    home.sync(minutes=minutes)
    return drifting.fields - before[0], len(home.tracker.server.log) - before[1]
