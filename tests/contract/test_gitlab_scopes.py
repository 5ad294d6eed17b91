"""What GitLab has and other trackers have not: groups, moved issues and projects, roles, pages of three kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.gitlab import Gitlab
from okr_sync.connector import ProtocolError, Referenced
from okr_sync.sandbox.gitlab_world import Project
from okr_sync.sandbox.server import Fault, Response
from okr_sync.testing.delivery import TOKEN
from okr_sync.testing.pulled import Pulled
from tests.contract.gitlab_fixtures import NOW, START, GitlabWork


class Play:
    """The known work on a server, and a connector to it."""

    def __init__(self, work: GitlabWork) -> None:
        self.work = work
        self.world = work.world
        settings = Gitlab.Settings(url=work.server.url, token=Referenced(TOKEN), allow_hosts=("127.0.0.1",))
        self.gitlab = Gitlab(settings)

    def pull(self, raw: Mapping[str, Any], cursor: str | None = None) -> Pulled:
        """Return a checked pull of one question, called "it"."""
        self.work.server.forget()
        pulled = Pulled.of(self.gitlab.pull({"it": Gitlab.Query(**raw)}, cursor, self.work.now))
        pulled.check(["it"], self.work.now)
        return pulled

    def project(self, name: str) -> Project:
        """Return a project of the known work."""
        return next(each for each in self.world.projects if each.path == name)

    @property
    def asked(self) -> int:
        """Return how many requests the last pull took."""
        return len(self.work.server.log)


@pytest.fixture
def play() -> Iterator[Play]:
    work = GitlabWork()
    with work.server:
        play = Play(work)
        yield play
        play.gitlab.close()


ALPHA = {"projects": ["acme/alpha"], "milestone": "Release 1"}


def test_an_epic_holds_the_issues_of_many_projects(play: Play) -> None:
    """Issues come with weight (0 is a weight, none is none) and labels, whichever project they are in."""
    group = play.world.add_group("acme")
    epic = play.world.add_epic(group, "Help", at=START)
    epic.due = date(2026, 12, 1)
    for name, weight in (("acme/alpha", 0), ("acme/beta", 5), ("acme/beta", None)):
        play.world.add_issue(play.project(name), "Part", at=START, epic=epic, weight=weight, labels=("b", "a"))
    pulled = play.pull({"group": "acme", "epic": 1})
    held = pulled.held("it")
    assert set(held) == set(play.world.truth(epic))
    assert sorted((each.key.partition("#")[0], each.points) for each in held.values() if each.points is not None) == [
        ("acme/alpha", 0.0),
        ("acme/beta", 5.0),
    ]
    assert {each.labels for each in held.values()} == {("a", "b")}
    container = pulled.containers[pulled.scopes["it"][0]]
    assert (container.key, container.kind, container.due) == ("acme&1", "epic", date(2026, 12, 1))


@pytest.mark.parametrize(("has_epics", "hidden", "why"), [(False, False, "denied"), (True, True, "not_found")])
def test_epics_that_cannot_be_seen_are_one_wrong_question(
    play: Play, *, has_epics: bool, hidden: bool, why: str
) -> None:
    """Seen red by letting 403 through to the source's failure."""
    group = play.world.add_group("acme")
    play.world.add_epic(group, "Help", at=START)
    group.has_epics, group.hidden = has_epics, hidden
    miss = play.pull({"group": "acme", "epic": 1}).misses["it"]
    assert (miss.why, "acme&1" in miss.message) == (why, True)


def test_labels_are_a_question_and_all_of_them_count(play: Play) -> None:
    """An issue must carry each label; a label that another project uses too is another container."""
    for name, labels in (("acme/alpha", ("a", "b")), ("acme/alpha", ("a",)), ("acme/beta", ("c", "b", "a"))):
        play.world.add_issue(play.project(name), "Labelled", at=START, labels=labels)
    pulled = play.pull({"projects": ["acme/alpha", "acme/beta"], "labels": ["b", "a"]})
    assert sorted(each.labels for each in pulled.held("it").values()) == [("a", "b"), ("a", "b", "c")]
    assert len(pulled.scopes["it"]) == 2
    assert {each.kind for each in pulled.containers.values()} == {"query"}


