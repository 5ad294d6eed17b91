"""How jira_epics reads the fields of issues and the pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from okr_sync.connector import AccessError, Caller, ProtocolError, TransientError
from okr_sync.sandbox.server import Fault, Response
from tests.contract.jira_fixtures import START, Jira, JiraDeliveryWorld, serve

T = TypeVar("T")


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest) -> Iterator[Jira]:
    yield from serve(request.param)


@pytest.fixture
def cloud() -> Iterator[Jira]:
    yield from serve("cloud")


@pytest.fixture
def dc() -> Iterator[Jira]:
    yield from serve("dc", page_limit=4)


# --- fields ---


def test_points_are_numbers_or_unknown(cloud: Jira) -> None:
    """Text is read, 0 is 0, Jira's -1 and words are unknown; both points fields count, QE's does not."""
    cloud.world.add_project("TEAM", managed="team")
    given: dict[str, Any] = {"5": 5.0, "0": 0.0, "-1": None, "many": None}
    epic = cloud.home.epics["alpha"]
    made = {
        cloud.world.add_issue("ALP", text, at=START, parent=epic, points=text).id: want for text, want in given.items()
    }
    made[cloud.world.add_issue("TEAM", "8", at=START, parent=epic, points=8.0).id] = 8.0
    made[cloud.world.add_issue("TEAM", "none", at=START, parent=epic).id] = None
    held = cloud.pull(a={"epics": ["ALP-1"]}).held("a")
    assert {id_: held[id_].points for id_ in made} == made


@pytest.mark.parametrize("name", ["Story Points", "customfield_10028", "story points"])
def test_the_points_field_may_be_pinned(cloud: Jira, name: str) -> None:
    """A field named by name or id is the only one read."""
    cloud.world.add_project("TEAM", managed="team")
    other = cloud.world.add_issue("TEAM", "8", at=START, parent=cloud.home.epics["alpha"], points=8.0)
    pinned = Jira(cloud.home, points_field=name)
    held = pinned.pull(a={"epics": ["ALP-1"]}).held("a")
    assert held.pop(other.id).points is None
    assert {item.points for item in held.values()} == {3.0}
    pinned.connector.close()


def test_a_points_field_that_is_not_there_is_told(cloud: Jira) -> None:
    """A pinned field that nobody has is refused with the nearest name."""
    pinned = Jira(cloud.home, points_field="Story Point")
    with pytest.raises(AccessError, match="did you mean 'Story Points'"):
        pinned.pull(a={"epics": ["ALP-1"]})
    pinned.connector.close()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"status": None}, r"issue ALP-2 has no fields.status.statusCategory.key"),
        ({"status": {"name": "?"}}, r"issue ALP-2 has no fields.status.statusCategory.key"),
        ({"status": {"statusCategory": {"key": "half"}}}, "ALP-2 has the unknown status category 'half'"),
        ({"created": "yesterday"}, "ALP-2: created is no instant"),
        ({"created": "2026-10-01T12:00:00"}, "ALP-2: created is no instant"),
        ({"duedate": "soon"}, "ALP-2: duedate is no date"),
        ({"issuetype": None}, "ALP-2 has no fields.issuetype"),
        ({"customfield_10028": {"value": "M"}}, "ALP-2: field customfield_10028 holds no number"),
    ],
)
def test_an_issue_that_breaks_the_contract_is_named(cloud: Jira, change: dict[str, Any], problem: str) -> None:
    """A field that is missing or has another shape is a ProtocolError that names issue and field, never a guess."""
    fields = {
        "summary": "A story", "issuetype": {"id": "7", "subtask": False, "hierarchyLevel": 0},
        "status": {"statusCategory": {"key": "new"}}, "parent": {"id": cloud.home.epics["alpha"].id},
    }  # fmt: skip
    issue = {"id": "1", "key": "ALP-2", "fields": {**fields, **change}}
    reply = Response.of({"issues": [issue], "isLast": True})
    cloud.home.server.inject(Fault("response", reply, where="/search/jql"))
    with pytest.raises(ProtocolError, match=problem):
        cloud.pull(a={"epics": ["ALP-1"]})


def test_where_an_issue_stands_is_said_by_its_own_field(cloud: Jira) -> None:
    """A search that lags finds issues that have left; their own parent tells, and they are no members."""
    fields = {"issuetype": {"id": "7"}, "status": {"statusCategory": {"key": "new"}}, "parent": {"id": "4711"}}
    reply = Response.of({"issues": [{"id": "1", "key": "ALP-2", "fields": fields}], "isLast": True})
    cloud.home.server.inject(Fault("response", reply, where="/search/jql"))
    assert cloud.pull(a={"epics": ["ALP-1"]}).held("a") == {}


def test_done_is_when_the_category_changed(cloud: Jira) -> None:
    """A resolution set later than the move into a done status does not move the time of being done."""
    epic = cloud.home.epics["alpha"]
    story = cloud.world.add_issue("ALP", "Done twice", at=START, parent=epic)
    done, resolved = START + timedelta(days=2), START + timedelta(days=9)
    cloud.world.move(story, "Resolved", at=done)
    cloud.world.move(story, "Closed", at=resolved, resolution="Fixed")
    assert cloud.pull(a={"epics": ["ALP-1"]}).held("a")[story.id].done_at == done


def test_words_are_not_discovered_as_points(cloud: Jira) -> None:
    """A text field that is called like the points field is left alone."""
    fields = [{"id": "customfield_9", "name": "Story Points", "schema": {"type": "string"}}]
    cloud.home.server.inject(Fault("response", Response.of(fields), where="/field"))
    cloud.pull(a={"epics": ["ALP-1"]})
    assert all(b"customfield_9" not in each.body for each in cloud.home.server.log)


# --- pages ---


def test_short_pages_lose_nothing(jira: Jira) -> None:
    """A site that grants less than it could is read to the end."""
    jira.home.site.quirks.short_pages = True
    assert set(jira.pull(a={"epics": ["ALP-1"]}).held("a")) == set(jira.home.truth("alpha"))


@pytest.mark.parametrize(
    ("quirk", "problem"), [("repeat_token", "a page twice"), ("empty_page_with_token", "an empty page")]
)
def test_pages_that_never_end_are_an_error(quirk: str, problem: str) -> None:
    """A token that comes again, or an empty page before the end, is a ProtocolError and not an endless loop."""
    world = JiraDeliveryWorld("cloud", page_limit=2)
    setattr(world.site.quirks, quirk, True)
    with world.server:
        jira = Jira(world)
        with pytest.raises(ProtocolError, match=problem):
            jira.pull(a={"epics": ["ALP-1"]})
        jira.connector.close()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"issues": [], "isLast": False}, "no token for the next page"),
        ({"issues": {}}, "no list of issues"),
        ([], "no list of issues"),
    ],
)
def test_a_page_that_does_not_say_how_it_goes_on_is_an_error(cloud: Jira, answer: Any, problem: str) -> None:
    """The end of a list is proven or the pull fails."""
    cloud.home.server.inject(Fault("response", Response.of(answer), where="/search/jql"))
    with pytest.raises(ProtocolError, match=problem):
        cloud.pull(a={"epics": ["ALP-1"]})


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"issues": [], "total": 3}, "an empty page after 0 of 3"),
        ({"issues": []}, "no total"),
        ({"issues": [], "total": "3"}, "no total"),
    ],
)
def test_a_page_of_data_center_that_does_not_add_up_is_an_error(dc: Jira, answer: Any, problem: str) -> None:
    """Data Center's pages must reach their total."""
    dc.home.server.inject(Fault("response", Response.of(answer), where="/search"))
    with pytest.raises(ProtocolError, match=problem):
        dc.pull(a={"epics": ["ALP-1"]})


