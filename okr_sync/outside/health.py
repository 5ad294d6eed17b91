"""Says whether the process lives and whether it can work: its loops beat, and the store can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from okr_sync.errors import StoreError
from okr_sync.store.database import Store


@dataclass(slots=True)
class Loop:
    """A loop that must beat every `seconds`; `beat` says that it did, `late` for how long it did not."""

    seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self._last = self.monotonic()

    def beat(self) -> None:
        """Note that the loop came round."""
        self._last = self.monotonic()

    def late(self) -> float:
        """Return the seconds since the beat was due; 0 while it is not."""
        return max(0.0, self.monotonic() - self._last - self.seconds)


@dataclass(frozen=True, slots=True)
class Health:
    """Judges a process by its loops (name → loop) and by the store at `store_url`, which is opened anew each time."""

    store_url: str
    loops: Mapping[str, Loop] = field(default_factory=dict)
    notes: Callable[[], tuple[str, ...]] = tuple
    """What is worth a word though the process can work: a sentence each."""

    def dead(self) -> tuple[str, ...]:
        """Return a sentence for each loop that is silent; none: the process lives."""
        return tuple(
            f"the {name} loop is silent for {late:.0f} s longer than it may be; restart the process"
            for name, loop in self.loops.items()
            if (late := loop.late()) > 0
        )

    def unready(self) -> tuple[str, ...]:
        """Return a sentence for each reason why the process can't work now; none: it is ready.

        The store's own words stay inside: they may name places that nobody outside needs to know.
        """
        return (*self.dead(), *self._store())

    def _store(self) -> tuple[str, ...]:
        try:
            with Store.open(self.store_url, create=False).reading():
                return ()
        except StoreError:
            return ("the store can't be used; `okr-sync doctor` says why",)
