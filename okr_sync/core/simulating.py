"""When work will be finished in many simulated futures, whose weeks are drawn at random from the last ones.

All futures are added up at once, as lanes of one large integer, and looked at in the few weeks that matter: a company
has thousands of initiatives, and each of them is foreseen in each run.
"""

from __future__ import annotations

import functools
import random
from bisect import bisect_right
from collections.abc import Sequence
from struct import Struct

__all__ = ["FUTURES", "HORIZON", "LATEST", "LIKELY", "Draw", "simulate_weeks"]

FUTURES = 500  # simulated
HORIZON = 260  # weeks ahead; beyond these five years a date says nothing
LIKELY, LATEST = 0.50, 0.85  # shares of the futures that are done by the dates told

BYTES = 256  # values of a byte
LANES = {2: "H", 4: "I", 8: "Q"}
"""Bytes of a lane → what `struct` calls them; the highest bit of each stays free."""


def simulate_weeks(remaining: int, pace: Sequence[int], seed: int) -> tuple[float, float] | None:
    """Return after how many weeks 50 % and 85 % of the futures have finished `remaining` items (at least 1).

    Each week of each future finishes as many as a week drawn from `pace`; inside its last week a future goes evenly.
    More left is never finished earlier with equal pace and seed. None: 85 % are not done after five years.
    """
    most = max(pace)
    if remaining > HORIZON * most:
        return None
    futures = _Futures(remaining, pace, seed)
    least = (remaining - 1) // most + 1  # before it no future comes to its end
    likely, latest = int(LIKELY * FUTURES), int(LATEST * FUTURES)
    end = min(HORIZON, remaining * len(pace) // sum(pace) + 1)
    while end < HORIZON and futures.ended(end) <= latest:
        end = min(HORIZON, end + end // 8 + 1)
    if futures.ended(end) <= latest:
        return None
    return futures.end(likely, least, end), futures.end(latest, least, end)


class _Futures:
    """How much each future has finished after each week, simulated as far as anybody asks.

    All draw each week, done or not, so that the draws don't depend on what is left.
    """

    def __init__(self, remaining: int, pace: Sequence[int], seed: int) -> None:
        most = max(pace)
        lane = next(each for each in LANES if HORIZON * most < 1 << 8 * each - 1)
        self._remaining, self._lane = remaining, lane
        self._lanes = Struct(f"<{FUTURES}{LANES[lane]}")
        self._draw = Draw(seed, len(pace))
        self._tables = [
            bytes(each >> shift & (BYTES - 1) for each in pace).ljust(BYTES, b"\0")
            for shift in range(0, most.bit_length(), 8)
        ]
        ones = int.from_bytes((1).to_bytes(lane, "little") * FUTURES, "little")
        self._highest = ones << 8 * lane - 1
        self._short = self._highest - ones * remaining  # added to a lane it sets the highest bit where enough is done
        self._finished = [0]

    def end(self, rank: int, least: int, most: int) -> float:
        """Return the week in which the future of this rank ends (0: the first), known to lie in [least, most]."""
        week = bisect_right(range(most), rank, least, key=self.ended)
        pairs = zip(self._each(week - 1), self._each(week), strict=True)
        ends = [
            week - 1 + (self._remaining - before) / (after - before)
            for before, after in pairs
            if before < self._remaining <= after
        ]
        return sorted(ends)[rank - self.ended(week - 1)]

    def ended(self, weeks: int) -> int:
        """Return how many futures have come to their end after so many weeks."""
        return ((self._after(weeks) + self._short) & self._highest).bit_count()

    def _each(self, weeks: int) -> tuple[int, ...]:
        return self._lanes.unpack(self._after(weeks).to_bytes(self._lanes.size, "little"))

    def _after(self, weeks: int) -> int:
        while len(self._finished) <= weeks:
            self._finished.append(self._finished[-1] + self._week())
        return self._finished[weeks]

    def _week(self) -> int:
        drawn = self._draw.weeks()
        lanes = bytearray(self._lanes.size)
        for place, table in enumerate(self._tables):
            lanes[place :: self._lane] = drawn.translate(table)
        return int.from_bytes(lanes, "little")


class Draw:
    """Draws one of `count` weeks (at most 256) for each future, all equally likely, the same for equal seeds.

    A random byte is a week by its remainder; bytes that would make some weeks likelier than others are drawn again.
    Many bytes at once take a fifth of the time of choosing week by week.
    """

    def __init__(self, seed: int, count: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- a simulation, no secret
        self._weeks, self._uneven = _tables(count)

    def weeks(self) -> bytes:
        """Return the week that each future draws next."""
        drawn = b""
        while len(drawn) < FUTURES:
            drawn += self._random.randbytes(FUTURES + FUTURES // 16).translate(self._weeks, self._uneven)
        return drawn[:FUTURES]


@functools.cache
def _tables(count: int) -> tuple[bytes, bytes]:
    """Return the week of each byte, and the bytes that are drawn again."""
    return bytes(byte % count for byte in range(BYTES)), bytes(range(BYTES - BYTES % count, BYTES))
