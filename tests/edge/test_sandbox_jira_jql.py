"""The site reads JQL as Jira does, and refuses what Jira refuses."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.sandbox.issues import take_picture
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_query import KEPT_ANSWERS, Reader, find, milliseconds
from okr_sync.sandbox.jql import Clause, Jql, JqlError, Junction, Negation, Sort, Word, parse
from tests.edge.jira_sandbox import Small, day, small_world


def keys(jql: str, flavour: Flavour = "cloud", zone: str = "Asia/Kathmandu") -> list[str]:
    """Return what the small world answers on day 10, by key."""
    world = small_world().world
    reader = Reader(world, take_picture(world, day(10)), flavour, ZoneInfo(zone), day(10))
    return sorted(view.key for view in find(jql, reader).views)


def refused(jql: str, flavour: Flavour = "cloud") -> tuple[str, ...]:
    with pytest.raises(JqlError) as caught:
        keys(jql, flavour)
    return caught.value.args


def parsed_or_refused(text: str) -> Jql | JqlError:
    try:
        return parse(text)
    except JqlError as error:
        return error


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    one, two, three = (Clause(name, "=", (Word("1", quoted=False),)) for name in "abc")
    assert parse("a=1 or not b = 1 AND c=1").where == Junction("or", (one, Junction("and", (Negation(two), three))))
    assert parse("(a=1 or b=1) and c=1").where == Junction("and", (Junction("or", (one, two)), three))


def test_words_may_be_quoted_escaped_or_bare() -> None:
    query = parse(r"""status NOT  IN ("In \"Progress\"", 'it''s', don\'t, a-1, "\u00e4\\")""".replace("''", r"\'"))
    assert isinstance(query.where, Clause)
    assert query.where.operator == "not in"
    assert [word.text for word in query.where.values] == ['In "Progress"', "it's", "don't", "a-1", "ä\\"]
    assert parse('"Epic Link" = A-1').where == Clause("Epic Link", "=", (Word("A-1", quoted=False),))


def test_order_by_may_stand_alone_and_have_directions() -> None:
    assert parse("order by updated ASC, Key desc, id").order == (
        Sort("updated", descending=False), Sort("Key", descending=True), Sort("id", descending=False),
    )  # fmt: skip
    assert parse("  ").where is None


@pytest.mark.parametrize(
    ("jql", "place"),
    [
        ("project", "(line 1, character 8)"),
        ("project ~~ A", "(line 1, character 9)"),
        ("project = A\nand", "(line 2, character 4)"),
        ("project in A", "(line 1, character 12)"),
        ("project in (A", "(line 1, character 14)"),
        ("(project = A", "(line 1, character 13)"),
        ("project = A project = B", "(line 1, character 13)"),
        ("project = [", "(line 1, character 11)"),
        ('project = "A', "(line 1, character 11)"),
        ("project = A order key", "(line 1, character 19)"),
    ],
)
def test_a_mistake_is_told_with_its_place(jql: str, place: str) -> None:
    with pytest.raises(JqlError, match="Error in the JQL Query") as caught:
        parse(jql)
    assert place in str(caught.value)


def test_nesting_has_an_end() -> None:
    assert parse("(" * 100 + "a = 1" + ")" * 100).where == Clause("a", "=", (Word("1", quoted=False),))
    for opening in ("(", "not "):
        with pytest.raises(JqlError, match="nested too deeply"):
            parse(opening * 100_000 + "a = 1")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_quotes(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'summary = "{quoted}"').where == Clause("summary", "=", (Word(value, quoted=True),))


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_as_jql(text: str) -> None:
    outcome = parsed_or_refused(text)
    assert outcome.args if isinstance(outcome, JqlError) else outcome is not None


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("key = a-1", ["A-1"]),
        ("issuekey in (A-1, A-3)", ["A-1", "A-3"]),
        ("project = alpha", ["A-1", "A-2", "A-3", "A-4", "A-5"]),
        ("project not in (A)", ["B-1"]),
        ("parent = A-1", ["A-3", "A-4", "B-1"]),
        ("parent in (A-1, A-2) and status != Done", ["A-4", "B-1"]),
        ("parent = A-3", ["A-5"]),
        ("parent is EMPTY", ["A-1", "A-2"]),
        ("parent is not empty and issuetype != Sub-task", ["A-3", "A-4", "B-1"]),
        ('statusCategory = "To Do"', ["A-1", "A-2", "A-4", "A-5"]),
        ("statusCategory in (done, 4)", ["A-3", "B-1"]),
        ("statusCategory != new", ["A-3", "B-1"]),
        ("status in (Closed, 10001)", ["A-3", "B-1"]),
        ("resolution = Unresolved and parent = A-1", ["A-4"]),
        ("resolution is not EMPTY", ["A-3", "B-1"]),
        ("resolution != Done", ["B-1"]),
        ("resolution not in (Done)", ["B-1"]),
        ("labels = mobile", ["A-3"]),
        ("labels = nowhere", []),
        ("labels is EMPTY and parent = A-1", ["A-4", "B-1"]),
        ("type = Bug", ["A-4"]),
        ("not (type = Bug or type = Story)", ["A-1", "A-2", "A-5"]),
        ("due <= 2026-03-31", ["A-1"]),
        ("due is EMPTY and issuetype = 长篇故事", ["A-2"]),
        ("resolutiondate >= 2026-01-10", ["B-1"]),
        ("updated >= -4d", ["B-1"]),
        ("created > 2026/01/07", ["A-5", "B-1"]),
    ],
)
def test_cloud_finds(jql: str, found: list[str]) -> None:
    assert keys(jql) == found


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ('"Epic Link" = A-1', ["A-3", "A-4", "B-1"]),
        ("cf[10008] in (A-1)", ["A-3", "A-4", "B-1"]),
        ('"Epic Link" is EMPTY', ["A-1", "A-2", "A-5"]),
        ("parent in (A-3)", ["A-5"]),
        ("parent = A-1", []),
    ],
)
def test_data_center_finds_by_epic_link(jql: str, found: list[str]) -> None:
    assert keys(jql, "dc") == found


