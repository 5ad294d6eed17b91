"""No case of bad sources and bad data is lost: each has its rows, or a test elsewhere that exists."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.edge import test_data_cases, test_source_cases

ROOT = Path(__file__).parents[2]
TRACKERS = "tests/edge/test_sync_trackers.py::"
JIRA_DEEDS = f"{TRACKERS}test_after_each_deed_in_jira_the_next_run_counts_the_truth"
GITHUB_DEEDS = f"{TRACKERS}test_after_each_deed_on_github_the_next_run_counts_the_truth"
LOSSES = f"{TRACKERS}test_what_can_no_longer_be_seen_is_stale_and_never_smaller"
DATA = "tests/edge/test_data_cases.py::"
DEEP = "tests/edge/test_deep_hierarchies.py::"
COUNTS = "tests/edge/test_late_counts.py::"
MASKED = "tests/edge/test_masked_deletions.py::"
FIELDS = "tests/edge/test_drifting_fields.py::"
MIDWAY = "tests/edge/test_hiding_midway.py::"
MIDWAY_GITHUB = "tests/edge/test_hiding_midway_github.py::"
PAGES = "tests/edge/test_page_cases.py::"
DOORS = "tests/edge/test_source_doors.py::"
GITHUB_ANSWERS = "tests/contract/test_github_milestones_failures.py::"

SOURCE: dict[str, tuple[str, ...]] = {
    "silent server": ("a silent server",),
    "half-open mid-body": ("a body that stops half-way, the connection open",),
    "slow body": ("a slow body",),
    "slow header": ("a slow header",),
    "refused": ("a refused connection",),
    "DNS gone": ("a name that is gone",),
    "reset": ("a connection reset", "a connection reset once", "a connection closed without a word"),
    "truncated with length": ("an answer cut short of its length", "an answer cut short once"),
    "truncated without length": ("an answer without length cut short",),
    "HTML with 200": ("HTML with 200, always", "HTML with 200, once"),
    "empty, {}, [], null with 200": (
        "an empty answer with 200", "{} with 200", "[] with 200", "null with 200",
    ),
    "5xx thrice": tuple(f"{status} three times, then well" for status in (500, 502, 503, 504)),
    "5xx for ever": tuple(f"{status} for ever" for status in (500, 502, 503, 504)),
    "429": (
        "429 for 5 seconds", "429 until a date", "429 without a wish", "429 for a day", "429 for −1 seconds",
        "429 for abc", "Jira's burst",
    ),
    "GitHub's limits": (
        "GitHub's primary limit, soon over", "GitHub's primary limit, for an hour", "GitHub's secondary limit",
        "GitHub's secondary limit without a wish", "GitHub's secondary limit, for ever",
    ),
    "skewed Date": (
        "GitHub's primary limit, its Date weeks ahead of its reset",
        "GitHub's primary limit, its Date weeks behind its reset",
    ),
    "401": (
        "401 now", "401 in the middle",
        f"{DOORS}test_a_tracker_that_refuses_is_probed_once_an_hour_until_the_settings_change",
    ),
    "CAPTCHA": ("a CAPTCHA",),
    "410": ("an interface that is gone, 410",),
    "redirect": ("a redirect elsewhere", "a redirect to itself", "a redirect to a file"),
    "gzip bomb": ("a gzip bomb",),
    "huge page": ("a page beyond all bounds",),
    "deep JSON": ("JSON 100,000 deep",),
    "numbers that are none": (
        "NaN", "1e999 as points", "1e999 as a weight", "1e999 as a count", "a count that is none",
    ),
    "duplicate keys": ("a key that comes twice",),
    "bad UTF-8": ("bad UTF-8",),
    "bad TLS": (
        "bad TLS",
        f"{DOORS}test_only_a_certificate_that_is_vouched_for_is_believed",
        "tests/outbound/test_sessions.py::test_a_session_verifies_certificates",
    ),
}  # fmt: skip
DATA_CASES: dict[str, tuple[str, ...]] = {
    "shifting items": (
        *(f"items that shift after search {number}" for number in (2, 3, 4)),
        f"{COUNTS}test_a_list_that_moves_while_it_is_read_loses_no_issue",
        f"{COUNTS}test_a_list_that_moved_between_two_parts_of_a_pull_is_read_anew",
    ),
    "duplicate page": (
        *(f"a page that comes twice, the {number}." for number in (3, 4, 5)),
        f"{PAGES}test_rows_that_come_twice_stand_for_no_others",
        f"{GITHUB_ANSWERS}test_a_page_that_leads_to_itself_is_refused",
        f"{GITHUB_ANSWERS}test_items_that_do_not_fit_their_count_twice_are_no_answer",
    ),
    "same token": ("the same token for ever", f"{PAGES}test_a_list_that_leads_to_its_own_beginning_is_left"),
    "empty page with token": ("empty pages with a token for ever",),
    "short page": ("short pages",),
    "incomplete results and the cap": (f"{DATA}test_more_items_than_a_page_are_counted_without_a_search",),
    "deleted issue": (f"{JIRA_DEEDS}[deleted]", f"{GITHUB_DEEDS}[deleted]"),
    "deleted while another came": (
        f"{MASKED}test_what_goes_while_an_old_issue_comes_is_missed_by_the_next_run",
        f"{MASKED}test_what_goes_while_a_hidden_issue_is_shown_again_is_missed_by_the_next_run",
    ),
    "deleted epic": (f"{LOSSES}[epic deleted]",),
    "moved project": (f"{JIRA_DEEDS}[moved to another project]", f"{JIRA_DEEDS}[the epic in another project]"),
    "re-parented": (f"{JIRA_DEEDS}[moved to another epic]", f"{JIRA_DEEDS}[taken out of its epic]"),
    "milestone closed or deleted": (f"{GITHUB_DEEDS}[the milestone closed]", f"{LOSSES}[milestone deleted]"),
    "repository renamed or transferred": (
        f"{GITHUB_DEEDS}[the repository renamed]", f"{GITHUB_DEEDS}[renamed, and then an issue done]",
    ),
    "permission lost": (f"{LOSSES}[items hidden]", f"{LOSSES}[epic hidden]", f"{LOSSES}[repository hidden]"),
    "deep hierarchy, ring of parents": (
        f"{DEEP}test_what_stands_far_below_counts_however_far",
        f"{DEEP}test_more_levels_than_any_hierarchy_has_end_the_pull_and_keep_the_numbers",
        f"{DEEP}test_parents_in_a_ring_end_the_pull_and_count_once",
    ),
    "late count": (f"{COUNTS}test_a_count_that_does_not_fit_its_list_takes_nothing_away",),
    "permission lost in the middle of a run": (
        f"{MIDWAY}test_whenever_permission_is_lost_in_a_run_what_rests_on_it_is_stale_and_never_smaller",
        f"{MIDWAY}test_what_was_lost_in_a_first_run_is_unknown_or_whole_and_never_a_part",
        f"{MIDWAY_GITHUB}test_whenever_a_repository_is_lost_in_a_run_what_rests_on_it_is_stale_and_never_smaller",
    ),
    "schema drift": (
        "schema drift: a name", "schema drift: a type",
        f"{FIELDS}test_points_in_a_field_made_anew_are_read_from_it_with_the_first_change",
        f"{FIELDS}test_points_in_another_field_are_read_from_it_after_an_hour_at_the_latest",
    ),
    "account time zones": ("an account at −08:00", "an account at +13:00", "an account at +05:45"),
    "late index": ("an index that is late",),
    "epic without children": (f"{DATA}test_an_epic_without_children_has_no_progress_and_no_failure",),
    "hostile titles": (
        f"{DATA}test_five_hundred_hostile_titles_change_no_number_and_are_kept_letter_by_letter",
        "tests/edge/test_render_hostile.py::test_foreign_text_can_not_steer_the_reader",
        "tests/edge/test_render_hostile.py::test_foreign_text_stays_text_in_html",
        "tests/edge/test_render_hostile.py::test_foreign_text_stays_text_in_markdown",
    ),
    "two key results on one epic": (f"{DATA}test_two_key_results_on_one_epic_say_the_same_and_cost_no_more",),
    "mapping removed": (f"{DATA}test_a_mapping_that_is_removed_takes_nothing_along_and_may_come_back",),
    "cycle over": (
        "tests/edge/test_closing.py::test_within_the_grace_late_data_counts_and_after_it_nothing_is_written",
    ),
}  # fmt: skip
LISTED = {**SOURCE, **DATA_CASES}


@pytest.mark.parametrize("case", LISTED)
def test_every_case_is_tried(case: str) -> None:
    """Red when a row or a named test is renamed or removed."""
    assert LISTED[case]
    for held_by in LISTED[case]:
        if "::" in held_by:
            assert exists(held_by), f"{case}: there is no {held_by}"
        else:
            rows = test_source_cases.ROWS if case in SOURCE else test_data_cases.ROWS
            assert held_by in rows, f"{case}: there is no row {held_by!r}"
            assert rows[held_by].kinds, f"{case}: {held_by!r} is tried for no tracker"


def test_every_row_belongs_to_a_case() -> None:
    """Red when a row is added that no case names."""
    listed = {held_by for many in LISTED.values() for held_by in many if "::" not in held_by}
    assert listed == {*test_source_cases.ROWS, *test_data_cases.ROWS}


@pytest.mark.parametrize("module", [test_source_cases, test_data_cases])
def test_what_was_seen_red_is_a_row(module: ModuleType) -> None:
    """Red when a row is renamed where it is tried, and not where it is said how it failed."""
    seen = {name for names in module.SEEN_RED.values() for name in names}
    assert seen
    assert seen <= set(module.ROWS)


def exists(held_by: str) -> bool:
    """Return whether a test (file::name, or file::name[a word that stands in its table]) is there."""
    file, _, test = held_by.partition("::")
    name, _, word = test.rstrip("]").partition("[")
    text = (ROOT / file).read_text(encoding="utf-8")
    return bool(re.search(rf"^ *def {name}\(", text, re.MULTILINE)) and (not word or f'"{word}"' in text)
