"""Runs a real server for tests, as an unprivileged user, in a folder of its own; it ends when the tests do.

A small shell keeps the server: it reads a pipe from us, so that the server goes and its folder with it even where the
tests are killed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Command: TypeAlias = Sequence[str | Path]
KEEP = 'trap "" INT; "$@" >server.log 2>&1 & read -r _; kill -s "$STOP" $! 2>/dev/null; wait $!; cd /; rm -rf "$FOLDER"'
PATIENCE = 60  # seconds until a server must answer, on a busy machine
SHORT = Path("/tmp")  # noqa: S108 -- the path of a socket must be short


@contextmanager
def private_folder(prefix: str, place: Path = SHORT) -> Iterator[Path]:
    """Yield a new folder in `place` that belongs to the user who runs servers; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unprivileged() -> dict[str, Any]:
    """Return who runs a server, as arguments of `subprocess`: nobody if we are root, else ourselves."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def prepare(command: Command, folder: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command that makes a server's files; skips the tests where the machine doesn't let us."""
    try:
        done = subprocess.run(
            list(map(str, command)), cwd=folder, env=_env(env), capture_output=True, text=True, check=False,
            **unprivileged(),
        )  # fmt: skip
    except PermissionError:
        pytest.skip(f"an unprivileged user may not run {command[0]}")
    assert done.returncode == 0, done.stderr


@contextmanager
def serve(
    command: Command,
    folder: Path,
    answers: Callable[[], bool],
    stop: str = "TERM",
    env: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a server in `folder` until the end of the block, or of this process; begins once it `answers`."""
    kept = _env({**(env or {}), "STOP": stop, "FOLDER": str(folder)})
    shell = ["/bin/sh", "-c", KEEP, "sh", *map(str, command)]
    keeper = subprocess.Popen(
        shell, cwd=folder, env=kept, stdin=subprocess.PIPE, start_new_session=True, **unprivileged()
    )
    try:
        _wait(answers, folder)
        yield
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(PATIENCE)


def _wait(answers: Callable[[], bool], folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not answers():
        assert time.monotonic() < until, f"no answer: {(folder / 'server.log').read_text('utf-8', errors='replace')}"
        time.sleep(0.05)


def _env(env: Mapping[str, str] | None) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent", **(env or {})}