class _Meddler(Caller):
    """Does something before its nth request."""

    def __init__(self, number: int, deed: Callable[[], None]) -> None:
        self._left, self._deed = number, deed

    def call(self, ask: Callable[[], T]) -> T:
        self._left -= 1
        if self._left == 0:
            self._deed()
        return ask()


def test_a_list_that_shrinks_while_it_is_read_is_read_again_later(dc: Jira) -> None:
    """When an issue goes between two pages by offset, another one may have been skipped: TransientError."""
    doomed = min(dc.home.truth("alpha"))
    meddler = _Meddler(6, lambda: dc.home.delete(doomed))
    jira = Jira(dc.home, meddler)
    with pytest.raises(TransientError, match="became shorter"):
        jira.pull(a={"epics": ["ALP-1"]})
    jira.connector.close()


def test_an_issue_that_jira_could_not_read_is_not_missing(cloud: Jira) -> None:
    """Issues listed as errors by bulkfetch make the pull fail for now, they are not taken for deleted."""
    reply = Response.of({"issues": [], "issueErrors": [{"id": "1", "errorMessage": "later"}]})
    cloud.home.server.inject(Fault("response", reply, where="bulkfetch"))
    with pytest.raises(TransientError, match="could not read 1 of 1"):
        cloud.pull(a={"epics": ["ALP-1"]})