def test_epoch_milliseconds_are_exact_and_know_no_zone() -> None:
    at = milliseconds(day(6))
    for zone in ("America/Los_Angeles", "Pacific/Tongatapu", "Asia/Kathmandu"):
        assert keys(f"updated >= {at}", zone=zone) == ["B-1"]
        assert keys(f"updated > {at}", zone=zone) == []


def test_dates_are_read_in_the_zone_of_the_account() -> None:
    """Day 6 is 2026-01-11 09:00 in UTC: 14:45 in Kathmandu, 01:00 in Los Angeles."""
    assert keys('updated >= "2026-01-11 14:45"') == ["B-1"]
    assert keys('updated >= "2026-01-11 14:46"') == []
    assert keys('updated >= "2026-01-11 01:00"', zone="America/Los_Angeles") == ["B-1"]
    assert keys('updated >= "2026-01-11 01:01"', zone="America/Los_Angeles") == []


@pytest.mark.parametrize("text", ["2026-01-11 14:45:10", "11.01.2026", "2026-13-01", "soon", "12"])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    (message,) = refused(f'updated >= "{text}"')
    assert message.startswith(f"Date value '{text}' for field 'updated' is invalid.")


def test_every_unknown_value_is_named() -> None:
    assert refused("parent in (A-1, A-99, B-77)") == (
        "An issue with key 'A-99' does not exist for field 'parent'.",
        "An issue with key 'B-77' does not exist for field 'parent'.",
    )
    assert refused("key = 4711") == ("A value with ID '4711' does not exist for the field 'key'.",)
    assert refused("project = C and status = Gone") == (
        "The value 'C' does not exist for the field 'project'.",
        "The value 'Gone' does not exist for the field 'status'.",
    )


@pytest.mark.parametrize("field", ["sprint", '"Epic Link"', "cf[10008]", "cf[1]"])
def test_a_field_that_the_site_does_not_have_is_refused(field: str) -> None:
    name = field.strip('"')
    assert refused(f"{field} = 1") == (f"Field '{name}' does not exist or you do not have permission to view it.",)


@pytest.mark.parametrize("jql", ["", "order by key"])
def test_cloud_refuses_what_has_no_bound_and_data_center_does_not(jql: str) -> None:
    assert refused(jql)[0].startswith("Unbounded JQL queries are not allowed")
    assert len(keys(jql, "dc")) == 6


