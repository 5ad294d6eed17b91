"""A served GitLab with a config over it, its truth, and the deeds that change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from okr_sync.sandbox.gitlab import GitlabSite
from okr_sync.sandbox.gitlab_world import GitlabWorld, Issue, Milestone, Project
from okr_sync.sandbox.server import Server
from tests.edge.sync_play import START
from tests.edge.sync_trackers import INCREMENTAL, TOKEN, Counts, Tracker


class Gitlab(Tracker):
    """A milestone "Release" in each of two projects, with issues."""

    source = "gitlab"
    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "alpha": {"delivery": [{"source": "tracker", "projects": ["acme/alpha"], "milestone": 1}]},
        "beta": {"delivery": [{"source": "tracker", "projects": ["acme/beta"], "milestone": 1}]},
        "both": {
            "delivery": [{"source": "tracker", "projects": ["acme/alpha", "acme/beta"], "milestone": "Release"}],
            "weight_by": "points",
        },
    }

    def __init__(self) -> None:
        super().__init__()
        self.world = GitlabWorld()
        self.home = self.world.add_project("acme/alpha", at=START)
        self.away = self.world.add_project("acme/beta", at=START)
        self.alpha = self.world.add_milestone(self.home, "Release", at=START)
        self.beta = self.world.add_milestone(self.away, "Release", at=START)
        self.spare = self.world.add_milestone(self.home, "Later", at=START)
        self.stock()
        self.server = Server(GitlabSite(self.world, token=TOKEN))
        self.settings = INCREMENTAL

    def stock(self) -> None:
        """Create one item of everything that a deed may want."""
        self.open, self.done, twin = (self.issue(self.alpha) for _ in range(3))
        self.issue(self.beta)
        for each in (self.done, self.issue(self.beta)):
            self.world.close(each, at=self.now)
        self.world.close(twin, at=self.now, duplicate_of=self.open)

    def issue(self, milestone: Milestone) -> Issue:
        """Return a new issue of 3 points."""
        owner = milestone.owner
        assert isinstance(owner, Project)
        return self.world.add_issue(owner, "An issue", at=self.now, milestone=milestone, weight=3)

    def truth(self) -> dict[str, Counts]:
        alpha, beta = (self._counts(each) for each in (self.alpha, self.beta))
        return {"alpha": alpha, "beta": beta, "both": (alpha[0] + beta[0], 0, alpha[2] + beta[2], alpha[3] + beta[3])}

    def _counts(self, milestone: Milestone) -> Counts:
        kinds = list(self.world.truth(milestone).values())
        return kinds.count("done"), 0, kinds.count("open"), kinds.count("dropped")
