"""Whatever the data of a tracker does, numbers are those of an instant in the run or kept, and the next run is true."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pytest
from sqlmodel import select

from okr_sync.config import load
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.server import Fault, Request, Response
from okr_sync.store.tables.facts import WorkItemRow
from tests.edge.case_play import Case, Edited, Kind, Seen, check_kept, check_true, check_witness, opened, tracker_of
from tests.edge.gitlab_tracker import Gitlab
from tests.edge.sync_play import START
from tests.edge.sync_trackers import EMAIL, TOKEN, Counts, Github, Jira
from tests.edge.test_render_hostile import HOSTILE

Begin = Callable[[Case], object]
Ends = Literal["true", "kept", "before", "sound"]
JIRA: tuple[Kind, ...] = ("cloud", "dc")
GITHUB: tuple[Kind, ...] = ("graphql", "rest")
BOTH: tuple[Kind, ...] = ("cloud", "graphql")
NOW, LATER = timedelta(0), timedelta(hours=1)
ITEMS = 120  # more than any page


@dataclass(frozen=True)
class Row:
    """A case: what begins it, and how the run in it ends; the one after it is true, when whatever `begin` did is over.

    `true`: with the truth. `kept`: with all numbers kept and stale. `before`: with the numbers of before, fresh.
    `sound`: each number is that of before or the truth, and one that is not the truth is stale or suspect. `full`: the
    run reads everything.
    """

    begin: Begin
    ends: Ends
    kinds: tuple[Kind, ...] = JIRA
    full: bool = False
    site: Mapping[str, Any] = field(default_factory=dict)
    """Options of the Jira site."""


@dataclass(frozen=True)
class Shifting:
    """A site where a deed is done after so many searches."""

    site: Any
    searches: list[int]
    deed: Callable[[], object]

    def respond(self, request: Request) -> Response:
        answer: Response = self.site.respond(request)
        if "search" in request.path:
            self.searches[0] -= 1
            if self.searches[0] == 0:
                self.deed()
        return answer


def shifting(searches: int) -> Begin:
    """Delete what was finished first after so many searches, so that all after it move up."""

    def begin(case: Case) -> None:
        jira = case.tracker
        site = jira.server.site
        jira.server.site = Shifting(site, [searches], lambda: jira.world.delete(jira.done, at=jira.now))

    return begin


def quirk(name: str) -> Begin:
    """Let searches go wrong so."""
    return lambda case: setattr(case.tracker.server.site.quirks, name, True)


def drifted(jira: tuple[bytes, bytes], github: tuple[bytes, bytes]) -> Begin:
    """Send answers with whatever matches the first replaced by the second."""

    def begin(case: Case) -> None:
        pattern, instead = jira if case.tracker.source == "jira_epics" else github
        case.tracker.server.site = Edited(case.tracker.server.site, lambda body: re.sub(pattern, instead, body))

    return begin


def lag(case: Case) -> None:
    """Let searches see things as they were ten minutes ago; that a known story was finished, no count will tell."""
    jira = case.tracker
    jira.world.move(jira.open, "Done", at=jira.now, resolution="Done")
    case.pass_time(timedelta(minutes=1))
    jira.server.site.index_lag = timedelta(minutes=10)


def nothing(case: Case) -> None:
    """Let the site be as it was made."""


PAGES = MappingProxyType({"page_limit": 2})
ROWS: dict[str, Row] = {
    **{
        f"items that shift after search {number}": Row(shifting(number), "sound", full=True, site=PAGES)
        for number in (2, 3, 4)
    },
    **{
        f"a page that comes twice, the {number}.": Row(
            lambda case, skip=number - 1: case.tracker.server.inject(Fault("repeat", where="search", skip=skip)),  # type: ignore[misc]
            "sound",
            full=True,
            site=PAGES,
        )
        for number in (3, 4, 5)
    },
    "the same token for ever": Row(quirk("repeat_token"), "kept", ("cloud",), full=True, site=PAGES),
    "empty pages with a token for ever": Row(quirk("empty_page_with_token"), "kept", ("cloud",), full=True, site=PAGES),
    "short pages": Row(quirk("short_pages"), "true", full=True, site=MappingProxyType({"page_limit": 4})),
    "schema drift: a name": Row(
        drifted((rb'"statusCategory"', b'"category"'), (rb'"state"', b'"status"')), "kept", full=True, kinds=BOTH
    ),
    "schema drift: a type": Row(
        drifted((rb'"fields":\{', b'"fields":[],"f":{'), (rb'"state":"[A-Z]+"', b'"state":7')), "kept", BOTH, full=True
    ),
    "an account at −08:00": Row(nothing, "true", site=MappingProxyType({"account_timezone": "America/Los_Angeles"})),
    "an account at +13:00": Row(nothing, "true", site=MappingProxyType({"account_timezone": "Pacific/Apia"})),
    "an account at +05:45": Row(nothing, "true", site=MappingProxyType({"account_timezone": "Asia/Kathmandu"})),
    "an index that is late": Row(lag, "before"),
}
SEEN_RED: dict[str, tuple[str, ...]] = {
    "Data Center's pages may begin anywhere": ("a page that comes twice, the 5.",),
    "a token that comes again ends the list": ("the same token for ever",),
    "an empty page ends the list": ("empty pages with a token for ever",),
    "the first page is the whole list": (
        "short pages",
        *(f"items that shift after search {number}" for number in (2, 3, 4)),
    ),
    "changes are asked for since a date in words, in UTC": ("an account at −08:00",),
    "a status without a category is open": ("schema drift: a name",),
    "what changed is asked for without looking back": ("an index that is late",),
    "errors without advice have none": ("the same token for ever", "empty pages with a token for ever"),
}
"""What was taken away once → the cases that failed then, for at least one tracker."""
CASES = [pytest.param(kind, name, id=f"{name}, {kind}") for name, row in ROWS.items() for kind in row.kinds]


def tracker_for(kind: Kind, options: Mapping[str, Any]) -> Jira | Github | Gitlab:
    """Return a tracker whose site has these options."""
    tracker = tracker_of(kind)
    if options and isinstance(tracker, Jira):
        signed = Credentials(email=EMAIL, token=TOKEN)
        tracker.server.site = JiraSite(
            tracker.world,
            lambda: tracker.now,
            kind,  # type: ignore[arg-type] # a Jira is one of the two
            credentials=signed,
            **options,
        )
    return tracker


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_numbers_are_those_of_an_instant_in_the_run_and_the_next_run_is_true(
    kind: Kind, name: str, tmp_path: Path
) -> None:
    """I2, I3, I9 and I12 hold in every case."""
    row = ROWS[name]
    with opened(tracker_for(kind, row.site), tmp_path) as case:
        site = case.tracker.server.site
        case.pass_time(LATER)
        before = dict(case.tracker.truth())
        case.finish_something()
        now = dict(case.tracker.truth())
        row.begin(case)
        seen = case.run(NOW, full=row.full)
        check_ends(case, seen, row.ends, before, now)
        check_witness(case, seen)
        heal(case, site)
        check_true(case, case.run(LATER))


def check_ends(case: Case, seen: Seen, ends: Ends, before: dict[str, Counts], at_first: dict[str, Counts]) -> None:
    """The run ended as its row says; `at_first` is what was true when it began."""
    if ends == "kept":
        check_kept(seen, before)
    elif ends == "true":
        check_true(case, seen)
    elif ends == "before":
        assert seen.counts() == before != case.tracker.truth()
        assert seen.doubted() == set()
    else:
        truth = case.tracker.truth()
        for name, found in seen.counts().items():
            assert found in (truth[name], at_first[name]) or (found == before[name] and name in seen.doubted())


def heal(case: Case, site: Any) -> None:
    """Let the site be well, and make sure that it was ill."""
    broken = case.tracker.server.site
    assert not isinstance(broken, Edited) or broken.edited > 0
    assert not isinstance(broken, Shifting) or broken.searches[0] <= 0
    assert not case.tracker.server.has_faults
    case.tracker.server.site = site
    if isinstance(case.tracker, Jira):
        site.index_lag = NOW
        site.quirks.repeat_token = site.quirks.empty_page_with_token = site.quirks.short_pages = False


class WithEmptyEpic(Jira):
    """A third initiative, whose epic has no children yet."""

    initiatives = MappingProxyType(
        {**Jira.initiatives, "none": {"delivery": [{"source": "tracker", "epics": ["FAR-1"]}]}}
    )

    def __init__(self, kind: Literal["cloud", "dc"]) -> None:
        self.childless: Any = None
        super().__init__(kind)

    def stock(self) -> None:
        self.childless = self.world.add_epic("FAR", "Nothing yet", at=START)
        super().stock()

    def truth(self) -> dict[str, Counts]:
        held = [each for each in self.world.issues.values() if each.latest("parent") == self.childless.id]
        return {**super().truth(), "none": (0, 0, len(held), 0)}


@pytest.mark.parametrize("kind", JIRA)
def test_an_epic_without_children_has_no_progress_and_no_failure(kind: Literal["cloud", "dc"], tmp_path: Path) -> None:
    """Nothing of nothing is unknown, not 0 and not 100 %; its first story counts in the next run."""
    with opened(WithEmptyEpic(kind), tmp_path) as case:
        none = next(each for each in case.run().read.initiatives if each.id == "none")
        assert (none.total, none.progress) == (0, None)
        jira = case.tracker
        case.pass_time(LATER)
        jira.world.add_issue("ALP", "First", at=jira.now, parent=jira.childless)
        assert jira.truth()["none"] == (0, 0, 1, 0)
        check_true(case, case.run())


class Twins(Jira):
    """Two initiatives, and so two key results, on one epic."""

    initiatives = MappingProxyType({**Jira.initiatives, "twin": Jira.initiatives["alpha"]})

    def truth(self) -> dict[str, Counts]:
        known = super().truth()
        return {**known, "twin": known["alpha"]}


@pytest.mark.parametrize("kind", JIRA)
def test_two_key_results_on_one_epic_say_the_same_and_cost_no_more(
    kind: Literal["cloud", "dc"], tmp_path: Path
) -> None:
    spent = {}
    for tracker in (Twins(kind), Jira(kind)):
        with opened(tracker, tmp_path / type(tracker).__name__) as case:
            case.finish_something()
            seen = case.run()
            check_true(case, seen)
            spent[type(tracker)] = seen.requests
            if isinstance(tracker, Twins):
                assert seen.key_result("finish-twin").progress == seen.key_result("finish-alpha").progress
    assert spent[Twins] == spent[Jira]


@pytest.mark.parametrize("kind", BOTH)
def test_a_mapping_that_is_removed_takes_nothing_along_and_may_come_back(kind: Kind, tmp_path: Path) -> None:
    """Without `beta` the others are true and fresh, its own number stays as it was in the history."""
    with opened(tracker_of(kind), tmp_path) as case:
        file = case.folder / "okrs" / "team.yaml"
        whole, config = file.read_text(encoding="utf-8"), case.house.config
        team = json.loads(whole)
        team["initiatives"] = [each for each in team["initiatives"] if each["id"] != "beta"]
        goal = team["objectives"][0]
        goal["key_results"] = [each for each in goal["key_results"] if each["id"] != "finish-beta"]
        file.write_text(json.dumps(team), encoding="utf-8")
        case.house.config = load(case.folder, {"TOKEN": TOKEN})
        case.finish_something()
        seen = case.run()
        assert seen.counts() == {name: each for name, each in case.tracker.truth().items() if name != "beta"}
        assert (seen.report.outcome, seen.doubted()) == ("ok", set())
        check_witness(case, seen)
        case.house.config = config
        check_true(case, case.run())


@pytest.mark.parametrize("kind", GITHUB)
def test_more_items_than_a_page_are_counted_without_a_search(kind: Kind, tmp_path: Path) -> None:
    """What GitHub's search leaves out beyond 1,000, or when its time is up, can't be missing: it is never asked."""
    with opened(tracker_of(kind), tmp_path) as case:
        hub = case.tracker
        for _ in range(ITEMS):
            hub.issue(hub.alpha)
        seen = case.run(full=True)
        check_true(case, seen)
        asked = [line.path.encode() + line.body for line in hub.server.log]
        assert asked
        assert not [each for each in asked if b"search" in each]


@pytest.mark.parametrize("kind", BOTH)
def test_five_hundred_hostile_titles_change_no_number_and_are_kept_letter_by_letter(kind: Kind, tmp_path: Path) -> None:
    """What tries to steer a page, a table or a terminal is a title like any other; NUL, which no store has, goes."""
    titles = [f"{prefix}{evil}" for prefix in range(25) for evil in HOSTILE if "\ud800" not in evil][:500]
    with opened(tracker_of(kind), tmp_path) as case:
        tracker = case.tracker
        for title in titles:
            if isinstance(tracker, Jira):
                tracker.world.add_issue("ALP", title, at=tracker.now, parent=tracker.alpha, points=3.0)
            else:
                tracker.world.add_issue(tracker.home, title, at=tracker.now, milestone=tracker.alpha)
        check_true(case, case.run())
        with case.house.store.reading() as session:
            held = set(session.exec(select(WorkItemRow.title)))
        assert {title for title in titles if "\x00" not in title} <= held
        assert not [title for title in held if "\x00" in title]
