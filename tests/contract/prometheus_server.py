"""A real Prometheus on loopback for tests, filled with past data; Debian's binaries, without root."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from okr_sync.testing.server import Request, Response

PATIENCE = 60.0  # seconds for a download, or for the server to come up
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class UnavailableError(Exception):
    """There is no Prometheus on this machine, and none to be had."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The server and its tool."""

    server: str
    tool: str


def binaries() -> Binaries:
    """Return the binaries of this machine, or those of Debian's package, unpacked into a temporary folder that stays.

    Raises UnavailableError with the reason.
    """
    server, tool = shutil.which("prometheus"), shutil.which("promtool")
    if server and tool:
        return Binaries(server, tool)
    home = Path(tempfile.gettempdir()) / "okr-sync-tests-prometheus"
    if not (home / "usr/bin/prometheus").exists():
        _unpack(home)
    return Binaries(str(home / "usr/bin/prometheus"), str(home / "usr/bin/promtool"))


def _unpack(home: Path) -> None:
    """Fetch the package and unpack it beside `home` first: another process may do the same."""
    with tempfile.TemporaryDirectory(prefix="prometheus-", dir=home.parent) as folder:
        try:
            subprocess.run(
                ["apt-get", "download", "prometheus"], cwd=folder, check=True, capture_output=True, timeout=PATIENCE
            )
            package = next(Path(folder).glob("prometheus_*.deb"))
            subprocess.run(["dpkg", "-x", package, "unpacked"], cwd=folder, check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError, StopIteration) as error:
            raise UnavailableError(f"Debian's package prometheus can't be fetched: {type(error).__name__}") from error
        try:
            (Path(folder) / "unpacked").rename(home)
        except OSError:
            if not (home / "usr/bin/prometheus").exists():
                raise


@contextmanager
def running(folder: Path, samples: Mapping[str, Mapping[float, float]]) -> Iterator[str]:
    """Serve `samples` (series → seconds → value) and yield the address; the server is gone afterwards."""
    found = binaries()
    _write_blocks(found, folder, samples)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = [
        found.server, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}", "--storage.tsdb.retention.time=100y", "--web.enable-admin-api",
        "--log.level=error",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            _await(f"http://{address}/-/ready", process)
            yield f"http://{address}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=20)


def _write_blocks(found: Binaries, folder: Path, samples: Mapping[str, Mapping[float, float]]) -> None:
    lines = [f"{name} {value} {at:.3f}" for name, values in samples.items() for at, value in values.items()]
    (folder / "samples.txt").write_text("\n".join([*lines, "# EOF", ""]))
    long = "--max-block-duration=2160h"  # else a block for each two hours
    words = [
        found.tool,
        "tsdb",
        "create-blocks-from",
        long,
        "openmetrics",
        str(folder / "samples.txt"),
        str(folder / "data"),
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            _OPEN(url, timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return
    raise UnavailableError("Prometheus does not come up")


@dataclass(frozen=True, slots=True)
class Relay:
    """Plays the Prometheus at `url`: passes every request on, and the answer back."""

    url: str

    def respond(self, request: Request) -> Response:
        """Return what the real server answers."""
        headers = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        address = f"{self.url}{request.path}?{request.raw_query}"
        sent = urllib.request.Request(address, request.body or None, headers, method=request.method)
        try:
            with _OPEN(sent, timeout=20) as answer:
                return Response(answer.status, answer.read(), {"Content-Type": answer.headers["Content-Type"]})
        except urllib.error.HTTPError as refused:
            with refused:
                return Response(refused.code, refused.read(), {"Content-Type": refused.headers["Content-Type"]})


def forget(url: str, series: str, at: float) -> None:
    """Delete the sample of `series` at the second `at`; what was before it becomes the newest."""
    form = urllib.parse.urlencode({"match[]": series, "start": at - 1, "end": at + 1})
    sent = urllib.request.Request(f"{url}/api/v1/admin/tsdb/delete_series?{form}", method="POST")
    _OPEN(sent, timeout=20).close()
