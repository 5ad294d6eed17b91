"""Health, readiness and metrics, asked over real HTTP."""

from __future__ import annotations

import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from okr_sync.core.breaker import Breaker
from okr_sync.core.facts import Reading
from okr_sync.errors import StoreError, UsageError
from okr_sync.outside import Outside, serve_outside
from okr_sync.outside.health import Loop
from okr_sync.store import Store
from okr_sync.store.collecting import save_collected
from okr_sync.store.ledger import begin_run
from tests.store.builders import HOUR, NOW, answered, failed

TLS = ssl.create_default_context()  # making one takes longer than asking


def get(outside: Outside, path: str, method: str = "GET") -> httpx.Response:
    return httpx.request(method, f"http://{outside.host}:{outside.port}{path}", trust_env=False, verify=TLS, timeout=10)


def served(url: str, at: datetime = NOW + HOUR / 2, **more: Any) -> Outside:
    return serve_outside(url, lambda: at, port=0, **more)


def numbers(outside: Outside) -> dict[tuple[str, ...], float]:
    """(name, label values…) → value, read by Prometheus' own parser."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(get(outside, "/metrics").text)
        for sample in family.samples
    }


def test_a_process_that_can_read_its_store_is_healthy_and_ready(url: str) -> None:
    with served(url) as outside:
        for path in ("/healthz", "/readyz", "/readyz?verbose"):
            answer = get(outside, path)
            assert (answer.status_code, answer.json()) == (200, {"ok": True})
            assert answer.headers["content-type"] == "application/json"


def test_without_its_store_a_process_lives_and_is_not_ready_and_says_no_path(url: str, tmp_path: Path) -> None:
    with served(url) as outside:
        (tmp_path / "okr-sync.db").unlink()
        assert get(outside, "/healthz").status_code == 200
        answer = get(outside, "/readyz")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["the store can't be used; `okr-sync doctor` says why"]
        assert str(tmp_path) not in answer.text
        found = numbers(outside)
        assert found["okr_sync_store_readable",] == 0
        assert not [name for name, *_ in found if "source" in name or "key_results" in name]
    assert not (tmp_path / "okr-sync.db").exists(), "a probe never makes a store"


def test_a_silent_loop_makes_the_process_dead_and_unready(url: str) -> None:
    time = [0.0]
    loop = Loop(60.0, lambda: time[0])
    with served(url, loops={"clock": loop}) as outside:
        time[0] = 60.0
        assert get(outside, "/healthz").status_code == 200
        time[0] = 61.5
        for path in ("/healthz", "/readyz"):
            answer = get(outside, path)
            assert answer.status_code == 503
            assert answer.json()["reasons"][0].startswith("the clock loop is silent for 2 s")
        loop.beat()
        assert get(outside, "/healthz").status_code == 200


def test_metrics_say_what_the_store_says_at_the_instant_of_the_scrape(url: str) -> None:
    with served(url, queues={"slots": lambda: 7}) as outside:
        found = numbers(outside)
    assert found["okr_sync_store_readable",] == 1
    assert found["okr_sync_source_last_success_timestamp_seconds", "survey"] == NOW.timestamp()
    assert found["okr_sync_source_age_seconds", "survey"] == 1800
    assert found["okr_sync_source_fresh", "survey"] == 1
    assert found["okr_sync_source_fresh", "tracker"] == 0
    assert found["okr_sync_source_failing", "tracker"] == 1
    assert found["okr_sync_source_requests_total", "tracker"] == 3
    assert found["okr_sync_source_retries_total", "tracker"] == 2
    assert found["okr_sync_runs_total", "partial"] == 1
    assert found["okr_sync_last_run_seconds",] == 60
    assert found["okr_sync_queue_depth", "slots"] == 7


def test_a_queue_that_can_not_be_asked_has_no_number_and_hides_nothing_else(url: str) -> None:
    """Red when the depth of a queue is asked without regard to its failure: the page is an error then."""

    def lost() -> int:
        raise StoreError("The queue can't be asked: it is down; start the server.")

    with served(url, queues={"wakes": lost}) as outside:
        found = numbers(outside)
    assert ("okr_sync_queue_depth", "wakes") not in found
    assert found["okr_sync_store_readable",] == 1


def test_a_source_in_trouble_says_so_and_when_it_may_be_asked_again(url: str) -> None:
    later = NOW + HOUR
    trouble = Breaker("0f1e2d3c4b5a6978", "refused", NOW, NOW, 2, later, "status 401")
    costly = replace(failed("tracker"), breaker=trouble, received=3 << 31, points=7)
    store = Store.open(url)
    run = begin_run(store, NOW + HOUR, "test", HOUR, "host:1")
    with store.writing() as session:
        save_collected(session, run, costly)
    with served(url) as outside:
        found = numbers(outside)
    assert found["okr_sync_source_held_back", "tracker"] == 1
    assert found["okr_sync_source_held_back", "survey"] == 0
    assert found["okr_sync_source_failures", "tracker"] == 2
    assert found["okr_sync_source_next_try_timestamp_seconds", "tracker"] == later.timestamp()
    assert ("okr_sync_source_next_try_timestamp_seconds", "survey") not in found
    assert found["okr_sync_source_received_bytes_total", "tracker"] == 3 << 31
    assert found["okr_sync_source_points_total", "tracker"] == 7
    assert ("okr_sync_source_points_total", "survey") not in found, "nobody counts them there"
    with served(url, later) as outside:
        assert numbers(outside)["okr_sync_source_held_back", "tracker"] == 0


def test_a_source_that_never_answered_has_no_age_rather_than_0(url: str) -> None:
    with served(url) as outside:
        names = {key for key in numbers(outside) if key[-1] == "tracker"}
    assert ("okr_sync_source_failing", "tracker") in names
    assert not {name for name, _ in names} & {
        "okr_sync_source_age_seconds",
        "okr_sync_source_last_success_timestamp_seconds",
    }


def test_staleness_needs_no_run_only_time(url: str) -> None:
    with served(url, NOW + HOUR) as outside:
        assert numbers(outside)["okr_sync_source_fresh", "survey"] == 1
    with served(url, NOW + HOUR * 1.01) as outside:
        assert numbers(outside)["okr_sync_source_fresh", "survey"] == 0


def test_a_run_under_way_is_counted_apart_from_outcomes(url: str) -> None:
    store = Store.open(url)
    run = begin_run(store, NOW + HOUR, "test", HOUR, "host:1")
    with store.writing() as session:
        save_collected(session, run, answered((Reading(42.0),), at=NOW + HOUR))
    with served(url) as outside:
        found = numbers(outside)
    assert found["okr_sync_runs_under_way",] == 1
    assert ("okr_sync_runs_total", "running") not in found
    assert found["okr_sync_source_requests_total", "survey"] == 2


def test_nothing_else_is_served_and_nothing_is_written(url: str) -> None:
    with served(url) as outside:
        assert get(outside, "/../etc/passwd").status_code == 404
        assert get(outside, "/").json() == {"pages": ["/healthz", "/readyz", "/metrics"]}
        assert get(outside, "/metrics", "POST").status_code == 501
        head = get(outside, "/metrics", "HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 500
        assert "Python" not in head.headers["server"]


def test_an_address_beyond_loopback_is_refused_unless_it_is_meant(url: str) -> None:
    for host in ("0.0.0.0", "::", "10.1.2.3", "example.com", ""):  # noqa: S104 -- what is refused
        with pytest.raises(UsageError, match="--public"):
            serve_outside(url, lambda: NOW, host=host, port=0)
    with serve_outside(url, lambda: NOW, host="0.0.0.0", port=0, public=True) as outside:  # noqa: S104 -- meant
        assert httpx.get(f"http://127.0.0.1:{outside.port}/healthz", trust_env=False).status_code == 200


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(url: str) -> None:
    with served(url) as outside, pytest.raises(UsageError, match=r"Address already in use; choose another --port"):
        serve_outside(url, lambda: NOW, port=outside.port)


def test_a_silent_client_and_a_crowd_stop_nobody(url: str) -> None:
    with served(url) as outside, socket.create_connection((outside.host, outside.port)):
        with ThreadPoolExecutor(16) as crowd:
            answers = list(crowd.map(lambda _: get(outside, "/metrics").status_code, range(48)))
        assert set(answers) <= {200, 503}
        assert answers.count(200) > 0
        assert json.loads(get(outside, "/healthz").text) == {"ok": True}