def test_a_milestone_of_the_group_counts_in_the_projects_that_are_named(play: Play) -> None:
    """What other projects have in it is not counted; a project's own milestone of that title counts beside it."""
    group = play.world.add_group("acme")
    shared = play.world.add_milestone(group, "Release 1", at=START)
    here = play.world.add_issue(play.project("acme/alpha"), "Here", at=START, milestone=shared)
    play.world.add_issue(play.project("acme/beta"), "Elsewhere", at=START, milestone=shared)
    pulled = play.pull(ALPHA)
    assert set(pulled.held("it")) == {str(here.id), *play.work.truth("alpha")}
    assert {each.whole for each in pulled.members.values()} == {True}


def test_a_number_means_a_milestone_of_each_project(play: Play) -> None:
    """By number it must be in each of them, and a group's milestone of that number is another."""
    play.world.add_milestone(play.world.add_group("acme"), "Of the group", at=START)
    both = {"projects": ["acme/alpha", "acme/beta"]}
    assert len(play.pull({**both, "milestone": 1}).scopes["it"]) == 2
    play.world.add_milestone(play.project("acme/alpha"), "Release 2", at=START)
    assert play.pull({**both, "milestone": 2}).misses["it"].why == "not_found"
    assert "did you mean 'Release" in play.pull({**both, "milestone": "Release1"}).misses["it"].message


def test_a_moved_issue_counts_where_it_went(play: Play) -> None:
    """GitLab closes the one that stays behind: seen red as work that is done, by keeping it."""
    before = play.pull(ALPHA)
    moved = next(id_ for id_, kind in play.work.truth("alpha").items() if kind == "open")
    play.work.tick(5)
    there = play.world.move(play.work.issue(moved), play.project("acme/beta"), at=play.work.now)
    play.world.set_milestone(there, play.work.milestones["beta"], at=play.work.now)
    assert moved not in play.pull(ALPHA, before.cursor).held("it")
    assert str(there.id) in play.pull({**ALPHA, "projects": ["acme/beta"]}).held("it")
    (found,) = play.gitlab.look_up(frozenset({moved}), before.items).found
    assert (found.state, found.resolution) == ("done", "moved")


def test_a_renamed_project_is_followed(play: Play) -> None:
    """Its old path leads on; ids stay, keys are the new ones, and what left is looked up by the old key."""
    before = play.pull(ALPHA)
    play.world.rename(play.project("acme/alpha"), "acme/omega")
    after = play.pull(ALPHA)
    assert set(after.held("it")) == set(before.held("it"))
    assert {re.sub(r"#\d+", "", each.key) for each in after.items.values()} == {"acme/omega"}
    assert {each.key for each in after.containers.values()} == {"acme/omega%1"}
    looked = play.gitlab.look_up(frozenset(before.items), before.items)
    assert {each.id for each in looked.found} == set(before.items)


@pytest.mark.parametrize("role", [0, 10, 15, 20])
def test_an_issue_that_may_be_confidential_is_not_gone(play: Play, role: int) -> None:
    """A guest does not see it: it keeps counting as hidden. Seen red by taking whatever is not listed for deleted."""
    before = play.pull(ALPHA)
    one = min(before.items)
    play.project("acme/alpha").role = role
    play.work.issue(one).confidential = True
    looked = play.gitlab.look_up(frozenset({one}), before.items)
    assert (one in looked.hidden) == (role < 15)
    assert not looked.gone


