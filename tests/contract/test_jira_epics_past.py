"""What Jira's change logs tell of the past, in whichever form and in however many pages they come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.jira_dialect import Dialect, read_dialect
from connectors.jira_past import Words, read_log, read_states, read_transitions
from okr_sync.connector import ItemState, ProtocolError, Transition, WorkItem
from tests.contract.jira_fixtures import START, Jira, serve

_FIELDS = [
    {"id": "customfield_1", "name": "Story Points", "schema": {"type": "number"}},
    {"id": "customfield_2", "name": "Story point estimate", "schema": {"type": "number"}},
    {"id": "customfield_3", "name": "Epos", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-epic-link"}},
]
_CLOUD = read_dialect(_FIELDS, cloud=True, address="", points=None)
_DC = read_dialect(_FIELDS, cloud=False, address="", points=None)
_STATES: dict[str, ItemState] = {"1": "open", "2": "in_progress", "3": "done"}


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest) -> Iterator[Jira]:
    yield from serve(request.param)


@pytest.fixture
def cloud() -> Iterator[Jira]:
    yield from serve("cloud")


@pytest.fixture
def dc() -> Iterator[Jira]:
    yield from serve("dc")


def items_of(jira: Jira) -> dict[str, WorkItem]:
    """Return all issues of the world, epics left out, as a pull without times would bring them."""
    found = jira.connector.look_up(frozenset(each.id for each in jira.world.issues.values()), {}).found
    return {item.id: item for item in found if item.kind != "container" and "Epic" not in item.title}


def past(jira: Jira, items: Mapping[str, WorkItem], since: datetime = START) -> list[Transition]:
    jira.home.server.forget()
    return [each for piece in jira.connector.past(items, since, jira.home.now) for each in piece]


def quarrel(jira: Jira, times: int = 150) -> str:
    """Let one issue be finished and reopened again and again, two changes a time; return its id."""
    issue = next(each for each in jira.world.issues.values() if each.type.level == 0)
    for step in range(times):
        jira.home.tick(1)
        status, resolution = ("In Progress", None) if step % 2 == 0 else ("Done", "Done")
        jira.world.move(issue, status, at=jira.home.now, resolution=resolution)
    return issue.id


def test_a_log_that_is_cut_is_read_page_by_page(dc: Jira) -> None:
    """Where an issue brings only its newest changes along, the whole log is read, a hundred entries a request."""
    id_ = quarrel(dc)
    items = {id_: items_of(dc)[id_]}
    whole = past(dc, items)
    assert (len(whole), len(dc.home.server.log)) == (300, 2)
    dc.home.site.log_quirks.cap = 100
    assert past(dc, items) == whole
    paths = [each.path.rpartition("/issue/")[2] for each in dc.home.server.log]
    assert [path.partition("/")[2] for path in paths[1:]] == ["", "changelog", "changelog"]


def test_many_logs_come_page_by_page(cloud: Jira) -> None:
    """Pages cut in the middle of an issue's log give what one large page gives."""
    quarrel(cloud, 21)
    items = items_of(cloud)
    whole = set(past(cloud, items))
    cloud.home.site.log_quirks.page_limit = 4
    assert set(past(cloud, items)) == whole
    assert len(cloud.home.server.log) == 1 + 6


@pytest.mark.parametrize("quirk", ["repeat_token", "empty_page"])
def test_pages_that_do_not_go_on_are_an_error(cloud: Jira, quirk: str) -> None:
    quarrel(cloud, 21)
    items = items_of(cloud)
    cloud.home.site.log_quirks.page_limit = 4
    setattr(cloud.home.site.log_quirks, quirk, True)
    with pytest.raises(ProtocolError, match="before the end of the logs"):
        past(cloud, items)
    assert len(cloud.home.server.log) <= 4


@pytest.mark.parametrize("quirk", ["epoch", "keys_only"])
def test_other_spellings_tell_the_same(jira: Jira, quirk: str) -> None:
    """Instants as numbers, and epics named by key alone, also by one from before a move, mean the same."""
    issue = quarrel(jira, 3)
    jira.world.reparent(issue, jira.home.epics["beta"], at=jira.home.now)
    jira.home.tick(1)
    jira.world.change_project(jira.home.epics["beta"], "ALP", at=jira.home.now)
    items = items_of(jira)
    whole = set(past(jira, items))
    assert {each.after for each in whole if each.field == "container"} == {jira.home.epics["beta"].id}
    setattr(jira.home.site.log_quirks, quirk, True)
    assert set(past(jira, items)) == whole


