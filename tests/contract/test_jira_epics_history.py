"""Whatever happens in Jira between two pulls, the mirror shows afterwards what a pull of everything shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_world import Issue
from tests.contract.jira_fixtures import START, Jira, serve

_SCOPES = {
    "a": {"epics": ["ALP-1"]},
    "b": {"epics": ["BET-1", "ALP-1"]},
    "top": {"epics": ["TOP-1"]},
    "q": {"jql": "labels = hot OR resolution = Done"},
}


def _finish(jira: Jira, issue: Issue, _: Issue) -> None:
    jira.world.move(issue, "Done", at=jira.home.now, resolution="Done")


def _reopen(jira: Jira, issue: Issue, _: Issue) -> None:
    jira.world.move(issue, "In Progress", at=jira.home.now)


def _label(jira: Jira, issue: Issue, _: Issue) -> None:
    jira.world.edit(issue, at=jira.home.now, labels=("hot",))


def _create(jira: Jira, issue: Issue, _: Issue) -> None:
    above = issue if issue.type.level == 1 else None
    jira.world.add_issue("FAR", "New", at=jira.home.now, parent=above, labels=("hot",) if above is None else ())


def _divide(jira: Jira, issue: Issue, _: Issue) -> None:
    if issue.type.level == 0:
        jira.world.add_subtask(issue, "Part", at=jira.home.now)


def _reparent(jira: Jira, issue: Issue, other: Issue) -> None:
    above = other if other.type.level == issue.type.level + 1 else None
    if issue.type.level == 0 or (issue.type.level in (-1, 1) and above):
        jira.world.reparent(issue, above, at=jira.home.now)


def _relocate(jira: Jira, issue: Issue, _: Issue) -> None:
    if issue.type.level == 0:
        jira.world.change_project(issue, "BET", at=jira.home.now)


def _delete(jira: Jira, issue: Issue, _: Issue) -> None:
    if issue.type.level <= 0:
        jira.world.delete(issue, at=jira.home.now)


def _hide(jira: Jira, issue: Issue, _: Issue) -> None:
    jira.world.hide_project("FAR", at=jira.home.now)


def _show(jira: Jira, issue: Issue, _: Issue) -> None:
    jira.world.show_project("FAR", at=jira.home.now)


def _pull(jira: Jira, issue: Issue, _: Issue) -> None:
    jira.pull(**_SCOPES)


_DEEDS: list[Callable[[Jira, Issue, Issue], None]] = [
    _finish, _reopen, _label, _create, _divide, _reparent, _relocate, _delete, _hide, _show, _pull,
]  # fmt: skip
_Step = tuple[Callable[[Jira, Issue, Issue], None], int, int, int]


def _living(jira: Jira) -> list[Issue]:
    return [issue for issue in jira.world.issues.values() if not issue.latest("deleted")]


def _prepare(jira: Jira) -> None:
    for key in ("FAR", "TOP"):
        jira.world.add_project(key)
    kind = "Initiative" if jira.home.flavour == "cloud" else "Epic"
    top = jira.world.add_epic("TOP", "Top", at=START, type=kind)
    if jira.home.flavour == "cloud":
        jira.world.reparent(jira.home.epics["beta"], top, at=START + timedelta(days=1))
        jira.world.add_epic("FAR", "Spare", at=START, parent=top)
    far = jira.world.add_issue("FAR", "Far", at=START, parent=jira.home.epics["alpha"])
    jira.world.add_subtask(far, "Part", at=START)


@pytest.mark.parametrize("flavour", ["cloud", "dc"])
@settings(deadline=None, max_examples=20)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(_DEEDS), st.integers(0, 99), st.integers(0, 99), st.integers(0, 90)), max_size=25
    )
)
def test_pull_after_pull_equals_a_pull_of_everything(flavour: Flavour, steps: list[_Step]) -> None:
    """After any history with pulls at any time, mirrored members and facts equal those of a fresh pull."""
    for jira in serve(flavour):
        _prepare(jira)
        jira.pull(**_SCOPES)
        for deed, which, other, minutes in steps:
            jira.home.tick(minutes)
            living = _living(jira)
            deed(jira, living[which % len(living)], living[other % len(living)])
        jira.check_mirror(**_SCOPES)
