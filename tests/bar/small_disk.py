"""A small disk of its own for a test, which can be filled to the last page and get room again."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.serving import private_folder

PAGE = 4096  # bytes that a file takes at least


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A folder that is a file system."""

    folder: Path

    @contextmanager
    def full(self, room: int = 0) -> Iterator[None]:
        """Let it be full but for so many pages while this lasts."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            while _fits(file.fileno()):
                pass
            file.truncate(max(0, file.tell() // PAGE - room) * PAGE)
        yield
        ballast.unlink()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let nobody write to it while this lasts, as a system does when a disk fails; no file may be open for it."""
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
        yield
        subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)


@contextmanager
def small_disk(mebibytes: int) -> Iterator[SmallDisk]:
    """Give a disk that whoever runs servers may write; it is gone at the end. Skips where nothing may be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    nobody = pwd.getpwnam("nobody")
    with private_folder("okr-disk-") as folder:
        owned = f"size={mebibytes}m,mode=0755,uid={nobody.pw_uid},gid={nobody.pw_gid}"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", owned, "none", folder], capture_output=True, text=True, check=False
        )
        if mounted.returncode:
            pytest.skip(f"no disk may be mounted here: {mounted.stderr.strip()}")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _fits(file: int) -> bool:
    try:
        os.write(file, bytes(PAGE))
    except OSError:
        return False
    return True