def test_a_sub_task_changes_its_parent_and_no_container(jira: Jira) -> None:
    first, second = [each for each in jira.world.issues.values() if each.type.level == 0][:2]
    task = jira.world.add_subtask(first, "Part", at=jira.home.now)
    jira.home.tick(5)
    jira.world.reparent(task, second, at=jira.home.now)
    told = [each for each in past(jira, items_of(jira)) if each.item == task.id]
    assert told == [Transition(task.id, "parent", first.id, second.id, jira.home.now)]


def test_a_thousand_logs_come_in_one_request(cloud: Jira) -> None:
    """2,300 issues cost three requests, and one for the statuses; ten fields at most are named, no search is sent."""
    made = [cloud.world.add_issue("ALP", "More", at=cloud.home.now) for _ in range(2300)]
    items = {each.id: WorkItem(each.id, each.key, "", "", "issue", "open") for each in made}
    past(cloud, items)
    sent = [each.path for each in cloud.home.server.log if "/serverInfo" not in each.path and "/field" not in each.path]
    assert sent == ["/rest/api/2/status", *["/rest/api/3/changelog/bulkfetch"] * 3]
    fields = json.loads(cloud.home.server.log[-1].body)["fieldIds"]
    assert {*fields} == {
        "status", "resolution", "parent", "IssueParentAssociation", "customfield_10016", "customfield_10028",
    }  # fmt: skip


def test_an_issue_that_nobody_touched_since_is_not_asked_for(dc: Jira) -> None:
    """On Data Center, where each log costs a request, only issues updated since then do."""
    id_, items = quarrel(dc, 3), items_of(dc)
    assert {each.item for each in past(dc, items, dc.home.now - timedelta(minutes=5))} == {id_}
    assert len(dc.home.server.log) == 2


def test_a_lost_epic_is_no_container(jira: Jira) -> None:
    """A key that leads to nothing any more is unknown, and the other changes are told."""
    gone = jira.world.add_epic("ALP", "Epic that goes", at=jira.home.now)
    issue = quarrel(jira, 2)
    jira.world.reparent(issue, gone, at=jira.home.now)
    jira.home.tick(1)
    jira.world.reparent(issue, jira.home.epics["alpha"], at=jira.home.now)
    jira.world.delete(gone, at=jira.home.now)
    jira.home.site.log_quirks.keys_only = True
    told = [each for each in past(jira, items_of(jira)) if each.field == "container"]
    alpha = jira.home.epics["alpha"].id
    assert [(each.before, each.after) for each in told] == [(alpha, None), (None, alpha)]


def entry(minute: int, *items: dict[str, Any]) -> dict[str, Any]:
    """Return a line of a log as Jira writes it."""
    return {"id": str(1000 + minute), "created": f"2026-10-05T14:{minute:02}:00.123+0545", "items": list(items)}


def status(before: str, after: str) -> dict[str, Any]:
    return {"field": "status", "fieldId": "status", "from": before, "to": after, "fromString": "?", "toString": "?"}


def points(field: str, before: str | None, after: str | None) -> dict[str, Any]:
    return {"field": field, "from": None, "to": None, "fromString": before, "toString": after}


def read(
    item: WorkItem, log: list[dict[str, Any]], dialect: Dialect = _CLOUD, names: Mapping[str, str] | None = None
) -> list[tuple[str, Any, Any]]:
    told = read_transitions(item, read_log(log, dialect), Words(_STATES, names or {}, {}), dialect)
    return [(each.field, each.before, each.after) for each in told]


def item(state: ItemState = "open", **more: Any) -> WorkItem:
    return WorkItem("7", "APP-7", "", "", "issue", state, **more)


@pytest.mark.parametrize(
    ("log", "now", "told"),
    [
        ([("1", "9"), ("9", "3")], "done", ["open done"]),  # open and done: the less finished
        ([("2", "9"), ("9", "3")], "done", ["in_progress done"]),
        ([("3", "9"), ("9", "1")], "open", ["done open"]),
        ([("9", "3")], "done", ["open done"]),  # the log begins with it
        ([("1", "2"), ("2", "9")], "done", ["open in_progress"]),  # its category is gone, the issue's own state stays
        ([("1", "8"), ("8", "9"), ("9", "3")], "done", ["open done"]),
        ([("1", "3"), ("3", "1")], "open", ["open done", "done open"]),
    ],
)
def test_a_lost_status_is_no_more_done_than_its_neighbours(
    log: list[tuple[str, str]], now: ItemState, told: list[str]
) -> None:
    lines = [entry(minute, status(*ends)) for minute, ends in enumerate(log)]
    assert [f"{before} {after}" for _, before, after in read(item(now), lines)] == told


