"""Resolutions that get another name between two runs, over real HTTP: what both names drop stays dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from okr_sync.sandbox.server import Request, Response, Site
from tests.edge.sync_trackers import Jira, counts, states, watching

OLD, NEW = "Won't Do", "Abandoned"
A_DAY = 25 * 60  # minutes, until everything is read anew


class Renaming:
    """A site whose resolution OLD is called NEW once it is `renamed`; no issue changes by that."""

    def __init__(self, site: Site) -> None:
        self.renamed = False
        self._site = site

    def respond(self, request: Request) -> Response:
        answer = self._site.respond(request)
        return replace(answer, body=answer.body.replace(OLD.encode(), NEW.encode())) if self.renamed else answer


class Dropping(Jira):
    """The same initiatives, which drop both names."""

    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        name: {**each, "dropped": [OLD, NEW, "Duplicate"]} for name, each in Jira.initiatives.items()
    }


@pytest.mark.parametrize("kind", ["cloud", "dc"])
def test_what_both_names_of_a_resolution_drop_stays_dropped(kind: Literal["cloud", "dc"], tmp_path: Path) -> None:
    """At once, when an issue changes, and when everything is read anew. Seen red without the new name in `dropped`:
    what was dropped counts as done, from the first change on.
    """
    jira = Dropping(kind)
    site = jira.server.site = Renaming(jira.server.site)
    with watching(jira, tmp_path) as home:
        home.sync()
        site.renamed = True
        told = [home.sync(minutes=1)]
        home.do(lambda jira: jira.world.edit(jira.dropped, at=jira.now, points=5.0))
        told += [home.sync(minutes=1), home.sync(minutes=A_DAY)]
        for report in told:
            assert {name: counts(each) for name, each in states(report).items()} == jira.truth()
