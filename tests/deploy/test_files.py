"""What is shipped is sound: units that systemd accepts, manifests and an image that give no more rights than needed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from okr_sync.cli.program import COMMANDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
DOCUMENTS = list(YAML(typ="safe").load_all((DEPLOY / "kubernetes" / "okr-sync.yaml").read_text("utf-8")))


def pods() -> Iterator[dict[str, Any]]:
    for each in DOCUMENTS:
        match each["kind"]:
            case "CronJob":
                yield each["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            case "Deployment":
                yield each["spec"]["template"]["spec"]


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / name)
    return parser


def test_there_is_something_to_look_at() -> None:
    assert len(UNITS) == 3
    assert [each["kind"] for each in DOCUMENTS] == ["PersistentVolumeClaim", "CronJob", "Deployment", "NetworkPolicy"]
    assert len(list(pods())) == 2


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


@pytest.mark.parametrize("name", ["okr-sync.service", "okr-sync-watch.service"])
def test_a_service_is_nobody_much_and_writes_to_its_state_alone(name: str) -> None:
    service = unit(name)["Service"]
    assert service["User"] not in {"root", ""}
    assert (service["ProtectSystem"], service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == (
        "strict",
        "true",
        "",
    )
    assert service["StateDirectoryMode"] == "0700"
    assert service["TimeoutStopSec"] == "10s"


def test_what_stays_is_restarted_and_watched() -> None:
    service = unit("okr-sync-watch.service")["Service"]
    assert (service["Type"], service["Restart"], service["WatchdogSec"]) == ("notify", "always", "60")


def test_every_command_that_is_started_exists() -> None:
    started = [re.search(r"bin/okr-sync (\S+)", file.read_text("utf-8")) for file in UNITS if file.suffix == ".service"]
    words = [found[1] for found in started if found] + [pod["containers"][0]["args"][0] for pod in pods()]
    words += re.findall(r'(?:CMD|"okr-sync",) \[?"(\w+)"', (ROOT / "Dockerfile").read_text("utf-8"))
    assert len(words) >= 5
    assert [word for word in words if word not in COMMANDS] == []


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
    deployment, policy = DOCUMENTS[2], DOCUMENTS[3]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels == policy["spec"]["podSelector"]["matchLabels"]
    ports = {each["name"] for each in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
    assert {policy["spec"]["ingress"][0]["ports"][0]["port"]} <= ports


def test_no_secret_stands_in_a_file_and_only_what_asks_sources_gets_any() -> None:
    assert [each for each in DOCUMENTS if each["kind"] == "Secret"] == []
    sync, watch = pods()
    assert "envFrom" in sync["containers"][0]
    assert "envFrom" not in watch["containers"][0]
    assert "env" not in watch["containers"][0]


def test_the_image_is_built_by_hashes_and_runs_as_nobody_much() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    installs = [step for line in lines for step in line.split("&&") if "pip install" in step]
    assert len(installs) == 3
    assert all("--require-hashes" in step or "--no-deps dist/" in step for step in installs)
    assert all("--no-cache-dir" in step for step in installs)
    last = text.rpartition("FROM ")[2]
    assert re.search(r"^USER (?!0\b|root\b)\d+$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert not re.search(r"^(ADD|FROM \S+:latest)|sudo|curl|apt-get", text, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["okr-sync"\]$', last, re.MULTILINE), "the program gets signals itself"
