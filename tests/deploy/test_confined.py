"""The service works as it is shipped: a root that nobody can write to, one folder of its own, no capability at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
CONFINE = """
mount --make-rprivate / && mount --bind "$DATA" "$DATA" && mount -o remount,bind,ro / \\
    && mount -o remount,bind,rw "$DATA"
[ $? = 0 ] || exit 77
if touch "$FORBIDDEN" 2>/dev/null; then exit 78; fi
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""
REFUSED, OPEN = 77, 78


def confined(data: Path, *words: str) -> subprocess.Popen[str]:
    """Start okr-sync in a mount namespace of its own."""
    if not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("unshare or setpriv is not installed")
    if os.getuid() != 0:
        pytest.skip("only root may make mounts read-only")
    env = {**os.environ, "DATA": str(data), "FORBIDDEN": str(data.parent / "written"), "PYTHONDONTWRITEBYTECODE": "1"}
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


def test_a_run_and_the_watch_need_one_folder_to_write_to_and_no_capability(tmp_path: Path) -> None:
    data, config = tmp_path / "data", tmp_path / "config"
    for folder in (data, config):
        folder.mkdir()
    (config / "okr-sync.yaml").write_text("okrs: []\n", "utf-8")
    code, said = finished(confined(data, "sync"))
    assert (code, "run 1 ok" in said) == (0, True), said
    assert (data / "okrs.db").exists()
    code, said = finished(confined(data, "report", "--format", "html", "--output", str(tmp_path / "report.html")))
    assert code != 0, "what lies outside the one folder can't be written"
    process = confined(data, "watch", "--port", "0", "--json")
    try:
        assert process.stdout is not None
        where = json.loads("".join(process.stdout.readline() for _ in range(3)))["address"]
        for page in ("healthz", "readyz", "metrics"):
            assert httpx.get(f"{where}/{page}", trust_env=False).status_code == 200
        status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
    finally:
        process.send_signal(signal.SIGTERM)
    assert finished(process)[0] == 0
