"""What is shipped is sound: units that systemd accepts, manifests and an image that give no more rights than needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from okr_sync.cli.program import COMMANDS
from okr_sync.outside.serving import PORT

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
YAML_ = YAML(typ="safe", pure=True)
DOCUMENTS = list(YAML_.load_all((DEPLOY / "kubernetes" / "okr-sync.yaml").read_text("utf-8")))
COMPOSE = YAML_.load((DEPLOY / "compose.yaml").read_text("utf-8"))
WORKERS = {name: each for name, each in COMPOSE["services"].items() if name != "database"}


def pods() -> Iterator[dict[str, Any]]:
    for each in DOCUMENTS:
        if each["kind"] == "Deployment":
            yield each["spec"]["template"]["spec"]


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / name)
    return parser


def test_there_is_something_to_look_at() -> None:
    assert [file.name for file in UNITS] == ["okr-sync.service"]
    assert [each["kind"] for each in DOCUMENTS] == ["Deployment", "PodDisruptionBudget", "NetworkPolicy"]
    assert len(list(pods())) == 1
    assert sorted(WORKERS) == ["worker-1", "worker-2"]


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """Verified as they are, but for the program and the user, which are not on this machine."""
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    for file in UNITS:
        text = file.read_text("utf-8").replace("/opt/okr-sync/bin/okr-sync", "/bin/true")
        (tmp_path / file.name).write_text(text.replace("User=okr-sync", "User=daemon"), "utf-8")
    done = subprocess.run(
        [verify, "verify", "--man=no", *(str(tmp_path / file.name) for file in UNITS)],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "okr-sync" in line]
    assert ours == []


def test_the_service_is_nobody_much_and_writes_to_its_state_alone() -> None:
    service = unit("okr-sync.service")["Service"]
    assert service["User"] not in {"root", ""}
    assert (service["ProtectSystem"], service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == (
        "strict",
        "true",
        "",
    )
    assert service["StateDirectoryMode"] == "0700"
    assert 10 < seconds(service["TimeoutStopSec"]) <= 20, "a worker ends within 10 seconds by itself"


def test_what_stays_is_restarted_for_ever_and_watched() -> None:
    service = unit("okr-sync.service")["Service"]
    assert (service["Type"], service["Restart"], service["WatchdogSec"]) == ("notify", "always", "60")
    assert unit("okr-sync.service")["Unit"]["StartLimitIntervalSec"] == "0"
    assert {each["restart"] for each in COMPOSE["services"].values()} == {"always"}
    for pod in pods():
        probes = pod["containers"][0]
        paths = [probes[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
        assert paths == ["/healthz", "/healthz", "/readyz"]


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_nobody_kills_a_worker_before_it_had_its_ten_seconds() -> None:
    """Within them it ends its runs and gives its lease back."""
    patience = [seconds(each["stop_grace_period"]) for each in WORKERS.values()]
    patience += [pod["terminationGracePeriodSeconds"] for pod in pods()]
    assert len(patience) == 3
    assert min(patience) > 10


def test_everything_starts_a_worker() -> None:
    started = [re.search(r"bin/okr-sync (\S+)", file.read_text("utf-8")) for file in UNITS]
    words = [found[1] for found in started if found] + [pod["containers"][0]["args"][0] for pod in pods()]
    words += [each["command"][0] for each in WORKERS.values()]
    words += re.findall(r'^CMD \["(\w+)"\]', (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert words == ["work"] * 5
    assert "work" in COMMANDS


def test_options_that_are_given_to_a_worker_exist() -> None:
    """Parsed by the program itself; that the config is not there is the only thing that it minds."""
    options = [pod["containers"][0]["args"][1:] for pod in pods()]
    assert options == [["--outside-host", "0.0.0.0", "--public"]]  # noqa: S104 -- meant, behind a network policy
    done = subprocess.run(
        [sys.executable, "-m", "okr_sync", "work", *options[0], "--config", "/nowhere"],
        check=False, capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, "there is no config file" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_a_composed_worker_has_no_rights_that_it_does_not_need(name: str) -> None:
    worker = WORKERS[name]
    assert (worker["read_only"], worker["cap_drop"], worker["user"]) == (True, ["ALL"], "10001:10001")
    assert worker["security_opt"] == ["no-new-privileges:true"]
    assert {each.partition(":")[0] for each in worker["tmpfs"]} == {"/tmp", "/data"}  # noqa: S108 -- in the container
    assert [each["read_only"] for each in worker["volumes"]] == [True]
    assert "mem_limit" in worker
    assert "ports" not in worker
    assert worker["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_the_composed_database_is_reached_by_the_workers_alone_and_its_password_stands_in_no_file() -> None:
    database, network = COMPOSE["services"]["database"], COMPOSE["networks"]["inside"]
    assert (database["networks"], network, "ports" in database) == (["inside"], {"internal": True}, False)
    assert database["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    for worker in WORKERS.values():
        assert ":${POSTGRES_PASSWORD:?" in worker["environment"]["OKR_SYNC_STORE"]
    assert database["volumes"][0]["source"] in COMPOSE["volumes"]
    assert not any(
        each["image"].endswith(":latest") or ":" not in each["image"] for each in COMPOSE["services"].values()
    )


def test_a_pod_has_no_rights_that_it_does_not_need() -> None:
    for pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        mounted = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
            }  # fmt: skip
            assert "memory" in container["resources"]["limits"]
            assert {each["name"] for each in container["volumeMounts"]} == mounted
            assert not container["image"].endswith(":latest")
            assert ":" in container["image"]


def test_a_selector_finds_the_pods_that_it_is_meant_for() -> None:
    deployment, budget, policy = DOCUMENTS
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels == policy["spec"]["podSelector"]["matchLabels"]
    ports = {each["name"] for each in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
    assert {policy["spec"]["ingress"][0]["ports"][0]["port"]} <= ports


def test_no_secret_stands_in_a_manifest() -> None:
    assert [each for each in DOCUMENTS if each["kind"] == "Secret"] == []
    (worker,) = pods()
    assert worker["containers"][0]["envFrom"] == [{"secretRef": {"name": "okr-sync-secrets"}}]
    assert "env" not in worker["containers"][0]


def closure(*roots: str) -> set[str]:
    """Return the names of all that these requirements bring on this machine, themselves included."""
    found: set[str] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        each = waiting.pop()
        names = {canonicalize_name(each.name)}
        wanted = [Requirement(text) for text in requires(each.name) or []]
        used = [one for one in wanted if any(_applies(one, extra) for extra in {"", *each.extras})]
        waiting += [one for one in used if canonicalize_name(one.name) not in found or one.extras]
        if names <= found and not each.extras:
            continue
        found |= names
    return found


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def test_the_image_has_all_that_a_store_on_postgresql_needs_by_hashes() -> None:
    """Seen red with a package left out of deploy/extra.sh."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    script = ["sh", str(DEPLOY / "extra.sh"), str(ROOT / "requirements-dev.lock")]
    lock = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    pinned = re.findall(r"^([a-z][a-z0-9.-]*)(?:\[[a-z,]*\])?==", lock, re.MULTILINE)
    assert lock.count("--hash=sha256:") >= len(pinned) >= 3
    own = re.findall(r"^([a-z][a-z0-9.-]*)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    needed = closure(*declared["optional-dependencies"]["postgres"])
    assert {"psycopg", "psycopg-binary", "psycopg-pool", "procrastinate"} <= needed
    assert needed - {*pinned, *own} == set()


def test_the_image_is_built_by_hashes_and_runs_as_nobody_much() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    installs = [step for line in lines for step in line.split("&&") if "pip install" in step]
    assert len(installs) == 4
    assert all("--require-hashes" in step or "--no-deps dist/" in step for step in installs)
    assert all("--no-cache-dir" in step for step in installs)
    last = text.rpartition("FROM ")[2]
    assert re.search(r"^USER (?!0\b|root\b)\d+$", last, re.MULTILINE)
    assert f"http://127.0.0.1:{PORT}/healthz" in last.partition("HEALTHCHECK")[2]
    copied = [
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    ]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert not re.search(r"^(ADD|FROM \S+:latest)|sudo|curl|apt-get", text, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["okr-sync"\]$', last, re.MULTILINE), "the program gets signals itself"
