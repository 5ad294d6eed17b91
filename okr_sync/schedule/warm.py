"""The first module that the server imports which forks runs; nothing else imports it.

No thread, no connection, no connector of others: whatever is here is in every run, until the worker is started anew.
"""

from __future__ import annotations

from okr_sync.schedule.holding import be_shared, hold, look_where_the_program_is

NAMES = ("okr_sync.schedule.forked", "okr_sync.schedule.child")

look_where_the_program_is()
hold(NAMES)
be_shared()
