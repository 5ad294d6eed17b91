"""Laws of looking for cyclic garbage seldom: it is looked for all the same, and afterwards as before."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from weakref import ref

import pytest

from okr_sync.garbage import USUAL, YOUNG, seldom_collected, usually_collected

ENDING = """
import sys, weakref
from okr_sync.cli import main

class Knot:
    def __init__(self): self.itself = self
    def __del__(self): print("searched")

class Plain: pass

held = Plain()
weakref.finalize(held, print, "finalized")
main(["--version"])
{again}
Knot()
print("written", end=" and flushed")
"""


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_garbage_with_a_cycle_ends_in_it_too_if_later() -> None:
    """Seen red with the collector off: all of them stay."""
    with seldom_collected():
        first = ref(Knot())
        assert first() is not None
        for _ in range(YOUNG):  # each is an object with a dict
            Knot()
        assert first() is None


def test_it_is_as_before_afterwards_whatever_happens() -> None:
    """Seen red without `finally`."""
    gc.set_threshold(500, 5, 5)
    with seldom_collected():
        assert gc.get_threshold() == (YOUNG, 5, 5)
    assert gc.get_threshold() == (500, 5, 5)
    with pytest.raises(ZeroDivisionError), seldom_collected():
        raise ZeroDivisionError
    assert gc.get_threshold() == (500, 5, 5)


def test_a_command_that_lasts_goes_back_to_the_usual() -> None:
    """Seen red when it does nothing."""
    with seldom_collected():
        usually_collected()
        assert gc.get_threshold() == USUAL


@pytest.mark.parametrize("again", ["", "main(['--version'])"])
def test_a_command_ends_without_a_search_and_with_everything_else(again: str) -> None:
    """What is written is flushed, finalizers are called. Red without `unsearched_at_exit` in `main`: "searched"; with
    os._exit in its place: nothing is flushed.
    """
    program = ENDING.format(again=again)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.endswith("written and flushedfinalized\n")
