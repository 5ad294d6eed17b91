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
from pathlib import Path

import pytest

from okr_sync.outside.serving import PORT
from okr_sync.sandbox.server import Fault, Server
from tests.alerts.rooms import SECRET, Taker, taking
from tests.alerts.served import ask, free_port, metric, ready, told_house
from tests.bar.house import House, open_house, until

QUICK = ("--round", "1")


@pytest.fixture
def service() -> Iterator[tuple[Taker, Server]]:
    with taking() as both:
        yield both


@pytest.fixture
def house(tmp_path: Path, service: tuple[Taker, Server], monkeypatch: pytest.MonkeyPatch) -> House:
    return told_house(tmp_path, service[1], monkeypatch.setenv)


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


def test_three_failures_wake_people_once_and_so_does_the_end_of_it(house: House, service: tuple[Taker, Server]) -> None:
    """Also when the channel refuses at first, and another process goes on. Seen red without claims of letters."""
    taker, server = service
    house.file.write_text(house.file.read_text("utf-8").replace("every 1 s", "every 1 d"), "utf-8")
    assert house.run("run", "now").returncode == 0
    (house.folder / "script.json").unlink()
    server.inject(Fault("drop", where="/services", times=1))
    assert [house.run("run", "now").returncode for _ in range(3)] == [4, 4, 4]
    assert house.rows("SELECT state, tries FROM outbox") == [("waiting", 1)]
    assert events(taker) == []
    _due_at_once(house)
    port = free_port()
    with house.worker(*QUICK, "--outside-port", str(port)) as worker:
        until(lambda: events(taker) == [("raised", "source")])
        until(lambda: metric(port, 'okr_sync_troubles{kind="source"} 1.0'))
        assert "source one since" in house.run("alerts").stdout
        house.play(7)
        until(lambda: house.run("run", "now").returncode == 0)
        until(lambda: len(events(taker)) > 1)
        ended(worker)
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


def test_slots_that_nobody_came_for_are_told_and_so_is_their_end(house: House, service: tuple[Taker, Server]) -> None:
    taker, _ = service
    with house.worker(*QUICK, "--outside-port", "0"):
        until(lambda: "ok" in house.outcomes())
    time.sleep(3)
    house.file.write_text(house.file.read_text("utf-8").replace("every 1 s", "every 20 s"), "utf-8")
    with house.worker(*QUICK, "--outside-port", "0") as worker:
        until(lambda: ("resolved", "schedule") in events(taker))
        ended(worker)
    assert events(taker)[:2] == [("raised", "schedule"), ("resolved", "schedule")]
    reason = next(each.json()["reason"] for each in taker.taken if each.path.startswith("/services"))
    assert "had no run" in reason


def test_a_dead_mans_switch_hears_of_every_run(house: House, service: tuple[Taker, Server]) -> None:
    taker, _ = service
    house.file.write_text(house.file.read_text("utf-8").replace("every 1 s", "every 1 d"), "utf-8")
    assert house.run("run", "now").returncode == 0
    assert pings(taker) == ["/start", ""]
    house.play(5, crash=True)
    house.run("run", "now")
    assert pings(taker)[2:] == ["/start", "/fail"]
    assert "SIGABRT" in taker.taken[-1].json()
    house.play(5)
    assert house.run("sync").returncode == 0
    assert pings(taker)[4:] == ["/start", ""]


def test_a_silent_switch_and_a_silent_channel_delay_no_run(house: House, service: tuple[Taker, Server]) -> None:
    _, server = service
    server.inject(Fault("silence", times=10_000, seconds=30))
    with house.worker(*QUICK, "--outside-port", "0") as worker:
        until(lambda: house.outcomes().count("ok") >= 3)
        took = house.rows("SELECT MAX(julianday(finished) - julianday(started)) * 86400 FROM runs WHERE outcome = 'ok'")
        ended(worker)
    assert took[0][0] < 30


def test_a_test_message_arrives_or_says_why_not(house: House, service: tuple[Taker, Server]) -> None:
    taker, server = service
    tested = house.run("alerts", "--test")
    assert tested.returncode == 0, tested.stderr
    assert events(taker) == [("test", "source")]
    assert "to ops, sent (1 try): Test of the alerts" in tested.stdout
    server.inject(Fault("silence", times=9, seconds=5))
    refused = house.run("alerts", "--test", "--json")
    assert refused.returncode == 4
    assert '"state": "waiting"' in refused.stdout
    assert SECRET not in refused.stdout + refused.stderr + tested.stdout
    without = house.file.read_text("utf-8").partition("alerts:")[0]
    house.file.write_text(without, "utf-8")
    assert "no channel to test" in house.run("alerts", "--test").stderr
    assert "1 alerts: what ops should know waits to be delivered" in house.run("doctor", "--offline").stdout
