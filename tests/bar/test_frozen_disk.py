"""A disk that is mounted read-only, as systems do when it fails: all can be read, nothing changes, and it heals."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from okr_sync.errors import StoreError
from okr_sync.store import Store
from okr_sync.store.ledger import runs
from tests.bar.here import here, shown
from tests.bar.house import House, open_house, until
from tests.bar.oracle import assert_sound
from tests.bar.small_disk import small_disk

NEWEST = "SELECT value FROM observations ORDER BY id DESC LIMIT 1"
REFUSED = "What to do: let this user write to the file and its folder, on a disk that is mounted for writing"


def test_a_store_on_a_frozen_disk_can_be_read_and_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Seen red without the connection that takes the file for one that nobody changes: nothing could be read."""
    with small_disk(4) as disk:
        house = open_house(disk.folder)
        monkeypatch.syspath_prepend(str(disk.folder / "site"))
        assert here(house, "sync").code == 0
        with disk.frozen():
            assert shown(house) == [5, 5]
            for words in (("report",), ("explain", "users"), ("runs",), ("verify",), ("sources",)):
                assert here(house, *words).code == 0, words
            assert here(house, "backup", str(tmp_path / "kept.backup")).code == 0
            refused = here(house, "sync")
            assert refused.code == 4
            assert REFUSED in refused.err
            assert shown(house) == [5, 5]
        house.play(6)
        assert here(house, "sync").code == 0
        assert shown(house) == [6, 6]
        print(f"frozen disk: {assert_sound(house)}")  # noqa: T201


def test_a_worker_outlives_a_frozen_disk_and_says_what_to_do() -> None:
    """The store alone is on it, reached by its folder; seen red with an engine that ends by what a wake-up raises."""
    with small_disk(4) as disk, small_disk(4) as other:
        house = open_house(other.folder, "every 1 s")
        own = f"store: sqlite:///{quote(str(disk.folder / 'okr-sync.db'))}"
        house.file.write_text(f"{own}\n{house.file.read_text('utf-8')}", "utf-8")
        (house.folder / "okr-sync.db").symlink_to(disk.folder / "okr-sync.db")
        assert house.run("sync").returncode == 0
        with disk.frozen(), house.worker("--round", "1") as worker:
            until(lambda: REFUSED in house.log())
            assert worker.poll() is None
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(10) == 0
        house.play(7)
        with house.worker("--round", "1") as worker:
            until(lambda: house.rows(NEWEST) == [(7.0,)])
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(10) == 0
        print(f"frozen disk under a worker: {assert_sound(house)}")  # noqa: T201


def test_what_is_changed_while_it_is_read_from_a_frozen_disk_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its other mount may be written to. Seen red without the look at the end of a transaction."""
    with small_disk(4) as disk, _frozen_view(disk.folder, tmp_path) as view:
        house = open_house(disk.folder)
        monkeypatch.syspath_prepend(str(disk.folder / "site"))
        assert here(house, "sync").code == 0
        store = Store.open(f"sqlite:///{quote(str(view / 'okr-sync.db'))}", create=False)
        with store.reading() as session:
            assert len(runs(session, 9)) == 1
        with pytest.raises(StoreError, match=r"changed while it was read.*do it again"):
            _read_while_it_changes(store, house)
        with store.reading() as session:
            assert len(runs(session, 9)) == 2


def _read_while_it_changes(store: Store, house: House) -> None:
    with store.reading() as session:
        assert len(runs(session, 9)) == 1
        assert here(house, "sync").code == 0


@contextmanager
def _frozen_view(folder: Path, place: Path) -> Iterator[Path]:
    """Give the same files by a mount that takes nothing."""
    view = place / "view"
    view.mkdir()
    subprocess.run(["mount", "--bind", folder, view], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", view], check=True)
        yield view
    finally:
        subprocess.run(["umount", "--lazy", view], check=True)
