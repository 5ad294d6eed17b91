"""The worker as a process: it shows itself, tells a dead-man's switch, and wakes people once for each trouble."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from okr_sync.core.slots import Interval
from okr_sync.outside.serving import PORT
from okr_sync.sandbox.server import Fault, Server
from okr_sync.schedule.claiming import Claimer
from okr_sync.store import Store
from okr_sync.store.alerts import Watching, letters, watch
from okr_sync.store.ledger import finish_run
from tests.alerts.rooms import SECRET, Taker, taking
from tests.alerts.served import ask, free_port, metric, ready, told_house
from tests.bar.house import House, open_house, until
from tests.edge.cli_play import Ran, run
from tests.store.builders import HOUR, NOW

QUICK = ("--round", "1")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def service() -> Iterator[tuple[Taker, Server]]:
    with taking() as both:
        yield both


@pytest.fixture
def house(tmp_path: Path, service: tuple[Taker, Server], monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose connector is known in this process, too."""
    house = told_house(tmp_path, service[1], monkeypatch.setenv)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return house


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def events(taker: Taker) -> list[tuple[str, str]]:
    """(event, kind) of all notices that came."""
    return [(each.json()["event"], each.json()["kind"]) for each in taker.taken if each.path.startswith("/services")]


def pings(taker: Taker) -> list[str]:
    return [each.path.removeprefix(f"/ping/{SECRET}") for each in taker.taken if each.path.startswith("/ping")]


@contextmanager
def systemd(folder: Path, setenv: Callable[[str, str], None], watchdog: float) -> Iterator[list[str]]:
    """Play systemd: give the list of all that it hears."""
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(folder / "notify"))
        setenv("NOTIFY_SOCKET", str(folder / "notify"))
        setenv("WATCHDOG_USEC", str(int(watchdog * 1e6)))
        ears = threading.Thread(target=_hear, args=(channel, heard), daemon=True)
        ears.start()
        yield heard
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(folder / "notify"))
        ears.join(10)


def _hear(channel: socket.socket, heard: list[str]) -> None:
    while said := channel.recv(999):
        heard.append(said.decode())


def test_a_worker_shows_itself_and_tells_systemd_all_its_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house, port = open_house(tmp_path), free_port()
    with systemd(tmp_path, monkeypatch.setenv, 1.0) as heard:
        with house.worker("--outside-port", str(port)) as worker:
            until(lambda: ready(port) == {"ok": True})
            for path in ("/healthz", "/metrics"):
                answer = ask(port, path)
                assert answer is not None
                assert answer.status_code == 200
            until(lambda: metric(port, 'okr_sync_queue_depth{queue="wakes"} 0.0'))
            assert metric(port, "okr_sync_config_good 1.0")
            until(lambda: "ok" in house.outcomes())
            until(lambda: any("STATUS=next slot 2" in each for each in heard))
            ended(worker)
        until(lambda: "STOPPING=1" in heard)
    assert heard[0].startswith("READY=1\nSTATUS=")
    assert heard[1].startswith("WATCHDOG=1\nSTATUS=")


def test_a_worker_that_is_stopped_keeps_silent_so_that_systemd_starts_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house(tmp_path)
    with (
        systemd(tmp_path, monkeypatch.setenv, 0.4) as heard,
        house.worker("--outside-port", "0") as worker,
    ):
        until(lambda: len(heard) >= 3)
        os.kill(worker.pid, signal.SIGSTOP)
        time.sleep(0.3)
        before = len(heard)
        time.sleep(1.5)
        assert len(heard) == before
        os.kill(worker.pid, signal.SIGCONT)
        until(lambda: len(heard) > before)
        ended(worker)


