"""The last good config survives a restart: whatever an edit broke, a worker goes on, says so, and keeps no secret."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.config.kept import kept_texts, load_kept, salvaged_store_url
from okr_sync.errors import ConfigError
from okr_sync.schedule import LastGood, first_config
from okr_sync.store import Store
from okr_sync.store.good_configs import broken_configs, kept
from tests.alerts.served import free_port, metric, ready
from tests.bar.house import House, open_house, until
from tests.edge.cli_play import run
from tests.store.builders import NOW

SECRET = "s3cr3t-of-a-hook"
ENV = {"HOOK": f"https://chat.example/{SECRET}"}
MAIN = """
store: sqlite:///kept.db
schedule: every 15 min
okrs: [team.yaml]
alerts: {channels: {chat: {kind: slack, url: "${HOOK}"}}}
cycles: {now: {start: 2020-01-01, end: 2090-12-31}}
"""
BROKEN: dict[str, Callable[[str], str]] = {
    "a key is misspelt": lambda text: text.replace("cycles:", "cicles:"),
    "it is no YAML": lambda text: text + "\n  - {[\n",
    "it is empty": lambda text: "",
    "even the store": lambda text: text.replace("sqlite:///", "").replace("schedule:", "shedule:"),
}


def config_in(folder: Path) -> Path:
    (folder / "okr-sync.yaml").write_text(MAIN, "utf-8")
    (folder / "team.yaml").write_text("cycle: now\n", "utf-8")
    return folder / "okr-sync.yaml"


def keeper(file: Path, said: list[str]) -> LastGood:
    store = Store.open(f"sqlite:///{file.parent / 'kept.db'}")
    return LastGood(store, file, ENV, lambda: NOW, said.append)


@pytest.mark.parametrize("how", ["a key is misspelt", "it is no YAML"])
def test_what_was_good_stands_in_for_what_is_broken_after_a_restart(tmp_path: Path, how: str) -> None:
    said: list[str] = []
    file = config_in(tmp_path)
    good = keeper(file, said).load()
    file.write_text(BROKEN[how](MAIN), "utf-8")
    (tmp_path / "team.yaml").unlink()
    found, mistakes = first_config(file, ENV)
    assert mistakes is not None
    assert (found.schedules, found.book, found.store_url) == (good.schedules, good.book, good.store_url)
    assert list(found.alerts.channels) == ["chat"]
    assert said == []


@pytest.mark.parametrize("how", ["it is empty", "even the store"])
def test_where_the_store_can_not_be_found_an_address_given_by_hand_finds_it(tmp_path: Path, how: str) -> None:
    file = config_in(tmp_path)
    keeper(file, []).load()
    file.write_text(BROKEN[how](MAIN) or "okrs: 7\n", "utf-8")
    with pytest.raises(ConfigError):
        first_config(file, ENV)
    found, mistakes = first_config(file, ENV, f"sqlite:///{tmp_path / 'kept.db'}")
    assert mistakes is not None
    assert found.schedule == "every 15 min"


def test_without_a_good_one_the_mistakes_are_told_and_no_store_is_made(tmp_path: Path) -> None:
    file = config_in(tmp_path)
    file.write_text(BROKEN["a key is misspelt"](MAIN), "utf-8")
    with pytest.raises(ConfigError, match="cicles"):
        first_config(file, ENV)
    assert not (tmp_path / "kept.db").exists()
    Store.open(f"sqlite:///{tmp_path / 'kept.db'}").close()
    with pytest.raises(ConfigError, match="cicles"):
        first_config(file, ENV)


def test_a_secret_that_is_gone_tells_of_what_is_written_now(tmp_path: Path) -> None:
    """The kept one needs its references as well."""
    file = config_in(tmp_path)
    keeper(file, []).load()
    file.write_text(BROKEN["a key is misspelt"](MAIN), "utf-8")
    with pytest.raises(ConfigError, match="cicles"):
        first_config(file, {})


def test_references_are_kept_and_their_values_are_not(tmp_path: Path) -> None:
    """Seen red with the values kept in the place of their names."""
    file = config_in(tmp_path)
    config = keeper(file, []).load()
    assert kept_texts(config) == {"okr-sync.yaml": MAIN, "team.yaml": "cycle: now\n"}
    assert not [each for each in tmp_path.iterdir() if SECRET.encode() in each.read_bytes()]
    assert b"${HOOK}" in b"".join(each.read_bytes() for each in tmp_path.glob("kept.db*"))


def test_what_is_kept_is_written_once_and_mistakes_with_their_beginning(tmp_path: Path) -> None:
    file, times = config_in(tmp_path), [NOW]
    good = LastGood(keeper(file, []).store, file, ENV, lambda: times[-1], print)

    def later(look: Callable[[], object]) -> None:
        times.append(times[-1] + timedelta(minutes=1))
        look()

    def broken() -> None:
        with pytest.raises(ConfigError):
            good.load()

    good.load()
    later(good.load)
    with good.store.reading() as session:
        known = kept(session, str(file))
        assert known is not None
        assert (known.saved_at, broken_configs(session)) == (NOW, [])
    file.write_text(MAIN.replace("cycles:", "cicles:"), "utf-8")
    later(broken)
    file.write_text(MAIN.replace("cycles:", "sicles:"), "utf-8")
    later(broken)
    with good.store.reading() as session:
        (found,) = broken_configs(session)
    assert (found.since, found.saved_at) == (NOW + timedelta(minutes=2), NOW)
    assert "sicles" in found.mistake
    file.write_text(MAIN, "utf-8")
    later(good.load)
    with good.store.reading() as session:
        assert broken_configs(session) == []


def test_nothing_is_read_beside_the_texts(tmp_path: Path) -> None:
    file = config_in(tmp_path)
    texts = kept_texts(load(file, ENV))
    file.unlink()
    (tmp_path / "team.yaml").write_text("cycle: nowhere\n", "utf-8")
    assert load_kept(tmp_path, texts, ENV).files == (file, tmp_path / "team.yaml")


def test_the_line_of_the_store_is_enough_to_find_it(tmp_path: Path) -> None:
    file = tmp_path / "okr-sync.yaml"
    for text, name in (("store: sqlite:///a.db\nx: {[", "a.db"), ("{[", "okr-sync.db"), ("okrs: 7", "okr-sync.db")):
        file.write_text(text, "utf-8")
        assert salvaged_store_url(tmp_path, {}) == f"sqlite:///{tmp_path / name}"
    file.unlink()
    assert salvaged_store_url(file, {}).endswith("okr-sync.db")


def test_a_worker_begins_with_the_last_good_config_and_everything_says_so(tmp_path: Path) -> None:
    house, port = open_house(tmp_path, "every 5 s"), free_port()
    with house.worker("--outside-port", "0"):
        until(lambda: "ok" in house.outcomes())
    good = house.file.read_text("utf-8")
    house.file.write_text(good + "\n  {[", "utf-8")
    house.play(9)
    with house.worker("--round", "1", "--outside-port", str(port)) as worker:
        until(lambda: "notes" in ready(port))
        assert metric(port, "okr_sync_config_good 0.0")
        until(lambda: house.rows("SELECT value FROM observations ORDER BY id DESC LIMIT 1") == [(9.0,)])
        assert "the last good one stays" in house.log()
        _says_so(house)
        house.file.write_text(good, "utf-8")
        until(lambda: "the config is good again" in house.log())
        until(lambda: ready(port) == {"ok": True})
        until(lambda: metric(port, "okr_sync_config_good 1.0"))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    assert "has mistakes since" not in run("status", "--config", str(house.folder)).out


def _says_so(house: House) -> None:
    """Readers need the address of the store, which nobody can read in this file."""
    url = f"sqlite:///{house.folder / 'okr-sync.db'}"
    for words in (("status", "--store", url), ("status", "--json", "--store", url)):
        assert "has mistakes since" in " ".join(run(*words).out.split()), words
