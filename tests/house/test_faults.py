"""No fault of processes, stores and time is lost, and no invariant: each is held by tests that exist."""

from __future__ import annotations

import pytest

from tests.house.test_cases import exists

BAR = "tests/bar/test_"
CLAIMING = "tests/schedule/test_claiming.py::test_"
PROCRASTINATE = "tests/schedule/test_procrastinate.py::test_"
POSTGRES = "tests/store/test_postgres.py::test_"
DATABASE = "tests/store/test_database.py::test_"
EDGES = "tests/core/test_calendar_edges.py::test_"

PROCESS: dict[str, tuple[str, ...]] = {
    "kill -9 at random": (
        f"{BAR}kills.py::test_a_run_killed_at_any_instant_leaves_no_trace_and_the_worker_outlives_it",
        f"{BAR}kills.py::test_a_worker_killed_at_any_instant_is_healed_by_the_next_one",
    ),
    "kill -9 at every storage call": (
        f"{BAR}every_call.py::test_a_run_killed_at_any_storage_call_of_its_file_is_whole_or_not_there",
        f"{BAR}every_call.py::test_a_run_killed_at_any_call_to_its_server_is_whole_or_not_there",
    ),
    "SIGTERM in a run, twice": (
        f"{BAR}limits.py::test_sigterm_ends_the_worker_within_ten_seconds_and_gives_back_the_lease",
        f"{BAR}half_open.py::test_a_run_whose_server_falls_silent_ends_in_time_and_its_worker_when_asked",
        f"{BAR}half_open.py::test_a_server_that_acknowledges_and_says_nothing_is_given_up_and_asked_anew_later",
        f"{BAR}half_open.py::test_a_run_now_obeys_in_time_while_its_server_says_nothing",
    ),
    "memory limit": (
        f"{BAR}limits.py::test_a_run_that_hogs_memory_or_crashes_ends_alone_and_the_worker_does_not_grow",
    ),
    "deadline": (
        f"{BAR}limits.py::test_a_run_that_hangs_ends_at_its_deadline_with_all_that_it_began",
        "tests/schedule/test_limits.py::test_a_run_ends_at_most_five_seconds_after_its_deadline",
        "tests/schedule/test_orphans.py::test_a_run_ends_itself_after_its_seconds_when_nobody_ends_it",
    ),
    "worker stopped beyond its lease": (
        f"{BAR}limits.py::test_a_worker_asleep_beyond_its_lease_is_fenced_and_what_it_brings_is_refused",
        f"{BAR}many_workers.py::test_a_worker_asleep_beyond_its_lease_is_fenced_and_goes_on_when_it_wakes",
    ),
    "stale PID or lock": (
        f"{CLAIMING}the_run_of_a_dead_process_of_this_host_is_interrupted_and_tried_again_at_once",
        f"{CLAIMING}a_run_beyond_its_lease_is_fenced_and_its_renewal_refused",
        f"{BAR}many_workers.py::test_when_a_worker_of_another_host_dies_its_run_is_done_by_the_others",
        f"{PROCRASTINATE}a_job_that_a_dead_worker_left_is_performed_by_another",
        f"{PROCRASTINATE}a_job_that_ended_three_workers_is_given_up_and_said_in_the_ledger",
    ),
    "loop death": (
        "tests/schedule/test_worker.py::test_a_worker_whose_engine_died_ends_without_being_asked",
        "tests/schedule/test_worker.py::test_a_clock_that_can_not_tell_the_next_slot_is_dead_and_says_why",
        "tests/outside/test_serving.py::test_a_silent_loop_makes_the_process_dead_and_unready",
    ),
    "a broken edit": (
        f"{BAR}limits.py::test_a_broken_edit_keeps_the_last_good_config_and_says_so",
        "tests/alerts/test_last_good.py::test_what_was_good_stands_in_for_what_is_broken_after_a_restart",
    ),
}
STORE: dict[str, tuple[str, ...]] = {
    "locked": (
        f"{BAR}turns.py::test_who_waits_for_a_lock_that_somebody_holds_ends_in_time_when_told_to",
        f"{BAR}outages.py::test_a_held_lock_delays_runs_and_loses_nothing",
        f"{DATABASE}no_update_is_lost_when_six_threads_add_one_twenty_times",
    ),
    "disk full": (
        f"{BAR}full_disk.py::test_a_file_on_a_full_disk_can_be_read_and_takes_no_half_run",
        f"{BAR}full_disk.py::test_a_worker_outlives_a_full_disk_and_says_what_to_do",
        f"{BAR}full_disk.py::test_a_database_on_a_full_disk_can_be_read_and_takes_no_half_run",
        f"{BAR}full_disk.py::test_a_server_whose_whole_disk_is_full_ends_and_loses_nothing",
    ),
    "read-only": (
        f"{BAR}frozen_disk.py::test_a_store_on_a_frozen_disk_can_be_read_and_takes_nothing",
        f"{BAR}frozen_disk.py::test_a_worker_outlives_a_frozen_disk_and_says_what_to_do",
        f"{BAR}frozen_disk.py::test_what_is_changed_while_it_is_read_from_a_frozen_disk_is_told",
    ),
    "gone": (
        f"{DATABASE}a_store_that_vanishes_fails_and_never_comes_back_empty",
        "tests/store/test_pooling.py::test_a_store_that_vanishes_is_missed_also_while_connections_are_kept",
        f"{POSTGRES}a_database_that_is_not_there_is_named_and_never_made",
    ),
    "corrupt page": (f"{DATABASE}a_damaged_store_says_so",),
    "PostgreSQL restarted in a run": (
        f"{BAR}acked.py::test_what_a_run_said_is_saved_outlives_a_server_that_is_killed_at_once",
        f"{BAR}many_workers.py::test_after_the_server_was_killed_in_the_middle_of_a_run_workers_go_on",
        f"{POSTGRES}a_server_that_crashes_saves_nothing_and_is_used_again_when_it_is_back",
        "tests/schedule/test_limits.py::test_after_the_server_is_back_work_goes_on_within_30_seconds",
        f"{PROCRASTINATE}a_server_that_is_gone_is_told_and_waited_for",
    ),
    "half-open": (
        f"{BAR}half_open.py::test_what_ends_a_dumb_connection_is_set_on_the_sockets_of_store_and_queue",
        f"{BAR}half_open.py::test_a_run_whose_server_falls_silent_ends_in_time_and_its_worker_when_asked",
        f"{BAR}half_open.py::test_a_server_that_acknowledges_and_says_nothing_is_given_up_and_asked_anew_later",
        f"{BAR}half_open.py::test_a_run_now_obeys_in_time_while_its_server_says_nothing",
    ),
    "connections exhausted": (
        f"{POSTGRES}a_server_without_a_free_connection_says_so_and_the_next_one_gets_it",
        f"{POSTGRES}threads_that_find_no_free_connection_are_told_the_same",
    ),
    "terminated backend": (
        f"{POSTGRES}a_backend_that_is_terminated_saves_nothing_and_the_next_transaction_heals",
        f"{PROCRASTINATE}when_its_connections_are_cut_it_goes_on_working",
    ),
    "backup during writes": (
        "tests/store/test_backups.py::test_a_backup_during_writes_holds_whole_transactions_and_verifies",
    ),
    "upgrade killed at each step": (
        f"{BAR}upgrades.py::test_an_upgrade_of_a_file_killed_at_any_storage_call_is_whole_or_not_there",
        f"{BAR}upgrades.py::test_an_upgrade_on_a_server_killed_at_any_call_to_it_is_whole_or_not_there",
    ),
    "newer store": ("tests/store/test_schema.py::test_a_store_of_a_newer_program_is_refused_whatever_one_wants",),
}
TIME: dict[str, tuple[str, ...]] = {
    "DST in five zones over a year": (
        f"{BAR}a_year.py::test_in_a_year_every_local_date_has_one_run_or_says_why_not",
        "tests/core/test_slots.py::test_a_daily_slot_comes_once_a_local_date_all_year_in_every_zone",
        "tests/schedule/test_housekeeping.py::test_each_day_has_one_also_when_the_clocks_change",
    ),
    "clock ±1 h, ±1 day, +10 years": (
        f"{BAR}clock_jumps.py::test_a_clock_that_jumps_and_comes_back_ends_no_schedule_and_keeps_nothing_fresh",
        f"{CLAIMING}what_a_clock_that_was_ahead_recorded_as_missed_has_its_run_when_it_is_due",
        "tests/edge/test_wrong_clocks.py::test_whatever_our_clock_shows_each_run_sees_what_changed",
        "tests/edge/test_wrong_clocks.py::test_when_a_clock_that_was_ahead_is_set_right_each_run_sees_what_changed",
        "tests/schedule/test_housekeeping.py::test_what_a_clock_makes_old_that_is_ahead_is_not_forgotten_for_days",
    ),
    "three days off": (
        f"{BAR}outages.py::test_after_three_days_off_one_run_catches_up_and_every_missed_slot_says_so",
        f"{CLAIMING}after_any_outage_one_run_catches_up_and_each_other_slot_is_missed",
    ),
    "overlap": (
        f"{BAR}outages.py::test_slots_that_come_while_their_run_is_under_way_are_recorded_as_missed",
        f"{CLAIMING}slots_that_came_under_a_run_are_skipped_also_when_that_is_seen_after_its_end",
    ),
    "2 and 10 workers at the same instant": (
        f"{BAR}contention.py::test_of_many_workers_at_the_same_instant_one_does_the_run",
    ),
    "leap day": (
        f"{EDGES}the_leap_day_counts_in_its_month_and_can_be_skipped",
        "tests/core/test_slots.py::test_the_leap_day_comes_every_four_years_and_its_last_one_may_be_long_ago",
    ),
    "ISO week 53": (f"{EDGES}the_week_53_of_2026_is_one_week_over_the_turn_of_the_year",),
    "a month with a fifth of all requests faulty": (
        f"{BAR}a_month.py::test_in_a_month_with_a_fifth_of_all_requests_faulty_nothing_is_lost_doubled_or_wrong",
    ),
}
LISTED = {**PROCESS, **STORE, **TIME}


@pytest.mark.parametrize("fault", LISTED)
def test_every_fault_is_tried(fault: str) -> None:
    """Red when a named test is renamed or removed."""
    assert LISTED[fault]
    missing = [held_by for held_by in LISTED[fault] if not exists(held_by)]
    assert missing == []