def test_a_public_address_is_refused_and_a_port_that_is_taken_stops_no_worker(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    refused = house.run("work", "--outside-host", "0.0.0.0")  # noqa: S104 -- what is refused
    assert refused.returncode == 2
    assert "--public" in refused.stderr
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # somebody else may have it, which does as well
            other.bind(("127.0.0.1", PORT))
            other.listen()
        with house.worker() as worker:
            until(lambda: "ok" in house.outcomes())
            ended(worker)
        taken = house.run("work", "--outside-port", str(PORT))
    assert "nothing is served from here" in house.log()
    assert taken.returncode == 2


def here(house: House, *words: str) -> Ran:
    """Run one command in this process."""
    return run(*words, "--config", str(house.folder))


def test_three_failures_wake_people_once_and_so_does_the_end_of_it(house: House, service: tuple[Taker, Server]) -> None:
    """Also when the channel refuses at first, and another process goes on. Seen red without claims of letters."""
    taker, server = service
    house.file.write_text(house.file.read_text("utf-8").replace("every 1 s", "every 1 d"), "utf-8")
    assert here(house, "sync").code == 0
    (house.folder / "script.json").unlink()
    server.inject(Fault("drop", where="/services", times=1))
    assert [here(house, "sync").code for _ in range(3)] == [4, 4, 4]
    assert house.rows("SELECT state, tries FROM outbox") == [("waiting", 1)]
    assert events(taker) == []
    assert "waits to be delivered" in here(house, "status").out.replace("\n", " ")
    _due_at_once(house)
    port = free_port()
    with house.worker(*QUICK, "--outside-port", str(port)) as worker:
        until(lambda: events(taker) == [("raised", "source")])
        until(lambda: metric(port, 'okr_sync_troubles{kind="source"} 1.0'))
        assert "source one since" in here(house, "alerts").out
        ended(worker)
    house.play(7)
    assert here(house, "sync", "--retry").code == 0, "a source in trouble is asked before its time"
    assert events(taker) == [("raised", "source"), ("resolved", "source")]
    raised, resolved = (each for each in taker.taken if each.path.startswith("/services"))
    assert raised.headers["idempotency-key"] != resolved.headers["idempotency-key"]
    assert raised.json()["reason"].startswith("it failed 3 times in a row; it last answered ")
    assert SECRET not in house.log()
    assert not [each for each in house.folder.glob("*.db*") if SECRET.encode() in each.read_bytes()]


def _due_at_once(house: House) -> None:
    """Let what waits a minute for its next try wait no longer."""
    with closing(sqlite3.connect(house.folder / "okr-sync.db", timeout=30)) as connection, connection:
        connection.execute("UPDATE outbox SET try_at = at")


def test_slots_that_nobody_came_for_are_told_and_so_is_their_end(tmp_path: Path) -> None:
    """In the transaction that records them. Seen red without `after` of the claimer."""
    schedule, zone, now = Interval(HOUR), ZoneInfo("UTC"), NOW
    store = Store.open(f"sqlite:///{tmp_path / 'okr-sync.db'}")
    watching = Watching(("ops",), frozenset({""}))
    claimer = Claimer(store, MINUTE, MINUTE, after=lambda session, at: watch(session, watching, at))
    for outage in (1, 5, 1):
        now += outage * HOUR
        claimed = claimer.claim({"": schedule}, zone, now)
        assert claimed is not None
        with store.writing() as session:
            finish_run(session, claimed.run, now, "ok", "")
    with store.reading() as session:
        told = [(each.notice.event, each.notice.reason) for each in reversed(letters(session))]
    assert [event for event, _ in told] == ["raised", "resolved"]
    assert told[0][1].startswith("4 slots had no run, 2026-10-05 11:00 UTC to 2026-10-05 14:00 UTC: the slot of ")


def test_a_dead_mans_switch_hears_of_every_run(house: House, service: tuple[Taker, Server]) -> None:
    taker, _ = service
    assert here(house, "sync").code == 0
    assert pings(taker) == ["/start", ""]
    (house.folder / "script.json").unlink()
    assert here(house, "sync").code == 4
    assert pings(taker)[2:] == ["/start", "/fail"]
    assert taker.taken[-1].json().startswith("failed; 0 updated")
    house.play(5, crash=True)
    here(house, "run", "now")
    assert pings(taker)[4:] == ["/start", "/fail"]
    assert "SIGABRT" in taker.taken[-1].json()


def test_a_silent_switch_and_a_silent_channel_delay_no_run(house: House, service: tuple[Taker, Server]) -> None:
    _, server = service
    server.inject(Fault("silence", times=10_000, seconds=30))
    assert here(house, "sync").code == 0
    took = house.rows("SELECT julianday(finished) - julianday(started) FROM runs")
    assert took[0][0] * 86_400 < 30
    with house.worker(*QUICK, "--outside-port", "0") as worker:
        until(lambda: house.outcomes().count("ok") >= 2)
        ended(worker)


def test_a_test_message_arrives_or_says_why_not(house: House, service: tuple[Taker, Server]) -> None:
    taker, server = service
    tested = here(house, "alerts", "--test")
    assert tested.code == 0, tested.err
    assert events(taker) == [("test", "source")]
    assert "to ops, sent (1 try): Test of the alerts" in tested.out
    server.inject(Fault("silence", times=9, seconds=5))
    refused = here(house, "alerts", "--test", "--json")
    assert refused.code == 4
    assert '"state": "waiting"' in refused.out
    assert SECRET not in refused.out + refused.err + tested.out
    without = house.file.read_text("utf-8").partition("alerts:")[0]
    house.file.write_text(without, "utf-8")
    assert "no channel to test" in here(house, "alerts", "--test").err
    assert "1 alerts: what ops should know waits to be delivered" in here(house, "doctor", "--offline").out