def test_a_resolution_has_the_name_of_today() -> None:
    """Logs keep the name of their day, but dropped work is told by the name that the site uses now."""
    done = {"field": "resolution", "fieldId": "resolution", "from": None, "to": "5", "toString": "Wont Fix"}
    assert read(item("done"), [entry(1, done)], names={"5": "Won't Do"}) == [("resolution", None, "Won't Do")]
    assert read(item("done"), [entry(1, done)]) == [("resolution", None, "Wont Fix")]


@pytest.mark.parametrize("dialect", [_CLOUD, _DC], ids=["cloud", "dc"])
def test_the_first_points_field_with_a_value_counted(dialect: Dialect) -> None:
    """Story Points before Story point estimate, at every instant; below zero and words are no estimate."""
    log = [
        entry(1, points("Story point estimate", None, "2")),
        entry(2, points("Story Points", None, "5")),
        entry(3, points("Story point estimate", "2", "3")),
        entry(4, points("Story Points", "5", "-1")),
        entry(5, points("Story Points", "-1", None)),
    ]
    told = read(item(points=3.0), log, dialect)
    assert [(before, after) for _, before, after in told] == [
        (None, "2.0"), ("2.0", "5.0"), ("5.0", None), (None, "3.0"),
    ]  # fmt: skip


def test_a_points_field_that_never_changed_counts_where_no_other_does() -> None:
    """The log of the second field alone doesn't hide that the first has had its value all the time."""
    log = [entry(1, points("Story point estimate", "2", "3"))]
    assert read(item(points=8.0), log) == []
    assert read(item(points=3.0), log) == [("points", "2.0", "3.0")]


def test_changes_of_one_instant_are_one_in_the_order_of_their_ids() -> None:
    first, second = entry(1, status("1", "2")), entry(1, status("2", "3"))
    second["id"] = "9999"
    assert read(item("done"), [second, first]) == [("state", "open", "done")]
    back = {**second, "items": [status("2", "1")]}
    assert read(item("open"), [back, first]) == []


def test_the_epic_link_is_known_by_its_id_and_by_its_translated_name() -> None:
    end = {"from": None, "fromString": None, "to": "11", "toString": "APP-1"}
    lines = [{"field": "Epos", **end}, {"field": "x", "fieldId": "customfield_3", **end}, {"field": "Sprint", **end}]
    for line, told in zip(lines, (2, 2, 0), strict=True):
        for dialect in (_CLOUD, _DC):
            assert len(read(item(parent="11"), [entry(1, line)], dialect)) == told


def test_instants_are_in_utc_to_the_millisecond() -> None:
    (change,) = read_log([entry(1, status("1", "2"))], _CLOUD)
    assert change.at == datetime(2026, 10, 5, 8, 16, 0, 123_000, UTC)
    assert change.at.tzinfo is UTC
    for stamp in (1_759_652_160_123, 1_759_652_160):
        (line,) = read_log([{**entry(1, status("1", "2")), "created": stamp}], _CLOUD)
        assert line.at.replace(microsecond=0) == datetime(2025, 10, 5, 8, 16, tzinfo=UTC)


@pytest.mark.parametrize("created", ["yesterday", "2026-10-05T14:00:00", 10**20, [], None, True])
def test_an_entry_without_an_instant_is_an_error(created: Any) -> None:
    with pytest.raises(ProtocolError):
        read_log([{**entry(1, status("1", "2")), "created": created}], _CLOUD)


@pytest.mark.parametrize("hole", [{"id": "x"}, {"id": None}, {"items": None}, {"items": 7}, {"items": {}}])
def test_an_entry_with_holes_is_an_error(hole: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read_log([{**entry(1, status("1", "2")), **hole}], _CLOUD)


def test_a_strange_item_is_about_nothing() -> None:
    strange: list[Any] = [None, "status", {}, {"field": ["status"]}, {"fieldId": {}, "field": 7}]
    assert read_log([{**entry(1), "items": strange}], _CLOUD) == []


@pytest.mark.parametrize("statuses", [{}, None, [{}], [{"id": "1"}]])
def test_a_list_of_statuses_with_holes_is_an_error(statuses: Any) -> None:
    with pytest.raises(ProtocolError):
        read_states(statuses)


def test_more_fields_than_a_request_may_name_are_asked_for_by_naming_none(cloud: Jira) -> None:
    names = {f"customfield_{number}": f"customfield_{number}" for number in range(20)}
    items = items_of(cloud)
    cloud.connector._search._dialect = Dialect(True, "", tuple(names), None, None, names)
    past(cloud, items)
    assert json.loads(cloud.home.server.log[-1].body)["fieldIds"] == []