# --- sites that are none, or hide too much ---


@pytest.mark.parametrize("answer", [{}, [], {"displayName": ""}])
def test_a_probe_that_names_nobody_is_an_error(cloud: Jira, answer: Any) -> None:
    """A site that can't say who we are is no Jira."""
    cloud.home.server.inject(Fault("response", Response.of(answer), where="/myself"))
    with pytest.raises(ProtocolError, match="names nobody"):
        cloud.connector.probe()


@pytest.mark.parametrize("answer", [{}, [{"name": "no id"}], ["text"]])
def test_a_list_of_fields_that_is_none_is_an_error(cloud: Jira, answer: Any) -> None:
    """Without fields nothing can be mapped."""
    cloud.home.server.inject(Fault("response", Response.of(answer), where="/field"))
    with pytest.raises(ProtocolError, match="no list of fields"):
        cloud.pull(a={"epics": ["ALP-1"]})


def test_data_center_without_epics_is_told(dc: Jira) -> None:
    """An account that does not see the Epic Link field can't read epics; a scope would look empty."""
    dc.home.server.inject(Fault("response", Response.of([{"id": "summary"}]), where="/field"))
    with pytest.raises(AccessError, match="no Epic Link field"):
        dc.pull(a={"epics": ["ALP-1"]})


@pytest.mark.parametrize(
    ("named", "linked", "kind"), [("Big", None, "container"), (None, None, "issue"), (None, "ALP-1", "issue")]
)
def test_data_center_tells_epics_by_their_epic_name(dc: Jira, named: str | None, linked: str | None, kind: str) -> None:
    """Where the site has the field Epic Name, what has one is an epic, and nothing else is."""
    fields = [
        {"id": "customfield_1", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-epic-link"}},
        {"id": "customfield_2", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-epic-label"}},
    ]
    issue = {
        "id": "77", "key": "ALP-77",
        "fields": {
            "issuetype": {"id": "6", "name": "Epos", "subtask": False}, "status": {"statusCategory": {"key": "new"}},
            "customfield_1": linked, "customfield_2": named,
        },
    }  # fmt: skip
    page = Response.of({"issues": [issue], "total": 1})
    dc.home.server.inject(Fault("response", Response.of(fields), where="/field"))
    dc.home.server.inject(Fault("response", page, where="/search", times=4))
    dc.home.server.inject(Fault("response", Response.of({"issues": [], "total": 0}), where="/search", times=2))
    pulled = dc.pull(q={"jql": "project = ALP"})
    assert [item.kind for item in pulled.items.values()] == [kind]
    assert ("e" in dc.pull(e={"epics": ["ALP-77"]}).misses) == (kind == "issue")


def test_an_epic_without_children_is_followed_from_the_start(jira: Jira) -> None:
    """An empty epic has an empty membership; its first issue, in a project never seen, is found."""
    empty = jira.world.add_epic("ALP", "Empty", at=START)
    scope = {"a": {"epics": [empty.key]}}
    assert jira.pull(**scope).members[empty.id].items == frozenset()
    jira.home.tick(60)
    assert jira.pull(**scope).members[empty.id].items == frozenset()
    first = jira.world.add_issue("BET", "First", at=jira.home.now, parent=empty)
    jira.home.tick(10)
    assert jira.pull(**scope).members[empty.id].items == {first.id}
