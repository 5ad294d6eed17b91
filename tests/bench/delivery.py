"""Delivery: requests, seconds and memory of full, quiet and changed runs, beside the least and what others would take.

Sandbox, program, downloader and rivals are processes of their own. Both sides of each ratio are printed, medians over
the rounds; nothing fails because a machine is slow, but an item that the store has wrong does: exit code 1.
`delivery memory` measures the peak of memory over 100,000 and 1,000,000 issues instead.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.deliveries import rivals
from tests.bench.deliveries.case import Case, Measured
from tests.bench.deliveries.playing import playing
from tests.bench.deliveries.printing import note, say_case, say_differences, say_memory
from tests.bench.deliveries.sizes import SIZES, TRACKERS, Phase, Tracker

SEED = 7
QUIET: tuple[Phase, ...] = ("full", "quiet")  # before anything changes


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 when a store differed from the truth."""
    told = _arguments(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the sandbox ends with this process
    wrong = 0
    for tracker in told.tracker:
        if told.what == "memory":
            wrong += _memory(tracker, told.issues)
        else:
            wrong += sum(_case(tracker, size, told) for size in told.size)
    return 1 if wrong else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.bench delivery", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["runs", "memory"], default="runs")
    parser.add_argument("--size", nargs="+", choices=list(SIZES), default=["S"])
    parser.add_argument("--latency", type=_latencies, default="0,20", help="milliseconds before each answer")
    parser.add_argument("--tracker", nargs="+", choices=TRACKERS, default=["jira-cloud", "github"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--rivals",
        nargs="+",
        choices=["none", *rivals.NAMES],
        default=list(rivals.NAMES),
        help="run once where there is latency",
    )
    parser.add_argument(
        "--sample", type=int, default=500, help="places that rivals ask for, scaled where there are more"
    )
    parser.add_argument("--issues", nargs="+", choices=list(SIZES), default=["100k", "1M"], help="for memory")
    return parser.parse_args(words)


def _latencies(text: str) -> list[float]:
    return [float(word) / 1000 for word in text.split(",")]


def _case(tracker: Tracker, size: str, told: argparse.Namespace) -> int:
    """Measure and print one tracker of one size; return how many differences there were.

    All changes come last: what changed just before a quiet run would be read again by it, as it looks back a while.
    """
    with tempfile.TemporaryDirectory(prefix="okr-sync-bench-") as folder, playing(tracker, SIZES[size]) as played:
        case = Case.begin(played, Path(folder) / "config")
        note(f"{tracker} {size}: served; warming up")
        case.warm_up()
        measured = [Measured(latency) for latency in told.latency]
        for phase, one in itertools.product(QUIET, measured):
            _rounds(case, phase, one, told.rounds)
        for one in measured:
            one.scheduled = case.scheduled(case.store(f"{one.latency * 1000:g}-0"), one.latency, told.rounds)
            said = f"full {one.scheduled.full:.2f} s, quiet {one.scheduled.wall:.2f} s"
            note(f"by a worker at {one.latency * 1000:g} ms: {said}")
        far = [one for one in measured if one.latency]  # nobody's tracker is on this machine
        for one, name in itertools.product(far, [name for name in told.rivals if name != "none"]):
            one.rivals[name] = case.rival(name, one.latency, told.sample)
            note(f"{name} at {one.latency * 1000:g} ms: {one.rivals[name].wall:.1f} s")
        before = case.held
        case.change(SEED)
        for one in measured:
            _rounds(case, "changed", one, told.rounds)
        say_case(case, before, measured, f"{tracker} {size}", told.rounds)
    return len(case.differences)


def _rounds(case: Case, phase: Phase, one: Measured, rounds: int) -> None:
    """Run a phase over the store of each round, then check them all."""
    stores = [case.store(f"{one.latency * 1000:g}-{number}") for number in range(rounds)]
    for store in stores:
        one.take(phase, case.phase(phase, store, one.latency, bare=phase == "full"))
        last = one.phases[phase][-1]
        note(f"{phase} at {one.latency * 1000:g} ms: {last.requests} requests, {last.program.wall:.1f} s")
    case.check(phase, stores)


def _memory(tracker: Tracker, sizes: Sequence[str]) -> int:
    """Measure and print the peaks of memory over these sizes; return how many differences there were."""
    wrong = 0
    peaks: dict[str, tuple[int, Measured]] = {}
    for size in sizes:
        note(f"{tracker} {size}: making it up")
        with tempfile.TemporaryDirectory(prefix="okr-sync-bench-") as folder, playing(tracker, SIZES[size]) as played:
            case = Case.begin(played, Path(folder) / "config")
            one, store = Measured(0.0), case.store("only")
            for phase in QUIET:
                one.take(phase, case.phase(phase, store, 0.0, bare=False))
                note(f"{phase}: {one.phases[phase][-1].program.wall:.1f} s")
                case.check(phase, [store])
            peaks[size] = (case.held.items, one)
            say_differences(case)
            wrong += len(case.differences)
    say_memory(tracker, peaks)
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
