"""Prints what was measured: both sides of each ratio, and what is wanted of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from tests.bench.deliveries.case import Case, Measured
from tests.bench.deliveries.sizes import Holdings, Phase, least, quiet_bound, ratio

PHASES: tuple[Phase, ...] = ("full", "quiet", "changed")
SHOWN = 20  # differences


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Say on stderr how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def say_case(case: Case, before: Holdings, measured: Sequence[Measured], title: str, rounds: int) -> None:
    """Print one tracker of one size; `before` is what it held before the changes."""
    changes = case.changes
    say(f"\n{title} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors): {before.places} places, ")
    say(f"{before.items} items ({before.subtasks} sub-tasks); {rounds} rounds; ")
    say(f"then {changes.items} changed in {changes.places} places ({changes.moved} moved, {changes.deleted} deleted)\n")
    for one in measured:
        say(f"\n  latency {one.latency * 1000:g} ms\n  {'':8}")
        say(f"{'requests':>9}{'least':>7}{'ratio':>7} |{'wall s':>8}{'bare s':>8}{'ratio':>7} |{'CPU s':>7}")
        say(f"{'peak MiB':>9} |{'sandbox CPU s':>14}\n")
        for phase in PHASES:
            _say_phase(case, before, one, phase)
        _say_scheduled(one)
        _say_rivals(one)
    bound = quiet_bound(case.played.tracker, before)
    say("  wanted: requests full <= 1.1 x least, changed <= 1.5 x least, quiet <= ")
    say(f"{bound}; wall full <= 2.5 x bare at 0 ms, <= 1.5 x at 100 ms\n")
    say_differences(case)


def _say_phase(case: Case, before: Holdings, one: Measured, phase: Phase) -> None:
    requests, wall = one.requests(phase), one.median(phase, "wall")
    lowest = least(case.played.tracker, phase, case.held if phase == "changed" else before, case.changes)
    say(f"  {phase:8}{requests:9.0f}{lowest:7}{ratio(requests, lowest):7.2f} |{wall:8.2f}")
    if phase == "full":
        bare = one.median(phase, "wall", side="bare")
        say(f"{bare:8.2f}{ratio(wall, bare):7.2f}")
    else:
        say(f"{'-':>8}{'-':>7}")
    say(f" |{one.median(phase, 'cpu'):7.2f}{one.median(phase, 'peak'):9.0f} |{one.sandbox_cpu(phase):14.2f}\n")


def _say_scheduled(one: Measured) -> None:
    if one.scheduled is None:
        return
    full, bare = one.scheduled.full, one.median("full", "wall", side="bare")
    say(f"  full, by a worker that is there already, from due to done: {full:.2f} s, {ratio(full, bare):.2f} x bare\n")
    say(f"  quiet, by a worker that is there already, from due to done: {one.scheduled.wall:.2f} s")
    told = (
        f"{name} without its start {rival.asking:.2f} s, {ratio(rival.asking, one.scheduled.wall):.1f} x"
        for name, rival in one.rivals.items()
    )
    say("; ".join(["", *told]) + "\n")


def _say_rivals(one: Measured) -> None:
    for name, rival in one.rivals.items():
        some = f" ({rival.asked} of {rival.places} places, scaled)" if rival.asked < rival.places else ""
        items = rival.said["items"] * rival.scale
        say(f"  instead, {name}{some}: {rival.all_requests:.0f} requests, {rival.wall:.2f} s, {items:.0f} items; ")
        parts = []
        for phase in ("full", "quiet"):
            requests, wall = one.requests(phase), one.median(phase, "wall")
            parts.append(
                f"{ratio(rival.all_requests, requests):.1f} x the requests and {ratio(rival.wall, wall):.1f} x the "
                f"seconds of a {phase} run ({requests:.0f}, {wall:.2f} s)"
            )
        say(f"{'; '.join(parts)}\n")
    if one.rivals:
        say(
            "  wanted of rivals at M and L: >= 25 x the requests and >= 10 x the seconds of a quiet run; of a full one "
        )
        say(">= 10 x the seconds (loop), >= 2 x (threads)\n")


def say_differences(case: Case) -> None:
    """Print what the stores had wrong, or that all was right."""
    for line in case.differences[:SHOWN]:
        say(f"  WRONG {line}\n")
    more = len(case.differences) - SHOWN
    say(f"  WRONG and {more} more\n" if more > 0 else "")
    say("" if case.differences else "  correct to the item after every run\n")


def say_memory(tracker: str, peaks: Mapping[str, tuple[int, Measured]]) -> None:
    """Print the peaks of the sizes, and their ratio."""
    for phase in ("full", "quiet"):
        found = [(items, one.median(phase, "peak")) for items, one in peaks.values()]
        say(f"  {tracker}, {phase} run, peak MiB: {', '.join(f'{peak:.0f} at {items}' for items, peak in found)}")
        say(f"; ratio {ratio(found[-1][1], found[0][1]):.2f} (at most 1.2 from 100 k to 1 M)\n")
