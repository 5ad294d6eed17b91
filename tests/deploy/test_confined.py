"""The service works as it is shipped: a root that nobody can write to, one folder of its own, no capability at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.served import ask, free_port, metric, ready
from tests.bar.house import until
from tests.deploy.cgroups import Limited, limited

ROOT = Path(__file__).parents[2]
CONFINE = """
for each in $JOINING; do echo $$ >"$each" || exit 77; done
mount --make-rprivate / && mount --bind "$DATA" "$DATA" && mount -o remount,bind,ro / \\
    && mount -o remount,bind,rw "$DATA"
[ $? = 0 ] || exit 77
if touch "$FORBIDDEN" 2>/dev/null; then exit 78; fi
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""
REFUSED, OPEN = 77, 78
NO_LIMITS = Limited()


def confined(data: Path, *words: str, limits: Limited = NO_LIMITS) -> subprocess.Popen[str]:
    """Start okr-sync in a mount namespace of its own, and in groups with limits."""
    if not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("unshare or setpriv is not installed")
    if os.getuid() != 0:
        pytest.skip("only root may make mounts read-only")
    env = {**os.environ, "DATA": str(data), "FORBIDDEN": str(data.parent / "written"), "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"JOINING": limits.joining}
    env |= {"OKR_SYNC_STORE": f"sqlite:///{data}/okrs.db", "OKR_SYNC_CONFIG": str(data.parent / "config")}
    program = [sys.executable, "-m", "okr_sync", *words]
    command = ["unshare", "--mount", "sh", "-c", CONFINE, "sh", *program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT)


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    if process.returncode == REFUSED:
        pytest.skip(f"this machine lets nobody make mounts read-only: {err.strip()[:200]}")
    assert process.returncode != OPEN, "the root could be written to: nothing is shown here"
    return process.returncode, out + err


def folders(tmp_path: Path, main: str) -> Path:
    """Make the one folder to write to, and a config beside it; return the first."""
    for name in ("data", "config"):
        (tmp_path / name).mkdir()
    (tmp_path / "config" / "okr-sync.yaml").write_text(main, "utf-8")
    return tmp_path / "data"


def test_a_run_needs_one_folder_to_write_to(tmp_path: Path) -> None:
    data = folders(tmp_path, "okrs: []\n")
    code, said = finished(confined(data, "sync"))
    assert (code, "run 1 ok" in said) == (0, True), said
    assert (data / "okrs.db").exists()
    code, said = finished(confined(data, "report", "--format", "html", "--output", str(tmp_path / "report.html")))
    assert code != 0, "what lies outside the one folder can't be written"


@pytest.fixture
def limits() -> Iterator[Limited]:
    with limited() as made:
        yield made


def test_the_limits_of_the_unit_hold_here(limits: Limited) -> None:
    """Else the services below are tried without them, which shows that they run, and nothing of what they need."""
    if missing := {"memory", "pids"} - limits.limits.keys():
        pytest.skip(f"this machine lets us make no control groups that limit {' and '.join(sorted(missing))}")
    assert all(0 <= limits.used(each) < limit for each, limit in limits.limits.items())


@pytest.mark.parametrize("words", [("work", "--outside-port", "{port}"), ("watch", "--port", "{port}")])
def test_a_service_needs_one_folder_to_write_to_and_no_capability(
    tmp_path: Path, words: tuple[str, ...], limits: Limited
) -> None:
    """With the memory and the processes that the unit for systemd grants, where this machine lets us limit them.

    Seen red with MemoryMax=48M, killed, and with TasksMax=3, which can't begin a thread.
    """
    data, port = folders(tmp_path, "okrs: []\nschedule: every 1 s\n"), free_port()
    finished(confined(data, "sync"))
    process = confined(data, *(word.format(port=port) for word in words), limits=limits)
    try:
        until(lambda: ready(port) == {"ok": True} or process.poll() is not None)
        for page in ("/healthz", "/readyz", "/metrics"):
            answer = ask(port, page)
            assert answer is not None, finished(process)
            assert answer.status_code == 200
        if words[0] == "work":
            until(lambda: metric(port, 'okr_sync_runs_total{outcome="ok"} 2.0'))
        status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        for controller, limit in limits.limits.items():
            assert 0 < limits.used(controller) < limit / 2, controller
    finally:
        process.send_signal(signal.SIGTERM)
    code, said = finished(process)
    assert code == 0, said
    assert ("let TMPDIR name a folder" in said) is (words[0] == "work"), "runs are forked by a socket in such a folder"
