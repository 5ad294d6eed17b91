"""An alarm goes off for what takes too long and for nothing else, in whatever order things begin and end."""

from __future__ import annotations

import threading

from okr_sync.outbound.alarms import SPARE, Alarms

SOON, NEVER, PATIENCE = 0.01, 3_600.0, 30.0  # seconds


def test_what_takes_too_long_hears_of_it() -> None:
    """Also while others wait that have longer: seen red when the thread is not woken for an earlier alarm."""
    alarms, late = Alarms(), threading.Event()
    with alarms.after(NEVER, late.set):
        for _ in range(2):
            heard = threading.Event()
            with alarms.after(SOON, heard.set):
                assert heard.wait(PATIENCE)
    assert not late.is_set()


def test_what_is_over_hears_of_nothing() -> None:
    """Seen red when the end of a block is not noted: the first alarm goes off before the second."""
    alarms, over, heard = Alarms(), threading.Event(), threading.Event()
    with alarms.after(10 * SOON, over.set):
        pass
    at_its_end = over.is_set()  # on a machine that is that slow
    with alarms.after(20 * SOON, heard.set):
        assert heard.wait(PATIENCE)
    assert over.is_set() is at_its_end


def test_an_alarm_can_be_set_after_all_others_went_off() -> None:
    """The thread has ended by then: seen red when it is not begun anew."""
    alarms = Alarms()
    for _ in range(3):
        heard = threading.Event()
        with alarms.after(SOON, heard.set):
            assert heard.wait(PATIENCE)


def test_thousands_of_requests_take_one_thread_and_leave_nothing_behind() -> None:
    """Seen red without `_clear`: each is kept until it would have gone off."""
    alarms, before = Alarms(), threading.active_count()
    with alarms.after(NEVER, lambda: None):
        for _ in range(10 * SPARE):
            with alarms.after(NEVER, lambda: None):
                assert threading.active_count() <= before + 1
        assert len(alarms._due) <= SPARE + 4