@pytest.mark.parametrize("site", [{}, {"keyset": True}, {"counted": 50}])
def test_pages_of_each_kind_are_read_to_their_end(site: dict[str, Any]) -> None:
    """Numbered and counted, numbered only, or by a cursor in the Link header: every one of 250 issues comes once."""
    work = GitlabWork(**site)
    for number in range(250 - len(work.truth("alpha"))):
        work.world.add_issue(
            work.world.projects[0], f"More {number}", at=START + timedelta(seconds=number),
            milestone=work.milestones["alpha"],
        )  # fmt: skip
    with work.server:
        play = Play(work)
        pulled = play.pull(ALPHA)
        assert len(pulled.held("it")) == 250
        asked = play.asked
        again = play.pull(ALPHA, pulled.cursor)
        assert play.asked == (asked if site else 2), "where nothing is counted, everything is read again"
        assert again.scopes == pulled.scopes
        play.gitlab.close()


def test_pages_without_end_are_refused(play: Play) -> None:
    """A page that leads to itself is a fault of the service, not a loop."""
    row = Response.of([], 200, {"x-next-page": "1"})
    play.work.server.inject(Fault("response", row, where="/milestones", times=9))
    with pytest.raises(ProtocolError, match="don't end"):
        play.pull(ALPHA)
    assert play.asked <= 3


def test_rows_that_moved_between_pages_take_nothing_out(play: Play) -> None:
    """Fewer issues than the list says to have are no whole membership, and the project is read again next time."""
    first = play.pull(ALPHA)
    play.work.server.inject(Fault("response", Response.of([], 200, {"x-total": "6"}), where="/issues", skip=1))
    short = play.pull(ALPHA)
    assert [each.whole for each in short.members.values()] == [False]
    assert set(play.pull(ALPHA, short.cursor).members) == set(first.members)


def test_an_issue_deleted_or_changed_is_a_reason_to_read(play: Play) -> None:
    """One created and one deleted leave the count as it was, and are seen all the same."""
    before = play.pull(ALPHA)
    quiet = play.pull(ALPHA, before.cursor)
    assert (play.asked, quiet.members) == (2, {})
    gone = min(before.held("it"))
    play.work.tick(1)
    play.work.delete(gone)
    new = play.work.add("alpha", "open")
    after = play.pull(ALPHA, quiet.cursor)
    assert set(after.held("it")) == set(before.held("it")) - {gone} | {new}


def test_everything_is_read_again_after_a_day(play: Play) -> None:
    """The time of the last full reading goes on from cursor to cursor."""
    cursor = play.pull(ALPHA).cursor
    play.work.tick(23 * 60)
    quiet = play.pull(ALPHA, cursor)
    assert quiet.members == {}
    play.work.tick(2 * 60)
    assert play.pull(ALPHA, quiet.cursor).members


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"projects": ["a/b"]},
        {"milestone": 1},
        {"projects": ["a/b"], "milestone": 1, "labels": ["x"]},
        {"group": "a"},
        {"group": "a", "epic": 1, "projects": ["a/b"]},
        {"projects": ["a/b"], "milestone": "Started"},
        {"projects": ["a/b"], "milestone": "none"},
        {"projects": ["a/b"], "milestone": True},
    ],
)
def test_half_a_question_and_two_in_one_are_refused(raw: dict[str, Any]) -> None:
    """A scope asks one thing; titles that mean something else to GitLab are none."""
    with pytest.raises(ValidationError):
        Gitlab.Query(**raw)


@pytest.mark.parametrize("hole", ["id", "state", "references", "updated_at", "labels"])
def test_an_issue_with_a_hole_is_no_issue(play: Play, hole: str) -> None:
    """What is missing is named, nothing is taken for zero, and nothing of the row is quoted."""
    row = play.work.issue(min(play.work.truth("alpha")))
    whole = {
        "id": row.id, "iid": row.iid, "title": "S3CRET", "state": "opened", "web_url": "http://x/a", "labels": [],
        "references": {"full": "a#1"}, "created_at": NOW.isoformat(), "updated_at": NOW.isoformat(),
    }  # fmt: skip
    del whole[hole]
    play.work.server.inject(Fault("response", Response.of([whole]), where="/issues"))
    with pytest.raises(ProtocolError, match="not as GitLab answers") as caught:
        play.pull(ALPHA)
    assert "S3CRET" not in str(caught.value)
