"""`watch` as a process: it serves, tells systemd that it lives, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from okr_sync.outside import Notifier


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_the_service_is_ready_then_alive_and_ends_at_a_signal(url: str, tmp_path: Path, sign: signal.Signals) -> None:
    (tmp_path / "okr-sync.yaml").write_text("okrs: []\n", "utf-8")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        env = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        words = ["watch", "--port", "0", "--json", "--store", url, "--config", str(tmp_path)]
        command = [sys.executable, "-W", "error", "-m", "okr_sync", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        try:
            assert systemd.recv(99) == b"READY=1"
            assert systemd.recv(99) == b"WATCHDOG=1"
            assert process.stdout is not None
            said = "".join(process.stdout.readline() for _ in range(3))
            assert httpx.get(json.loads(said)["address"] + "/readyz", trust_env=False).status_code == 200
        finally:
            process.send_signal(sign)
        began = time.monotonic()
        _, err = process.communicate(timeout=10)
        assert (process.returncode, err) == (0, "")
        assert time.monotonic() - began < 10
        heard = set()
        while b"STOPPING=1" not in heard:
            heard.add(systemd.recv(99))
        assert heard <= {b"WATCHDOG=1", b"STOPPING=1"}


def test_nothing_is_sent_where_systemd_did_not_start_it() -> None:
    silent = Notifier.of({})
    assert silent == Notifier(None, None)
    silent.ready()
    silent.stopping("over")


def test_a_watchdog_that_is_meant_for_another_process_is_not_ours() -> None:
    env = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}
    assert Notifier.of(env, pid=7).watchdog == 3.0
    assert Notifier.of(env, pid=8).watchdog is None
    assert Notifier.of({"WATCHDOG_USEC": "soon"}).watchdog is None


def test_an_abstract_socket_is_reached_and_a_status_is_one_line() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0okr-sync-test-{os.getpid()}")
        systemd.settimeout(5)
        Notifier(f"@okr-sync-test-{os.getpid()}").stopping("the loop is silent\nREADY=1")
        assert systemd.recv(99) == b"STOPPING=1\nSTATUS=the loop is silent"
