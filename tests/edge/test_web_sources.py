"""The web connectors in the whole house: written in YAML, completed by the schema, asked and veiled by a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from okr_sync.config import Config, load
from okr_sync.config.schema import json_schema
from okr_sync.errors import ConfigError
from okr_sync.registry import GROUP, Registry
from okr_sync.sandbox.server import Request, Response, Server
from okr_sync.store.database import Store
from okr_sync.sync import RunReport, sync
from okr_sync.sync.run import World

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ENV = {"TOKEN": "s3cret-of-the-crm", "PROXY": "http://ana:s3cret-of-the-proxy@proxy.example:3128"}
MAIN = """\
cycles:
  2026-Q4: {{start: 2026-10-01, end: 2026-12-31}}
sources:
  crm:
    kind: http_json
    url: {url}
    headers: {{X-Api-Key: "${{TOKEN}}", Accept: application/json}}
    allow_hosts: [127.0.0.1]
  monitoring: {{kind: prometheus, url: "{url}", token: "${{TOKEN}}", allow_hosts: [127.0.0.1]}}
metrics:
  deals: {{source: crm, path: /deals, value: "length(deals)"}}
  won: {{source: crm, path: /deals, value: "sum(deals)"}}
  lost: {{source: crm, path: /lost, value: "lost"}}
  up: {{source: monitoring, query: sum(up)}}
"""
OKRS = """\
cycle: 2026-Q4
objectives:
  - id: o
    title: O
    key_results:
      - {id: deals, title: Deals, measure: {metric: deals, baseline: 0, target: 10}}
      - {id: won, title: Won, measure: {metric: won, baseline: 0, target: 100}}
      - {id: lost, title: Lost, measure: {metric: lost, baseline: 0, target: 100}}
      - {id: up, title: Up, measure: {metric: up, baseline: 0, target: 14}}
"""


class Site:
    """Plays a CRM that repeats the key it was sent, and a Prometheus."""

    def __init__(self, *, is_well: bool = True) -> None:
        self.is_well = is_well

    def respond(self, request: Request) -> Response:
        key = request.headers.get("x-api-key") or request.headers.get("authorization")
        if not self.is_well:
            return Response.of({"error": f"no such key: {key}"}, 401)
        series = {"metric": {}, "value": [NOW.timestamp(), "7"]}
        prometheus = {"/api/v1/query": ("vector", [series]), "/api/v1/query_range": ("matrix", [])}
        if request.path in prometheus:
            kind, result = prometheus[request.path]
            return Response.of({"status": "success", "data": {"resultType": kind, "result": result}})
        if request.path == "/deals":
            return Response.of({"deals": [10, 20, 20]})
        return Response.of({"error": f"nothing here for {key}"}, 404)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Site()) as server:
        yield server


def registry() -> Registry:
    """Return a registry of the two web connectors."""
    kinds = {"http_json": "connectors.http_json:HttpJson", "prometheus": "connectors.prometheus:Prometheus"}
    return Registry([EntryPoint(kind, target, GROUP) for kind, target in kinds.items()])


def write(folder: Path, main: str) -> Config:
    """Write a config and return it loaded."""
    (folder / "okrs").mkdir(exist_ok=True)
    (folder / "okrs" / "team.yaml").write_text(OKRS, "utf-8")
    (folder / "okr-sync.yaml").write_text(main, "utf-8")
    return load(folder, ENV, registry())


def run(folder: Path, server: Server) -> tuple[RunReport, Mapping[str, float | None]]:
    """Sync once; return what the run says, and the value of each key result."""
    config = write(folder, MAIN.format(url=server.url))
    report = sync(
        Store.open(config.store_url), config, World(clock=lambda: NOW, sleep=lambda _: None), registry=registry()
    )
    return report, {each.id: each.value for each in report.snapshot.key_results}


def test_a_run_reads_what_is_written(tmp_path: Path, server: Server) -> None:
    """Two pointers into one document are one request; a missing document leaves the rest alone."""
    report, values = run(tmp_path, server)
    assert values == {"deals": 3.0, "won": 50.0, "lost": None, "up": 7.0}
    asked = sorted(each.path for each in server.log)
    assert asked == ["/api/v1/query", "/api/v1/query_range", "/deals", "/lost"]  # the first run asks for the past, too
    assert "s3cret" not in repr(report)


def test_a_run_with_refused_keys_says_so_without_them(tmp_path: Path) -> None:
    """Two requests in all: one a source; no secret in what the run says."""
    with Server(Site(is_well=False)) as server:
        report, _ = run(tmp_path, server)
    assert {each.source: bool(each.error) for each in report.collected} == {"crm": True, "monitoring": True}
    assert "s3cret" not in repr(report)
    assert len(server.log) <= 3


def test_the_schema_knows_their_keys() -> None:
    """An editor completes settings and questions of both."""
    text = json.dumps(json_schema("main", registry()))
    for key in ("allow_hosts", "token_url", "most_pages", "tenant", "cursor", "ca_file"):
        assert f'"{key}"' in text


def test_the_example_loads() -> None:
    """It is a whole config."""
    folder = Path(__file__).parents[2] / "config" / "examples" / "web"
    book = load(folder, {"PROMETHEUS_TOKEN": "x", "CRM_TOKEN": "y"}, registry()).book
    assert [each.id for each in book.key_results()] == ["available", "fast", "revenue", "liked"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("X-Api-Key: abcdef", "looks like a secret"),
        ("X-Other: a}\n    proxy: 'http://ana:abcdef@proxy.example:1'\n    params: {a: b", "may not stand in a file"),
        ("X-Other: a}\n    allow_hosts: [http://host]\n    params: {a: b", "write hosts like"),
    ],
)
def test_a_secret_in_the_file_is_refused_at_its_line(tmp_path: Path, wrong: str, said: str) -> None:
    """The message does not repeat it."""
    main = (
        "cycles: {q: {start: 2026-10-01, end: 2026-12-31}}\nsources:\n  crm:\n    kind: http_json\n"
        f"    url: https://crm.example\n    headers: {{{wrong}}}\n"
    )
    with pytest.raises(ConfigError, match=said) as caught:
        write(tmp_path, main)
    assert "abcdef" not in str(caught.value)
    assert "okr-sync.yaml:" in str(caught.value)


def test_a_proxy_with_a_password_comes_from_the_environment(tmp_path: Path) -> None:
    """It is taken whole, and hidden."""
    main = (
        "cycles: {2026-Q4: {start: 2026-10-01, end: 2026-12-31}}\nsources:\n  crm:\n    kind: http_json\n"
        '    url: https://crm.example\n    proxy: "${PROXY}"\n    ca_file: ca.pem\n'
        "metrics:\n" + "".join(f"  {name}: {{source: crm, value: a}}\n" for name in ("deals", "won", "lost", "up"))
    )
    config = write(tmp_path, main)
    settings = config.sources["crm"].settings
    assert "s3cret" not in repr(config)
    assert getattr(settings, "proxy").get_secret_value() == ENV["PROXY"]  # noqa: B009 -- any connector's settings
    assert getattr(settings, "ca_file") == tmp_path / "ca.pem"  # noqa: B009
