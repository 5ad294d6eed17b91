"""Runs a program on behalf of a connector: no shell, only the environment given, bounded time and output."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

from connectors.program_settings import ProgramSettings, opened, scrubbed
from okr_sync import connector as api

QUOTED = 200  # characters of a program's own words in a message
TRY_LATER, NOT_ALLOWED = 75, 77  # exit codes with a meaning since sysexits(3): EX_TEMPFAIL, EX_NOPERM


def find(command: Sequence[str], settings: ProgramSettings) -> str:
    """Return the path of the program. Raises AccessError when there is none that we may run."""
    name = str(settings.folder / command[0]) if os.sep in command[0] else command[0]
    found = shutil.which(name, path=opened(settings.env).get("PATH", os.defpath))
    if found is None:
        where = "" if os.sep in command[0] else ", and list PATH in `env` if it lies elsewhere than /bin and /usr/bin"
        fix = f"install it, make it executable{where}"
        raise api.AccessError(f"there is no program {command[0]} that we may run in {settings.folder}", fix=fix)
    return found


def run(command: Sequence[str], settings: ProgramSettings, *held: Any) -> bytes:
    """Return all that the program printed, once it ended well; whatever it started is ended with it.

    Raises AccessError when it can't be started, TransientError when it takes too long or asks to be tried later (exit
    code 75), ProtocolError when it prints too much, SourceError for any other end. Its last line of stderr is told,
    without the secrets of the environment and of `held`.
    """
    program = find(command, settings)
    environment: Mapping[str, str] = opened(settings.env)
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(  # noqa: S603 -- the words come from the config, and no shell reads them
            command,
            executable=os.path.abspath(program),  # noqa: PTH100 -- links stay: a program may look at its own name
            cwd=settings.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise api.AccessError(f"{command[0]} can't be started: {error}", fix="correct the command or `env`") from error
    try:
        said, complaint = _heard(process, command[0], settings)
    finally:
        code = _end(process)
    if code:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise _failure(command[0], code, scrubbed(last, settings.env, *held)[:QUOTED])
    return said


def _heard(process: subprocess.Popen[bytes], name: str, settings: ProgramSettings) -> tuple[bytes, bytes]:
    """Return what it printed to stdout and the end of stderr; once it ended nobody waits for what it left behind."""
    end, (out, err) = time.monotonic() + settings.timeout, (bytearray(), bytearray())
    with selectors.DefaultSelector() as pipes:
        for pipe, kept in ((process.stdout, out), (process.stderr, err)):
            pipes.register(_present(pipe), selectors.EVENT_READ, kept)
        while (remaining := end - time.monotonic()) > 0:
            ended = _has_ended(process)
            ready = pipes.select(0 if ended else min(remaining, 0.05))
            if ended and not ready:
                return bytes(out), bytes(err)
            for key, _ in ready:
                if not (chunk := os.read(key.fd, 1 << 16)):
                    pipes.unregister(key.fileobj)
                key.data.extend(chunk)
            if len(out) > settings.max_bytes:
                fix = "let it print less, or raise `max_bytes` of this source"
                raise api.ProtocolError(f"{name} printed more than {settings.max_bytes:,} bytes", fix=fix)
            del err[: -1 << 16]
    fix = "make it quicker, or raise `timeout` of this source"
    raise api.TransientError(f"{name} did not end within {settings.timeout:g} s", fix=fix)


def _present(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 -- both were asked for
    return pipe


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether it ended, without taking its number from it: its group is still to be ended by it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> int:
    """End the whole group and return the exit code; one that ended by itself keeps the code that it gave."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        _present(pipe).close()
    return process.wait()


def _failure(name: str, code: int, last: str) -> api.SourceError:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    said = f"{name} {how}" + (f": {last}" if last else " and said nothing on stderr")
    if code == TRY_LATER:
        return api.TransientError(said, fix="see what it waits for")
    if code == NOT_ALLOWED:
        return api.AccessError(said, fix="give it the permission that it lacks")
    return api.SourceError(said, fix="run it by hand with the same environment and correct what it says")