def found(small: Small, jql: str) -> list[str]:
    """Return the keys that are found on day 10, in their order."""
    reader = Reader(small.world, take_picture(small.world, day(10)), "cloud", ZoneInfo("UTC"), day(10))
    return [view.key for view in find(jql, reader).views]


def test_fix_versions_are_those_that_the_site_knows() -> None:
    small = small_world()
    small.world.add_version("1.0", released=True)
    small.world.edit(small.done, at=day(7), fix_versions=("1.0",))
    assert found(small, "fixVersion = 1.0") == ["A-3"]
    assert found(small, "fixVersion is EMPTY and parent = A-1 order by key") == ["A-4", "B-1"]
    with pytest.raises(JqlError, match="does not exist for the field 'fixVersion'"):
        found(small, "fixVersion = 2.0")


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        ("", ["B-1", "A-4", "A-3"]),
        ("order by key", ["A-3", "A-4", "B-1"]),
        ("order by key desc", ["B-1", "A-4", "A-3"]),
        ("order by updated", ["A-4", "A-3", "B-1"]),
        ("order by created desc, id asc", ["B-1", "A-3", "A-4"]),
        ("order by statusCategory desc, key desc", ["A-4", "B-1", "A-3"]),
        ("order by resolutiondate", ["A-4", "A-3", "B-1"]),
    ],
)
def test_answers_come_in_the_order_asked_for_else_newest_first(order: str, keys: list[str]) -> None:
    assert found(small_world(), f"parent = A-1 {order}") == keys


def test_dates_may_be_in_lists_or_missing() -> None:
    small = small_world()
    at = milliseconds(day(1))
    assert found(small, f"created in ({at}) order by key") == ["A-3", "A-4"]
    assert found(small, f"parent = A-1 and created not in ({at})") == ["B-1"]
    assert found(small, "parent = A-1 and resolutiondate is not EMPTY order by key") == ["A-3", "B-1"]


def test_more_queries_than_are_kept_are_answered_as_well() -> None:
    world = small_world().world
    reader = Reader(world, take_picture(world, day(10)), "cloud", ZoneInfo("UTC"), day(10))
    first = find("project = A", reader).views
    for number in range(KEPT_ANSWERS):
        find(f"updated >= {milliseconds(day(number))}", reader)
    assert len(reader.picture.found) <= KEPT_ANSWERS
    assert find("project = A", reader).views == first


def test_functions_odd_operators_and_eight_sorts_are_refused() -> None:
    assert refused("key in linkedIssues(A-1)")
    assert refused("created > now()") == ("Unable to find JQL function 'now()'.",)
    assert refused("project > A") == ("The operator '>' is not supported by the 'project' field.",)
    assert refused("parent is A-1") == ("The operator 'is' can only be used with EMPTY or NULL.",)
    eight = ", ".join(["key"] * 8)
    assert refused(f"project = A order by {eight}") == ("The 'ORDER BY' clause can have at most 7 fields.",)


def test_a_security_level_is_a_field_once_the_site_has_one_and_hides_what_the_account_is_not_in() -> None:
    small = small_world()
    world = small.world
    issues = sorted(world.issues.values(), key=lambda issue: int(issue.id))[:2]
    reader = Reader(world, take_picture(world, day(10)), "cloud", ZoneInfo("UTC"), day(10))
    with pytest.raises(JqlError, match="Field 'level' does not exist"):
        find("level is not EMPTY", reader)
    for issue, (name, seen) in zip(issues, (("Staff", True), ("Board", False)), strict=True):
        world.add_level(name, seen=seen)
        world.protect(issue, name, at=day(9))
    with pytest.raises(ValueError, match="no security level 'Nobody'"):
        world.protect(issues[0], "Nobody", at=day(9))
    picture = take_picture(world, day(10))
    reader = Reader(world, picture, "cloud", ZoneInfo("UTC"), day(10))
    assert [view.id for view in find("level is not EMPTY", reader).views] == [issues[0].id]
    assert [view.id for view in find("level = staff", reader).views] == [issues[0].id]
    assert picture.get(issues[1].key) is None
    world.protect(issues[1], None, at=day(10))
    assert take_picture(world, day(10)).get(issues[1].key) is not None
